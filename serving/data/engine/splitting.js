// Splitting: sentences longer than all of the training text are cut into parts (translation/splitting.py).

import { bisectRight, strip, stripEnd } from "./characters.js";
import { sentenceSpans } from "./sentences.js";

const SENTENCES = 0;
const CLAUSES = 1;
const TOKENS = 3;

/** Cut a text into parts of at most `limit` tokens, without white space around them; no part is blank. */
export function splitText(text, vocabulary, limit, rules) {
  const sentences = sentenceSpans(text, rules).slice(1).map(([start]) => start);
  const spans = new Splitter(text, vocabulary, limit, rules).spans([0, text.length], sentences, SENTENCES);
  return [...spans].map(([start, end]) => strip(text.slice(start, end))).filter(Boolean);
}

class Splitter {
  constructor(text, vocabulary, limit, rules) {
    Object.assign(this, { text, limit, rules: rules.splitting });
    let end = 0;
    this.ends = vocabulary.pieces(text).map((piece) => (end = text.indexOf(piece, end) + piece.length));
  }

  /** How many tokens end in a part of the text. */
  tokens([start, end]) {
    return bisectRight(this.ends, end) - bisectRight(this.ends, start);
  }

  /** Cut a span at the offsets `marks`, and what is still too long at the marks of the next level. */
  *spans([start, end], marks, level) {
    const edges = [start, ...marks, end];
    const parts = edges.slice(1).map((edge, i) => [edges[i], edge]);
    for (const run of this.runs(parts)) {
      if (this.tokens(run[0]) > this.limit) {
        for (const [first, last] of run) {
          const shorter = [first, first + stripEnd(this.text.slice(first, last)).length];
          yield* this.spans(shorter, this.marks(shorter, level + 1), level + 1);
        }
      } else if (level === SENTENCES) { // not joined: the model was trained on single sentences
        yield* run;
      } else {
        yield* this.joined(run);
      }
    }
  }

  /** Neighbouring parts that all fit, or all do not. */
  runs(parts) {
    const runs = [];
    for (const part of parts) {
      const fits = this.tokens(part) <= this.limit;
      if (runs.at(-1)?.fits === fits) runs.at(-1).parts.push(part);
      else runs.push({ fits, parts: [part] });
    }
    return runs.map((run) => run.parts);
  }

  /** The offsets inside a span at which it may be cut at this level, finer than sentences. */
  marks([start, end], level) {
    if (level === TOKENS) return this.ends.slice(bisectRight(this.ends, start), bisectRight(this.ends, end) - 1);
    const pattern = level === CLAUSES ? this.rules.CLAUSE : this.rules.WORD;
    return [...pattern.matches(this.text, start, end)].map((mark) => mark.end);
  }

  /** Join neighbouring parts to as few spans as possible, of about equal lengths. */
  *joined(parts) {
    const total = parts.reduce((sum, part) => sum + this.tokens(part), 0);
    const share = total / Math.max(1, Math.ceil(total / this.limit));
    let start = parts[0][0];
    let size = 0;
    let done = 0;
    let boundary = share;
    for (const part of parts) {
      const length = this.tokens(part);
      if (size + length > this.limit || done + length / 2 > boundary) { // cut nearest to the end of an equal part
        yield [start, part[0]];
        start = part[0];
        size = 0;
        boundary += share;
      }
      size += length;
      done += length;
    }
    yield [start, parts.at(-1)[1]];
  }
}
