// ZIP archives without compression, which every system can unpack.

// Python reads a byte of a path that is not UTF-8 as half a surrogate pair, U+DC80 to U+DCFF.
const STRAY = /[\udc80-\udcff]/gu;

/** An archive as a Blob; entries are [path, text] each. Paths that are not UTF-8 have their own bytes. */
export function zipOf(entries) {
  const encoder = new TextEncoder(), local = [], central = [];
  let offset = 0;
  for (const [path, text] of entries) {
    const name = pathBytes(path, encoder), data = encoder.encode(text), crc = crc32(data);
    const utf8 = path.search(STRAY) < 0 ? 0x800 : 0;
    // version 2.0, whether names are in UTF-8, stored, 1980-01-01
    const common = [[20, 2], [utf8, 2], [0, 2], [0, 2], [0x21, 2], [crc, 4], [data.length, 4], [data.length, 4], [name.length, 2], [0, 2]];
    local.push(bytes([[0x04034b50, 4], ...common]), name, data);
    central.push(bytes([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]]), name);
    offset += 30 + name.length + data.length;
  }
  const size = central.reduce((sum, part) => sum + part.length, 0), count = entries.length;
  const end = bytes([[0x06054b50, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]]);
  return new Blob([...local, ...central, end], {type: "application/zip"});
}

function pathBytes(path, encoder) {
  return Uint8Array.from([...path].flatMap(letter =>
    letter.search(STRAY) < 0 ? [...encoder.encode(letter)] : [letter.charCodeAt(0) - 0xdc00]));
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
