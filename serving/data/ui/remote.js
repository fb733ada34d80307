// The engine behind a server: the API of serving/, from the page that the server itself has shown.

import {at} from "./dom.js";

const ALTERNATIVES = 4;
const TRIES = 5, LONGEST_WAIT = 10;  // when the server is busy; seconds
const PICTURES = 4;  // in a request

/** settings: models, and keyed: whether the server asks for a key */
export function remoteEngine({models, keyed}) {
  at("docs").hidden = false;
  at("key").hidden = !keyed;
  at("key").onsubmit = event => event.preventDefault();
  at("key-field").value = sessionStorage.getItem("key") ?? "";
  at("key-field").onchange = event => sessionStorage.setItem("key", event.target.value);

  async function ask(address, options, signal) {
    for (let left = TRIES;; left--) {
      const response = await fetch(address, {method: "POST", signal, ...options});
      if (response.status === 429 && left) {
        const seconds = Number(response.headers.get("Retry-After")) || 1;
        await new Promise(done => setTimeout(done, 1000 * Math.min(LONGEST_WAIT, seconds)));
        continue;
      }
      const answer = await response.json().catch(() => ({}));
      const problem = answer.error ?? `the server answered with the status ${response.status}; try again`;
      if (!response.ok) throw Object.assign(new Error(problem), {status: response.status});
      return answer;
    }
  }

  async function translate(lines, model, signal) {
    const asked = {q: lines, source: model.source, target: model.target, alternatives: ALTERNATIVES, attention: true};
    const body = JSON.stringify({...asked, api_key: at("key-field").value});
    const {details} = await ask("translate", {body, headers: {"Content-Type": "application/json"}}, signal);
    return details.map(([line]) => line ? {...named(line), sourceTokens: line.source_tokens} : NOTHING);
  }

  async function caption(pictures, model, signal) {
    const form = new FormData();
    pictures.forEach(({path, file}) => form.append("file", file, path));
    for (const [name, value] of Object.entries({alternatives: ALTERNATIVES, attention: true, api_key: at("key-field").value}))
      form.append(name, value);
    try {
      const {captions} = await ask("caption", {body: form}, signal);
      return captions.map(each => each.problem ? {nBest: [], problem: each.problem}
        : {...named(each), rows: each.grid?.[0], columns: each.grid?.[1], extent: each.extent});
    } catch (error) {
      if (error.status !== 400) throw error;  // which says that no picture of the request can be read
      if (pictures.length === 1) return [{nBest: [], problem: error.message.replace(`${pictures[0].path} `, "")}];
      return (await Promise.all(pictures.map(each => caption([each], model, signal)))).flat();
    }
  }

  return {models, ready: Promise.resolve(), pictures: PICTURES, translate, caption};
}

const NOTHING = {nBest: [{text: "", score: null, tokens: [], attention: null}], sourceTokens: [], confidence: null, doubtful: false, reasons: []};

const named = ({n_best: nBest, confidence, doubtful, reasons}) => ({nBest, confidence, doubtful, reasons});
