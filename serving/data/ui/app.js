// The page: which views there are, which one is open, and with which model.

import {at, make} from "./dom.js";
import {localEngine} from "./local.js";
import {remoteEngine} from "./remote.js";
import {linesView} from "./lines.js";
import {photographView} from "./photograph.js";
import {photographsView} from "./photographs.js";
import {sampleView} from "./sample.js";
import {textView} from "./text.js";

const VIEWS = [
  {id: "text", kind: "translation", label: "Text"}, {id: "lines", kind: "translation", label: "Lines"},
  {id: "photograph", kind: "captioning", label: "Photograph"}, {id: "photographs", kind: "captioning", label: "Photographs"},
  {id: "sample", kind: "language_model", label: "Write"},
];
const TITLES = {captioning: "Caption photographs", language_model: "Write text"};

/**
 * Start the page. An engine has models, ready (a promise), pictures (how many at a time), translate and caption; one with
 * language models has write.
 */
export function start() {
  const settings = JSON.parse(at("settings").textContent);
  const engine = settings.engine === "local" ? localEngine(settings) : remoteEngine(settings);
  const models = engine.models.map(named);
  const views = VIEWS.filter(view => models.some(model => model.kind === view.kind));
  const model = Object.fromEntries(views.map(({kind}) => [kind, models.find(each => each.kind === kind)]));
  const parts = {};
  if (model.translation) {
    parts.text = textView(engine, {files: files => { open("lines"); parts.lines.take(files); },
      all: text => { open("lines"); parts.lines.translate(text); }});
    parts.lines = linesView(engine);
  }
  if (model.captioning) {
    parts.photograph = photographView(engine, {many: files => { open("photographs"); parts.photographs.take(files); }});
    parts.photographs = photographsView(engine, {show: (...picture) => { open("photograph"); parts.photograph.show(...picture); }});
  }
  if (model.language_model) parts.sample = sampleView(engine);

  const tabs = views.map(view => make("button", {type: "button", role: "tab", id: `${view.id}-tab`, textContent: view.label,
    onclick: () => open(view.id)}));
  tabs.forEach((tab, i) => tab.setAttribute("aria-controls", views[i].id));
  at("tabs").replaceChildren(...tabs);
  at("tabs").hidden = tabs.length < 2;
  at("tabs").onkeydown = event => {
    const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!step) return;
    const next = (views.findIndex(view => !at(view.id).hidden) + step + views.length) % views.length;
    open(views[next].id);
    tabs[next].focus();
  };

  function open(id) {
    const {kind} = views.find(view => view.id === id);
    views.forEach((view, i) => {
      const here = view.id === id;
      at(view.id).hidden = !here;
      tabs[i].setAttribute("aria-selected", here);
      tabs[i].tabIndex = here ? 0 : -1;
    });
    drawModels(kind);
    document.title = at("title").textContent = views.length > 2 ? document.title : model[kind].title;
  }

  function drawModels(kind) {
    const choices = models.filter(each => each.kind === kind);
    const select = at("model");
    select.replaceChildren(...choices.map(each => make("option", {textContent: kind === "translation" ? each.title : each.name, value: each.name})));
    select.value = model[kind].name;
    at("model-choice").hidden = choices.length < 2;
    const back = choices.find(each => each.source === model[kind].target && each.target === model[kind].source);
    at("swap").hidden = kind !== "translation" || !back;
    at("swap").onclick = () => {
      const text = parts.text.translated();
      choose(kind, back);
      parts.text.fill(text);
    };
    select.onchange = () => choose(kind, choices.find(each => each.name === select.value));
  }

  function choose(kind, next) {
    model[kind] = next;
    views.filter(view => view.kind === kind).forEach(view => parts[view.id].open(next));
    drawModels(kind);
  }

  views.forEach(view => parts[view.id].open(model[view.kind]));
  open(views[0].id);
  parts[views[0].id].focus();
  engine.ready.then(() => { at("status").textContent = ""; document.body.classList.add("ready"); },
    error => { at("status").textContent = error.message; });
}

function named(model) {
  if (model.kind !== "translation") return {...model, title: TITLES[model.kind]};
  const names = new Intl.DisplayNames(["en"], {type: "language", fallback: "code"});
  const name = code => { try { return names.of(code); } catch { return code; } };
  const sourceName = name(model.source), targetName = name(model.target);
  return {...model, sourceName, targetName, title: `${sourceName} to ${targetName}`};
}

start();
