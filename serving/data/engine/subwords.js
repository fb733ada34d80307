// Subwords: the two segmentations of SentencePiece, of a text in which each space is a character.

/**
 * BPE: join the neighbours whose whole has the highest score, the leftmost of equals, until none is known
 * (Sennrich et al., 2016).
 *
 * @param scores a Map from known pieces to their scores
 */
export function encodeByMerges(word, scores) {
  const pieces = [...word];
  const scoreAt = (i) => scores.get(pieces[i] + pieces[i + 1]) ?? -Infinity;
  const joined = pieces.slice(1).map((_, i) => scoreAt(i));
  while (joined.length) {
    let best = 0;
    for (let i = 1; i < joined.length; i++) if (joined[i] > joined[best]) best = i;
    if (joined[best] === -Infinity) break;
    pieces.splice(best, 2, pieces[best] + pieces[best + 1]);
    joined.splice(best, 1);
    if (best < joined.length) joined[best] = scoreAt(best);
    if (best > 0) joined[best - 1] = scoreAt(best - 1);
  }
  return pieces;
}

const UNKNOWN_PENALTY = 10; // how much less an unknown character scores than the lowest piece

/**
 * Unigram language model: the segmentation with the highest sum of scores, in float32 (Kudo, 2018).
 *
 * @param scores a Map from known pieces to their scores
 * @param lowest the lowest of them
 * @param longest the most characters that a piece has
 */
export function encodeByScores(text, scores, lowest, longest) {
  const characters = [...text];
  const unknown = Math.fround(lowest - UNKNOWN_PENALTY);
  const best = [{ score: 0, start: 0 }]; // of the text up to each place
  for (let start = 0; start < characters.length; start++) {
    let piece = "";
    for (let end = start + 1; end <= Math.min(characters.length, start + longest); end++) {
      piece += characters[end - 1];
      const score = scores.get(piece) ?? (end === start + 1 ? unknown : undefined);
      if (score === undefined) continue;
      const total = Math.fround(best[start].score + Math.fround(score));
      if (!best[end] || total > best[end].score) best[end] = { score: total, start };
    }
  }
  const pieces = [];
  for (let end = characters.length; end > 0; end = best[end].start) {
    pieces.unshift(characters.slice(best[end].start, end).join(""));
  }
  return pieces;
}
