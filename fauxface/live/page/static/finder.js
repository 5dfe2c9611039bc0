// Our detector and landmark network on onnxruntime-web: fauxface/inference/detectors/{one_stage,checked}.py and crops.py.

import { cropAt, fivePoints, hasExtent, landmarkBox, placeOf, placeOfPoints, side } from "./crop.js";
import { clamp, continued, reduced, round } from "./pictures.js";

function overlap(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = box => (box[2] - box[0]) * (box[3] - box[1]);
  return width * height / (area(a) + area(b) - width * height);
}

// The faces that no better one covers, best first.
function suppressed(faces, limit) {
  const kept = [];
  for (const face of faces.sort((a, b) => b.score - a.score)) {
    if (kept.every(other => overlap(other.box, face.box) <= limit)) kept.push(face);
  }
  return kept;
}

export class Finder {
  // ort: the module onnxruntime-web; networks: sessions by name; settings: settings.json.
  constructor(ort, networks, settings) {
    Object.assign(this, { ort, networks, settings, scheme: settings.scheme, framing: settings.framing });
  }

  // read(name): the bytes of a file beside the page, or a promise of them.
  static async load(ort, read, settings) {
    const options = { executionProviders: ["wasm"], graphOptimizationLevel: "all" }, networks = {};
    for (const name of new Set(["detector", "landmarks", settings.detector.check?.network ?? "landmarks"])) {
      networks[name] = await ort.InferenceSession.create(await read(`${name}.onnx`), options);
    }
    return new Finder(ort, networks, settings);
  }

  // Faces of a picture, best first: {box, score, five}; with a check, as the landmarks lie that it finds.
  async detect(picture) {
    const candidates = await this.#candidates(picture), { check } = this.settings.detector, faces = [];
    if (!check) return candidates;
    const places = candidates.map(({ box, five }) => placeOf(box, five, check.framing));
    const found = await this.#check(picture, places, candidates), [low, high] = check.doubt;
    const again = [...found.keys()].filter(i => found[i].score > low && found[i].score < high && hasExtent(found[i].points));
    const better = await this.#check(
      picture, again.map(i => placeOfPoints(found[i].points, check.scheme, check.framing)), again.map(i => candidates[i]));
    again.forEach((i, k) => { found[i] = better[k]; });
    for (const { points, score } of found) {
      if (!(score > check.threshold) || !hasExtent(points)) continue;
      faces.push({ box: landmarkBox(points, check.scheme), score, five: fivePoints(points, check.scheme) });
    }
    return suppressed(faces, check.overlap);
  }

  // The score of each candidate with the landmarks at its place, and these: {points, score}.
  async #check(picture, places, candidates) {
    const { check } = this.settings.detector;
    return (await this.#read(this.networks[check.network], picture, places, check.framing)).map(({ points, scores }, i) => {
      const sure = clamp(scores.reduce((sum, score) => sum + score, 0) / scores.length, 0, 1);
      return { points, score: Math.cbrt(candidates[i].score * sure * sure) };
    });
  }

  async #candidates(picture) {
    const { sides, overlap: limit } = this.settings.detector, longer = Math.max(picture.width, picture.height);
    let found = [];
    for (const [level, most] of sides.entries()) {
      if (level && longer <= sides[level - 1]) break;
      const scale = Math.min(1, most / longer);
      const width = Math.max(1, round(picture.width * scale)), height = Math.max(1, round(picture.height * scale));
      const ratio = [picture.width / width, picture.height / height];
      const larger = values => values.map((value, i) => (value + 0.5) * ratio[i % 2] - 0.5);
      let more = (await this.#look(reduced(picture, width, height))).map(({ box, score, points }) => ({ box: larger(box), score, points: larger(points) }));
      if (level) more = more.filter(face => side(face.box) < longer / 8 && found.every(other => overlap(face.box, other.box) < limit));
      found = [...found, ...more];
    }
    found.sort((a, b) => b.score - a.score);
    return found.map(({ box, score, points }) => ({ box, score, five: fivePoints(points, this.settings.detector.scheme) }));
  }

  async #look(picture) {
    const { step, least, threshold, overlap: limit } = this.settings.detector;
    const padded = n => Math.max(least, Math.ceil(n / step) * step);
    const frame = continued(picture, padded(picture.width), padded(picture.height));
    const image = new this.ort.Tensor("uint8", frame.data, [1, frame.height, frame.width, 3]);
    const { boxes, scores, landmarks } = await this.networks.detector.run({ image }), length = landmarks.dims[1] * 2, faces = [];
    scores.data.forEach((score, i) => {
      if (score <= threshold) return;
      faces.push({ box: [...boxes.data.subarray(4 * i, 4 * i + 4)], score, points: [...landmarks.data.subarray(length * i, length * (i + 1))] });
    });
    return suppressed(faces, limit);
  }

  // The landmarks of the faces at these places: {points, scores, visibility}, image pixels.
  landmarks(picture, places) {
    return this.#read(this.networks.landmarks, picture, places, this.framing);
  }

  async #read(network, picture, places, framing) {
    if (!places.length) return [];
    const { size } = framing, bytes = 3 * size * size, data = new Uint8Array(places.length * bytes);
    const crops = places.map(place => cropAt(place, framing));
    crops.forEach((crop, i) => data.set(crop.extract(picture), i * bytes));
    const found = await network.run({ image: new this.ort.Tensor("uint8", data, [places.length, size, size, 3]) });
    const count = found.scores.dims[1];
    return crops.map((crop, i) => ({
      points: crop.toImage(found.landmarks.data.subarray(2 * count * i, 2 * count * (i + 1))),
      scores: found.scores.data.slice(count * i, count * (i + 1)),
      visibility: found.visibility ? found.visibility.data.slice(count * i, count * (i + 1)) : new Float32Array(count).fill(1),
    }));
  }
}
