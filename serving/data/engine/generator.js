// The generator: text that a language model writes, token by token (language_model/generator.py, corpus.py).

import { strip } from "./characters.js";
import { State } from "./network.js";
import { randomNumbers } from "./random.js";
import { draw } from "./sampling.js";
import { END, PAD, START, UNK, readVocabulary } from "./vocabulary.js";

const BANNED = new Set([PAD, START, UNK]);
const FIRST_DRAW = [0, 0]; // the place of the first sample, and of its only draw (s2s/seeds.py)
const NAMED = 3; // unknown parts of a prime

export class Generator {
  /**
   * @param data what `generator_data` of serving/language_rules.py has written: {vocabulary, states}
   * @param network see network.js; it has no encoder
   */
  constructor(data, network) {
    this.vocabulary = readVocabulary(data.vocabulary);
    this.widths = data.states;
    this.network = network;
  }

  /** The token ids of the beginning of a text; an error names the parts of it that the model does not know. */
  encode(prime) {
    const lines = prime.normalize("NFC").split("\n");
    const unknown = unknownParts(this.vocabulary, lines);
    const what = this.vocabulary.kind === "word" ? "words" : "characters";
    if (unknown.length) {
      const more = unknown.length > NAMED ? ` and ${(unknown.length - NAMED).toLocaleString("en")} more` : "";
      const named = unknown.slice(0, NAMED).map(quoted).join(", ") + more;
      throw new Error(`the prime has ${what} that the model does not know: ${named}; leave them out`);
    }
    return lines.flatMap((line, i) => [...(i ? [END] : []), ...this.vocabulary.encode(line)]);
  }

  /**
   * Begin a text, which `Sample.advance` writes.
   *
   * @param prime what it begins with; it stands at the beginning of a line, as the model sees it
   * @param options {length, until, temperature, topK, topP, seed}: at most so many tokens; the text after which it
   *   ends, empty for none; topK null for all; the seed a BigInt
   */
  begin(prime, options) {
    const zeros = ([name, width]) => [name, { type: "float32", data: new Float32Array(width), dims: [1, width] }];
    const state = new State(Object.fromEntries(Object.entries(this.widths).map(zeros)), {}, 1);
    return new Sample(this, [END, ...this.encode(prime)], state, options);
  }
}

/** A text that is being written. */
class Sample {
  constructor({ network, vocabulary }, given, state, options) {
    Object.assign(this, { network, vocabulary, state, options });
    this.unread = given;
    this.numbers = randomNumbers(options.seed, FIRST_DRAW);
    this.begins = given.at(-1) === END; // whether the next token is the first of its line
    this.text = "";
    this.tokens = 0;
    this.logProbability = 0; // of the tokens, the model's own
    this.stopped = false; // whether it ends with the text of `until`
  }

  get done() {
    return this.stopped || this.tokens === this.options.length;
  }

  /** Take one step. Returns what it has written; nothing while the prime is read. */
  async advance() {
    const { logProbabilities, state } = await this.network.step([this.unread.shift()], this.state);
    this.state = state;
    if (this.unread.length) return "";
    const token = draw(logProbabilities, BANNED, this.options, this.numbers.next().value);
    this.unread.push(token);
    this.logProbability = Math.fround(this.logProbability + logProbabilities[token]);
    return this.add(written(this.vocabulary, token, this.begins));
  }

  /** Add what a token writes; returns how much of it comes before the end. */
  add(text) {
    const { until } = this.options;
    const before = this.text.length;
    this.text += text;
    this.tokens += 1;
    const found = until ? this.text.indexOf(until, Math.max(0, before - until.length + 1)) : -1;
    this.stopped = found >= 0;
    if (this.stopped) this.text = this.text.slice(0, found + until.length);
    this.begins = text === "\n";
    return this.text.slice(before);
  }
}

/** What a token adds to a text: a line end for END; a word that begins a line takes no space before it. */
function written(vocabulary, token, begins) {
  if (token === END) return "\n";
  const surface = vocabulary.surfaces[token];
  if (vocabulary.kind === "character") return surface;
  if (begins) return surface.replace(/^ /, "");
  return vocabulary.kind === "word" ? ` ${surface}` : surface;
}

/** The parts of some lines that a vocabulary does not know, each once, in the order of the text. */
function unknownParts(vocabulary, lines) {
  const parts = lines.flatMap((line) => {
    const ids = vocabulary.encode(line);
    return vocabulary.pieces(line).filter((_, i) => ids[i] === UNK);
  });
  return [...new Set(parts.map((part) => strip(part) || part))];
}

/** A part between quotation marks, with escapes for what cannot be seen, as `repr` of Python writes it. */
function quoted(part) {
  const mark = part.includes("'") && !part.includes('"') ? '"' : "'";
  const seen = part.replace(/[\\\p{C}\p{Z}]/gu, escaped);
  return mark + (mark === "'" ? seen.replaceAll("'", "\\'") : seen) + mark;
}

function escaped(character) {
  if (character === " ") return character;
  const short = { "\\": "\\\\", "\t": "\\t", "\r": "\\r" }[character];
  const code = character.codePointAt(0);
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return short ?? `\\${letter}${code.toString(16).padStart(digits, "0")}`;
}
