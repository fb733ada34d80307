// Vocabularies: text to token ids and back (s2s/text/tokens.py, vocabulary.py, subwords.py). Their data are made by
// serving/vocabulary.py.

import { isAlnum, firstCharacter, splitWords, strip } from "./characters.js";
import { encodeByMerges, encodeByScores } from "./subwords.js";

export const PAD = 0;
export const UNK = 1;
export const START = 2;
export const END = 3;
const SPECIALS = ["<pad>", "<unk>", "<s>", "</s>"];
const SPACE = "\u2581"; // SentencePiece's
export const UNKNOWN_CHARACTER = "\u2585";
const FIRST_PLACEHOLDER = 0xe000; // characters of private use; each stands for a text that is copied

/** What all kinds share: the texts of ids. */
class Vocabulary {
  constructor({ kind, surfaces, placeholders }) {
    this.kind = kind;
    this.placeholderCharacters = Array.from(Array(placeholders), (_, i) => String.fromCharCode(FIRST_PLACEHOLDER + i));
    this.surfaces = [...SPECIALS.map(() => ""), ...surfaces, ...this.placeholderCharacters];
    this.size = this.surfaces.length;
    this.firstPlaceholder = this.size - placeholders;
    this.ids = new Map(this.surfaces.map((surface, id) => [surface, id]));
    this.ids.delete("");
  }

  /** All characters in the tokens, without placeholders. */
  get characters() {
    return new Set(this.surfaces.slice(SPECIALS.length, this.firstPlaceholder).join(""));
  }

  /** For each id, whether a word or a sign begins with it. */
  get wordStarts() {
    return this.surfaces.map((surface) => !isAlnum(firstCharacter(surface)));
  }

  /** A label for each id, such as `<s>`. */
  tokens(ids) {
    return ids.map((id) => (id < SPECIALS.length ? SPECIALS[id] : this.surfaces[id]));
  }

  /** The texts of ids without PAD, START and END, with one of `copies` for each UNK. */
  fill(ids, copies) {
    let next = 0;
    const shown = ids.filter((id) => id !== PAD && id !== START && id !== END);
    return shown.map((id) => (id === UNK ? strip(copies[next++] ?? "", " ") : this.surfaces[id]));
  }
}

/** Words or characters: each token is its own text. */
class ListVocabulary extends Vocabulary {
  encode(text) {
    return this.pieces(text).map((token) => this.ids.get(token) ?? UNK);
  }

  /** The part of the text that each id stands for, also for UNK. */
  pieces(text) {
    return this.kind === "word" ? splitWords(text) : [...text];
  }

  decode(ids, copies = []) {
    return this.fill(ids, copies).filter(Boolean).join(this.kind === "word" ? " " : "");
  }

  get wordStarts() {
    return this.kind === "word" ? this.surfaces.map(() => true) : super.wordStarts;
  }
}

/** Subwords of SentencePiece: "bpe" or "unigram". All spaces are kept. */
class SubwordVocabulary extends Vocabulary {
  constructor(data) {
    super(data);
    this.scores = new Map(data.surfaces.map((surface, i) => [surface, data.scores[i]]));
    this.lowest = Math.min(...data.scores);
    this.longest = Math.max(...data.surfaces.map((surface) => surface.length));
    this.words = new Map(); // the pieces of words, which are split again and again
  }

  encode(text) {
    return this.segments(text).map(([id]) => id);
  }

  pieces(text) {
    return this.segments(text).map(([, piece]) => piece);
  }

  /** The ids of a text, each with the part of the text that it stands for. */
  segments(text) {
    if (!text) return [];
    const segments = [];
    for (const surface of this.surfacesOf(" " + this.shielded(text))) {
      const id = this.ids.get(surface);
      const known = id !== undefined;
      if (!known && segments.at(-1)?.[0] === UNK) segments.at(-1)[1] += surface; // a run of unknown parts is one
      else segments.push([known ? id : UNK, surface]);
    }
    return this.placed(this.inText(segments, text));
  }

  surfacesOf(text) {
    if (this.kind === "unigram") return encodeByScores(text, this.scores, this.lowest, this.longest);
    return text.match(/ [^ ]*/g).flatMap((word) => { // no merge crosses the start of a word
      if (!this.words.has(word)) this.words.set(word, encodeByMerges(word, this.scores));
      return this.words.get(word);
    });
  }

  /** The text with all characters that SentencePiece would not take for themselves as an unknown one. */
  shielded(text) {
    return text.replaceAll(SPACE, UNKNOWN_CHARACTER).replace(/[\ue000-\ue009]/g, UNKNOWN_CHARACTER);
  }

  /** The segments with their parts as they stand in the text; the space before it is in no part. */
  inText(segments, text) {
    let end = -1;
    return segments.map(([id, surface]) => {
      const start = Math.max(end, 0);
      end += surface.length;
      return [id, text.slice(start, end)];
    });
  }

  /** The segments with placeholders, which a run of unknown characters may hold, as tokens of their own. */
  placed(segments) {
    const known = this.placeholderCharacters;
    if (!known.length) return segments;
    const pattern = new RegExp(`([${known.join("")}])`);
    return segments.flatMap(([id, piece]) => {
      if (id !== UNK) return [[id, piece]];
      return piece.split(pattern).filter(Boolean).map((part) => [this.ids.get(part) ?? UNK, part]);
    });
  }

  /** A label for each id; that of a word includes the space before it, except at the start of the text. */
  tokens(ids) {
    const labels = super.tokens(ids);
    const first = ids.findIndex((id) => id >= SPECIALS.length);
    if (first >= 0) labels[first] = labels[first].replace(/^ /, "");
    return labels;
  }

  decode(ids, copies = []) {
    return this.fill(ids, copies).join("").replace(/^ /, "");
  }
}

/** The vocabulary that `vocabulary_data` of serving/vocabulary.py has written. */
export function readVocabulary(data) {
  return data.scores ? new SubwordVocabulary(data) : new ListVocabulary(data);
}
