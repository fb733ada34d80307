// One photograph: its caption appears, and light moves over it word by word.

import {acceptDrops, announcer, at, chosenFiles, isolated, make, percent} from "./dom.js";
import {alternative} from "./alternatives.js";
import {drawLight, gridOf, heatMap, peakPosition} from "../../../s2s/views/data/light.js";
import {between, placeTokens, wordsOf} from "./words.js";

const DWELL = 1000, MOVE = 380;  // milliseconds on a word, and of these from the word before to it
const SIDE = 128;  // pixels of the longer side of the light, which is smooth and stays so when enlarged
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function photographView(engine, {many}) {
  const stage = at("stage"), image = at("photo"), canvas = at("light"), ring = at("ring"), caption = at("caption");
  const say = announcer(at("spoken"));
  let model, working = null, address = "";
  let result = null, sentence = null, grid = null;
  let steps = [], heats = [];  // the tokens that are to be seen, and the light of each
  let word = -1, playing = false, timer = 0, shown = 0;  // the word that is lit (-1: none); how many words are to be seen
  let drawn = null;  // the light on the canvas: {heat, strength}

  function open(next) {
    model = next;
    clear();
  }

  function clear() {
    working?.abort();
    pause();
    result = sentence = null;
    at("photo-empty").hidden = false;
    stage.hidden = at("photo-result").hidden = true;
    at("photo-problem").textContent = "";
  }

  /** Caption a photograph; `ready` is its result if it is known already. */
  async function show(file, name, ready = null) {
    clear();
    const own = working = new AbortController();
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(file);
    image.src = address;
    image.alt = name;
    at("photo-name").textContent = name;
    at("photo-empty").hidden = true;
    stage.hidden = false;
    stage.classList.add("waiting");
    turnOff();
    try {
      const found = ready ?? (await engine.caption([{path: name, file}], model, own.signal))[0];
      if (own.signal.aborted) return;
      if (found.problem) throw new Error(`${name}: ${found.problem}`);
      await image.decode().catch(() => {});
      stage.classList.remove("waiting");
      result = found;
      at("photo-result").hidden = false;
      drawDetails();
      take(0, true);
      say(sentence.text);
      if (!document.activeElement?.matches("input[type=text], select")) caption.focus({preventScroll: true});
    } catch (error) {
      if (own.signal.aborted) return;
      clear();
      at("photo-problem").textContent = error.message;
    }
  }

  // ---- the caption and its light

  function take(choice, first = false) {
    sentence = result.nBest[choice];
    grid = sentence.attention && gridOf(result.rows, result.columns, result.extent ?? [1, 1]);
    const shape = image.naturalWidth / image.naturalHeight || 1;
    canvas.width = Math.max(1, Math.round(SIDE * Math.min(1, shape)));
    canvas.height = Math.max(1, Math.round(SIDE * Math.min(1, 1 / shape)));
    drawCaption();
    heats = grid ? steps.map(token => heatMap(sentence.attention[token], grid, canvas.width, canvas.height)) : [];
    for (const [i, item] of [...at("photo-others").children].entries()) item.firstChild.setAttribute("aria-pressed", i === choice);
    for (const each of ["photo-before", "photo-play", "photo-after"]) at(each).hidden = !grid;
    at("photo-bits").textContent = grid ? Math.log2(result.rows * result.columns).toFixed(1) : "";
    word = -1;
    drawn = null;
    reveal(first && !calm.matches && grid ? 0 : Infinity);
    if (!grid) return turnOff();
    if (first && !calm.matches) play();
    else go(0);
  }

  /** The caption, each of its tokens that is to be seen as an element. */
  function drawCaption() {
    const {text, tokens} = sentence, places = placeTokens(tokens, text);
    steps = [...tokens.keys()].filter(token => places[token]);
    const words = steps.map(token => places[token]);
    caption.replaceChildren(...between(text, words, words.map(([start, end], i) => {
      const span = make("span", {className: "word", textContent: text.slice(start, end)});
      span.onpointerenter = () => { if (grid && !playing) go(i); };
      span.onclick = () => { pause(); if (grid) go(i); };
      return span;
    })));
  }

  function reveal(words) {
    shown = words;
    [...caption.children].forEach((span, i) => span.classList.toggle("unseen", i >= shown));
  }

  const last = () => caption.children.length - 1;

  function go(next) {
    word = Math.max(0, Math.min(last(), next));
    reveal(Math.max(shown, word + 1));
    [...caption.children].forEach((span, i) => span.classList.toggle("chosen", i === word));
    const weights = sentence.attention[steps[word]], [x, y] = peakPosition(weights, grid);
    ring.hidden = false;
    Object.assign(ring.style, {left: `${100 * x}%`, top: `${100 * y}%`});
    move({heat: heats[word], strength: 1});
    const entropy = -weights.reduce((sum, weight) => sum + (weight > 0 ? weight * Math.log2(weight) : 0), 0);
    at("photo-reading").textContent = `${isolated(caption.children[word].textContent)} ← ` +
      `${percent(Math.max(...weights))} on the brightest cell, entropy ${entropy.toFixed(1)} bits`;
  }

  function turnOff() {
    word = -1;
    ring.hidden = true;
    [...caption.children].forEach(span => span.classList.remove("chosen"));
    at("photo-reading").textContent = "";
    if (drawn) move({heat: drawn.heat, strength: 0});
    else canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  }

  /** Let the light move from where it is to where it is to be. */
  function move(to) {
    const from = drawn ?? {heat: to.heat, strength: 0};
    const begun = performance.now(), length = calm.matches ? 1 : MOVE, own = move.own = {};
    const frame = now => {
      if (move.own !== own) return;
      const part = Math.min(1, Math.max(0, (now - begun) / length)), share = part * part * (3 - 2 * part);
      const between = (a, b) => a + (b - a) * share;
      drawn = {heat: to.heat.map((light, i) => between(from.heat[i] ?? light, light)),
        strength: between(from.strength, to.strength)};
      drawLight(canvas, drawn.heat, drawn.strength);
      if (part < 1) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  // ---- playing

  function play() {
    if (!grid) return;
    playing = true;
    drawPlay();
    const tick = () => {
      if (word >= last()) return finish();
      go(word + 1);
      timer = setTimeout(tick, DWELL);
    };
    if (word >= last()) word = -1;
    tick();
  }

  function finish() {
    pause();
    turnOff();
  }

  function pause() {
    clearTimeout(timer);
    playing = false;
    reveal(Infinity);
    drawPlay();
  }

  function drawPlay() {
    at("photo-play").textContent = playing ? "Pause" : "Play";
    at("photo-play").setAttribute("aria-label", playing ? "pause" : "play: move the light from word to word");
  }

  function step(by) {
    pause();
    go(word < 0 ? (by > 0 ? 0 : last()) : word + by);
  }

  // ---- the other captions

  function drawDetails() {
    const {confidence, doubtful, reasons, nBest} = result;
    at("photo-confidence").hidden = confidence === null || confidence === undefined;
    at("photo-confidence-value").textContent = percent(confidence ?? 0);
    at("photo-confidence-meter").value = confidence ?? 0;
    at("photo-doubt").textContent = (doubtful ? "May be wrong: " : "") + (reasons ?? []).join("; ");
    at("photo-doubt").classList.toggle("doubtful", Boolean(doubtful));
    at("photo-alternatives").hidden = nBest.length < 2;
    at("photo-others").replaceChildren(...nBest.map((each, i) => make("li", {},
      alternative(each, nBest[0], wordsOf(each.text), "en", () => { pause(); take(i); }))));
  }

  function takeFiles(files) {
    if (files.length > 1) many(files);
    else if (files.length) show(files[0].file, files[0].path);
  }

  const here = () => !at("photograph").hidden && grid && result;

  document.addEventListener("keydown", event => {
    if (!here() || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest?.("input, select, textarea, [role=tab]")) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(event.key === "ArrowLeft" ? -1 : 1);
    else if (event.key === "Escape") finish();
    else if (event.key === " " && !event.target.closest?.("button, label")) { if (playing) pause(); else play(); }
    else return;
    event.preventDefault();
  });
  document.addEventListener("paste", event => {
    if (at("photograph").hidden || !event.clipboardData.files.length) return;
    takeFiles([...event.clipboardData.files].map(file => ({path: file.name || "pasted picture", file})));
  });
  acceptDrops(at("photograph"), takeFiles);
  at("photo-file").onchange = event => { takeFiles(chosenFiles(event.target)); event.target.value = ""; };
  at("photo-play").onclick = () => playing ? pause() : play();
  at("photo-before").onclick = () => step(-1);
  at("photo-after").onclick = () => step(1);
  stage.onclick = () => { if (here()) { if (playing) pause(); else if (word >= 0) turnOff(); else play(); } };
  at("photo-another").onclick = () => { clear(); at("photo-file").focus(); };
  return {open, show, focus: () => at("photo-file").focus()};
}
