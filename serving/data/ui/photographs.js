// Many photographs, chosen one by one or as a folder: a table that can be saved.

import {acceptDrops, at, chosenFiles, make, scoreOf} from "./dom.js";
import {resultTable, saveJson, saveTable, trust} from "./table.js";

const FIELDS = ["path", "caption", "score", "confidence", "doubtful", "reasons", "problem"];
const PICTURE = /\.(jpe?g|png|webp|gif|bmp|avif|tiff?)$/i;

export function photographsView(engine, {show}) {
  let model;
  const table = resultTable({
    body: at("photos-body"), count: at("photos-count"), filter: at("photos-filter"), bar: at("photos-bar"),
    stop: at("photos-stop"), more: at("photos-more"), files: [at("photos-tsv"), at("photos-json")],
  }, entry => [drawPicture(entry), drawCaption(entry), trust(entry)]);

  function drawPicture(entry) {
    const address = URL.createObjectURL(entry.file);
    const image = make("img", {src: address, alt: "", loading: "lazy", decoding: "async"});
    image.onerror = () => image.remove();
    const button = make("button", {type: "button", ariaLabel: `see how ${entry.path} was captioned`, disabled: Boolean(entry.problem),
      onclick: () => show(entry.file, entry.path, entry.result)}, image);
    return make("td", {className: "thumb"}, button);
  }

  function drawCaption(entry) {
    return make("td", {}, make("span", {className: "said", textContent: entry.problem ?? entry.caption}),
      make("small", {textContent: entry.path}));
  }

  function open(next) {
    model = next;
    table.clear();
  }

  function take(files) {
    const pictures = files.filter(({file, path}) => file.type.startsWith("image/") || PICTURE.test(path));
    const other = files.length - pictures.length;
    at("photos-problem").textContent = !pictures.length ? "There is no picture among these files."
      : other ? `${other} ${other > 1 ? "files are" : "file is"} no picture and left out.` : "";
    if (!pictures.length) return;
    at("photos-result").hidden = false;
    return table.run(pictures, engine.pictures, async (some, first, signal) => {
      const results = await engine.caption(some, model, signal);
      return results.map((result, i) => ({
        path: some[i].path, file: some[i].file, result, caption: result.nBest[0]?.text ?? null,
        score: result.nBest[0] ? scoreOf(result.nBest[0]) : null, confidence: result.confidence ?? null,
        doubtful: result.doubtful, reasons: result.reasons, problem: result.problem || null,
      }));
    });
  }

  acceptDrops(at("photographs"), take);
  for (const id of ["photos-file", "photos-folder"])
    at(id).onchange = event => { take(chosenFiles(event.target)); event.target.value = ""; };
  at("photos-tsv").onclick = () => saveTable("captions.tsv", FIELDS, table.entries());
  at("photos-json").onclick = () => saveJson("captions.jsonl", FIELDS, table.entries());
  return {open, take, focus: () => at("photos-file").focus()};
}
