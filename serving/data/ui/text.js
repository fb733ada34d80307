// Type, and it is translated as you type. Point at a word of either side, and the words of the other side that belong
// to it are lit.

import {acceptDrops, announcer, at, copyButton, isolated, make, percent} from "./dom.js";
import {alternative} from "./alternatives.js";
import {litField} from "./field.js";
import {sentencePair, weightsOf} from "./sentence.js";
import {between} from "./words.js";

const PAUSE = 80;  // milliseconds without a key before a translation begins
const TOGETHER = 8;  // lines in a request, so that what is typed meanwhile waits for few
const KEPT = 2000;  // translations of lines that are remembered
const MOST = 200;  // lines that are translated while typing; more belong in the other view
const EXAMPLES = {
  en: ["A man in a blue shirt is standing on a ladder.", "Two dogs are playing in the snow.", "The children wait for the bus."],
  de: ["Ein Mann in einem blauen Hemd steht auf einer Leiter.", "Zwei Hunde spielen im Schnee.", "Die Kinder warten auf den Bus."],
};

export function textView(engine, {files, all}) {
  const field = at("source"), output = at("target"), reading = at("reading");
  const source = litField({field, mirror: at("mirror"), glow: at("glow")}, () => light());
  const say = announcer(at("spoken"));
  let model, known, timer = 0, working = null, again = false;
  let lines = [];  // of the field: its text, and its pair as soon as it is known
  let current = 0, chosen = null;  // the line that details are shown of; {line, side, word}

  function open(next) {
    model = next;
    known = new Map();
    working?.abort();
    field.lang = at("mirror").lang = model.source;
    output.lang = model.target;
    at("source-name").textContent = model.sourceName;
    at("target-name").textContent = model.targetName;
    at("examples").replaceChildren(...(EXAMPLES[model.source] ?? []).map(text =>
      make("button", {type: "button", textContent: text, lang: model.source, onclick: () => fill(text)})));
    update();
  }

  function fill(text) {
    field.value = text;
    update();
    field.focus();
  }

  // ---- translating

  function update() {
    chosen = null;
    const texts = field.value.split("\n");
    lines = texts.slice(0, MOST).map((text, i) =>
      lines[i]?.text === text ? lines[i] : {text, pair: pairOf(text), old: lines[i]?.pair ?? lines[i]?.old});
    current = Math.min(lines.length, field.value.slice(0, field.selectionStart).split("\n").length) - 1;
    at("examples").hidden = at("clear").hidden = false;
    at(field.value ? "examples" : "clear").hidden = true;
    at("too-many").hidden = texts.length <= MOST;
    draw();
    clearTimeout(timer);
    timer = setTimeout(work, PAUSE);
  }

  function pairOf(text) {
    if (!text.trim()) return sentencePair(text, {nBest: [], sourceTokens: []}, 0, model);
    return known.get(text) ?? null;
  }

  async function work() {
    if (working) { again = true; return; }
    working = new AbortController();
    const {signal} = working, asked = model;
    try {
      for (let missing; (missing = nextLines()).length && !signal.aborted;) {
        const started = performance.now();
        const results = await engine.translate(missing, asked, signal);
        if (signal.aborted) break;
        missing.forEach((text, i) => remember(text, sentencePair(text, results[i], 0, asked)));
        at("took").textContent = `${Math.round(performance.now() - started)} ms`;
        at("problem").textContent = "";
        for (const line of lines) line.pair ??= pairOf(line.text);
        draw();
      }
      say(output.innerText);
    } catch (error) {
      if (!signal.aborted) at("problem").textContent = error.message;
    }
    working = null;
    if (again || signal.aborted) { again = false; work(); }
  }

  /** The lines to translate next: that of the caret first. */
  function nextLines() {
    const missing = lines.map((line, i) => [line, i]).filter(([line]) => !line.pair);
    missing.sort(([, a], [, b]) => Math.abs(a - current) - Math.abs(b - current));
    return [...new Set(missing.map(([line]) => line.text))].slice(0, TOGETHER);
  }

  function remember(text, pair) {
    if (known.size >= KEPT) known.delete(known.keys().next().value);
    known.set(text, pair);
  }

  // ---- drawing

  function draw() {
    lines.forEach(drawLine);
    source.show(field.value, lines.map(line => line.pair?.source));
    output.replaceChildren(...lines.map(line => line.paragraph));
    output.classList.toggle("empty", !field.value.trim());
    light();
    drawDetails();
  }

  /** Make the elements of a line, unless they are those of this translation already. */
  function drawLine(line, i) {
    const pair = line.pair ?? line.old;
    if (line.paragraph && line.drawn === line.pair) return;
    line.drawn = line.pair;
    line.words = pair ? spans(pair.written, pair.target, i) : [];
    line.paragraph = make("p", {dir: "auto", className: line.pair ? "" : "old"});
    if (pair) line.paragraph.append(...between(pair.written, pair.target, line.words));
    if (!line.pair?.result.doubtful) return;
    const reasons = line.pair.result.reasons.join("; ") || "low confidence";
    line.paragraph.classList.add("doubtful");
    line.paragraph.append(make("small", {lang: "en", dir: "ltr", textContent: `may be wrong: ${reasons}`}));
  }

  function spans(text, words, line) {
    return words.map(([start, end], word) => {
      const span = make("span", {className: "word", textContent: text.slice(start, end)});
      Object.assign(span.dataset, {line, word});
      return span;
    });
  }

  function light() {
    const pair = chosen && lines[chosen.line]?.pair, side = chosen?.side;
    const weights = pair ? weightsOf(pair, side, chosen.word) : null;
    const strengths = weights?.map(weight => Math.min(1, weight) ** .7);  // small weights are raised a little
    if (side === "source") source.light(chosen.line, null, chosen.word);
    else source.light(chosen?.line, strengths);
    lines.forEach((line, i) => line.words.forEach((span, word) => {
      const here = i === chosen?.line;
      span.style.setProperty("--weight", here && side === "source" ? strengths?.[word] ?? 0 : 0);
      span.classList.toggle("chosen", here && side === "target" && word === chosen.word);
    }));
    reading.textContent = pair ? describe(pair, weights) : "";
  }

  function describe(pair, weights) {
    const words = side => pair[side].map(([start, end]) => (side === "source" ? pair.text : pair.written).slice(start, end));
    const word = isolated(words(chosen.side)[chosen.word] ?? "");
    if (!weights) return `${word}: the model did not look at single words of this line`;
    const labels = words(chosen.side === "target" ? "source" : "target");
    const found = weights.map((weight, i) => [weight, i]).filter(([weight]) => weight >= .05)
      .sort(([a], [b]) => b - a).slice(0, 4).map(([weight, i]) => `${isolated(labels[i])} ${percent(weight)}`);
    return `${word} ${chosen.side === "target" ? "←" : "→"} ${found.join(" · ") || "less than 5 % on each word"}`;
  }

  function drawDetails() {
    const pair = lines[current]?.pair ?? lines[current]?.old, sentences = pair?.result.nBest ?? [];
    const sure = pair?.result.confidence;
    at("details").hidden = !sentences.length;
    if (!sentences.length) return;
    at("confidence").hidden = sure === null || sure === undefined;
    at("confidence-value").textContent = percent(sure ?? 0);
    at("confidence-meter").value = sure ?? 0;
    at("reasons").textContent = pair.result.doubtful ? "" : pair.result.reasons.join("; ");
    at("alternatives").hidden = sentences.length < 2;
    at("others-line").textContent = lines.length > 1 ? `of line ${current + 1}` : "";
    at("others").replaceChildren(...sentences.map((sentence, i) => {
      const button = alternative(sentence, sentences[0], pairAt(pair, i).target, model.target, () => take(i));
      button.setAttribute("aria-pressed", i === pair.choice);
      return make("li", {}, button);
    }));
  }

  /** The line with another of its n best translations. */
  const pairAt = (pair, choice) => choice === pair.choice ? pair : sentencePair(pair.text, pair.result, choice, model);

  /** Show another of the n best in place of the best. */
  function take(choice) {
    const line = lines[current];
    if (!line.pair) return;
    line.pair = pairAt(line.pair, choice);
    remember(line.text, line.pair);
    draw();
    at("others").children[choice].firstChild.focus();
  }

  // ---- choosing a word

  function choose(next) {
    if (next?.line === chosen?.line && next?.side === chosen?.side && next?.word === chosen?.word) return;
    chosen = next;
    if (next && next.line !== current) {
      current = next.line;
      drawDetails();
    }
    light();
  }

  function chooseAtCaret() {
    const {line, word} = source.wordAtCaret();
    if (line !== current) {
      current = Math.min(line, lines.length - 1);
      drawDetails();
    }
    choose(word < 0 ? null : {line, side: "source", word});
  }

  function chooseAtPointer(event) {
    const found = source.wordAt(event);
    choose(found && {...found, side: "source"});
  }

  function walk(event) {
    const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: 0, ArrowDown: 0}[event.key];
    if (event.key === "Escape") return choose(null);
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const from = chosen?.side === "target" ? chosen : {line: current, side: "target", word: -1};
    if (step) {
      const last = (lines[from.line]?.pair?.target.length ?? 0) - 1;
      return choose({...from, word: Math.max(0, Math.min(last, from.word + step))});
    }
    const line = from.line + (event.key === "ArrowUp" ? -1 : 1);
    if (lines[line]) choose({line, side: "target", word: 0});
  }

  field.addEventListener("input", update);
  field.addEventListener("pointermove", chooseAtPointer);
  field.addEventListener("click", chooseAtCaret);
  field.addEventListener("keyup", event => {
    if (event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End") chooseAtCaret();
    if (event.key === "Escape") choose(null);
  });
  output.addEventListener("pointerover", ({target}) => {
    const {line, word} = target.closest(".word")?.dataset ?? {};
    choose(word === undefined ? null : {line: Number(line), side: "target", word: Number(word)});
  });
  output.addEventListener("keydown", walk);
  output.addEventListener("focus", () => chosen ?? choose({line: current, side: "target", word: 0}));
  for (const side of [field, output]) {
    side.addEventListener("pointerleave", event => event.pointerType !== "touch" && choose(null));
    side.addEventListener("blur", () => choose(null));
  }
  const translated = () => lines.map(line => line.pair?.written ?? "").join("\n");
  acceptDrops(at("text"), files);
  at("all-lines").onclick = () => all(field.value);
  at("clear").onclick = () => fill("");
  copyButton(at("copy"), translated);
  return {open, fill, translated, focus: () => field.focus()};
}
