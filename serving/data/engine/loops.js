// Loops: sentences that repeat words for which their source gives no reason, and a constraint that prevents them
// (s2s/decoding/loops.py, which defines `times` and `words`).

/** What the measures know of a vocabulary: for each token id, whether a word begins with it, is doubled, is a sign, may
 * stand only once. */
export function wordTable(vocabulary, { doubled, signs, unique = [] }) {
  const marked = (ids) => {
    const marks = new Uint8Array(vocabulary.size);
    for (const id of ids) marks[id] = 1;
    return marks;
  };
  return { starts: vocabulary.wordStarts, doubled: marked(doubled), signs: marked(signs), unique: marked(unique) };
}

/** How much a sentence repeats itself: {times, words}. */
export function repetitionOf(tokens, { starts, doubled, signs, unique }) {
  let times = 1;
  let longest = 0;
  const places = new Map(); // where each token stands
  let matches = new Map(); // earlier place -> [tokens of the common suffix there, words that begin in it]
  tokens.forEach((token, time) => {
    const before = matches;
    matches = new Map();
    if (unique[token] && places.has(token)) times = Math.max(times, 2);
    for (const place of places.get(token) ?? []) {
      const [tokensBefore, wordsBefore] = before.get(place - 1) ?? [0, 0];
      const length = tokensBefore + 1;
      const started = wordsBefore + (starts[token] ? 1 : 0);
      matches.set(place, [length, started]);
      const lag = time - place;
      longest = Math.max(longest, Math.min(started, lag));
      if (length >= lag) { // the last `lag` tokens stand directly before themselves
        const free = !starts[tokens[time - lag + 1]] || (lag === 1 && doubled[token]);
        times = Math.max(times, Math.floor(length / lag) + 1 - (free ? 1 : 0));
      } else if (length === lag - 1 && signs[tokens[place + 1]]) { // directly, but for a sign between them
        if (starts[tokens[time - lag + 2]] && !(lag === 2 && doubled[token])) times = Math.max(times, 2);
      }
    }
    if (!places.has(token)) places.set(token, []);
    places.get(token).push(time);
  });
  return { times, words: longest };
}

/** Finds the sentences of a batch that loop. */
export class LoopGuard {
  /**
   * @param target, source what is known of the vocabularies, see `wordTable`
   * @param words of the longest n-gram that may occur twice without a reason
   */
  constructor(target, source, words) {
    Object.assign(this, { target, source, words });
  }

  /** What the translation of a source may repeat: words as often as the source does, and n-grams somewhat longer. */
  allowedBy(source) {
    const found = repetitionOf(source, this.source);
    const longest = found.words > 1 ? 2 * found.words + 2 : this.words;
    return { times: found.times, words: Math.max(longest, found.times > 1 ? 4 * found.times : this.words) };
  }

  /** Whether these tokens repeat more than their source allows. */
  loops(tokens, source) {
    const found = repetitionOf(tokens, this.target);
    const exceeds = (allowed) => found.times > allowed.times || found.words > allowed.words;
    return exceeds({ times: 1, words: this.words }) && exceeds(this.allowedBy(source));
  }

  /** The constraint before the first token of the translation of a source. */
  noLoops(source) {
    return new NoLoops(this.target, this.allowedBy(source), [], [], []);
  }
}

/** The constraint that a row repeats no more than it may. */
class NoLoops {
  /**
   * @param table see `wordTable`
   * @param allowed {times, words}
   * @param history the tokens so far
   * @param matches for each position, how many tokens before it, itself included, equal the last tokens
   * @param matchedWords how many words begin in these
   */
  constructor(table, allowed, history, matches, matchedWords) {
    Object.assign(this, { table, allowed, history, matches, matchedWords });
  }

  read(token) {
    const { history, table, allowed } = this;
    const starts = table.starts[token] ? 1 : 0;
    const extended = (counts, more) => history.map((each, i) => (each === token ? (counts[i - 1] ?? 0) + more : 0));
    // The last position is not compared with itself.
    const matches = [...extended(this.matches, 1), 0];
    const matchedWords = [...extended(this.matchedWords, starts), 0];
    return new NoLoops(table, allowed, [...history, token], matches, matchedWords);
  }

  /** A token is banned if it continues a repetition beyond what is allowed. */
  apply(scores) {
    const { history, allowed, table: { starts, doubled, unique } } = this;
    const time = history.length;
    history.forEach((token, place) => { // the position before `place` would be followed, a second time, by `token`
      const matches = this.matches[place - 1] ?? 0;
      const lag = time - place;
      const free = !starts[history[Math.max(0, place - lag + 1)]] || (lag === 1 && doubled[token]);
      const loops = Math.floor((matches + 1) / lag) + 1 - (free ? 1 : 0) > allowed.times;
      const long = (this.matchedWords[place - 1] ?? 0) >= allowed.words && starts[token];
      const again = allowed.times < 2 && (unique[token] || this.isParted(place, lag, matches));
      if (loops || long || again) scores[token] = -Infinity;
    });
  }

  /** Whether the token at `place` would complete words that stand before themselves, but for a sign between both. */
  isParted(place, lag, matches) {
    const { history, table: { starts, doubled, signs } } = this;
    if (lag < 2 || matches + 2 !== lag || !signs[history[place + 1]]) return false;
    const first = Math.min(Math.max(place - lag + 2, 0), history.length - 1);
    return starts[history[first]] && !(lag === 2 && doubled[history[place]]);
  }
}
