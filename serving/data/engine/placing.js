// Placing: marks that were not read, and copies that the decoder left out, are put into the translation
// (translation/placing.py).

import {
  characterAt, firstCharacter, isAlnum, isSpace, lastCharacter, some, strip, stripEnd, stripStart,
} from "./characters.js";
import { UNK } from "./vocabulary.js";

const STAND_INS = 0xf0000;

/** Finds the places in a hypothesis that belong to places in its source. */
export class Placer {
  /**
   * @param tokens ids of the hypothesis, without END
   * @param text what they stand for
   * @param attention a list of weights for each token and END, or null: then positions are compared
   * @param copies see `copyWords`
   * @param piece the source
   * @param decode see `decodeCopies`: makes the text of the first tokens
   */
  constructor(tokens, text, attention, copies, piece, decode) {
    Object.assign(this, { tokens, text, attention, copies, piece, decode });
    const isWord = (token, i) => piece.copies.has(i) || some(token, isAlnum);
    this.words = piece.tokens.flatMap((token, i) => (isWord(token, i) ? [i] : []));
  }

  /** All that is to be put into the text: {offset, text, left, right}, in the order of the places. */
  insertions() {
    const missing = [...this.copies.missing.keys()].map((position) => ({ order: position, ...this.missing(position) }));
    const offsets = this.offsets();
    const marks = this.piece.marks.map(({ text, left, right, position }, i) =>
      ({ order: position - 0.5, offset: offsets[i], text, left, right }));
    return [...missing, ...marks].sort((a, b) => a.offset - b.offset || a.order - b.order);
  }

  /** The offsets in the text of the words that words in capitals became. */
  capitals() {
    if (!this.attention || !this.piece.capitals.size) return [];
    const found = [];
    this.tokens.forEach((_, step) => {
      const read = indexOfHighest(this.attention[step].slice(0, this.piece.ids.length));
      if (!this.piece.capitals.has(read)) return;
      let start = this.start(step);
      const end = this.start(step + 1);
      while (start < end && !isAlnum(characterAt(this.text, start))) start += characterAt(this.text, start).length;
      const word = [this.wordStart(start), this.wordEnd(end)];
      if (start < end && !found.some(([a, b]) => a === word[0] && b === word[1])) found.push(word);
    });
    return found;
  }

  /** The insertion of a text that should have been copied. */
  missing(position) {
    const { tokens } = this.piece;
    const before = position > 0 ? lastCharacter(tokens[position - 1]) : "";
    const after = firstCharacter(tokens[position + 1] ?? "");
    const offset = this.wordStart(this.start(this.stepOf(position)));
    return { offset, text: this.copies.missing.get(position), left: strip(before) !== "", right: isAlnum(after) };
  }

  /** Where each mark belongs in the text. */
  offsets() {
    const { marks } = this.piece;
    const around = pairedMarks(marks);
    const offsets = [];
    marks.forEach((mark, i) => {
      const other = around.get(i) ?? i;
      const [first, last] = [Math.min(i, other), Math.max(i, other)];
      const aroundAll = this.isBeforeAll(marks[first]) && this.isBehindAll(marks[last]);
      const offset = this.offsetOf(mark, first < last && !aroundAll);
      offsets.push(other < i ? Math.max(offset, offsets[other]) : offset); // what is closed was opened before
    });
    return offsets;
  }

  isBeforeAll(mark) {
    return !this.words.length || mark.position <= this.words[0];
  }

  isBehindAll(mark) {
    return !this.words.length || mark.position > this.words.at(-1);
  }

  /** Where a mark belongs in the text; `inside` says that it belongs to some words of the sentence, not to all. */
  offsetOf(mark, inside) {
    const { position, left, right } = mark;
    const { steps } = this.copies;
    const last = stripEnd(this.text, ".!?…").length; // before the final mark
    const isInside = inside || (right && steps.has(position)) || steps.has(position - 1);
    if (!this.words.length || (this.isBehindAll(mark) && !(isInside && left))) {
      return position >= this.piece.tokens.length ? this.text.length : last;
    }
    if (this.isBeforeAll(mark) && !(isInside && right)) return 0;
    let offset;
    if (this.isBehindAll(mark) || (left && !right && !this.isBeforeAll(mark))) {
      const previous = this.words.filter((i) => i < position).at(-1);
      offset = this.wordEnd(this.start(this.stepOf(previous) + 1));
    } else {
      const following = this.words.find((i) => i >= position);
      offset = this.wordStart(this.start(this.stepOf(following)));
    }
    return Math.min(offset, last);
  }

  /** The step that wrote what a token of the source became. */
  stepOf(position) {
    if (this.copies.steps.has(position)) return this.copies.steps.get(position);
    if (!this.attention) return Math.floor((position * this.tokens.length) / Math.max(1, this.piece.ids.length));
    return indexOfHighest(this.attention.map((weights) => weights[position]));
  }

  /** Where the token of a step starts in the text. */
  start(step) {
    return Math.min(this.text.length, this.decode(this.tokens.slice(0, Math.max(0, step)), this.copies).length);
  }

  /** The offset itself, or the start or end of the word that it lies in. */
  wordStart(offset) {
    while (this.isInsideWord(offset)) offset -= 1;
    return offset;
  }

  wordEnd(offset) {
    while (this.isInsideWord(offset)) offset += 1;
    return offset;
  }

  isInsideWord(offset) {
    return offset > 0 && offset < this.text.length && isInWord(this.text[offset - 1]) && isInWord(this.text[offset]);
  }
}

function indexOfHighest(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** Which marks open and close the same words, such as two tags: a Map from the index of each to that of the other. */
function pairedMarks(marks) {
  const pairs = new Map();
  const opened = [];
  marks.forEach((mark, i) => {
    if (mark.right && !mark.left) {
      opened.push(i);
    } else if (mark.left && !mark.right && opened.length) {
      const opening = opened.pop();
      pairs.set(i, opening).set(opening, i);
    }
  });
  return pairs;
}

/** Whether a UTF-16 unit is one of a word; those of characters beyond U+FFFF, such as stand-ins, count too. */
const isInWord = (unit) => isAlnum(unit) || unit === "-" || unit >= "\ud800";

/** The text of tokens, with a character of private use in the place of each copied text: `standIn(step)`. */
export function decodeCopies(tokens, copies, target, paired) {
  const steps = [...tokens.keys()].filter((step) => copies.texts.has(step));
  const ids = tokens.map((token, step) => (copies.texts.has(step) ? UNK : token));
  const text = target.decode(ids, steps.map((step) => (copies.texts.get(step) ? standIn(step) : "")));
  // The model reads no quotation marks and brackets, so that those it writes are its own.
  return target.kind === "word" ? text : [...text].filter((each) => !paired.includes(each)).join("");
}

/** The character of private use that stands for text number `number` until all places are found. */
export const standIn = (number) => String.fromCodePoint(STAND_INS + number);

/** Put all insertions into the text, with spaces around them except where they touch what is beside them. */
export function insertAll(text, insertions) {
  let limit = text.length;
  // From the right, so that the other offsets stay valid.
  for (const { offset, text: inserted, left, right } of [...insertions].reverse()) {
    const place = Math.min(offset, limit);
    let before = text.slice(0, place);
    let after = text.slice(place);
    let word = inserted;
    if (left) before = stripEnd(before, " ");
    else if (before && !isSpace(before.at(-1))) word = ` ${word}`;
    if (right) after = stripStart(after, " ");
    else if (after && !isSpace(after[0]) && (isInWord(after[0]) || after[0] === "'")) word = `${word} `;
    text = before + word + after;
    limit = before.length;
  }
  return text;
}
