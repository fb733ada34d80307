// Sentences: where they begin and end in a line of text. The rules and their reasons are in s2s/text/sentences.py.

import {
  bisectRight, caseFolded, characterAt, characterBefore, firstCharacter, isAlpha, isDecimal, isLower, isSpace, isUpper,
  lastCharacter, splitWords, strip, stripEnd, stripStart, withoutFirst,
} from "./characters.js";
import { findSpans } from "./spans.js";

const OPENING = "\"'([{“„«»‘‚’*_¿¡<>-–—";
const EXCLAMATIONS = "‼⁇⁈⁉";

/** The offsets [start, end] of the sentences of one line, without white space around them; none of a blank text. */
export function sentenceSpans(text, rules) {
  const first = rules.sentences.FIRST.search(text);
  if (!first || first.end === text.length) return withoutSpaces(text, [0, text.length]);
  const cuts = [0];
  for (const [start, end] of betweenSeparators(text, first.start, rules)) {
    cuts.push(start, ...new SentenceLine(text, start, end, rules).cuts());
  }
  return withoutSpaces(text, [...outsideProtected(text, cuts, rules), text.length]);
}

/** Leave out the cuts inside a tag, a placeholder, a piece of code, a URL or an e-mail address. */
function outsideProtected(text, cuts, rules) {
  if (cuts.length < 3 || ![..."`<{@/"].some((mark) => text.includes(mark))) return cuts;
  const spans = findSpans(text, rules);
  return cuts.filter((cut) => {
    const following = spans[bisectRight(spans, cut, (span) => span.end)];
    return !following || cut <= following.start;
  });
}

function* betweenSeparators(text, start, rules) {
  let begin = 0;
  for (const separator of rules.sentences.SEPARATOR.matches(text, start)) {
    yield [begin, separator.start];
    begin = separator.end;
  }
  yield [begin, text.length];
}

function withoutSpaces(text, cuts) {
  const spans = [];
  for (let i = 0; i + 1 < cuts.length; i++) {
    const part = text.slice(cuts[i], cuts[i + 1]);
    const bare = strip(part);
    const start = cuts[i] + part.length - stripStart(part).length;
    if (bare) spans.push([start, start + bare.length]);
  }
  return spans;
}

/** A text between two separators, and where its sentences end. */
class SentenceLine {
  constructor(text, start, end, rules) {
    Object.assign(this, { text, start, end, rules: rules.sentences, words: rules.language.abbreviations });
    const part = text.slice(start, end);
    this.upper = isUpper(part);
    this.lower = isLower(part);
  }

  /** The offsets of the sentences but the first. */
  *cuts() {
    let begin = this.start; // of the sentence; what lies between this and `seen` has no letter and no digit
    let seen = this.start;
    let empty = true;
    for (const mark of this.rules.END.matches(this.text, this.start, this.end)) {
      if (empty && this.rules.LETTER_OR_DIGIT.search(this.text, seen, mark.start)) empty = false;
      seen = mark.end;
      if (!empty && seen < this.end && this.isEnd(mark, begin)) {
        yield seen;
        begin = seen;
        empty = true;
      }
    }
  }

