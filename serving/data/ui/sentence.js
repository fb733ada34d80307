// A line and one of its translations as two rows of words, and the weights between them.

import {placeTokens, wordsOf, wordWeights} from "./words.js";

/**
 * text: of the line
 * result: its translation, as an engine gives it: nBest, sourceTokens, confidence, doubtful, reasons
 * choice: which of the n best
 */
export function sentencePair(text, result, choice, model) {
  const sentence = result.nBest[choice] ?? {text: "", tokens: [], attention: null};
  const source = wordsOf(text, model.source), target = wordsOf(sentence.text, model.target);
  const {attention, tokens} = sentence;
  const weights = attention?.length && wordWeights(
    attention, placeTokens(tokens.slice(0, attention.length), sentence.text), target,
    placeTokens(result.sourceTokens, text), source);
  return {text, result, choice, source, target, weights: weights || null, written: sentence.text};
}

/** The weights that a word of one side has with all words of the other. */
export function weightsOf(pair, side, word) {
  if (!pair.weights) return null;
  return side === "target" ? pair.weights[word] : pair.weights.map(row => row[word]);
}
