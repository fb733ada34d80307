// The two graphs of a model's light form in ONNX Runtime, as functions from tensors to tensors.

/**
 * Start ONNX Runtime from what the page carries: no file is fetched.
 *
 * files: bundle (the package's module), wasm, step, weights, as bytes, and encoder if the model has one
 * returns {encoder, step}, each `async (tensors) => tensors`, of {type, data, dims} by name; or null for no encoder
 */
export async function openGraphs({bundle, wasm, encoder, step, weights}) {
  const address = URL.createObjectURL(new Blob([bundle], {type: "text/javascript"}));
  const ort = await import(address);
  URL.revokeObjectURL(address);
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.numThreads = 1;  // more would need headers that a file has not
  ort.env.logLevel = "error";
  const options = {logSeverityLevel: 3, executionProviders: ["wasm"], externalData: [{path: "light.weights", data: weights}]};
  const open = async graph => graph ? runner(ort, await ort.InferenceSession.create(graph, options)) : null;
  return {encoder: await open(encoder), step: await open(step)};
}

function runner(ort, session) {
  return tensors => session.run(Object.fromEntries(session.inputNames.map(name => {
    const {type, data, dims} = tensors[name];
    return [name, new ort.Tensor(type, data, dims)];
  })));
}
