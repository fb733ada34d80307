// Cutting, the first stage of a translation: lines to the pieces that a model reads (translation/cutting.py).

import { strip, stripStart } from "./characters.js";
import { sentenceSpans } from "./sentences.js";
import { findSpans } from "./spans.js";
import { splitText } from "./splitting.js";

/**
 * Cut a line into sentences, and sentences of more than `limit` tokens into parts.
 *
 * @param reader see reading.js
 * @returns {text, pieces, between, places, isLong}: the line in NFC, its pieces, the text before the first piece,
 *   between each two and after the last, where each piece stands, and whether a sentence was too long
 */
export function cutLine(line, reader, limit) {
  const text = strip(line.normalize("NFC"), "\r\n");
  const pieces = [];
  const places = [];
  let isLong = false;
  for (const [start, end] of lineSentences(text, reader.rules)) {
    const sentence = reader.read(text.slice(start, end));
    if (sentence.ids.length <= limit || !sentence.translatable) {
      pieces.push(sentence);
      places.push([start, end]);
      continue;
    }
    const parts = splitText(text.slice(start, end), reader.vocabulary, limit, reader.rules);
    isLong ||= parts.length > 1;
    let from = start;
    for (const part of parts) {
      from = text.indexOf(part, from);
      pieces.push(reader.read(part));
      places.push([from, from + part.length]);
      from += part.length;
    }
  }
  const between = [...places, [text.length]].map(([start], i) => text.slice(i ? places[i - 1][1] : 0, start));
  return { text, pieces, between, places, isLong };
}

/** The offsets of the sentences of a line, without the mark of a list before them. */
function lineSentences(text, rules) {
  let start = rules.cutting.BEFORE.match(text)?.end ?? 0;
  const isInSpan = () => findSpans(text, rules).some((span) => span.start < start && start < span.end);
  // It is no list if nothing follows, or if it is a part of "(555) 123-4567".
  if (start && (start === text.length || isInSpan())) start = text.length - stripStart(text).length;
  return [...cells(text, start, rules)].flatMap(([first, last]) =>
    sentenceSpans(text.slice(first, last), rules).map(([a, b]) => [first + a, first + b]));
}

/** The parts of a text from `start` on between the bars of a table or the tags of paragraphs, cells and lists. */
function* cells(text, start, rules) {
  if (/[|<]/.test(text)) {
    for (const mark of rules.cutting.BETWEEN_CELLS.matches(text, start)) {
      yield [start, mark.start];
      start = mark.end;
    }
  }
  yield [start, text.length];
}
