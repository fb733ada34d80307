// Reading: what a model reads of a sentence, and what is kept from it to be put into the translation
// (translation/reading.py).

import { MIXED, caseOf, isInCapitals, knownForm } from "./casing.js";
import {
  characterAt, characterBefore, cheapest, isAlnum, isAlpha, isAscii, isDecimal, isSpace, raised, some, strip, stripEnd,
} from "./characters.js";
import { Draft, Piece } from "./piece.js";
import { translateCharacters } from "./rules.js";
import { findSpans } from "./spans.js";
import { UNK } from "./vocabulary.js";

const UNKNOWN_COST = 1 << 20;

/** Turns sentences of the user into the tokens that a model reads. */
export class Reader {
  /**
   * @param vocabulary of the source
   * @param rules see rules.js
   */
  constructor(vocabulary, rules) {
    this.vocabulary = vocabulary;
    this.rules = rules;
    this.known = new Set(vocabulary.characters);
    const unread = [...rules.language.rare_characters, ...(vocabulary.kind === "word" ? [] : rules.piece.PAIRED)];
    for (const character of unread) this.known.delete(character);
    // A sentence of these characters alone has nothing to be copied or left out.
    this.plain = new Set([...this.known].filter((each) => isAlpha(each) || " ,.'".includes(each)));
    this.costs = new Map();
  }

  /** How many tokens a word has; very many if it is unknown. */
  cost(word) {
    if (!this.costs.has(word)) {
      const ids = this.vocabulary.encode(word);
      this.costs.set(word, ids.includes(UNK) ? UNKNOWN_COST : ids.length);
    }
    return this.costs.get(word);
  }

  /** Read one sentence without white space around it. */
  read(text) {
    if (this.vocabulary.kind === "word") return this.readWords(text);
    if (this.isOrdinary(text)) {
      const ids = this.vocabulary.encode(text);
      return new Piece(text, ids, this.vocabulary.tokens(ids));
    }
    return this.readOdd(text);
  }

  isOrdinary(text) {
    const { CAPITALS, ODD } = this.rules.reading;
    return [...text].every((each) => this.plain.has(each)) && !CAPITALS.search(text) && !ODD.search(text);
  }

  readOdd(text) {
    const { APOSTROPHE, SPACED_STOP, CLOSING } = this.rules.reading;
    const draft = new Draft(this.vocabulary);
    const readable = SPACED_STOP.replace(APOSTROPHE.replace(text, "'"), "");
    const spans = findSpans(readable, this.rules);
    const casing = caseOf(outside(readable, spans), this.rules);
    draft.wordsEnd = stripEnd(readable, CLOSING).length;
    let end = 0;
    for (const span of spans) {
      this.readText(readable, end, span.start, casing, draft);
      const word = span.word || (span.kind === "entity" && this.standsLikeAWord(readable, span.start, span.end));
      if (word) draft.copy(readable, span.start, span.end);
      else draft.leaveOut(readable, span.start, span.end);
      end = span.end;
    }
    this.readText(readable, end, readable.length, casing, draft);
    return draft.piece(text, casing);
  }

  /** Read a part of a text that has no protected spans. */
  readText(text, start, end, casing, draft) {
    for (const match of this.rules.reading.WORD_OR_SIGN.matches(text, start, end)) {
      this.readWord(text, match, casing, draft);
    }
  }

  /** Read a word, a sign or white space. */
  readWord(text, match, casing, draft) {
    if (isSpace(match.text)) {
      draft.space();
      return;
    }
    const visible = [...match.text].filter((each) => !this.isInvisible(each)).join("");
    if (!visible) return;
    const inCapitals = casing !== MIXED || ([...visible].length > 1 && isInCapitals(visible));
    const word = some(visible, isAlnum);
    let readable = this.readableForm(visible, inCapitals);
    if (isQuotationMark(text, match) || (!word && isAtAnEnd(match, draft))) {
      readable = null;
    } else if (readable === null && ["!", "?", "…"].includes(match.text) && match.start >= draft.wordsEnd) {
      readable = this.known.has(".") && draft.endsInAWord ? "." : "";
    } else if (word && some(visible, isDecimal)) {
      readable = null; // "1990s", "28th": no digit gets lost
    }
    if (readable !== null) {
      if (inCapitals) this.readCapitals(visible, readable, casing, draft);
      else draft.read(readable);
      return;
    }
    const like = /[\p{L}\p{N}\p{M}]/u.test(visible)
      || (this.vocabulary.placeholderCharacters.length > 0 && this.standsLikeAWord(text, match.start, match.end));
    if (like) draft.copy(text, match.start, match.end);
    else draft.leaveOut(text, match.start, match.end);
  }

