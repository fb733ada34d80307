// Sampling: draw a token at random, with the probability that the model gives it (s2s/decoding/sampling.py, which says
// what temperature, top-k and top-p do). Rounded as there, so that the same number draws the same token.

import { DAMAGED } from "./search.js";

const f32 = Math.fround;

/**
 * Draw a token.
 *
 * @param logProbabilities Float32Array, one for each token
 * @param banned a Set of tokens that are never drawn
 * @param options {temperature, topK, topP}; topK is null for all tokens
 * @param number from 0 to below 1, which decides
 */
export function draw(logProbabilities, banned, { temperature, topK, topP }, number) {
  if (!logProbabilities.every((value) => value < Infinity)) throw new Error(DAMAGED);
  const values = logProbabilities.map((value, token) => (banned.has(token) ? -Infinity : value));
  const inOrder = topK === null && topP === 1;
  const tokens = inOrder ? [...values.keys()] : likeliest(values, topK ?? values.length);
  const scores = tokens.map((token) => f32(values[token] / f32(temperature)));
  const highest = scores.reduce((high, score) => Math.max(high, score));
  const reached = runningSums(scores.map((score) => Math.exp(f32(score - highest))));
  const kept = topP === 1 ? reached : nucleus(reached, topP);
  const exceeds = number * kept.at(-1);
  const place = kept.findIndex((sum) => sum > exceeds);
  return tokens[place < 0 ? kept.length - 1 : place];
}

/** The `count` likeliest tokens, descending; of equals, the lower one comes first. */
function likeliest(values, count) {
  const least = values.slice().sort().at(-Math.min(count, values.length));
  const tokens = [...values.keys()].filter((token) => values[token] >= least);
  return tokens.sort((a, b) => values[b] - values[a] || a - b).slice(0, count); // two of -Infinity differ by NaN
}

function runningSums(weights) {
  let sum = 0;
  return weights.map((weight) => (sum += weight));
}

/** The running sums of the fewest candidates that have the share `topP` of the whole. */
function nucleus(reached, topP) {
  const needed = topP * reached.at(-1);
  return reached.filter((_, i) => i === 0 || reached[i - 1] < needed);
}
