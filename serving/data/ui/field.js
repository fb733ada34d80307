// A text field whose words can be lit. A field shows nothing but its text, so a mirror of the same text lies below it:
// where the words of the mirror are, boxes are drawn.

import {make} from "./dom.js";

/**
 * elements: field (a textarea), mirror and glow, which lie below it at the same place
 * changed: called when the text has been wrapped anew
 */
export function litField({field, mirror, glow}, changed) {
  let lines = [];  // of each: where it starts, and [start, end] of its words
  let places = null;  // the boxes of all words, once they are needed

  /** Show a text; `words` are those of each line that is known. */
  function show(text, words) {
    mirror.textContent = `${text}\u200b`;  // an empty last line has a height, too
    let start = 0;
    lines = text.split("\n").map((line, i) => {
      const known = {start, words: words[i] ?? []};
      start += line.length + 1;
      return known;
    });
    places = null;
  }

  /** The boxes of a word, relative to the mirror; a word that is wrapped has several. */
  function boxesOf({start, words}, word) {
    const range = document.createRange(), within = mirror.getBoundingClientRect();
    range.setStart(mirror.firstChild, start + words[word][0]);
    range.setEnd(mirror.firstChild, start + words[word][1]);
    return [...range.getClientRects()].map(({left, top, width, height}) =>
      ({left: left - within.left, top: top - within.top, width, height}));
  }

  /** Light the words of a line: `strengths` of each, 0 to 1, and the one that is chosen, -1 for none. */
  function light(line, strengths, chosen = -1) {
    glow.replaceChildren(...(lines[line]?.words ?? []).flatMap((place, word) => {
      const strength = strengths?.[word] ?? 0;
      if (strength < .02 && word !== chosen) return [];
      return boxesOf(lines[line], word).map(({left, top, width, height}) => {
        const box = make("span", {className: word === chosen ? "word chosen" : "word"});
        box.style.cssText = `left: ${left}px; top: ${top}px; width: ${width}px; height: ${height}px; --weight: ${strength}`;
        box.dataset.text = mirror.textContent.slice(lines[line].start + place[0], lines[line].start + place[1]);
        return box;
      });
    }));
  }

  /** The word under the pointer: {line, word}, or null. */
  function wordAt({clientX, clientY}) {
    places ??= lines.flatMap((line, i) => line.words.flatMap((_, word) =>
      boxesOf(line, word).map(box => ({...box, line: i, word}))));
    const {left, top} = mirror.getBoundingClientRect(), x = clientX - left, y = clientY - top;
    const found = places.find(box => x >= box.left && x <= box.left + box.width && y >= box.top && y <= box.top + box.height);
    return found ? {line: found.line, word: found.word} : null;
  }

  /** The line of the caret, and the word at it, -1 if there is none. */
  function wordAtCaret() {
    const caret = field.selectionStart;
    const line = lines.findLastIndex(each => each.start <= caret);
    const column = caret - lines[line].start;
    return {line, word: lines[line].words.findIndex(([start, end]) => start <= column && column <= end)};
  }

  new ResizeObserver(() => { places = null; changed(); }).observe(mirror);
  return {show, light, wordAt, wordAtCaret};
}
