// Confidence: the probability that a translation is acceptable, from its features (translation/confidence.py and
// s2s/decoding/confidence.py, which define them).

import { splitWords } from "./characters.js";
import { findSpans } from "./spans.js";

/** The features of one hypothesis for a piece; each is higher the worse the translation is likely to be. */
export function featuresOf(piece, { tokens, logProbability, attention, finished }) {
  const positions = piece.ids.length;
  const surprise = -logProbability / Math.max(tokens.length + (finished ? 1 : 0), 1);
  let spread = 0;
  let uncovered = 0;
  if (attention) {
    const entropy = (weights) => -sum(weights, (weight) => weight * Math.log(Math.max(weight, 1e-9)));
    const rows = attention.map((weights) => [...weights.slice(0, positions + 1)]);
    spread = sum(rows, entropy) / rows.length / Math.log(positions + 2);
    const lacking = piece.ids.map((_, i) => Math.max(1 - sum(rows, (weights) => weights[i]), 0));
    uncovered = positions ? sum(lacking, (each) => each) / positions : 0;
  }
  const ratio = Math.log(Math.max(tokens.length, 1) / Math.max(positions, 1));
  const pairs = tokens.slice(1).map((token, i) => `${tokens[i]} ${token}`);
  return {
    surprise,
    log_surprise: Math.log(Math.max(surprise, 0) + 0.05),
    spread,
    uncovered,
    fragments: positions / Math.max(splitWords(piece.text).length, 1),
    unknown: piece.copies.size / Math.max(positions, 1),
    brevity: 1 / Math.max(positions, 1),
    longer: Math.max(ratio, 0),
    shorter: Math.max(-ratio, 0),
    repetition: pairs.length ? 1 - new Set(pairs).size / pairs.length : 0,
  };
}

const sum = (list, value) => list.reduce((total, each) => total + value(each), 0);

/** How features become a confidence: a logistic regression that was fitted under one model. */
export class Calibration {
  /**
   * @param data the content of the model's confidence.json
   * @param rules see rules.js
   */
  constructor(data, rules) {
    this.data = data;
    this.rules = rules.confidence;
    this.allRules = rules;
  }

  /** {confidence, doubtful, reasons} of a line: those of the worst of its pieces; null if none of them has words. */
  judge(pieces, hypotheses) {
    const judgements = pieces.flatMap((piece, i) => {
      if (hypotheses[i].length) return [this.judgeOne(featuresOf(piece, hypotheses[i][0]))];
      return this.hasWords(piece) ? [{ confidence: 0, doubtful: true, reasons: [this.rules.UNREAD] }] : [];
    });
    return judgements.reduce((worst, each) => (worst && worst.confidence <= each.confidence ? worst : each), null);
  }

  /** Whether a copied piece has letters outside protected spans, such as addresses. */
  hasWords({ text }) {
    let end = 0;
    const between = findSpans(text, this.allRules).map((span) => {
      const before = text.slice(end, span.start);
      end = span.end;
      return before;
    });
    return /\p{L}/u.test(between.join("") + text.slice(end));
  }

  judgeOne(features) {
    const losses = this.losses(features);
    const confidence = 1 / (1 + Math.exp(-(this.data.bias - sum(losses, ([, loss]) => loss))));
    const doubtful = confidence < this.data.threshold;
    return { confidence, doubtful, reasons: confidence < this.rules.SURE ? this.reasons(losses, doubtful) : [] };
  }

  /** By how much each feature lowers the log-odds: a list of [name, loss]. */
  losses(features) {
    const { features: names, means, scales, weights } = this.data;
    const limit = this.rules.LIMIT;
    return names.map((name, i) => {
      const deviation = (features[name] - means[i]) / scales[i];
      return [name, weights[i] * Math.max(-limit, Math.min(limit, deviation))];
    });
  }

  /** What lowers the confidence most, in words. */
  reasons(losses, doubtful) {
    const { WORDS, NOTABLE, MOST_REASONS } = this.rules;
    const together = new Map(); // features that share their words count together
    for (const [name, loss] of losses) together.set(WORDS[name], (together.get(WORDS[name]) ?? 0) + loss);
    const ranked = [...together].filter(([, loss]) => loss > 0).sort((a, b) => b[1] - a[1]);
    const notable = ranked.filter(([, loss]) => loss >= NOTABLE).slice(0, MOST_REASONS);
    const chosen = notable.length || !doubtful ? notable : ranked.slice(0, 1);
    return chosen.map(([words]) => words);
  }
}
