// The captioner: a picture to captions (captioning/captioner.py, confidence.py, familiarity.py).

import { Calibration } from "./confidence.js";
import { constrain } from "./constraints.js";
import { Familiarity } from "./familiarity.js";
import { LoopGuard, wordTable } from "./loops.js";
import { State } from "./network.js";
import { search } from "./search.js";
import { END, PAD, START, UNK, readVocabulary } from "./vocabulary.js";

const OPTIONS = { width: 5, nBest: 5, lengthPenalty: 1, minimumLength: 1, stopEarly: false, start: START, end: END, banned: [PAD, UNK, START] };
const PARTS = / (?=(?:'s|'re|'ve|'ll|'d|'m|n't)\b)/g; // what the tokeniser of captions took off a word in treebank text
const JOINED = / ?￭ ?/g; // where punctuation was split off a word; as in captioning/writing.py
const NAMED = 5; // tokens
const NOTHING_EXPECTED = 5; // the value of `unexpected` for a caption without any telling token

export class Captioner {
  /**
   * @param data what `captioner_data` of serving/rules.py has written: {vocabulary, words, repeated, treebank,
   *   length, preprocessing, grid, calibration, confidence}
   * @param network see network.js; its encoder takes pixels
   * @param familiarity the content of the model's confidence.safetensors, or nothing
   */
  constructor(data, network, familiarity) {
    this.network = network;
    this.preprocessing = data.preprocessing;
    [this.rows, this.columns] = data.grid;
    this.limit = data.length + 1;
    this.treebank = data.treebank;
    this.vocabulary = readVocabulary(data.vocabulary);
    const table = wordTable(this.vocabulary, data.words);
    this.guard = new LoopGuard(table, table, data.repeated);
    this.familiarity = data.calibration && familiarity ? new Familiarity(familiarity) : null;
    this.calibration = this.familiarity && new Calibration(data.calibration, { confidence: data.confidence });
  }

  /**
   * @param pixels (3, size, size) bytes, of which the picture fills width x height, top left
   * @returns {nBest, rows, columns, extent, confidence, doubtful, reasons}: nBest is a list of {text, score, tokens,
   *   attention}, whose attention has one list of weights, one for each cell of the grid, for each token, or is null;
   *   extent is the share of the grid's height and width that the picture fills
   */
  async caption({ pixels, width, height }) {
    const { size } = this.preprocessing;
    const outputs = await this.network.encoder({
      pixels: { type: "uint8", data: pixels, dims: [1, 3, size, size] },
      extent: { type: "int64", data: BigInt64Array.from([height, width], BigInt), dims: [1, 2] },
    });
    const found = await this.searchOne(State.of(outputs));
    const judgement = this.calibration?.judgeOne(this.featuresOf(found[0], outputs.summary.data));
    return {
      nBest: found.map((each) => this.write(each)),
      rows: this.rows,
      columns: this.columns,
      extent: [height / size, width / size],
      ...(judgement ?? { confidence: null, doubtful: false, reasons: [] }),
    };
  }

  /** The hypotheses for one picture; if the best one loops, the picture is searched again. */
  async searchOne(state) {
    const step = (tokens, before) => this.network.step(tokens, before);
    let found = (await search(step, state, [this.limit], OPTIONS))[0];
    if (this.guard.loops(found[0].tokens, [])) {
      const constrained = constrain(step, state, [this.guard.noLoops([])]);
      found = (await search(...constrained, [this.limit], OPTIONS))[0];
    }
    return found.filter((each) => each === found[0] || !this.guard.loops(each.tokens, []));
  }

  write({ tokens, score, attention, finished }) {
    const plain = this.vocabulary.decode(tokens).split(/\s+/).filter(Boolean).join(" ").replace(JOINED, "");
    const text = this.treebank ? plain.replace(PARTS, "") : plain;
    return { text, score, tokens: this.vocabulary.tokens(finished ? [...tokens, END] : tokens), attention: attention?.map((row) => [...row]) ?? null };
  }

  /** The features of the confidence of the best caption; see captioning/confidence.py. */
  featuresOf({ tokens, logProbability, attention, finished }, summary) {
    const { strangeness, unfamiliar, expected } = this.familiarity.look(summary);
    const { usual } = this.familiarity;
    const telling = [...new Set(tokens)].filter((token) => usual.has(token));
    const logarithms = (shares) => mean(telling.map((token) => Math.log(shares.get(token))));
    const surprise = -logProbability / Math.max(tokens.length + (finished ? 1 : 0), 1);
    const entropy = (row) => -row.reduce((sum, weight) => sum + weight * Math.log(Math.max(weight, 1e-9)), 0);
    const pairs = tokens.slice(1).map((token, i) => `${tokens[i]} ${token}`);
    return {
      surprise: Math.log(Math.max(surprise, 0) + 0.05),
      strangeness,
      unfamiliar,
      unnamed: -mean([...expected.values()].sort((a, b) => b - a).slice(0, NAMED)),
      misfit: telling.length ? logarithms(usual) - logarithms(expected) : 0,
      unexpected: telling.length ? -logarithms(expected) : NOTHING_EXPECTED,
      spread: attention ? mean(attention.map(entropy)) / Math.log(Math.max(attention[0].length, 2)) : 0,
      repetition: pairs.length ? 1 - new Set(pairs).size / pairs.length : 0,
    };
  }
}

const mean = (list) => list.reduce((sum, each) => sum + each, 0) / Math.max(list.length, 1);
