// Writing, the last stage of a translation: hypotheses to text, with copied texts, marks and capitals put in
// (translation/writing.py).

import { UPPER, applyCase } from "./casing.js";
import { strip } from "./characters.js";
import { copyWords } from "./copying.js";
import { Placer, decodeCopies, insertAll, standIn } from "./placing.js";
import { translateCharacters } from "./rules.js";
import { END, UNK } from "./vocabulary.js";

const NO_COPIES = { texts: new Map(), steps: new Map(), missing: new Map() };

/** Writes the translation of a line from the hypotheses for its pieces. */
export class Writer {
  /**
   * @param source, target the vocabularies
   * @param nBest translations of a line at most
   * @param rules see rules.js
   */
  constructor(source, target, nBest, rules) {
    Object.assign(this, { source, target, nBest, rules, spaces: rules.language.spaces });
  }

  /**
   * The n best of a line: a list of {text, score, tokens, attention}, of which no two have the same text.
   *
   * @param line see `cutLine`
   * @param hypotheses those for each of its pieces, best first; a piece without any is copied
   */
  write(line, hypotheses) {
    const pieces = line.pieces.map((piece, i) => this.sentences(piece, hypotheses[i]));
    if (!pieces.length) { // blank, or nothing but separators such as "<br/>"
      const [text] = line.between;
      return [{ text: strip(text) ? this.onOneLine(text) : "", score: 0, tokens: [], attention: null }];
    }
    const ranks = Math.max(...pieces.map((sentences) => sentences.length));
    const joined = Array.from({ length: ranks }, (_, rank) => this.joined(pieces, rank, this.between(line)));
    return distinct(joined).slice(0, this.nBest);
  }

  sentences(piece, hypotheses) {
    const columns = piece.ids.length + 1; // of the attention: one for each token that was read, and END
    if (!hypotheses.length) return [{ text: piece.text, score: 0, tokens: [], attention: [], columns }];
    return distinct(hypotheses.map((each) => this.writeHypothesis(each, piece))).slice(0, this.nBest);
  }

  /** What is written around the sentences: what stood there, with spaces as the target language has them. */
  between({ between }) {
    return between.map((text, i) => {
      if (i === 0 || i === between.length - 1) return text;
      if (this.spaces) return text || " ";
      return /^ *$/.test(text) ? "" : text;
    });
  }

  /** The k-th best of each piece joined, or the last one of a piece that has fewer. */
  joined(pieces, rank, between) {
    const chosen = pieces.map((sentences) => sentences[Math.min(rank, sentences.length - 1)]);
    const text = this.onOneLine(between[0] + chosen.map((each, i) => each.text + between[i + 1]).join(""));
    if (chosen.length === 1) {
      return { ...chosen[0], text, attention: chosen[0].tokens.length ? chosen[0].attention : null };
    }
    const written = chosen.filter((each) => each.tokens.length);
    const scored = written.length ? written : chosen;
    return {
      text,
      score: scored.reduce((sum, each) => sum + each.score, 0) / scored.length,
      tokens: chosen.flatMap((each) => each.tokens),
      attention: joinedAttention(chosen),
    };
  }

  /** The sentence of one hypothesis for a piece, with the copies, marks, capitals and final mark of the piece. */
  writeHypothesis(hypothesis, piece) {
    const { tokens, score, finished } = hypothesis;
    const labels = this.target.tokens(finished ? [...tokens, END] : tokens);
    const attention = hypothesis.attention?.map((weights) => weights.slice(0, piece.ids.length + 1)) ?? null;
    const copied = tokens.some((token) => token === UNK || token >= this.target.firstPlaceholder);
    let text;
    if (piece.copies.size || piece.marks.length || piece.capitals.size || copied) {
      const copies = copyWords(tokens, attention, piece, this.target, this.source);
      text = this.restored(tokens, attention, copies, piece);
      for (const [step, copy] of copies.texts) labels[step] = copy || labels[step];
    } else {
      text = applyCase(this.withFinalMark(this.decode(tokens, NO_COPIES), piece), piece.case, this.rules);
    }
    return { text: strip(text) || piece.text, score, tokens: labels, attention, columns: piece.ids.length + 1 };
  }

  decode(tokens, copies) {
    return decodeCopies(tokens, copies, this.target, this.rules.piece.PAIRED);
  }

  /** The text of a hypothesis with all that its source has beside words. */
  restored(tokens, attention, copies, piece) {
    const stop = this.rules.writing.STOP_BEFORE_COPY;
    let text = this.decode(tokens, copies);
    // A placeholder that the model forgot is written where the sentence would have ended, behind its full stop.
    if (!stop.search(piece.tokens.join(""))) text = stop.replace(text, (_, copy) => ` ${copy}`);
    text = this.withFinalMark(text, piece);
    const texts = new Map([...copies.texts].map(([step, copy]) => [standIn(step), copy]));
    const placer = new Placer(tokens, text, attention, copies, piece, (prefix) => this.decode(prefix, copies));
    const found = this.target.kind === "word" ? [] : placer.insertions();
    const insertions = found.map((insertion, i) => {
      texts.set(standIn(tokens.length + i), insertion.text);
      return { ...insertion, text: standIn(tokens.length + i) };
    });
    for (const [start, end] of placer.capitals()) { // one character for one, so that the offsets stay valid
      text = text.slice(0, start) + applyCase(text.slice(start, end), UPPER, this.rules) + text.slice(end);
    }
    text = applyCase(insertAll(text, insertions), piece.case, this.rules);
    text = text.replace(/ {2,}/g, " "); // a token that was dropped leaves the spaces on both sides of it
    return [...text].map((character) => texts.get(character) ?? character).join("");
  }

  /** The text with the final mark of the source in the place of its own: "?" and "!" stay, a heading has no stop. */
  withFinalMark(text, piece) {
    if (!this.spaces || this.target.kind === "word") return text;
    const found = this.rules.writing.FINAL.search(text);
    const mark = piece.finalMark(this.rules);
    if (found && found.text !== mark) return text.slice(0, found.start) + mark + text.slice(found.end);
    return found || !mark || !text ? text : text + mark;
  }

  onOneLine(text) {
    return translateCharacters(text, this.rules.writing.NO_LINE_ENDS);
  }
}

/** The attention of sentences to their own parts of the line, each beside the last one. */
function joinedAttention(sentences) {
  if (sentences.some((each) => !each.attention)) return null;
  const columns = sentences.reduce((sum, each) => sum + each.columns, 0);
  let before = 0;
  return sentences.flatMap(({ attention, columns: own }) => {
    const rows = attention.map((weights) => {
      const row = new Float32Array(columns);
      row.set(weights, before);
      return row;
    });
    before += own;
    return rows;
  });
}

/** The first sentence of each text. */
function distinct(sentences) {
  const texts = new Set();
  return sentences.filter(({ text }) => !texts.has(text) && texts.add(text));
}
