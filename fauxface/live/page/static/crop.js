// The crop around a face: fauxface/faces.py in JavaScript. Points are flat arrays x, y, x, y, …; boxes x0, y0, x1, y1.

import { clamp, part, reduced, round } from "./pictures.js";

export const side = box => Math.max(box[2] - box[0], box[3] - box[1]);

export const mean = (points, indices) => [0, 1].map(c => indices.reduce((sum, i) => sum + points[2 * i + c], 0) / indices.length);

// Centres of the eyes, tip of the nose, corners of the mouth: [[x, y], …].
export function fivePoints(points, scheme) {
  return [...scheme.eyes.map(eye => mean(points, eye)), ...[scheme.nose_tip, ...scheme.mouth_corners].map(i => mean(points, [i]))];
}

export function landmarkBox(points, scheme) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const i of scheme.outline) {
    box[0] = Math.min(box[0], points[2 * i]);
    box[1] = Math.min(box[1], points[2 * i + 1]);
    box[2] = Math.max(box[2], points[2 * i]);
    box[3] = Math.max(box[3], points[2 * i + 1]);
  }
  return box;
}

// Least-squares similarity from the frontal points to five points: factor a + ib, and the image of 0.
function similarity(five, frontal) {
  const middle = points => [0, 1].map(c => points.reduce((sum, point) => sum + point[c], 0) / points.length);
  const [fx, fy] = middle(frontal), [px, py] = middle(five);
  let a = 0, b = 0, size = 0;
  frontal.forEach(([x, y], i) => {
    const u = x - fx, v = y - fy, s = five[i][0] - px, t = five[i][1] - py;
    a += u * s + v * t;
    b += u * t - v * s;
    size += u * u + v * v;
  });
  a /= size;
  b /= size;
  return { a, b, x: px - a * fx + b * fy, y: py - b * fx - a * fy };
}

// True for points that are finite and do not all lie at one place.
export function hasExtent(points) {
  const [xs, ys] = [0, 1].map(c => points.filter((_, i) => i % 2 === c));
  return points.every(Number.isFinite) && [xs, ys].some(values => Math.max(...values) - Math.min(...values) > 1e-6);
}

// A place is {box}, {box, roll} or {five}, as the model's kind of crop needs it: fauxface/inference/places.py.
export function placeOf(box, five, framing) {
  if (!five) return { box };
  if (framing.kind === "five-points") return { five };
  const { a, b } = similarity(five, framing.frontal), roll = Math.hypot(a, b) > 1e-6 ? Math.atan2(b, a) : 0;
  return { box, roll: framing.kind === "box" ? turnOf(roll, framing) : roll };
}

// The angle by which to turn the crop of a face with this roll, for a network that knows upright boxes.
function turnOf(roll, { straight, turned }) {
  const share = clamp((Math.abs(roll) - straight) / (turned - straight), 0, 1);
  return roll * share * share * (3 - 2 * share);
}

// The place of a face with these landmarks.
export function placeOfPoints(points, scheme, framing) {
  const place = placeOf(landmarkBox(points, scheme), fivePoints(points, scheme), framing);
  if (framing.kind !== "box" || !place.roll) return place;
  const cosine = Math.cos(place.roll), sine = Math.sin(place.roll);
  const upright = points.map((value, i) => cosine * value + sine * (i % 2 ? -points[i - 1] : points[i + 1]));
  const [x0, y0, x1, y1] = landmarkBox(upright, scheme);   // as the turned square sees the face
  const x = (cosine * (x0 + x1) - sine * (y0 + y1)) / 2, y = (sine * (x0 + x1) + cosine * (y0 + y1)) / 2;
  const [u, v] = [(x1 - x0) / 2, (y1 - y0) / 2];
  return { box: [x - u, y - v, x + u, y + v], roll: place.roll };
}

