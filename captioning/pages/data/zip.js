// ZIP archives without compression, which every system can unpack.

/** An archive as a Blob; entries are [path, text] each. */
export function zipOf(entries) {
  const encoder = new TextEncoder(), local = [], central = [];
  let offset = 0;
  for (const [path, text] of entries) {
    const name = encoder.encode(path), data = encoder.encode(text), crc = crc32(data);
    // version 2.0, names in UTF-8, stored, 1980-01-01
    const common = [[20, 2], [0x800, 2], [0, 2], [0, 2], [0x21, 2], [crc, 4], [data.length, 4], [data.length, 4], [name.length, 2], [0, 2]];
    local.push(bytes([[0x04034b50, 4], ...common]), name, data);
    central.push(bytes([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]), name);
    offset += 30 + name.length + data.length;
  }
  const size = central.reduce((sum, part) => sum + part.length, 0), count = entries.length;
  const end = bytes([[0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]]);
  return new Blob([...local, ...central, end], {type: "application/zip"});
}

/** Numbers as bytes, the lowest first; fields are [number, how many bytes] each. */
function bytes(fields) {
  return Uint8Array.from(fields.flatMap(([value, size]) => Array.from({length: size}, (_, i) => value >>> 8 * i & 255)));
}

export function crc32(data) {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
