// The rules of the translator as Python hands them over (serving/rules.py): patterns, tables and numbers, by module and
// name, so that none of them is written twice.

import { characterAt } from "./characters.js";

/** A match: where it starts and ends, its text, and its groups by the numbers that they have in Python. */
class Match {
  constructor(found, numbers) {
    this.start = found.index;
    this.text = found[0];
    this.end = this.start + this.text.length;
    this.found = found;
    this.numbers = numbers;
  }

  group(number) {
    return this.found[this.numbers[number]];
  }

  /** Where group `number` ends, if the groups before it and it lie one behind the other from the start. */
  endOf(number) {
    let end = this.start;
    for (let each = 1; each <= number; each++) end += this.group(each).length;
    return end;
  }
}

/** A pattern of Python's `re`. Searches may be limited to a part of the text, as with `pos` and `endpos` in Python. */
class Pattern {
  constructor({ source, groups, names }) {
    this.source = source;
    this.numbers = groups;
    this.names = names;
  }

  // Compiled when they are first used: the largest takes a tenth of a second.
  get anywhere() {
    return (this.anywherePattern ??= new RegExp(this.source, "ug"));
  }

  get here() {
    return (this.herePattern ??= new RegExp(this.source, "uy"));
  }

  get whole() {
    return (this.wholePattern ??= new RegExp(`(?:${this.source})$`, "uy"));
  }

  /** The first match anywhere in the text; null if there is none. */
  search(text, start = 0, end = text.length) {
    return this.run(this.anywhere, text, start, end);
  }

  /** The match that starts at `start`; null if there is none. */
  match(text, start = 0, end = text.length) {
    return this.run(this.here, text, start, end);
  }

  /** The match of the whole text; null if there is none. */
  fullMatch(text) {
    return this.run(this.whole, text, 0, text.length);
  }

  /** All matches, one after the other. */
  *matches(text, start = 0, end = text.length) {
    const part = text.slice(0, end);
    for (let match = this.search(part, start); match; match = this.search(part, start)) {
      yield match;
      start = match.end + (match.text ? 0 : characterAt(part, match.end).length || 1);
      if (start > end) return;
    }
  }

  /** The text with each match replaced by a text, or by what a function makes of it. */
  replace(text, replacement) {
    this.anywhere.lastIndex = 0;
    return text.replace(this.anywhere, replacement);
  }

  /** The name of the group that a match is of; undefined if it is of none. */
  nameOf(match) {
    return Object.keys(this.names).find((name) => match.found[this.names[name]] !== undefined);
  }

  run(pattern, text, start, end) {
    pattern.lastIndex = start;
    const found = pattern.exec(text.slice(0, end));
    return found && new Match(found, this.numbers);
  }
}

/** The rules with their patterns compiled when they are first used, and their lists of words as sets. */
export function readRules(data) {
  if (Array.isArray(data)) return new Set(data);
  if (data === null || typeof data !== "object") return data;
  if ("source" in data && "groups" in data) return new Pattern(data);
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, readRules(value)]));
}

/** A text with some characters replaced by others, as `str.translate` does. */
export function translateCharacters(text, table) {
  return [...text].map((character) => table[character] ?? character).join("");
}
