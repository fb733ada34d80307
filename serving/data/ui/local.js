// The engine inside the page: a worker that runs the model, so that typing never waits for it.

/** settings: models, and files: what the worker needs, by the ids of the elements that hold it. */
export function localEngine({models, files}) {
  const code = document.getElementById("worker").textContent;
  const worker = new Worker(URL.createObjectURL(new Blob([code], {type: "text/javascript"})));
  const waiting = new Map();
  let number = 0;

  function ask(task, content, signal) {
    return new Promise((done, failed) => {
      const id = number++;
      waiting.set(id, {done, failed});
      signal?.addEventListener("abort", () => { waiting.delete(id); failed(signal.reason); });
      worker.postMessage({id, task, ...content});
    });
  }

  worker.onmessage = ({data: {id, result, error}}) => {
    const {done, failed} = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) failed?.(new Error(error));
    else done?.(result);
  };
  const packed = Object.fromEntries(files.map(name => [name, document.getElementById(`file-${name}`).textContent]));
  const ready = ask("load", {packed, kind: models[0].kind});
  worker.onerror = event => {
    const error = new Error(`this browser cannot run the model (${event.message}); a current Firefox, Chrome or Safari can`);
    for (const {failed} of waiting.values()) failed(error);
  };

  /** The parts of a text as they are written: {text, unread, tokens, logProbability, done} each. */
  async function* write(prime, options, signal) {
    await ready;
    signal.throwIfAborted();
    await ask("begin", {prime, options}, signal);
    for (let part = {}; !part.done;) yield part = await ask("write", {}, signal);
  }

  return {
    models, ready, pictures: 1, write,
    translate: (lines, model, signal) => ready.then(() => ask("translate", {lines}, signal)),
    caption: (pictures, model, signal) => ready.then(() => ask("caption", {pictures}, signal)),
  };
}
