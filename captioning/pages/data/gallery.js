// The gallery of captions: shows, finds and corrects them. captions.js calls `add` for each picture, then `begin` follows.

const CHUNK = 120;  // pictures that are put on the page at a time
const records = [];
const at = id => document.getElementById(id);
const key = `s2s-captions ${location.pathname}`;
let edits = {};  // of each picture that was corrected, by its path: {text, saved}
let found = [], shown = 0, filter = "all", lastFolder = null;

function add(record) {
  record.number = records.length;
  record.folder = record.path.includes("/") ? record.path.slice(0, record.path.lastIndexOf("/")) : "";
  record.words = `${record.caption ?? ""} ${record.path} ${record.problem ?? ""}`.toLowerCase();
  records.push(record);
}

function make(kind, attributes, ...inner) {
  const element = Object.assign(document.createElement(kind), attributes);
  element.append(...inner);
  return element;
}

const textOf = record => edits[record.path]?.text ?? record.caption;
const failed = record => record.caption === null;
const wanted = {
  all: () => true,
  doubtful: record => record.doubtful && !edits[record.path],
  edited: record => edits[record.path],
  failed: record => record.problem,
};

// ------------------------------------------------------------------------------------------------- what is shown

function select() {
  const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  found = records.filter(record => wanted[filter](record) &&
    words.every(word => record.words.includes(word) || edits[record.path]?.text.toLowerCase().includes(word)));
  const order = at("order").value === "doubt" ? (a, b) => sureness(a) - sureness(b) || a.number - b.number
    : (a, b) => a.folder < b.folder ? -1 : a.folder > b.folder ? 1 : a.number - b.number;
  found.sort(order);
  shown = 0;
  lastFolder = null;
  at("pictures").replaceChildren();
  more();
  count();
}

const sureness = record => failed(record) ? 2 : record.confidence ?? 1;

function count() {
  const of = Object.keys(wanted).map(name => [name, records.filter(wanted[name]).length]);
  for (const [name, number] of of) {
    const button = document.querySelector(`[data-filter="${name}"]`);
    button.textContent = `${name[0].toUpperCase()}${name.slice(1)} ${number.toLocaleString("en")}`;
    button.ariaPressed = name === filter;
    button.disabled = !number && name !== "all" && name !== filter;
  }
  at("count").textContent = found.length === records.length ? ""
    : `${found.length.toLocaleString("en")} of ${records.length.toLocaleString("en")} pictures`;
}

function more() {
  const next = found.slice(shown, shown + CHUNK), list = document.createDocumentFragment();
  const folders = at("order").value === "found" && records.some(record => record.folder);
  for (const record of next) {
    if (folders && record.folder !== lastFolder) {
      lastFolder = record.folder;
      list.append(make("li", {className: "folder"}, make("h2", {}, make("b", {textContent: record.folder || document.body.dataset.folder || "."}))));
    }
    list.append(card(record));
  }
  shown += next.length;
  at("pictures").append(list);
}

function card(record) {
  const item = make("li", {className: "card"});
  item.dataset.path = record.path;
  const name = record.path.slice(record.path.lastIndexOf("/") + 1);
  if (record.thumbnail) {
    const image = make("img", {alt: `picture ${name}`, loading: "lazy", decoding: "async"});
    image.src = record.thumbnail;
    const address = record.page || record.file;
    item.append(address ? make("a", {href: address, target: record.page ? "" : "_blank"}, image) : image);
  } else item.append(make("div", {className: "none", textContent: record.problem || "no thumbnail"}));
  if (!failed(record)) item.append(caption(record));
  item.append(make("p", {className: "file", title: record.path}, ...notes(record, name)));
  item.classList.toggle("doubt", Boolean(wanted.doubtful(record)));
  return item;
}

function caption(record) {
  return make("button", {className: "caption", lang: document.body.dataset.language, textContent: textOf(record), title: "correct this caption",
    onclick: event => edit(record, event.currentTarget)});
}

function notes(record, name) {
  const edit = edits[record.path], parts = [name];
  if (edit) parts.push(" · ", make("span", {className: "mark", textContent: edit.saved ? "edited, saved" : "edited"}));
  else if (record.side_file) parts.push(" · from its side file");
  else if (record.confidence != null) {
    const sure = `${Math.round(100 * record.confidence)} % sure`;
    parts.push(" · ", record.doubtful ? make("span", {className: "mark", textContent: `doubtful, ${sure}`}) : sure);
    if (record.doubtful && record.reasons.length) parts.push(`: ${record.reasons.join("; ")}`);
  }
  if (record.page && record.file) parts.push(" · ", make("a", {href: record.file, target: "_blank", textContent: "file"}));
  return parts;
}

// ------------------------------------------------------------------------------------------------- corrections

function edit(record, button) {
  const box = make("textarea", {value: textOf(record), rows: 3, lang: document.body.dataset.language, ariaLabel: `caption of ${record.path}`});
  const others = make("div", {className: "others", lang: document.body.dataset.language}, ...(record.n_best ?? [])
    .map(each => each.caption).filter(text => text !== textOf(record))
    .map(text => make("button", {textContent: text, onpointerdown: event => event.preventDefault(),
      onclick: () => { box.value = text; box.focus(); }})));
  const place = make("div", {}, box, others);
  button.replaceWith(place);
  box.focus();
  box.select();
  let open = true;
  const close = keep => {
    if (!open) return;
    open = false;
    if (keep) change(record, box.value.replace(/\s+/g, " ").trim());
    const item = place.closest("li"), fresh = card(record);
    item.replaceWith(fresh);
    return fresh.querySelector(".caption");
  };
  box.onkeydown = event => {
    if (event.isComposing) return;  // Enter chooses a character, as for Japanese
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close(event.key === "Enter")?.focus();
    }
  };
  place.addEventListener("focusout", event => place.contains(event.relatedTarget) || close(true));
}