  /** The first form of a word or sign whose characters are all known; null if there is none. */
  readableForm(word, inCapitals) {
    const forms = [...this.forms(word), ...(inCapitals ? this.forms(word.toLowerCase()) : [])];
    return forms.find((form) => [...form].every((each) => this.known.has(each))) ?? null;
  }

  /** A word as it is, with plain quotation marks and dashes, and in its compatible form. */
  forms(word) {
    const { FOLDED, CLAUSE } = this.rules.reading;
    const forms = [word];
    if (!isAscii(word)) {
      forms.push(translateCharacters(word, FOLDED), strip(translateCharacters(word.normalize("NFKC"), FOLDED)));
    }
    if (word in CLAUSE) forms.push(CLAUSE[word]);
    return forms;
  }

  /** Whether a sign stands between words as a word would: "a man & a woman", "a sign with a $ on it". */
  standsLikeAWord(text, start, end) {
    const between = characterBefore(text, start) === " " && characterAt(text, end) === " "
      && isAlnum(characterBefore(text, start - 1)) && isAlnum(characterAt(text, end + 1));
    const sign = text.slice(start, end);
    return between && sign !== "&quot;" && !(this.rules.piece.PAIRED.includes(sign) && [...sign].length === 1);
  }

  /** Read a word of a line in capitals or of a title, or a word in capitals; a form of it is `readable`. */
  readCapitals(word, readable, casing, draft) {
    const cost = (form) => this.cost(form);
    const form = cheapest([knownForm(word, cost), readable], cost);
    if (casing !== MIXED) draft.read(draft.hasLetters ? form : raised(form));
    else if (cost(form) < cost(word)) draft.readInCapitals(form);
    else draft.read(word); // such as "TV"
  }

  /** Whether a character only directs how text is shown: soft hyphens, joiners, marks of direction. */
  isInvisible(character) {
    return (/\p{Cf}/u.test(character) || character === "\ufe0f") && !this.known.has(character);
  }

  /** Read a sentence with a vocabulary of words: those that it lacks are copied. */
  readWords(text) {
    const draft = new Draft(this.vocabulary);
    for (const match of this.rules.reading.BETWEEN_SPACES.matches(text)) {
      if (isSpace(match.text)) continue;
      if (draft.text) draft.space();
      const known = this.forms(match.text).find((form) => {
        const ids = this.vocabulary.encode(form);
        return ids.length && !(ids.length === 1 && ids[0] === UNK);
      });
      if (known === undefined) draft.copy(text, match.start, match.end);
      else draft.read(known);
    }
    return draft.piece(text, MIXED);
  }
}

/** Whether a sign is a single quotation mark, and no apostrophe as in "the boys' dog" and "{name}'s dog". */
function isQuotationMark(text, match) {
  const before = characterBefore(text, match.start);
  const after = characterAt(text, match.end);
  return ["'", "’"].includes(match.text) && before !== "s" && !(strip(before) && isAlnum(after));
}

/** Whether a sign stands before all words, or is a comma, colon or dash behind them: it is carried around. */
function isAtAnEnd(match, draft) {
  const behind = match.start >= draft.wordsEnd - 1 && [",", ";", ":", "-", "–", "—"].includes(match.text);
  return (!draft.text && match.text !== "¿") || (behind && match.end >= draft.wordsEnd);
}

/** The text outside of spans, with a space in the place of each. */
function outside(text, spans) {
  let end = 0;
  const parts = spans.map((span) => {
    const part = text.slice(end, span.start);
    end = span.end;
    return `${part} `;
  });
  return parts.join("") + text.slice(end);
}