export function cropAt(place, framing) {
  const size = framing.size;
  if (place.five) {
    const margin = framing.margin * framing.reach, { a, b, x, y } = similarity(place.five, framing.frontal);
    const half = margin / 2;
    return new Crop(x + 0.5 - half * (a - b), y + 0.5 - half * (a + b), margin * Math.hypot(a, b) / size, size, Math.atan2(b, a));
  }
  const [x0, y0, x1, y1] = place.box, angle = place.roll || 0;
  const margin = framing.margin * (framing.kind === "five-points" ? framing.reach : 1), length = margin * side(place.box);
  const cosine = Math.cos(angle), sine = Math.sin(angle);
  return new Crop((x0 + x1 - length * (cosine - sine) + 1) / 2, (y0 + y1 - length * (cosine + sine) + 1) / 2, length / size, size, angle);
}

// Crop pixel (u, v) is image pixel (x0, y0) + scale · R · (u + 0.5, v + 0.5) − 0.5.
export class Crop {
  constructor(x0, y0, scale, size, angle = 0) {
    Object.assign(this, { x0, y0, scale, size, cosine: scale * Math.cos(angle), sine: scale * Math.sin(angle) });
  }

  toImage(points) {
    const moved = new Float64Array(points.length);
    for (let i = 0; i < points.length; i += 2) {
      const u = points[i] + 0.5, v = points[i + 1] + 0.5;
      moved[i] = this.x0 + this.cosine * u - this.sine * v - 0.5;
      moved[i + 1] = this.y0 + this.sine * u + this.cosine * v - 0.5;
    }
    return moved;
  }

  // The crop's pixels, size × size × RGB: areas averaged, then bilinear; outside the picture its border is repeated.
  extract(picture) {
    const { picture: small, x0, y0, rx, ry } = this.#reduce(picture), { size } = this, { width, height, data } = small;
    const out = new Uint8Array(3 * size * size);
    for (let v = 0, at = 0; v < size; v++) {
      for (let u = 0; u < size; u++) {
        const x = x0 + rx * (this.cosine * (u + 0.5) - this.sine * (v + 0.5)) - 0.5;
        const y = y0 + ry * (this.sine * (u + 0.5) + this.cosine * (v + 0.5)) - 0.5;
        const left = Math.floor(x), top = Math.floor(y), s = x - left, t = y - top;
        const xs = [clamp(left, 0, width - 1), clamp(left + 1, 0, width - 1)], ys = [clamp(top, 0, height - 1), clamp(top + 1, 0, height - 1)];
        const a = 3 * (ys[0] * width + xs[0]), b = 3 * (ys[0] * width + xs[1]), c = 3 * (ys[1] * width + xs[0]), d = 3 * (ys[1] * width + xs[1]);
        for (let i = 0; i < 3; i++) {
          const above = data[a + i] + s * (data[b + i] - data[a + i]), below = data[c + i] + s * (data[d + i] - data[c + i]);
          out[at++] = Math.round(above + t * (below - above));
        }
      }
    }
    return out;
  }

  // Cuts out the part that the crop needs and averages areas down to about its resolution.
  #reduce(picture) {
    const { x0, y0, scale, size, cosine, sine } = this, pad = 2 * scale + 1;
    const xs = [x0, x0 - sine * size, x0 + cosine * size, x0 + (cosine - sine) * size];
    const ys = [y0, y0 + cosine * size, y0 + sine * size, y0 + (sine + cosine) * size];
    const left = clamp(Math.floor(Math.min(...xs) - pad), 0, picture.width - 1), top = clamp(Math.floor(Math.min(...ys) - pad), 0, picture.height - 1);
    const right = clamp(Math.ceil(Math.max(...xs) + pad), left + 1, picture.width), bottom = clamp(Math.ceil(Math.max(...ys) + pad), top + 1, picture.height);
    const cut = part(picture, left, top, right, bottom);
    if (scale <= 1) return { picture: cut, x0: x0 - left, y0: y0 - top, rx: 1, ry: 1 };
    const columns = Math.max(1, round(cut.width / scale)), rows = Math.max(1, round(cut.height / scale));
    const rx = columns / cut.width, ry = rows / cut.height;
    return { picture: reduced(cut, columns, rows), x0: (x0 - left) * rx, y0: (y0 - top) * ry, rx, ry };
  }
}