function change(record, text) {
  if (text === textOf(record)) return;
  if (!text || text === record.caption) delete edits[record.path];
  else edits[record.path] = {text, saved: false};
  keep();
  count();
}

function keep() {
  try {
    localStorage.setItem(key, JSON.stringify(edits));
  } catch {
    say("This browser does not keep corrections: save them before you close the page.");
  }
}

function recall() {
  try {
    edits = JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    edits = {};
  }
  const captions = new Map(records.map(record => [record.path, record.caption]));
  for (const path in edits) if (captions.get(path) === edits[path].text || captions.get(path) == null) delete edits[path];
}

// ------------------------------------------------------------------------------------------------- saving

const say = text => at("message").textContent = text;
const captioned = () => records.filter(record => !failed(record));
const chosen = () => captioned().filter(record => record.side && (at("every").checked || edits[record.path]));
const plural = number => `${number.toLocaleString("en")} side ${number === 1 ? "file" : "files"}`;

function download(blob, name) {
  const link = make("a", {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function saveZip() {
  const files = chosen();
  if (!files.length) return say("Nothing is edited: correct a caption, or choose all captions.");
  download(zipOf(files.map(record => [record.side, `${textOf(record)}\n`])), "captions.zip");
  saved(files);
  say(`${plural(files.length)}: unpack the archive in the folder of the pictures.`);
}

async function saveSides() {
  const files = chosen();
  if (!files.length) return say("Nothing is edited: correct a caption, or choose all captions.");
  let root;
  try {
    root = await showDirectoryPicker({mode: "readwrite"});
  } catch (error) {
    return error.name === "AbortError" ? undefined : say(`The folder cannot be opened: ${error.message}`);
  }
  const done = [];
  try {
    for (const record of files) {
      const parts = record.side.split("/").filter(Boolean), name = parts.pop();
      let folder = root;
      for (const part of parts) folder = await folder.getDirectoryHandle(part);
      await folder.getFileHandle(record.path.split("/").pop());  // the picture must be there
      const writer = await (await folder.getFileHandle(name, {create: true})).createWritable();
      await writer.write(`${textOf(record)}\n`);
      await writer.close();
      done.push(record);
    }
  } catch (error) {
    const what = error.name === "NotFoundError" ? "is not in this folder" : `cannot be written: ${error.message}`;
    say(`${files[done.length].path} ${what}; ${plural(done.length)} written.`);
    return saved(done);
  }
  saved(done);
  say(`${plural(done.length)} written.`);
}

function saved(files) {
  for (const record of files) if (edits[record.path]) edits[record.path].saved = true;
  keep();
  for (const item of document.querySelectorAll("#pictures > .card"))
    if (edits[item.dataset.path]) item.replaceWith(card(records.find(record => record.path === item.dataset.path)));
}

function saveTable() {
  const cell = text => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const escaped = path => path.replace(STRAY, byte => `\\u${byte.charCodeAt(0).toString(16)}`);  // as in `caption --csv`
  const rows = captioned().map(record => [escaped(record.path), textOf(record)].map(cell).join(","));
  download(new Blob([["image,caption", ...rows, ""].join("\n")], {type: "text/csv"}), "captions.csv");
}

function saveResults() {
  const rows = captioned().map(record =>
    JSON.stringify({image_id: record.image_id, caption: textOf(record), path: record.path}));
  download(new Blob([`[\n${rows.join(",\n")}\n]\n`], {type: "application/json"}), "captions.json");
}

// ------------------------------------------------------------------------------------------------- start

function walk(event) {
  const typing = event.target.matches("input, textarea, select");
  if (event.altKey || event.ctrlKey || event.metaKey || typing) {
    if (event.key === "Escape" && event.target === at("search")) event.target.blur();
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    at("search").focus();
    return at("search").select();
  }
  if (event.key === "Escape") return at("save").open = false;
  const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
  if (!step || !event.target.matches(".caption, body")) return;
  const captions = [...document.querySelectorAll(".caption")], now = captions.indexOf(document.activeElement);
  const next = captions[Math.max(0, now + step)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function begin() {
  recall();
  const picker = "showDirectoryPicker" in window;
  at("side").hidden = !picker;
  const folder = document.body.dataset.folder;
  at("where").textContent = `Side files lie beside the pictures${folder ? `, below the folder ${folder}` : ""}` +
    `${picker ? ": choose that folder" : ""}. A ZIP archive is unpacked there.`;
  at("zip").onclick = saveZip;
  at("side").onclick = saveSides;
  at("csv").onclick = saveTable;
  at("json").onclick = saveResults;
  at("order").hidden = !records.some(record => record.confidence != null);
  at("order").onchange = select;
  let waiting;
  at("search").oninput = () => { clearTimeout(waiting); waiting = setTimeout(select, 120); };
  for (const button of document.querySelectorAll("[data-filter]"))
    button.onclick = () => { filter = button.dataset.filter; select(); };
  document.onkeydown = walk;
  new IntersectionObserver(entries => entries.some(entry => entry.isIntersecting) && shown < found.length && more(),
    {rootMargin: "2000px"}).observe(at("more"));
  addEventListener("beforeunload", event => {
    if (Object.values(edits).some(each => !each.saved) && at("message").textContent.startsWith("This browser")) event.preventDefault();
  });
  select();
  if (!records.length) say("There is no picture.");
}
