// Random numbers of NumPy: a SeedSequence and the generator PCG64 that it seeds (`random_numbers` of
// s2s/decoding/sampling.py). The same seed gives the same numbers as in Python.
//
// O'Neill, 2014 (PCG: XSL-RR with 128 bits of state), and "Developing a seed_seq Alternative", 2015.

const POOL = 4; // words of 32 bits
const MULTIPLIER = (2549297995355413924n << 64n) | 4865540595714422341n;
const MASK64 = (1n << 64n) - 1n;
const MASK128 = (1n << 128n) - 1n;

/** A hash of words whose constant changes from word to word. */
function hasher(constant, multiplier) {
  return (word) => {
    const mixed = word ^ constant;
    constant = Math.imul(constant, multiplier);
    return shifted(Math.imul(mixed, constant));
  };
}

const shifted = (word) => (word ^ (word >>> 16)) >>> 0;

/** A whole number from 0 as words of 32 bits, the lowest first. */
function wordsOf(number) {
  const words = [];
  for (let rest = BigInt(number); rest || !words.length; rest >>= 32n) words.push(Number(rest & 0xffffffffn));
  return words;
}

/**
 * Four numbers of 64 bits that follow from a seed and a place: `SeedSequence(seed, spawn_key=key).generate_state`.
 *
 * @param seed a whole number from 0, as a BigInt
 * @param key whole numbers from 0; not empty
 */
function seedState(seed, key) {
  const words = wordsOf(seed);
  while (words.length < POOL) words.push(0);
  words.push(...key.flatMap(wordsOf));
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = words.slice(0, POOL).map(hash);
  const mixInto = (place, word) => {
    pool[place] = shifted(Math.imul(0xca01f9dd, pool[place]) - Math.imul(0x4973f715, hash(word)));
  };
  for (let from = 0; from < POOL; from++) {
    for (let place = 0; place < POOL; place++) if (place !== from) mixInto(place, pool[from]);
  }
  for (const word of words.slice(POOL)) for (let place = 0; place < POOL; place++) mixInto(place, word);
  const last = hasher(0x8b51f9dd, 0x58f38ded);
  const halves = Array.from({ length: 8 }, (_, i) => BigInt(last(pool[i % POOL])));
  return [0, 2, 4, 6].map((i) => halves[i] | (halves[i + 1] << 32n));
}

/**
 * Numbers from 0 to below 1 without an end: those of `numpy.random.Generator(PCG64(SeedSequence(seed, key))).random`.
 *
 * @param seed, key see `seedState`
 */
export function* randomNumbers(seed, key) {
  const [high, low, incrementHigh, incrementLow] = seedState(seed, key);
  const increment = ((((incrementHigh << 64n) | incrementLow) << 1n) | 1n) & MASK128;
  const following = (state) => (state * MULTIPLIER + increment) & MASK128;
  let state = following(increment + ((high << 64n) | low));
  for (;;) {
    state = following(state);
    const folded = (state >> 64n) ^ (state & MASK64);
    const turn = state >> 122n;
    const bits = ((folded >> turn) | (folded << (64n - turn))) & MASK64;
    yield Number(bits >> 11n) * 2 ** -53;
  }
}
