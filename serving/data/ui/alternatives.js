// One of the n best sentences, as a button that shows what it says differently from the best.

import {make, scoreOf, signed} from "./dom.js";
import {between, changedWords} from "./words.js";

/** words: [start, end] of each word of the sentence */
export function alternative(sentence, best, words, language, onclick) {
  const changed = changedWords(sentence.text, best.text, language);
  const spans = words.map(([start, end], i) =>
    make("span", {textContent: sentence.text.slice(start, end), className: changed.has(i) ? "changed" : ""}));
  const text = make("span", {lang: language, dir: "auto"}, ...between(sentence.text, words, spans));
  const score = make("span", {className: "score number", textContent: signed(scoreOf(sentence)), title: "mean log-probability of a token"});
  return make("button", {type: "button", onclick}, text, score);
}
