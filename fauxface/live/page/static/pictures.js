// Pictures as {width, height, data}, data RGB, three bytes a pixel; fauxface/inference/detectors/base.py and OpenCV.

// Python's rounding: halves to the even neighbour.
export const round = x => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

export const clamp = (x, least, most) => Math.min(most, Math.max(least, x));

// From a canvas's four bytes a pixel.
export function fromRgba({ width, height, data }) {
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0, j = 0; j < rgb.length; i += 4) {
    rgb[j++] = data[i];
    rgb[j++] = data[i + 1];
    rgb[j++] = data[i + 2];
  }
  return { width, height, data: rgb };
}

// The part [left, right) × [top, bottom).
export function part(picture, left, top, right, bottom) {
  const width = right - left, data = new Uint8Array(3 * width * (bottom - top));
  for (let y = top; y < bottom; y++) {
    const row = 3 * (y * picture.width + left);
    data.set(picture.data.subarray(row, row + 3 * width), 3 * width * (y - top));
  }
  return { width, height: bottom - top, data };
}

// For each of `count` cells: the first of `length` pixels that it covers, and their shares of it.
function shares(length, count) {
  const step = length / count;
  return Array.from({ length: count }, (_, i) => {
    const begin = i * step, end = Math.min(length, begin + step), first = Math.floor(begin + 1e-9);
    const weights = [];
    for (let p = first; p < end - 1e-9; p++) weights.push((Math.min(end, p + 1) - Math.max(begin, p)) / step);
    return { first, weights };
  });
}

// Reduced by averaging areas (OpenCV's INTER_AREA).
export function reduced(picture, width, height) {
  if (width === picture.width && height === picture.height) return picture;
  const columns = shares(picture.width, width), rows = shares(picture.height, height);
  const between = new Float32Array(3 * width * picture.height);
  for (let y = 0, at = 0; y < picture.height; y++) {
    for (const { first, weights } of columns) {
      let from = 3 * (y * picture.width + first);
      for (const weight of weights) {
        for (let c = 0; c < 3; c++) between[at + c] += weight * picture.data[from++];
      }
      at += 3;
    }
  }
  const data = new Uint8Array(3 * width * height), line = new Float32Array(3 * width);
  rows.forEach(({ first, weights }, y) => {
    line.fill(0);
    weights.forEach((weight, i) => {
      const from = 3 * width * (first + i);
      for (let x = 0; x < line.length; x++) line[x] += weight * between[from + x];
    });
    for (let x = 0; x < line.length; x++) data[3 * width * y + x] = Math.round(line[x]);
  });
  return { width, height, data };
}

// Continued below and to the right by repeating its border.
export function continued(picture, width, height) {
  if (width === picture.width && height === picture.height) return picture;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * Math.min(y, picture.height - 1) * picture.width;
    for (let x = 0; x < width; x++) {
      const pixel = from + 3 * Math.min(x, picture.width - 1), at = 3 * (y * width + x);
      data[at] = picture.data[pixel];
      data[at + 1] = picture.data[pixel + 1];
      data[at + 2] = picture.data[pixel + 2];
    }
  }
  return { width, height, data };
}
