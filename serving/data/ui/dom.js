// Elements, and what the parts of the page say to each other and to a screen reader.

export const at = id => document.getElementById(id);

export function make(kind, attributes = {}, ...inner) {
  const element = Object.assign(document.createElement(kind), attributes);
  element.append(...inner);
  return element;
}

export const percent = share => `${Math.round(100 * share)} %`;

/** A word that runs from right to left must not turn the line that it is named in. */
export const isolated = text => `\u2068${text}\u2069`;

/** The score of a sentence; nothing if it was not the model that wrote it. */
export const scoreOf = ({score, tokens}) => tokens.length && Number.isFinite(score) ? score : null;

export const signed = score => score === null ? "" : score.toFixed(2).replace("-", "−");

/** Say to a screen reader, once it has been quiet for a moment, the last of several texts. */
export function announcer(element, delay = 900) {
  let timer = 0;
  return text => {
    clearTimeout(timer);
    timer = setTimeout(() => { element.textContent = text; }, delay);
  };
}

/** The files of a drop or of the clipboard, those inside dropped folders too, each with its path, by path. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = entries.length ? (await Promise.all(entries.map(walkEntry))).flat()
    : [...transfer.files].map(file => ({path: file.name, file}));
  return found.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

export const chosenFiles = input => [...input.files]
  .map(file => ({path: file.webkitRelativePath || file.name, file}))
  .sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

async function walkEntry(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{path: entry.fullPath.replace(/^\//, ""), file}];
  }
  const reader = entry.createReader(), found = [];
  for (;;) {  // a reader gives at most a hundred entries at a time
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found;
    for (const inner of some) found.push(...await walkEntry(inner));
  }
}

/** Let files be dropped on an element; it has the class `over` while some are above it. */
export function acceptDrops(element, take) {
  let depth = 0;
  const light = () => element.classList.toggle("over", depth > 0);
  const files = event => event.dataTransfer?.types.includes("Files");
  element.addEventListener("dragenter", event => { if (files(event)) { depth++; light(); event.preventDefault(); } });
  element.addEventListener("dragleave", event => { if (files(event)) { depth = Math.max(0, depth - 1); light(); } });
  element.addEventListener("dragover", event => { if (files(event)) event.preventDefault(); });
  element.addEventListener("drop", async event => {
    if (!files(event)) return;
    event.preventDefault();
    depth = 0;
    light();
    take(await filesOf(event.dataTransfer));
  });
}

/** Give a text to be saved as a file. */
export function download(name, text, type = "text/plain") {
  const address = URL.createObjectURL(new Blob([text], {type: `${type};charset=utf-8`}));
  make("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Let a button copy the text that a function gives, and say so for a moment. */
export function copyButton(button, textOf) {
  const label = button.textContent;
  button.onclick = async () => {
    await copyText(textOf());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  };
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // a page that was opened from disk has no clipboard in some browsers
    const field = make("textarea", {value: text});
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
