// Constraints on what a search may write (s2s/decoding/constraints.py). A constraint of a row is an object with two
// methods: `read(token)` returns it after the row has been continued, and `apply(scores)` changes the scores of the
// row's next token in place.

/**
 * A step function and a first state whose scores obey constraints.
 *
 * @param constraints one for each row of the state
 */
export function constrain(step, state, constraints) {
  const constrained = async (tokens, { decoder, rows }) => {
    const result = await step(tokens, decoder);
    const scores = Float32Array.from(result.logProbabilities);
    const read = rows.map((row, i) => row.read(tokens[i]));
    read.forEach((row, i) => row.apply(scores.subarray(i * result.vocabulary, (i + 1) * result.vocabulary)));
    return { ...result, logProbabilities: scores, state: new ConstrainedState(result.state, read) };
  };
  return [constrained, new ConstrainedState(state, constraints)];
}

/** The state of a decoder together with the constraints of its rows. */
class ConstrainedState {
  constructor(decoder, rows) {
    Object.assign(this, { decoder, rows });
  }

  get count() {
    return this.decoder.count;
  }

  reorder(parents) {
    return new ConstrainedState(this.decoder.reorder(parents), parents.map((parent) => this.rows[parent]));
  }

  keep(sentences) {
    const each = this.rows.length / this.count;
    const rows = sentences.flatMap((sentence) => this.rows.slice(sentence * each, (sentence + 1) * each));
    return new ConstrainedState(this.decoder.keep(sentences), rows);
  }
}

/** Every placeholder that a sentence needs is written exactly once, and no other one is written. */
export class WriteOnce {
  /**
   * @param missing the token ids of the placeholders that are still to be written
   * @param first, last the ids of the first placeholder, and of the last one and 1
   * @param end the id of END
   */
  constructor(missing, { first, last, end }) {
    this.missing = missing;
    this.ids = { first, last, end };
  }

  read(token) {
    return this.missing.includes(token) ? new WriteOnce(this.missing.filter((id) => id !== token), this.ids) : this;
  }

  /** The probability of END goes to the first placeholder that is missing, written where the sentence would end. */
  apply(scores) {
    const { first, last, end } = this.ids;
    for (let id = first; id < last; id++) if (!this.missing.includes(id)) scores[id] = -Infinity;
    if (!this.missing.length) return;
    const next = Math.min(...this.missing);
    scores[next] = logSum(scores[next], scores[end]);
    scores[end] = -Infinity;
  }
}

/** log(exp(a) + exp(b)) */
function logSum(a, b) {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(-Math.abs(a - b)));
}
