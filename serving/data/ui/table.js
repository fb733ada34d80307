// A table of results that grows while an engine works through a batch, with what can be saved of it.

import {download, make, percent} from "./dom.js";

const DRAWN = 1000;  // rows; a browser draws more only slowly, and nobody reads them: they are in the files

/**
 * elements: body, count, filter (a checkbox: doubtful ones only), bar (progress), stop, more, files (a list of buttons)
 * drawRow: an entry -> the cells of its row
 */
export function resultTable(elements, drawRow) {
  const {body, count, filter, bar, stop, more} = elements;
  let entries = [], total = 0, doubtful = 0, running = null;

  function clear() {
    running?.abort();
    entries = [];
    total = doubtful = 0;
    body.replaceChildren();
    show();
  }

  function show() {
    const done = entries.length, words = [`${done.toLocaleString("en")} of ${total.toLocaleString("en")}`];
    if (doubtful) words.push(`${doubtful.toLocaleString("en")} doubtful`);
    count.textContent = total ? words.join(", ") : "";
    bar.hidden = stop.hidden = !running;
    bar.max = Math.max(1, total);
    bar.value = done;
    more.hidden = done <= DRAWN;
    filter.closest("label").hidden = !doubtful;
    for (const button of elements.files) button.disabled = !done;
  }

  function add(entry) {
    entries.push(entry);
    if (entry.doubtful) doubtful++;
    if (entries.length > DRAWN) return;
    const row = make("tr", {className: entry.doubtful ? "doubtful" : entry.problem ? "failed" : ""}, ...drawRow(entry));
    body.append(row);
  }

  /** Work through items, `together` at a time: `results` gives the entries of some of them. */
  async function run(items, together, results) {
    clear();
    const own = running = new AbortController();
    total = items.length;
    show();
    try {
      for (let i = 0; i < items.length && !own.signal.aborted; i += together) {
        const found = await results(items.slice(i, i + together), i, own.signal);
        if (own.signal.aborted) return;
        found.forEach(add);
        show();
      }
    } catch (error) {
      if (!own.signal.aborted) count.textContent = error.message;
      if (running === own) running = null;
      bar.hidden = stop.hidden = true;
      return;
    }
    if (running !== own) return;
    running = null;
    show();
  }

  stop.onclick = () => { running?.abort(); running = null; show(); };
  filter.onchange = () => body.classList.toggle("only-doubtful", filter.checked);
  return {run, clear, entries: () => entries};
}

/** The cell that says how far a result is to be trusted. */
export function trust(entry) {
  const cell = make("td", {className: "trust number"});
  if (entry.confidence !== null && entry.confidence !== undefined) cell.append(percent(entry.confidence));
  if (entry.doubtful) cell.append(make("small", {textContent: (entry.reasons ?? []).join("; ") || "low confidence"}));
  return cell;
}

/** Entries as tab-separated values; what would end a cell is a space. */
export function saveTable(name, fields, entries) {
  const cell = value => String(Array.isArray(value) ? value.join("; ") : value ?? "").replace(/[\t\r\n]+/g, " ");
  const lines = [fields, ...entries.map(entry => fields.map(field => entry[field]))];
  download(name, lines.map(line => line.map(cell).join("\t") + "\n").join(""), "text/tab-separated-values");
}

/** Entries as JSON lines: the format of `--report`. */
export function saveJson(name, fields, entries) {
  const line = entry => JSON.stringify(Object.fromEntries(fields.map(field => [field, entry[field] ?? null])));
  download(name, entries.map(entry => line(entry) + "\n").join(""), "application/jsonl");
}
