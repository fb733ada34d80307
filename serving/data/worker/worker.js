// The worker of a page that was opened from disk: it unpacks the model and answers, one request after the other.

import {Captioner} from "../engine/captioner.js";
import {Generator} from "../engine/generator.js";
import {Network} from "../engine/network.js";
import {Translator} from "../engine/translator.js";
import {openGraphs} from "./sessions.js";
import {preprocess, readPicture} from "./pixels.js";
import {unpack} from "./unpack.js";

const BEAM = {width: 5, nBest: 5};
const SLICE = 16;  // milliseconds of writing in one answer, a frame of the screen: in between, a stop is heard
const MODELS = {
  translation: (data, network) => new Translator(data, network, BEAM),
  captioning: (data, network, {familiarity}) => new Captioner(data, network, familiarity),
  language_model: (data, network) => new Generator(data, network),
};
let model = null;
let sample = null;  // that is being written
let before = Promise.resolve();

const tasks = {
  async load({packed, kind}) {
    const names = Object.keys(packed);
    const unpacked = await Promise.all(names.map(name => unpack(packed[name])));
    const files = Object.fromEntries(names.map((name, i) => [name, unpacked[i]]));
    const data = JSON.parse(new TextDecoder().decode(files.data));
    const {encoder, step} = await openGraphs(files);
    model = MODELS[kind](data, new Network(encoder, step), files);
    if (model instanceof Translator) queue(() => model.translate(["a a a"]));  // the first time takes longest
  },
  translate: ({lines}) => model.translate(lines),
  caption: ({pictures}) => Promise.all(pictures.map(({file}) => caption(file))),
  begin({prime, options}) { sample = model.begin(prime, options); },
  write,
};

/** What is written next: {text, unread, tokens, logProbability, done}, of which unread is the rest of the prime. */
async function write() {
  const end = performance.now() + SLICE;
  let text = "";
  do text += await sample.advance(); while (!sample.done && performance.now() < end);
  const {unread, tokens, logProbability, done} = sample;
  return {text, unread: unread.length - 1, tokens, logProbability, done};
}

async function caption(file) {
  let picture;
  try {
    picture = preprocess(await readPicture(file), model.preprocessing);
  } catch (error) {
    const unknown = error instanceof DOMException;
    return {nBest: [], problem: unknown ? "is no picture that this browser can read" : error.message};
  }
  return model.caption(picture);
}

function queue(work) {
  before = before.then(work);
}

onmessage = ({data: {id, task, ...content}}) => queue(async () => {
  try {
    postMessage({id, result: await tasks[task](content)});
  } catch (error) {
    postMessage({id, error: error.message});
  }
});
