// Landmarks of one face, given its box, with onnxruntime-web: in Node here, and in a browser with a canvas for the pixels.
// Make the network: fauxface export fauxface-s --out model.onnx        (and: npm install onnxruntime-web)
// Run it: node landmarks.mjs model.onnx photo.ppm 180 60 280 190 [roll in radians]      the box is left, top, right, bottom
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web/wasm";

const SIZE = 160, MARGIN = 1.3;   // input_size and crop_margin, from the file's metadata or model.yaml
const [model, photo, l, t, r, b, roll = 0] = process.argv.slice(2).map((word, i) => (i < 2 ? word : Number(word)));
const file = readFileSync(photo), header = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(file.toString("latin1", 0, 64));
const [width, height] = header.slice(1).map(Number), at = y => header[0].length + 3 * width * y;

// Each of `count` rows is the average of the rows that it covers.
const average = (rows, count) => Array.from({ length: count }, (_, i) => {
  const step = rows.length / count, from = i * step, to = from + step, sum = new Float64Array(rows[0].length);
  for (let k = Math.floor(from + 1e-9); k < Math.min(rows.length, to - 1e-9); k++) rows[k].forEach((value, j) => { sum[j] += value * (Math.min(to, k + 1) - Math.max(from, k)) / step; });
  return sum;
});
const turned = rows => Array.from({ length: rows[0].length / 3 }, (_, x) => Float64Array.from({ length: 3 * rows.length }, (_, k) => rows[Math.floor(k / 3)][3 * x + k % 3]));

const side = MARGIN * Math.max(r - l, b - t), scale = side / SIZE, c = scale * Math.cos(roll), s = scale * Math.sin(roll);
const x0 = (l + r + 1 - SIZE * (c - s)) / 2, y0 = (t + b + 1 - SIZE * (c + s)) / 2;   // the square's first corner
const half = (Math.abs(c) + Math.abs(s)) * SIZE / 2 + 2 * scale + 1, shrink = Math.max(1, scale);
const [left, top] = [(l + r + 1) / 2, (t + b + 1) / 2].map(middle => Math.max(0, Math.floor(middle - half)));
const right = Math.min(width, Math.ceil((l + r + 1) / 2 + half)), bottom = Math.min(height, Math.ceil((t + b + 1) / 2 + half));
const part = Array.from({ length: bottom - top }, (_, y) => file.subarray(at(top + y) + 3 * left, at(top + y) + 3 * right));
const rows = Math.round(part.length / shrink), columns = Math.round((right - left) / shrink), rx = columns / (right - left), ry = rows / part.length;
const small = turned(average(turned(average(part, rows)), columns)).map(row => row.map(Math.round));
const pixel = (x, y, i) => small[Math.min(rows - 1, Math.max(0, y))][3 * Math.min(columns - 1, Math.max(0, x)) + i];
const crop = Uint8Array.from({ length: 3 * SIZE * SIZE }, (_, k) => {
  const u = Math.floor(k / 3) % SIZE + 0.5, v = Math.floor(k / 3 / SIZE) + 0.5, i = k % 3;
  const x = rx * (x0 - left + c * u - s * v) - 0.5, y = ry * (y0 - top + s * u + c * v) - 0.5, p = Math.floor(x), q = Math.floor(y);
  return Math.round((1 - y + q) * ((1 - x + p) * pixel(p, q, i) + (x - p) * pixel(p + 1, q, i)) + (y - q) * ((1 - x + p) * pixel(p, q + 1, i) + (x - p) * pixel(p + 1, q + 1, i)));
});

ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(model), { executionProviders: ["wasm"] });
const { data } = (await session.run({ image: new ort.Tensor("uint8", crop, [1, SIZE, SIZE, 3]) })).landmarks;
for (let i = 0; i < data.length; i += 2) {
  const u = data[i] + 0.5, v = data[i + 1] + 0.5;
  console.log(`${(x0 + c * u - s * v - 0.5).toFixed(3)} ${(y0 + s * u + c * v - 0.5).toFixed(3)}`);
}
