// Copying: a source text takes the place of each unknown token and of each placeholder (translation/copying.py).

import { UNK } from "./vocabulary.js";

/**
 * Choose the source text for each UNK and placeholder among the tokens of a hypothesis.
 *
 * @param tokens ids, without END
 * @param attention a list of weights for each token, or null: then the order decides
 * @param piece the source
 * @param target, source the vocabularies
 * @returns Maps: texts by step, empty where one is dropped; steps by the position of their placeholder in the source;
 *   and the texts that are missing, by their positions in the source
 */
export function copyWords(tokens, attention, piece, target, source) {
  const missing = new Map(piece.copies);
  const texts = new Map();
  const steps = new Map();
  tokens.forEach((token, step) => {
    if (token < target.firstPlaceholder) return;
    const position = piece.ids.indexOf(source.firstPlaceholder + token - target.firstPlaceholder);
    texts.set(step, (position >= 0 && missing.get(position)) || "");
    missing.delete(position);
    if (position >= 0 && !steps.has(position)) steps.set(position, step);
  });
  tokens.forEach((token, step) => {
    if (token !== UNK) return;
    const unknown = [...missing.keys()].filter((position) => piece.ids[position] === UNK);
    const all = target.kind === "word" ? [...piece.ids.keys()] : [];
    const candidates = unknown.length ? unknown : all;
    if (!candidates.length) {
      texts.set(step, "");
      return;
    }
    const weight = (position) => (attention ? attention[step][position] : 0);
    const position = candidates.reduce((best, each) => (weight(each) > weight(best) ? each : best));
    texts.set(step, piece.sourceTokens[position]);
    missing.delete(position);
  });
  return { texts, steps, missing };
}
