// A language model writes: a prime, options, and the text that appears as it is written.

import {announcer, at, copyButton, make} from "./dom.js";

const NEAR = 24;  // pixels: a text that is read near its end is scrolled on as it grows

/** The options of sampling: the name of each in Python, and how its field is read; undefined for what cannot be. */
const OPTIONS = [
  {id: "temperature", name: "temperature", what: "a number above 0", read: text => above0(text, Number.MAX_VALUE)},
  {id: "top-k", name: "topK", python: "top_k", what: "a whole number from 1, or nothing for all", read: text => text ? whole(text, 1) : null},
  {id: "top-p", name: "topP", python: "top_p", what: "a probability above 0, up to 1", read: text => above0(text, 1)},
  {id: "seed", name: "seed", what: "a whole number from 0", read: text => /^\d+$/.test(text) ? BigInt(text) : undefined},
  {id: "length", name: "length", what: "a whole number from 1", read: text => whole(text, 1)},
];

function above0(text, most) {
  const number = Number(text);
  return number > 0 && number <= most ? number : undefined;
}

function whole(text, least) {
  return /^\d+$/.test(text) && Number(text) >= least ? Number(text) : undefined;
}

/** What stands at "Until": a backslash and n are a line end, two backslashes are one. */
const unescaped = text => text.replace(/\\([n\\])/g, (_, letter) => letter === "n" ? "\n" : "\\");

export function sampleView(engine) {
  const prime = at("prime"), output = at("sample-text"), problem = at("sample-problem"), count = at("sample-count");
  const say = announcer(at("spoken"), 100);
  let model, working = null, text = "";  // what is being written, and what has been

  function open(next) {
    stop();
    model = next;
    for (const {id, name, python = name} of OPTIONS) field(id).value = model.defaults[python] ?? "";
    for (const each of document.querySelectorAll(".sample-tokens")) each.textContent = model.tokens;
    field("examples").replaceChildren(...(model.example ? [model.example] : []).map(text =>
      make("button", {type: "button", textContent: text, onclick: () => continued(text)})));
    offer();
  }

  /** Examples are offered while there is no prime. */
  function offer() {
    field("examples").hidden = Boolean(prime.value);
  }

  function continued(example) {
    prime.value = example;
    offer();
    prime.focus();
    write();
  }

  const field = id => at(`sample-${id}`);

  /** The options by name; nothing if one of them cannot be, which is told. */
  function options() {
    const found = {until: unescaped(field("until").value)};
    const wrong = [];
    for (const {id, name, what, read} of OPTIONS) {
      found[name] = read(field(id).value.trim());
      field(id).ariaInvalid = found[name] === undefined;
      if (found[name] === undefined) wrong.push({id, what});
    }
    if (!wrong.length) return found;
    problem.textContent = wrong.map(({id, what}) => `The ${id} is “${field(id).value}”: give ${what}.`).join(" ");
    field(wrong[0].id).focus();
    return null;
  }

  // ---- writing

  async function write() {
    stop();
    problem.textContent = "";
    const chosen = options();
    if (!chosen) return;
    const own = working = new AbortController(), given = prime.value, started = performance.now();
    begin(given);
    let last = null;
    try {
      for await (const part of engine.write(given, chosen, own.signal)) {
        append(part.text);
        count.textContent = measured(last = part, performance.now() - started);
      }
      say(count.textContent);
    } catch (error) {
      if (own.signal.aborted) return;
      problem.textContent = error.message;
      if (!last) {
        text = "";
        output.replaceChildren();
      }
    }
    finish();
  }

  function begin(given) {
    text = given;
    count.textContent = "";
    output.replaceChildren(make("div"));
    output.classList.add("writing");
    draw(given, "quiet");
    field("stop").hidden = false;
    output.scrollIntoView({block: "nearest"});
  }

  function finish() {
    working = null;
    output.classList.remove("writing");
    if (document.activeElement === field("stop")) field("write").focus();
    field("stop").hidden = true;
  }

  function stop() {
    if (!working) return;
    working.abort();
    count.textContent = `stopped after ${count.textContent || "0 s"}`;
    say(count.textContent);
    finish();
  }

  function measured({unread, tokens, logProbability}, milliseconds) {
    if (unread) return `reading the prime, ${unread.toLocaleString("en")} to go`;
    const written = `${tokens.toLocaleString("en")} ${tokens === 1 ? model.tokens.slice(0, -1) : model.tokens}`;
    return `${written} · ${(milliseconds / 1000).toFixed(1)} s · ${(-logProbability / tokens).toFixed(2)} nats each`;
  }

  // ---- the text

  function append(part) {
    text += part;
    const reads = output.scrollHeight - output.scrollTop - output.clientHeight < NEAR;
    draw(part, "");
    if (reads) output.scrollTop = output.scrollHeight;
  }

  /** Draw a part of the text, with an element for each line so that a long text is not laid out anew. */
  function draw(part, className) {
    part.split("\n").forEach((piece, i) => {
      if (i) output.append(make("div"));
      const line = output.lastChild;
      if (line.lastChild?.className === className) line.lastChild.firstChild.appendData(piece);
      else if (piece) line.append(make("span", {className, textContent: piece}));
    });
  }

  prime.oninput = offer;
  at("sample-form").onsubmit = event => { event.preventDefault(); write(); };
  field("another").onclick = () => {
    const seed = field("seed").value.trim();
    if (/^\d+$/.test(seed)) field("seed").value = BigInt(seed) + 1n;
    write();
  };
  field("stop").onclick = stop;
  prime.onkeydown = event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("sample-form").requestSubmit();
  };
  document.addEventListener("keydown", event => { if (event.key === "Escape") stop(); });
  copyButton(field("copy"), () => text);
  return {open, focus: () => prime.focus()};
}
