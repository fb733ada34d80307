// The worker of a page that was opened from disk: it unpacks the model and answers, one request after the other.

import {Captioner} from "../engine/captioner.js";
import {Network} from "../engine/network.js";
import {Translator} from "../engine/translator.js";
import {openGraphs} from "./sessions.js";
import {preprocess, readPicture} from "./pixels.js";
import {unpack} from "./unpack.js";

const BEAM = {width: 5, nBest: 5};
let model = null;
let before = Promise.resolve();

const tasks = {
  async load({packed}) {
    const names = Object.keys(packed);
    const unpacked = await Promise.all(names.map(name => unpack(packed[name])));
    const files = Object.fromEntries(names.map((name, i) => [name, unpacked[i]]));
    const data = JSON.parse(new TextDecoder().decode(files.data));
    const {encoder, step} = await openGraphs(files);
    const network = new Network(encoder, step);
    model = data.preprocessing ? new Captioner(data, network, files.familiarity) : new Translator(data, network, BEAM);
    if (model instanceof Translator) queue(() => model.translate(["a a a"]));  // the first time takes longest
  },
  translate: ({lines}) => model.translate(lines),
  caption: ({pictures}) => Promise.all(pictures.map(({file}) => caption(file))),
};

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
