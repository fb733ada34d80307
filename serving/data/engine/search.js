// Search: greedy, and with a beam (s2s/decoding/beam.py, greedy.py, which draw an example).
//
// Both take a step function: usually that of a network, but a test passes a table of numbers. Sums are rounded to
// float32, and equal continuations are ranked by slot and then by token, so that the result is that of Python.

const LEAVING_SHARE = 0.25; // done sentences leave once they are this share of the batch: copying the others takes time
export const DAMAGED = "the model's log-probabilities are NaN or infinite, so its weights are damaged: use an intact copy";
const f32 = Math.fround;

/**
 * Search for the best hypotheses of each sentence, best first. A width of 1 searches greedily.
 *
 * @param step (tokens, state) => {logProbabilities, vocabulary, attention, positions, state}, see network.js
 * @param state one row for each sentence
 * @param limits the maximum number of steps for each sentence, END being one
 * @param options {width, nBest, lengthPenalty, minimumLength, stopEarly, start, end, banned}
 * @returns for each sentence up to nBest of {tokens, score, logProbability, attention, finished}
 */
export async function search(step, state, limits, options) {
  const Strategy = options.width > 1 ? Beam : Greedy;
  const all = limits.map((limit) => new Strategy(limit, options));
  let batch = all;
  let tokens = batch.map(() => options.start);
  for (let time = 0; batch.length; time++) {
    const slots = tokens.length / batch.length;
    const result = await step(tokens, state);
    const banned = time < options.minimumLength ? [...options.banned, options.end] : options.banned;
    batch.forEach((each, i) => each.extend(new Slots(result, i * slots, slots, banned), time));
    state = result.state;
    const staying = [...batch.keys()].filter((i) => !batch[i].done);
    if (batch.length - staying.length >= LEAVING_SHARE * batch.length) {
      state = state.keep(staying);
      batch = staying.map((i) => batch[i]);
    }
    tokens = batch.flatMap((each) => each.alive.map(({ token }) => token));
    if (options.width > 1) {
      state = state.reorder(batch.flatMap((each, i) => each.alive.map(({ slot }) => i * slots + slot)));
    }
  }
  return all.map((each, sentence) => {
    if (!each.results.length) {
      throw new Error(`sentence ${sentence} of the batch: a step left no token with a probability above zero`);
    }
    return each.results.slice(0, options.nBest).map((result) => readHypothesis(result, options));
  });
}

/** The scores and the attention of one sentence's hypotheses after a step. */
class Slots {
  constructor(result, firstRow, count, banned) {
    Object.assign(this, { result, firstRow, count, banned: new Set(banned) });
  }

  attention(slot) {
    const { attention, positions } = this.result;
    const row = this.firstRow + slot;
    return attention && attention.slice(row * positions, (row + 1) * positions);
  }

  /** The `count` continuations of hypotheses with the highest totals, descending: {total, slot, token}. */
  best(totals, count) {
    const { logProbabilities, vocabulary } = this.result;
    const found = [];
    let least = -Infinity; // the total that the next one has to exceed
    for (let slot = 0; slot < this.count; slot++) {
      const first = (this.firstRow + slot) * vocabulary;
      for (let token = 0; token < vocabulary; token++) {
        const score = logProbabilities[first + token];
        if (!(score < Infinity)) throw new Error(DAMAGED);
        const total = f32(totals[slot] + score);
        if (total <= least || this.banned.has(token)) continue;
        let place = found.length;
        while (place > 0 && found[place - 1].total < total) place -= 1;
        found.splice(place, 0, { total, slot, token });
        if (found.length > count) found.pop();
        if (found.length === count) least = found[count - 1].total;
      }
    }
    return found;
  }
}

/** The hypotheses of one sentence, of which the likeliest compete. */
class Beam {
  constructor(limit, options) {
    Object.assign(this, { limit, options, done: false, results: [] });
    this.alive = [{ total: 0, path: null }]; // descending; a total of -Infinity is an empty slot
    this.finished = []; // the best, descending
  }

  /** Finish the hypotheses that END continues, and continue the best others. */
  extend(slots, time) {
    const { width, end, lengthPenalty } = this.options;
    const before = this.alive;
    const best = slots.best(before.map(({ total }) => total), 2 * width);
    const continued = ({ total, slot, token }) =>
      ({ total, slot, token, path: { token, before: before[slot].path, attention: slots.attention(slot) } });
    const ended = best.slice(0, width).filter(({ token }) => token === end).map(continued);
    const divisor = f32((time + 1) ** lengthPenalty);
    const scored = ended.map(({ total, path }) => ({ score: f32(total / divisor), path, finished: true }));
    this.finished = [...this.finished, ...scored].sort((a, b) => b.score - a.score).slice(0, width);
    this.alive = best.filter(({ token }) => token !== end).slice(0, width).map(continued);
    while (this.alive.length < width) this.alive.push({ total: -Infinity, slot: 0, token: 0, path: null });
    if (!this.done) this.close(time + 1, width);
  }

  /** Decide whether the search is over after `length` steps; what is alive at the maximum length is cut off. */
  close(length, width) {
    const { lengthPenalty, stopEarly } = this.options;
    // A log-probability only falls and no length exceeds the limit, so this quotient bounds all later scores.
    const bound = f32(this.alive[0].total / f32(this.limit ** lengthPenalty));
    const worst = this.finished.length === width ? this.finished[width - 1].score : -Infinity;
    const stopped = bound <= worst || (stopEarly && worst > -Infinity);
    this.done = stopped || length === this.limit;
    if (!this.done) return;
    const divisor = f32(length ** lengthPenalty);
    const alive = stopped ? [] : this.alive.filter(({ total }) => total > -Infinity);
    const cutOff = alive.map(({ total, path }) => ({ score: f32(total / divisor), path, finished: false }));
    this.results = [...this.finished, ...cutOff].slice(0, width);
    for (const each of this.alive) each.total = -Infinity; // nothing of it changes until it leaves
  }
}

/** The one hypothesis of a sentence that takes the likeliest token at every step. */
class Greedy {
  constructor(limit, options) {
    Object.assign(this, { limit, options, done: false, results: [] });
    this.alive = [{ total: 0, path: null }];
  }

  extend(slots, time) {
    if (this.done) return;
    const { total: before, path } = this.alive[0];
    const [best] = slots.best([before], 1);
    if (!best) {
      this.done = true; // without a result, which is an error
      return;
    }
    const { total, token } = best;
    this.alive = [{ total, token, path: { token, before: path, attention: slots.attention(0) } }];
    const finished = token === this.options.end;
    this.done = finished || time + 1 === this.limit;
    if (!this.done) return;
    const score = f32(total / f32((time + 1) ** this.options.lengthPenalty));
    this.results = [{ score, path: this.alive[0].path, finished }];
  }
}

/** Follow a path from its last token to its first. */
function readHypothesis({ path, score, finished }, { lengthPenalty }) {
  const steps = [];
  for (let each = path; each; each = each.before) steps.unshift(each);
  return {
    tokens: steps.slice(0, finished ? -1 : undefined).map(({ token }) => token),
    score,
    logProbability: score * steps.length ** lengthPenalty,
    attention: steps[0].attention && steps.map(({ attention }) => attention),
    finished,
  };
}
