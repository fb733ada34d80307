// Characters and strings, with the meaning that Python's string methods have. Offsets count UTF-16 units, so a
// character is read with `characterAt` and `characterBefore`, which return both halves of one beyond U+FFFF.

const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const ALNUM = /^[\p{L}\p{N}]+$/u;
const ALPHA = /^\p{L}+$/u;
const DECIMAL = /^\p{Nd}+$/u;
const ONLY_SPACE = new RegExp(`^[${SPACES}]+$`, "u");
const SPACE_BEFORE = new RegExp(`^[${SPACES}]+`, "u");
const SPACE_BEHIND = new RegExp(`(?<![${SPACES}])[${SPACES}]+$`, "u");
const WORDS = new RegExp(`[^${SPACES}]+`, "ug");
const ASCII = /^[\x00-\x7f]*$/;

export const isAlnum = (text) => ALNUM.test(text);
export const isAlpha = (text) => ALPHA.test(text);
export const isDecimal = (text) => DECIMAL.test(text);
export const isSpace = (text) => ONLY_SPACE.test(text);
export const isAscii = (text) => ASCII.test(text);

/** Whether a text has capitals and no letter in lower case. */
export const isUpper = (text) => /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);

/** Whether a text has letters in lower case and no capitals. */
export const isLower = (text) => /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text);

export const some = (text, test) => [...text].some(test);

/** The first character of a text; empty if there is none. */
export const firstCharacter = (text) => characterAt(text, 0);

/** A text without its first character. */
export const withoutFirst = (text) => text.slice(characterAt(text, 0).length);

/** The last character of a text; empty if there is none. */
export const lastCharacter = (text) => characterBefore(text, text.length);

/** The first character in upper case, the others as they are. */
export const raised = (text) => firstCharacter(text).toUpperCase() + withoutFirst(text);

/** The first character in upper case, the others in lower case: "Ss" of "ß". */
export function capitalised(text) {
  const first = firstCharacter(text).toUpperCase();
  return firstCharacter(first) + withoutFirst(first).toLowerCase() + withoutFirst(text).toLowerCase();
}

export const caseFolded = (text) => text.toLowerCase().replaceAll("ß", "ss").replaceAll("ς", "σ");

/** The character that starts at an offset; empty outside of the text. */
export function characterAt(text, offset) {
  const code = offset < 0 ? undefined : text.codePointAt(offset);
  return code === undefined ? "" : String.fromCodePoint(code);
}

/** The character that ends at an offset; empty at the start. */
export function characterBefore(text, offset) {
  const last = text.charCodeAt(offset - 1);
  const isHalf = last >= 0xdc00 && last <= 0xdfff && offset > 1;
  return offset > 0 ? text.slice(isHalf ? offset - 2 : offset - 1, offset) : "";
}

/** The words of a text: what white space separates. */
export const splitWords = (text) => text.match(WORDS) ?? [];

/** A text without white space, or without any of `characters`, at its start, at its end, or at both. */
export function stripStart(text, characters) {
  if (characters === undefined) return text.replace(SPACE_BEFORE, "");
  let start = 0;
  while (start < text.length && characters.includes(characterAt(text, start))) start += characterAt(text, start).length;
  return text.slice(start);
}

export function stripEnd(text, characters) {
  if (characters === undefined) return text.replace(SPACE_BEHIND, "");
  let end = text.length;
  while (end > 0 && characters.includes(characterBefore(text, end))) end -= characterBefore(text, end).length;
  return text.slice(0, end);
}

export const strip = (text, characters) => stripStart(stripEnd(text, characters), characters);

export const withoutSuffix = (text, suffix) => (suffix && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text);

/** How many elements of an ascending list are at most `value`, or below it; `key` makes the values of the elements. */
export function bisectRight(list, value, key = (each) => each) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value < key(list[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function bisectLeft(list, value) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The element with the lowest cost, the first of equals. */
export function cheapest(list, cost) {
  return list.reduce((best, each) => (cost(each) < cost(best) ? each : best));
}
