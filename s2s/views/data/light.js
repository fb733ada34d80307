// Attention on the cells of a photograph as light: the formulas of s2s/views/light.py. Every page draws with them.

const SHADE = [12, 12, 20], DARKNESS = .8;  // colour and opacity of the shade over what has no weight
const GLOW = [255, 140, 30], WARMTH = .25;  // colour and opacity of the glow at the peak
const FLAT = 4;  // a peak of fewer times the mean weight is drawn fainter than full light

/**
 * A grid of cells over a photograph, whose sides are shares of the photograph's width and height.
 * extent: height and width of the part of the grid that the photograph fills; the rest is padding
 */
export function gridOf(rows, columns, extent) {
  return {rows, columns, left: 0, top: 0, right: 1 / extent[1], bottom: 1 / extent[0]};
}

/** The light of a grid's weights on width x height pixels, 0 to 1: quadratic B-splines over the cells. */
export function heatMap(weights, grid, width, height) {
  const {rows, columns} = grid;
  const down = splines(height, grid.top, grid.bottom, rows), across = splines(width, grid.left, grid.right, columns);
  const half = new Float32Array(height * columns), heat = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    for (let row = 0; row < rows; row++) {
      const share = down[y * rows + row];
      if (share) for (let column = 0; column < columns; column++) half[y * columns + column] += share * weights[row * columns + column];
    }
  let peak = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let column = 0; column < columns; column++) sum += half[y * columns + column] * across[x * columns + column];
      heat[y * width + x] = sum;
      peak = Math.max(peak, sum);
    }
  const share = weights.reduce((total, weight) => total + weight, 0);
  const scale = Math.min(1, share) ** .7 / Math.max(peak, FLAT * share / (rows * columns), 1e-12);
  return heat.map(each => each * scale);
}

/** The middle of the heaviest cell, as shares of the photograph's width and height. */
export function peakPosition(weights, grid) {
  const heaviest = weights.indexOf(Math.max(...weights));
  const row = Math.floor(heaviest / grid.columns), column = heaviest % grid.columns;
  const x = grid.left + (column + .5) / grid.columns * (grid.right - grid.left);
  const y = grid.top + (row + .5) / grid.rows * (grid.bottom - grid.top);
  return [x, y].map(each => Math.min(1, Math.max(0, each)));
}

/** Draw light on a canvas: dark where there is none, a warm glow where there is. `strength` 0 leaves it clear. */
export function drawLight(canvas, heat, strength = 1) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  heat.forEach((light, i) => {
    const dark = DARKNESS * (1 - light), warm = WARMTH * light, opacity = dark + warm, share = warm / opacity;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = (1 - share) * SHADE[c] + share * GLOW[c];
    image.data[4 * i + 3] = 255 * opacity * strength;
  });
  context.putImageData(image, 0, 0);
}

/** (pixels x cells): the share of each cell's value in each pixel, if cells fill low to high and pixels 0 to 1. */
function splines(pixels, low, high, cells) {
  const values = new Float32Array(pixels * cells);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const place = Math.min(cells - 1, Math.max(0, ((pixel + .5) / pixels - low) / (high - low) * cells - .5));
    for (let cell = -1; cell <= cells; cell++) {  // one cell more at each edge, which repeats it
      const distance = Math.abs(place - cell);
      const value = distance < .5 ? .75 - distance ** 2 : Math.max(1.5 - distance, 0) ** 2 / 2;
      values[pixel * cells + Math.min(cells - 1, Math.max(0, cell))] += value;
    }
  }
  return values;
}
