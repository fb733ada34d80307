// Protected spans: the parts of a line that must stand in its translation exactly once, unchanged (s2s/text/spans.py).

/**
 * Find the protected spans of a text, in order and without overlaps.
 *
 * @param rules see rules.js
 * @returns a list of {start, end, kind, word}: offsets, the name of the kind, and whether it stands like a word
 */
export function findSpans(text, rules) {
  const { PLAIN, SPAN, STANDS_LIKE_A_WORD } = rules.spans;
  if (PLAIN.fullMatch(text)) return [];
  const spans = [];
  for (const match of SPAN.matches(text)) {
    const kind = SPAN.nameOf(match);
    if (kind) spans.push({ start: match.start, end: match.end, kind, word: STANDS_LIKE_A_WORD[kind] });
  }
  return spans;
}
