// Familiarity: what the training pictures look like to the CNN, and which words people say of which
// (captioning/familiarity.py, which explains it).

const LEAST_SHARE = 0.005;

export class Familiarity {
  /**
   * @param bytes the content of the model's confidence.safetensors
   */
  constructor(bytes) {
    Object.assign(this, readTensors(bytes)); // mean, directions, deviations, tokens, shares, slopes
    this.usual = this.byToken(this.shares);
  }

  byToken(shares) {
    return new Map([...this.tokens].map((token, i) => [token, Math.max(LEAST_SHARE, shares[i])]));
  }

  /** How a picture, the mean of its CNN's cells, compares with them: {strangeness, unfamiliar, expected}. */
  look(summary) {
    const length = Math.max(Math.hypot(...summary), 1e-6);
    const offset = Array.from(summary, (each, i) => each / length - this.mean[i]);
    const count = this.deviations.length;
    const inside = Array.from({ length: count }, (_, j) => offset.reduce((sum, each, i) => sum + each * this.directions[i * count + j], 0));
    const squares = (list) => list.reduce((sum, each) => sum + each * each, 0);
    const [whole, within] = [squares(offset), squares(inside)];
    const said = Array.from(this.shares, (share, token) =>
      inside.reduce((sum, each, j) => sum + (each / this.deviations[j]) * this.slopes[j * this.shares.length + token], share));
    return {
      strangeness: Math.sqrt(Math.max(whole - within, 0)),
      unfamiliar: 1 - Math.sqrt(Math.min(Math.max(within / Math.max(whole, 1e-12), 0), 1)),
      expected: this.byToken(said.map((each) => Math.min(each, 1))),
    };
  }
}

/** The tensors of a safetensors file as flat arrays of numbers, by name. */
function readTensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  const kinds = {
    F16: [2, (at) => float16(view.getUint16(at, true))],
    F32: [4, (at) => view.getFloat32(at, true)],
    I64: [8, (at) => Number(view.getBigInt64(at, true))],
  };
  const tensors = Object.entries(header).filter(([name]) => name !== "__metadata__");
  return Object.fromEntries(tensors.map(([name, { dtype, data_offsets: [start, end] }]) => {
    const [width, read] = kinds[dtype];
    return [name, Float64Array.from({ length: (end - start) / width }, (_, i) => read(8 + size + start + i * width))];
  }));
}

function float16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return exponent === 31 ? (fraction ? NaN : sign * Infinity) : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
