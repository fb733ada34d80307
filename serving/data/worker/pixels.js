// A picture's file as the pixels that a CNN sees: what `read_image` and `Preprocessing.apply` of s2s/vision/images.py do.

const DETAIL = 1024;  // a large JPEG is shrunk by 2, 4 or 8 while so many pixels a side are left, as Python decodes it
const MAX_PIXELS = 2 ** 27;
const PADDING = [124, 116, 104];
const BITS = 22;  // of the fraction in Pillow's fixed-point weights

/**
 * Decode a picture, upright and over white.
 *
 * returns {data, width, height}, of which data has 3 bytes for each pixel
 */
export async function readPicture(file) {
  const start = new Uint8Array(await file.slice(0, 3).arrayBuffer());
  const bitmap = await createImageBitmap(file, {imageOrientation: "from-image", colorSpaceConversion: "none"});
  const {width, height} = bitmap;
  if (width * height > MAX_PIXELS) throw new Error(`has ${width} x ${height} pixels, over the limit of ${MAX_PIXELS.toLocaleString("en")}; make a smaller copy`);
  const jpeg = start[0] === 0xff && start[1] === 0xd8;
  const spare = Math.min(Math.floor(width / DETAIL), Math.floor(height / DETAIL));
  const picture = shrunk(bitmap, jpeg ? [8, 4, 2].find(factor => spare >= factor) ?? 1 : 1);
  bitmap.close();
  return picture;
}

/** The bitmap, each factor x factor pixels as their mean; a strip at a time, for it may have a hundred megapixels. */
function shrunk(bitmap, factor) {
  const width = Math.ceil(bitmap.width / factor), height = Math.ceil(bitmap.height / factor);
  const data = new Uint8Array(3 * width * height);
  const rows = Math.max(1, Math.floor((1 << 21) / (bitmap.width * factor)));  // of the result, in a strip
  const canvas = new OffscreenCanvas(bitmap.width, Math.min(rows * factor, bitmap.height));
  const context = canvas.getContext("2d", {willReadFrequently: true});
  for (let top = 0; top < height; top += rows) {
    const strip = Math.min(rows * factor, bitmap.height - top * factor);
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, -top * factor);
    const source = context.getImageData(0, 0, bitmap.width, strip).data;
    for (let y = 0; y * factor < strip; y++)
      for (let x = 0; x < width; x++) meanInto(data, 3 * ((top + y) * width + x), source, bitmap.width, strip, x * factor, y * factor, factor);
  }
  return {data, width, height};
}

function meanInto(data, place, source, width, height, left, top, factor) {
  let red = 0, green = 0, blue = 0;
  const right = Math.min(width, left + factor), bottom = Math.min(height, top + factor);
  for (let y = top; y < bottom; y++)
    for (let x = left, at = 4 * (y * width + left); x < right; x++, at += 4) {
      red += source[at];
      green += source[at + 1];
      blue += source[at + 2];
    }
  const count = (right - left) * (bottom - top);
  data[place] = Math.round(red / count);
  data[place + 1] = Math.round(green / count);
  data[place + 2] = Math.round(blue / count);
}

/**
 * The square that the CNN sees.
 *
 * preprocessing: {size, fit: "stretch" or "pad"}
 * returns {pixels, width, height}: uint8 (3, size, size), of which the picture fills width x height, top left
 */
export function preprocess(picture, {size, fit}) {
  let width = size, height = size;
  if (fit === "pad") {
    const longer = Math.max(picture.width, picture.height);
    width = Math.max(1, halfToEven(size * picture.width / longer));
    height = Math.max(1, halfToEven(size * picture.height / longer));
  }
  const {data} = resize(picture, width, height);
  const pixels = new Uint8Array(3 * size * size);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const inside = x < width && y < height;
        pixels[(channel * size + y) * size + x] = inside ? data[3 * (y * width + x) + channel] : PADDING[channel];
      }
  return {pixels, width, height};
}

/** Round as Python does. */
function halfToEven(number) {
  const low = Math.floor(number), rest = number - low;
  return rest === .5 ? low + low % 2 : Math.round(number);
}

/** Resample as Pillow does, bicubic and antialiased: across and down, each rounded to bytes. */
export function resize(picture, newWidth, newHeight) {
  const {width, height} = picture;
  const downFirst = height > newHeight && height - newHeight > 2 * (width - newWidth);  // as Pillow 13 chooses
  const passes = [image => across(image, newWidth), image => down(image, newHeight)];
  return (downFirst ? passes.reverse() : passes).reduce((image, pass) => pass(image), picture);
}

function across({data, width, height}, newWidth) {
  if (newWidth === width) return {data, width, height};
  return {data: along(data, weightsFor(width, newWidth), height, 3 * width, 3, 3 * newWidth, 3), width: newWidth, height};
}

function down({data, width, height}, newHeight) {
  if (newHeight === height) return {data, width, height};
  return {data: along(data, weightsFor(height, newHeight), width, 3, 3 * width, 3, 3 * width), width, height: newHeight};
}

/** Resample `lines` lines, whose starts and whose pixels are so many bytes apart, before and after. */
function along(data, weights, lines, lineStep, pixelStep, newLineStep, newPixelStep) {
  const result = new Uint8Array(lines * weights.length * 3);
  for (let line = 0; line < lines; line++)
    weights.forEach(({first, values}, place) => {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 1 << (BITS - 1), at = line * lineStep + first * pixelStep + channel;
        for (let i = 0; i < values.length; i++, at += pixelStep) sum += data[at] * values[i];
        result[line * newLineStep + place * newPixelStep + channel] = Math.min(255, Math.max(0, sum >> BITS));
      }
    });
  return result;
}

/** For each new pixel: the first old pixel that counts, and how much it and the next ones do. */
function weightsFor(size, newSize) {
  const scale = size / newSize, stretch = Math.max(scale, 1), support = 2 * stretch;
  return Array.from({length: newSize}, (_, place) => {
    const centre = (place + .5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + .5)), end = Math.min(size, Math.trunc(centre + support + .5));
    const values = Array.from({length: end - first}, (_, i) => cubic((first + i - centre + .5) / stretch));
    const sum = values.reduce((total, each) => total + each, 0);
    return {first, values: Int32Array.from(values, each => Math.trunc(each / sum * 2 ** BITS + (each < 0 ? -.5 : .5)))};
  });
}

/** Keys' cubic convolution with a = -1/2. */
function cubic(x) {
  const distance = Math.abs(x), a = -.5;
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance ** 2 + 1;
  return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * a : 0;
}
