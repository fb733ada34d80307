// The graphs of tests/serving/arithmetic_network.py, in JavaScript.

const float = (data, dims) => ({ type: "float32", data: Float32Array.from(data), dims });

export function encoder({ ids, lengths }) {
  const [sentences, positions] = ids.dims;
  const numbers = Array.from(ids.data, Number);
  const sums = Array.from({ length: sentences }, (_, i) =>
    numbers.slice(i * positions, (i + 1) * positions).reduce((sum, id) => sum + id, 0) % 997);
  return {
    "rows.history": float(sums, [sentences, 1]),
    "sentences.sum": float(sums, [sentences, 1]),
    "sentences.length": float(Array.from(lengths.data, Number), [sentences, 1]),
    "sentences.places": float(Array(sentences * positions).fill(0), [sentences, positions]),
  };
}

export function stepper(vocabulary) {
  return (inputs) => {
    const rows = inputs.tokens.dims[0];
    const [sentences, positions] = inputs["sentences.places"].dims;
    const scores = new Float32Array(rows * vocabulary);
    const attention = new Float32Array(rows * positions);
    const history = Array.from(inputs["rows.history"].data, (before, row) => {
      const sentence = Math.floor(row / (rows / sentences));
      const sum = inputs["sentences.sum"].data[sentence];
      const length = inputs["sentences.length"].data[sentence];
      const token = Number(inputs.tokens.data[row]);
      const read = sum % 4 === 0 ? (token % 5) + 1 : (before * 31 + token * 17 + sum) % 997;
      const first = row * vocabulary;
      for (let i = 0; i < vocabulary; i++) scores[first + i] = -((read * (i + 3) * 7 + i * i * 13) % 1021) / 64;
      scores[first + 3] = -(read % 7) / 32;
      attention[row * positions + (read % length)] += 0.75;
      attention[row * positions + ((read * 3) % length)] += 0.25;
      return read;
    });
    return {
      log_probabilities: { type: "float32", data: scores, dims: [rows, vocabulary] },
      attention: { type: "float32", data: attention, dims: [rows, positions] },
      "next.rows.history": float(history, [rows, 1]),
    };
  };
}

export function follower(vocabulary) {
  return (inputs) => {
    const read = (Number(inputs["rows.hidden.0"].data[0]) * 31 + Number(inputs.tokens.data[0]) * 17) % 997;
    const scores = Array.from({ length: vocabulary }, (_, i) => -((read * (i + 3) * 7 + i * i * 13) % 1021) / 64);
    return { log_probabilities: float(scores, [1, vocabulary]), "next.rows.hidden.0": float([read], [1, 1]) };
  };
}
