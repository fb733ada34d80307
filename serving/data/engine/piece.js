// Piece and Draft: a sentence as a model reads it, with what is kept for its translation (translation/piece.py,
// draft.py).

import { MIXED } from "./casing.js";
import {
  bisectLeft, isAlnum, isAlpha, isSpace, lastCharacter, some, stripEnd, stripStart, withoutSuffix,
} from "./characters.js";
import { UNK, UNKNOWN_CHARACTER } from "./vocabulary.js";

const TOUCHING = ".,;:!?"; // a comma behind a mark belongs to what is before it

/** A sentence, or a part of a long one, as a model reads it. */
export class Piece {
  /**
   * @param text as the user wrote it
   * @param ids of what is read, without END
   * @param tokens the text that each id stands for
   * @param copies a Map from positions of ids to the texts that they stand for
   * @param marks what was left out, in order: {text, offset, position, left, right}
   * @param casing of the whole piece
   * @param capitals a Set of the positions of tokens of words in capitals
   */
  constructor(text, ids, tokens, copies = new Map(), marks = [], casing = MIXED, capitals = new Set()) {
    Object.assign(this, { text, ids, tokens, copies, marks, case: casing, capitals });
  }

  /** One label per position of the encoder: the tokens with the copied texts, and END. */
  get sourceTokens() {
    return [...this.tokens.map((token, i) => this.copies.get(i) ?? token), "</s>"];
  }

  /** False if nothing is to be translated, as in "3.", "😀" or "shop.de": it is its own translation. */
  get translatable() {
    return this.tokens.some((token, i) => !this.copies.has(i) && some(token, isAlpha));
  }

  /** The full stop, question mark or the like that ends the text; brackets and quotation marks may follow it. */
  finalMark(rules) {
    let end = stripEnd(rules.lines.INVISIBLE.replace(this.text, ""));
    for (const mark of [...this.marks].reverse()) {
      if (mark.position === this.ids.length) end = stripEnd(withoutSuffix(end, mark.text));
    }
    const tail = end.slice(-rules.piece.LONGEST).normalize("NFKC");
    return rules.piece.FINAL.search(stripEnd(tail, "\"'”’»)]"))?.text ?? "";
  }
}

/** What is read of a sentence, while it is being read. */
export class Draft {
  constructor(vocabulary) {
    this.vocabulary = vocabulary;
    this.text = "";
    this.hasLetters = false;
    this.wordsEnd = 0; // where the words of the user's text end
    this.free = [...vocabulary.placeholderCharacters];
    this.copies = []; // what placeholders and UNKs stand for, in order
    this.copiedTo = -1; // where the last of them ends, in the user's text
    this.marks = [];
    this.leftOutTo = -1; // where the last mark ends, in the user's text
    this.capitals = []; // offsets of words in `text`
    this.broken = false; // a space came before
    this.behindMark = false; // and then a mark, which what follows touches
  }

  /** Read white space: a single space between words. */
  space() {
    this.broken = true;
    this.behindMark = false;
  }

  /** Read a text as it is given. */
  read(text) {
    if (!text) return;
    this.add(text);
    this.hasLetters ||= some(text, isAlpha);
  }

  /** Whether what is read ends in a word. */
  get endsInAWord() {
    const last = lastCharacter(this.text);
    return isAlnum(last) || last >= "\ud800"; // a placeholder, or any character beyond
  }

  /** Read a word in the form that is given; its translation will be in capitals. */
  readInCapitals(word) {
    this.read(word);
    this.capitals.push([this.text.length - word.length, this.text.length]);
  }

  /** Read a placeholder for a part of a text; parts without anything between them become one. */
  copy(text, start, end) {
    if (this.copiedTo === start && !this.broken) {
      this.copies[this.copies.length - 1] += text.slice(start, end);
    } else {
      this.add(this.free.shift() ?? UNKNOWN_CHARACTER);
      this.copies.push(text.slice(start, end));
    }
    this.copiedTo = end;
  }

  /** Leave out a part of a text; parts without anything between them become one. */
  leaveOut(text, start, end) {
    const touches = end < text.length && !isSpace(text[end]);
    const right = touches && !TOUCHING.includes(text[end]);
    const last = this.marks.at(-1);
    if (last && this.leftOutTo === start) {
      last.text += text.slice(start, end);
      last.right = right;
    } else {
      const left = start > 0 && !isSpace(text[start - 1]);
      this.marks.push({ text: text.slice(start, end), offset: this.text.length, left, right });
    }
    this.leftOutTo = end;
    this.behindMark = touches;
  }

  add(text) {
    // "A man 😀." is read as "A man." and "A [big] man" as "A big man".
    const spaced = this.broken && this.text && !(this.behindMark && TOUCHING.includes(text));
    this.text += spaced ? ` ${text}` : text;
    this.broken = this.behindMark = false;
  }

  /** The piece that was read of the user's text. */
  piece(text, casing) {
    const { vocabulary } = this;
    const ids = vocabulary.encode(this.text);
    const tokens = vocabulary.pieces(this.text);
    const copied = ids.flatMap((id, i) => (id === UNK || id >= vocabulary.firstPlaceholder ? [i] : []));
    const copies = new Map(this.copies.slice(0, copied.length).map((copy, i) => [copied[i], copy]));
    const starts = tokenStarts(this.text, tokens);
    const inside = starts.flatMap((start, i) => (this.capitals.some(([a, b]) => a <= start && start < b) ? [i] : []));
    const marks = this.marks.map((mark) => ({ ...mark, position: bisectLeft(starts, mark.offset) }));
    return new Piece(text, ids, tokens, copies, marks, casing, new Set(inside));
  }
}

/** Where each token starts in the text, behind the space that may be a part of it. */
function tokenStarts(text, tokens) {
  let end = 0;
  return tokens.map((token) => {
    const start = text.indexOf(token, end);
    end = start + token.length;
    return start + token.length - stripStart(token).length;
  });
}
