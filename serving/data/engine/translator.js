// The translator: lines of text to translations, one for each and in order (translation/translator.py).

import { Calibration } from "./confidence.js";
import { WriteOnce, constrain } from "./constraints.js";
import { cutLine } from "./cutting.js";
import { LoopGuard, wordTable } from "./loops.js";
import { Reader } from "./reading.js";
import { readRules } from "./rules.js";
import { search } from "./search.js";
import { END, PAD, START, readVocabulary } from "./vocabulary.js";
import { Writer } from "./writing.js";

const BATCH_TOKENS = 8192;
const MAX_LOG_PROBABILITIES = 1 << 22; // of one step
const OPTIONS = { width: 5, nBest: 1, lengthPenalty: 1, minimumLength: 0, stopEarly: true, guardLoops: true };

const NOT_JUDGED = { confidence: null, doubtful: false, reasons: [] };

export class Translator {
  /**
   * @param data what `translator_data` of serving/rules.py has written: {rules, source, target, calibration}
   * @param network see network.js
   * @param options of the search: {width, nBest, lengthPenalty, minimumLength, stopEarly, guardLoops}; a width of 1
   *   searches greedily
   * @param batchTokens padded source tokens times hypotheses in a batch, which bounds the memory
   */
  constructor(data, network, options = {}, batchTokens = BATCH_TOKENS) {
    this.rules = readRules(data.rules);
    this.network = network;
    this.options = { ...OPTIONS, ...options };
    this.batchTokens = batchTokens;
    this.source = readVocabulary(data.source);
    this.target = data.target ? readVocabulary(data.target) : this.source;
    this.calibration = data.calibration && new Calibration(data.calibration, this.rules);
    this.reader = new Reader(this.source, this.rules);
    this.writer = new Writer(this.source, this.target, this.options.nBest, this.rules);
    const { source, target } = data.rules.words;
    const tables = [wordTable(this.target, target), wordTable(this.source, source)];
    this.guard = this.options.guardLoops ? new LoopGuard(...tables, this.rules.loops.WORDS) : null;
  }

  /**
   * Translate lines; a blank one has an empty translation.
   *
   * @returns for each line {text, score, nBest, sourceTokens, places, confidence, doubtful, reasons, isLong}: nBest is
   *   a list of {text, score, tokens, attention}, whose attention has one list of weights, one for each of
   *   sourceTokens, for each token, or is null; places are where the pieces stand in the line in NFC, in UTF-16 units;
   *   the confidence is null if it is not known
   */
  async translate(lines) {
    const cut = lines.map((line) => cutLine(line, this.reader, this.rules.model.max_source_length));
    const hypotheses = await this.searchAll(cut.flatMap(({ pieces }) => pieces));
    let next = 0;
    return cut.map((line) => {
      const found = hypotheses.slice(next, (next += line.pieces.length));
      const nBest = this.writer.write(line, found);
      const judgement = this.calibration?.judge(line.pieces, found) ?? NOT_JUDGED;
      const sourceTokens = line.pieces.flatMap((piece) => piece.sourceTokens);
      return { ...nBest[0], nBest, sourceTokens, places: line.places, isLong: line.isLong, ...judgement };
    });
  }

  /** The hypotheses for each piece, best first; none for a piece that is not translatable. */
  async searchAll(pieces) {
    const hypotheses = pieces.map(() => []);
    const translatable = [...pieces.keys()].filter((i) => pieces[i].translatable);
    for (const batch of this.batches(translatable, (i) => pieces[i].ids.length)) {
      const found = await this.searchBatch(batch.map((i) => pieces[i].ids));
      batch.forEach((i, place) => (hypotheses[i] = found[place]));
    }
    return hypotheses;
  }

  /** Groups of sources of similar lengths that fit into the memory that is allowed. */
  batches(indices, length) {
    const { width } = this.options;
    const sentences = Math.max(1, Math.floor(MAX_LOG_PROBABILITIES / (width * this.target.size)));
    const tokens = this.batchTokens / width;
    const batches = [];
    for (const i of [...indices].sort((a, b) => length(a) - length(b) || a - b)) {
      const batch = batches.at(-1);
      const fits = batch && batch.length < sentences && (batch.length + 1) * (length(i) + 1) <= tokens;
      if (fits) batch.push(i);
      else batches.push([i]);
    }
    return batches;
  }

  /** The hypotheses for each source, token ids without END; those that loop are searched again. */
  async searchBatch(sources) {
    const { firstPlaceholder: first, size: last } = this.target;
    const needed = sources.map((ids) => this.placeholders(ids));
    const anyNeeded = needed.some((ids) => ids.length);
    const placeholders = Array.from({ length: last - first }, (_, i) => first + i);
    const banned = anyNeeded ? [PAD, START] : [PAD, START, ...placeholders];
    const { nBest, width } = this.options; // some of several hypotheses may be the same text: all are searched for
    const options = { ...this.options, nBest: nBest > 1 ? width : 1, start: START, end: END, banned };
    const limits = sources.map((ids) => this.limit(ids.length + 1));
    const once = needed.map((ids) => new WriteOnce(ids, { first, last, end: END }));
    const find = (step, state, places) => {
      if (anyNeeded) [step, state] = constrain(step, state, places.map((i) => once[i]));
      return search(step, state, places.map((i) => limits[i]), options);
    };
    const step = (tokens, state) => this.network.step(tokens, state);
    const state = await this.network.start(sources);
    const found = await find(step, state, [...sources.keys()]);
    if (!this.guard) return found;
    const looping = [...found.keys()].filter((i) => this.guard.loops(found[i][0].tokens, sources[i]));
    if (looping.length) {
      const noLoops = looping.map((i) => this.guard.noLoops(sources[i]));
      const again = await find(...constrain(step, state.keep(looping), noLoops), looping);
      looping.forEach((i, place) => (found[i] = again[place]));
    }
    return found.map((of, i) => of.filter((each) => each === of[0] || !this.guard.loops(each.tokens, sources[i])));
  }

  /** The tokens of the target for the placeholders in a source. */
  placeholders(ids) {
    const read = ids.filter((id) => id >= this.source.firstPlaceholder);
    return read.map((id) => id - this.source.firstPlaceholder + this.target.firstPlaceholder);
  }

  /** The maximum number of tokens written for a source of so many, END included on both sides. */
  limit(length) {
    return Math.floor(length * this.rules.model.length_ratio) + 10;
  }
}
