// Casing: lines and words in capitals, and how a vocabulary would rather read them (s2s/text/casing.py).

import { capitalised, cheapest, firstCharacter, isUpper, raised } from "./characters.js";

export const MIXED = "mixed";
export const UPPER = "upper";
export const TITLE = "title";

/** The text in a case: all letters, or the first one of each word, in capitals; mixed changes nothing. */
export function applyCase(text, wanted, rules) {
  if (wanted === UPPER) return [...text.replaceAll("ß", "ẞ")].map(oneCapital).join("");
  if (wanted === TITLE) return rules.casing.WORD_AND_REST.replace(text, (word) => raised(word));
  return text;
}

/** The capital of a character, if it is one character: "ẞ" instead of "SS", so that the word can be told again. */
function oneCapital(character) {
  const capital = character.toUpperCase();
  return [...capital].length === 1 ? capital : character;
}

/** Whether a word is in capitals; an "ß" among them, which often stays small, does not count. */
export const isInCapitals = (word) => isUpper(word.replaceAll("ß", ""));

const lengthOf = (word) => [...word].length;

/** The case of a line. A title has at least three words, each with a capital, but for small words like "of". */
export function caseOf(text, rules) {
  const { WORD, SHORTEST_LINE, SHORT_WORD } = rules.casing;
  const all = [...WORD.matches(text)].map((match) => match.text);
  const words = all.filter((word) => word.toLowerCase() !== word.toUpperCase());
  if (!words.length) return MIXED;
  if (words.every(isInCapitals)) {
    const lengths = words.map(lengthOf).filter((length) => length > 1);
    return lengths.length > 1 || lengths.some((length) => length >= SHORTEST_LINE) ? UPPER : MIXED;
  }
  const small = rules.language.small_words;
  const capitals = words.filter((word) => isUpper(firstCharacter(word))).length;
  const whole = words.every((word) => isUpper(firstCharacter(word)) || small.has(word));
  let title = whole && capitals >= 3 && !words.some((word) => isInCapitals(word) && lengthOf(word) > 1);
  // German nouns have capitals anyway: "Männer, Frauen, Kinder" is no title.
  if (!small.size) title = title && words.slice(1).some((word) => lengthOf(word) <= SHORT_WORD);
  return title ? TITLE : MIXED;
}

/** The form of a word in capitals that a vocabulary knows best: in lower case, with one capital, or as it is. */
export function knownForm(word, cost) {
  return cheapest([word.toLowerCase(), capitalised(word), word], cost);
}
