// Attention between tokens as attention between the words that a reader sees.
//
// A model reads and writes subwords, and some text is taken out of its sight and put back (addresses, capitals). Here
// each token is found again in the text, and the weights of tokens become weights of words.

const SPECIAL = new Set(["<pad>", "<unk>", "<s>", "</s>"]);
const WITHOUT_SPACES = new Set(["zh", "ja", "th", "lo", "km", "my"]);

/**
 * Where each token stands in a text: [start, end] in UTF-16 units, or null where it is not to be seen.
 * A token that is not in the text stands for what lies between its neighbours, such as an address that was copied.
 */
export function placeTokens(tokens, text) {
  const folded = text.toLowerCase().length === text.length ? text.toLowerCase() : text;
  const places = tokens.map(() => null);
  let end = 0, open = [];  // the tokens since `end` that have not been found
  const fill = start => {
    const gap = trimmed(text, end, start);
    if (gap) for (const i of open) places[i] = gap;
    open = [];
  };
  tokens.forEach((token, i) => {
    const label = token.trim();
    if (!label || token === "</s>" || token === "<s>" || token === "<pad>") return;
    const start = SPECIAL.has(token) ? -1 : find(label, text, folded, end, open.length > 0);
    if (start < 0) return open.push(i);
    fill(start);
    end = start + label.length;
    places[i] = [start, end];
  });
  fill(text.length);
  return places;
}

/** The next place of a label: right after `from`, or anywhere behind it if what lies between is another token's. */
function find(label, text, folded, from, anywhere) {
  const lower = label.toLowerCase();
  if (anywhere) return text.includes(label, from) ? text.indexOf(label, from) : folded.indexOf(lower, from);
  const start = from + text.slice(from).search(/\S|$/);
  return text.startsWith(label, start) || folded.startsWith(lower, start) ? start : -1;
}

function trimmed(text, start, end) {
  const inner = text.slice(start, end);
  const lead = inner.length - inner.trimStart().length, length = inner.trim().length;
  return length ? [start + lead, start + lead + length] : null;
}

/** The words and marks of a text, [start, end] each. */
export function wordsOf(text, language = "") {
  if (WITHOUT_SPACES.has(language.split("-")[0]) && typeof Intl.Segmenter === "function") {
    const segments = [...new Intl.Segmenter(language, {granularity: "word"}).segment(text)];
    return segments.filter(each => each.segment.trim()).map(each => [each.index, each.index + each.segment.length]);
  }
  const words = [];
  for (const found of text.matchAll(/\S+/g)) {
    const [, before, word, after] = found[0].match(/^([\p{P}\p{S}]*)(.*?)([\p{P}\p{S}]*)$/su);
    let start = found.index;
    for (const part of word ? [before, word, after] : [before]) {
      if (part) words.push([start, start + part.length]);
      start += part.length;
    }
  }
  return words;
}

/**
 * The weights of words on words, (words of the output) rows of (words of the input) each. A word of the output has the
 * mean of its tokens' weights; a word of the input has their sum.
 */
export function wordWeights(attention, outputPlaces, outputWords, inputPlaces, inputWords) {
  const inputs = shares(inputPlaces, inputWords);
  const totals = outputWords.map(() => 0), sums = outputWords.map(() => inputWords.map(() => 0));
  for (const {token, word, share} of shares(outputPlaces, outputWords)) {
    totals[word] += share;
    for (const input of inputs) sums[word][input.word] += share * input.share * attention[token][input.token];
  }
  return sums.map((row, word) => row.map(sum => sum / (totals[word] || 1)));
}

/** Which part of each token lies in which word. */
function shares(places, words) {
  const found = [];
  let first = 0;  // both are in order
  places.forEach((place, token) => {
    if (!place) return;
    const [start, end] = place;
    while (first < words.length && words[first][1] <= start) first++;
    for (let word = first; word < words.length && words[word][0] < end; word++) {
      const overlap = Math.min(end, words[word][1]) - Math.max(start, words[word][0]);
      if (overlap > 0) found.push({token, word, share: overlap / (end - start)});
    }
  });
  return found;
}

/** A text in parts: an element for each word, and the text between them. */
export function between(text, words, elements) {
  const parts = [];
  let end = 0;
  words.forEach(([start, stop], i) => {
    parts.push(text.slice(end, start), elements[i]);
    end = stop;
  });
  return [...parts, text.slice(end)];
}

/** The positions of the words of `text` that are not in `other`: what an alternative says differently. */
export function changedWords(text, other, language) {
  const words = wordsOf(text, language).map(([start, end]) => text.slice(start, end));
  const others = wordsOf(other, language).map(([start, end]) => other.slice(start, end));
  const common = Array.from({length: words.length + 1}, () => new Uint16Array(others.length + 1));
  for (let i = words.length - 1; i >= 0; i--)
    for (let j = others.length - 1; j >= 0; j--)
      common[i][j] = words[i] === others[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const changed = new Set();
  for (let i = 0, j = 0; i < words.length;) {
    if (j < others.length && words[i] === others[j]) { i++; j++; }
    else if (j < others.length && common[i][j + 1] > common[i + 1][j]) j++;
    else changed.add(i++);
  }
  return changed;
}
