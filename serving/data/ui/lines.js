// Many lines at once, from a file or pasted: a table that can be saved.

import {acceptDrops, at, chosenFiles, download, make, scoreOf} from "./dom.js";
import {resultTable, saveJson, saveTable, trust} from "./table.js";

const FIELDS = ["line", "source", "translation", "score", "confidence", "doubtful", "reasons"];
const TOGETHER = 16;

export function linesView(engine) {
  let model, name = "lines";
  const table = resultTable({
    body: at("lines-body"), count: at("lines-count"), filter: at("lines-filter"), bar: at("lines-bar"),
    stop: at("lines-stop"), more: at("lines-more"), files: [at("lines-text"), at("lines-tsv"), at("lines-json")],
  }, entry => [
    make("th", {scope: "row", className: "number", textContent: entry.line}),
    make("td", {lang: model.source, dir: "auto", textContent: entry.source}),
    make("td", {lang: model.target, dir: "auto", textContent: entry.translation}),
    trust(entry),
  ]);

  function open(next) {
    model = next;
    table.clear();
    at("lines-source").textContent = model.sourceName;
    at("lines-target").textContent = model.targetName;
  }

  /** Translate the lines of a text; they end at line feeds alone, as for the `translate` command. */
  function translate(text, from = "lines") {
    name = from.replace(/\.[^.]*$/, "");
    const lines = text.replace(/\n$/, "").split("\n").map(line => line.replace(/\r$/, ""));
    at("lines-result").hidden = false;
    return table.run(lines, TOGETHER, async (some, first, signal) => {
      const results = await engine.translate(some, model, signal);
      return results.map((result, i) => ({
        line: first + i + 1, source: some[i], translation: result.nBest[0]?.text ?? "",
        score: result.nBest[0] ? scoreOf(result.nBest[0]) : null, confidence: result.confidence ?? null,
        doubtful: result.doubtful, reasons: result.reasons,
      }));
    });
  }

  async function takeFiles(files) {
    if (!files.length) return;
    const {file, path} = files[0];
    try {
      const text = new TextDecoder("utf-8", {fatal: true}).decode(await file.arrayBuffer());
      at("lines-problem").textContent = files.length > 1 ? `${path} is translated; give the other files one by one.` : "";
      at("lines-field").value = "";
      await translate(text, path.split("/").pop());
    } catch {
      at("lines-problem").textContent = `${path} is not a text in UTF-8. Save it as UTF-8 and give it again.`;
    }
  }

  acceptDrops(at("lines"), takeFiles);
  at("lines-file").onchange = event => { takeFiles(chosenFiles(event.target)); event.target.value = ""; };
  at("lines-start").onclick = () => at("lines-field").value.trim() && translate(at("lines-field").value);
  at("lines-text").onclick = () =>
    download(`${name}.${model.target}.txt`, table.entries().map(entry => entry.translation + "\n").join(""));
  at("lines-tsv").onclick = () => saveTable(`${name}.${model.target}.tsv`, FIELDS, table.entries());
  at("lines-json").onclick = () => saveJson(`${name}.${model.target}.jsonl`, FIELDS, table.entries());
  return {open, take: takeFiles, translate, focus: () => at("lines-field").focus()};
}