  /** Whether a sentence that began at `begin` ends at this mark. */
  isEnd(mark, begin) {
    const [marks, closing, gap] = [1, 2, 3].map((number) => mark.group(number));
    const { text, rules, words } = this;
    const next = characterAt(text, mark.end);
    const clear = rules.CLEAR.includes(lastCharacter(marks));
    if (!gap && !clear && !(isUpper(next) && (!closing || closing.endsWith(">")))) return false;
    const following = rules.NEXT.match(text, mark.end, this.end);
    const word = following?.group(1);
    if (!word) return false; // symbols after a sentence belong to it
    if (clear) {
      // “Stop！” he said
      return Boolean(gap || !closing || (!"！？".includes(lastCharacter(marks)) && !/[）\)]$/u.test(closing)));
    }
    const isProtected = rules.PROTECTED.match(text, mark.end, this.end) !== null;
    if (rules.NO_START.includes(next) && !isProtected) return false;
    const stop = following.group(2);
    const opener = this.isOpener(word, stop);
    if (!gap && !this.isWithoutSpace(mark, begin, word, opener)) return false;
    if (isLower(firstCharacter(word)) && !isUpper(characterAt(word, firstCharacter(word).length)) && !isProtected) {
      return !closing && this.endsLowerCase(mark, begin, opener);
    }
    const initial = isAlpha(word) && !stop ? word : "";
    const behind = text.slice(following.end, following.end + 2);
    if (!opener && [...initial].length === 1 && isUpper(behind)) return false; // John. F Kennedy
    if (!this.isOutside(mark, begin, opener)) return false;
    if (/[!?]/.test(marks) || EXCLAMATIONS.includes(firstCharacter(marks))) return true;
    const spaced = isSpace(characterBefore(text, mark.start));
    if (marks.includes("…") || marks.split(".").length > 3) {
      if (isDigit(firstCharacter(word))) return false; // a price of... 1.6 million
      if (words.openers.size && ["I", "I'", "I’"].includes(word)) return false;
      return opener || !(spaced || words.ordinals);
    }
    return spaced || this.endsWithStop(mark.start, begin, word, opener);
  }

  /** Whether a word is capitalised at the start of sentences only: `The`, but neither `IT` nor the `A` of `A.`. */
  isOpener(word, stop) {
    const form = this.lower ? isLower(word) : isUpper(firstCharacter(word)) && !isUpper(withoutFirst(word));
    if (!form) return false;
    const bare = caseFolded(word).replaceAll("’", "'");
    const { openers } = this.words;
    return !(stop && word.length === 1) && (openers.has(bare) || openers.has(stripEnd(bare, "'")));
  }

  /** Whether a mark without white space is one between sentences ("It runs.It jumps"), not inside a name. */
  isWithoutSpace(mark, begin, word, opener) {
    const { WINDOW, NAME, FILE_ENDING } = this.rules;
    const before = splitWords(this.text.slice(Math.max(begin, mark.start - WINDOW), mark.start)).at(-1);
    const after = splitWords(this.text.slice(mark.end, mark.end + WINDOW))[0];
    if (!before || !after || mark.group(1).length > 3) return false;
    if (before.includes(".") || after.includes("(") || NAME.search(before) || NAME.search(after)) return false;
    if (FILE_ENDING.match(word) && !opener) return false;
    const end = stripEnd(before, "\"'”“»’)");
    if (this.upper) return isAlpha(end.slice(-3)) && end.length > 2;
    return isAlpha(end.slice(-2)) && isLower(end.slice(-2)) && end.length > 1 && !isUpper(withoutFirst(word));
  }

  /** Whether a sentence of a line without capital letters ends at this mark. */
  endsLowerCase(mark, begin, opener) {
    const { words } = this;
    if (!this.lower || !words.openers.size || mark.group(1).length > 1 || this.enclosing(mark.start)) return false;
    const { token, names } = this.lastWord(mark.start, begin);
    const part = token.split(/[\-'’]/u).at(-1);
    const known = [words.inside, words.may_end, words.before_number];
    if (!isAlpha(part) || names.some((name) => known.some((table) => table.has(name)))) return false;
    return part.length > (opener ? 1 : mark.group(1) === "." ? 4 : this.rules.WINDOW);
  }

  /** The quotation or bracket that a position lies in. */
  enclosing(position) {
    this.enclosed ??= [...this.rules.ENCLOSED.matches(this.text, this.start, this.end)];
    const found = this.enclosed[bisectRight(this.enclosed, position, (each) => each.start) - 1];
    return found && found.end > position ? [found.start, found.end] : null;
  }

  /** Whether the mark is not one of a short quotation or bracket in a sentence: the band "Pop! Tech" plays. */
  isOutside(mark, begin, opener) {
    const { text, words, rules } = this;
    const closed = mark.endOf(2);
    const from = Math.max(begin, mark.start - rules.WINDOW);
    const bracket = mark.group(2).includes(")") ? text.slice(from, mark.start).lastIndexOf("(") : -1;
    const enclosing = bracket >= 0 ? [from + bracket, closed] : this.enclosing(mark.start);
    if (!enclosing) return true;
    const [start, end] = enclosing;
    const before = splitWords(text.slice(Math.max(start, from), mark.start));
    const lead = stripEnd(text.slice(Math.max(begin, start - rules.WINDOW), Math.max(begin, start)));
    const inserted = Boolean(rules.LETTER_OR_DIGIT.search(lead)) && !/[:,]$/.test(lead);
    if (closed < end) { // inside
      const after = splitWords(text.slice(mark.end, Math.min(end, mark.end + rules.WINDOW)));
      const rest = stripStart(text.slice(end, Math.min(this.end, end + rules.WINDOW)));
      const continued = firstCharacter(rest);
      return !(inserted || isLower(continued) || continued === ",") || Math.min(before.length, after.length) >= 3;
    }
    const short = words.ordinals || before.length <= 3 || /[!?]$/.test(mark.group(1));
    return opener || !(inserted && short && words.openers.size);
  }

  /** The word that ends at `end`, and its names in tables: `B`, and `z.B` and `z.b` for "z. B". */
  lastWord(end, begin) {
    const tokens = splitWords(this.text.slice(Math.max(begin, end - this.rules.WINDOW), end));
    if (!tokens.length) return { token: "", names: [] };
    const token = stripStart(tokens.at(-1), OPENING).split(/['’](?=[\p{L}\p{N}_])|["“„«»]/u).at(-1);
    let key = token;
    if ([...token].length === 1) {
      for (const earlier of tokens.slice(-4, -1).reverse()) {
        if ([...earlier].length !== 2 || !earlier.endsWith(".")) break;
        key = earlier + key;
      }
    }
    const last = key.split(/[\-.]/u).at(-1); // of "Dipl.-Ing."
    const names = last.length > 1 ? [key, last] : [key];
    return { token, names: [...names, ...names.map(caseFolded)] };
  }

  /** Whether the full stop at `end` ends a sentence, if `word` follows. */
  endsWithStop(end, begin, word, opener) {
    const { words, rules } = this;
    if (end - begin < 12 && rules.LIST_NUMBER.match(this.text, begin, end)) return false;
    const { token, names } = this.lastWord(end, begin);
    const number = isDigit(firstCharacter(word));
    const isIn = (table) => names.some((name) => table.has(name));
    if (isIn(words.inside) || (number && isIn(words.before_number))) return false;
    const initial = [...token].length === 1 && (isUpper(token) || isLower(token));
    if (initial || isIn(words.may_end) || rules.DOTTED.fullMatch(token)) return opener;
    if (isDecimal(token) && token.length < 4 && number) return false; // 5. 3. 2020
    if (words.ordinals && (rules.ORDINAL.fullMatch(token) || rules.ROMAN.fullMatch(token))) return opener;
    return true;
  }
}

const isDigit = (character) => isDecimal(character) || /^[²³¹⁰⁴-⁹₀-₉]$/u.test(character);
