// Network: the two graphs of a model's light form, and the state between two steps (s2s/runtime).
//
// A graph is a function from tensors to tensors, by their names: `async run({ids: {type, data, dims}, ...})`, for
// example around a session of onnxruntime-web. Tensors of integers hold BigInts.

import { END, PAD } from "./vocabulary.js";

const ROWS = "rows.";
const SENTENCES = "sentences.";
const NEXT = "next.";

export class Network {
  /**
   * @param encoder, stepper the two graphs; a language model has no encoder
   */
  constructor(encoder, stepper) {
    this.encoder = encoder;
    this.stepper = stepper;
  }

  /** The state before the first token, for sources as lists of token ids without END. */
  async start(sources) {
    const lengths = sources.map((ids) => ids.length + 1);
    const positions = Math.max(...lengths);
    const ids = sources.flatMap((each) => [...each, END, ...Array(positions - each.length - 1).fill(PAD)]);
    return State.of(await this.encoder({
      ids: integers(ids, [sources.length, positions]),
      lengths: integers(lengths, [sources.length]),
    }));
  }

  /**
   * One step: what follows the last tokens, one for each row.
   *
   * @returns {logProbabilities, vocabulary, attention, positions, state}: arrays with one stretch of `vocabulary` and
   *   of `positions` numbers for each row; the attention is null if the model has none
   */
  async step(tokens, state) {
    const found = await this.stepper({
      tokens: integers(tokens, [tokens.length]),
      count: integers([1], [1]),
      ...prefixed(ROWS, state.rows),
      ...prefixed(SENTENCES, state.sentences),
    });
    const { log_probabilities: scores, attention } = found;
    return {
      logProbabilities: scores.data,
      vocabulary: scores.dims[1],
      attention: attention?.data ?? null,
      positions: attention?.dims[1] ?? 0,
      state: new State(unprefixed(NEXT + ROWS, found), state.sentences, state.count),
    };
  }
}

/** What the decoder knows between two steps. Rows lie sentence by sentence, as many for each. */
export class State {
  /**
   * @param rows tensors with one row for each hypothesis
   * @param sentences tensors with one row for each sentence
   * @param count how many sentences there are
   */
  constructor(rows, sentences, count) {
    Object.assign(this, { rows, sentences, count });
  }

  /** The state that the encoder's outputs are. */
  static of(outputs) {
    const rows = unprefixed(ROWS, outputs);
    return new State(rows, unprefixed(SENTENCES, outputs), Object.values(rows)[0].dims[0]);
  }

  /** The state whose row i continues row parents[i]. */
  reorder(parents) {
    return new State(taken(this.rows, parents), this.sentences, this.count);
  }

  /** The state of some sentences alone, with all their rows. */
  keep(sentences) {
    const each = Object.values(this.rows)[0].dims[0] / this.count;
    const rows = sentences.flatMap((sentence) => Array.from({ length: each }, (_, i) => sentence * each + i));
    return new State(taken(this.rows, rows), taken(this.sentences, sentences), sentences.length);
  }
}

const integers = (numbers, dims) => ({ type: "int64", data: BigInt64Array.from(numbers, BigInt), dims });

/** Tensors with only the rows at some places. */
function taken(tensors, places) {
  return mapped(tensors, ({ type, data, dims }) => {
    const size = dims.slice(1).reduce((product, dim) => product * dim, 1);
    const chosen = new data.constructor(places.length * size);
    places.forEach((place, i) => chosen.set(data.subarray(place * size, (place + 1) * size), i * size));
    return { type, data: chosen, dims: [places.length, ...dims.slice(1)] };
  });
}

const mapped = (table, change) =>
  Object.fromEntries(Object.entries(table).map(([name, value]) => [name, change(value)]));

const prefixed = (prefix, tensors) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [prefix + name, tensor]));

function unprefixed(prefix, tensors) {
  const named = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(named.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}
