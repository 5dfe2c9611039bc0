// Faces followed from frame to frame: the rules of fauxface/inference/tracker.py in JavaScript.

import { landmarkBox, mean, placeOf, placeOfPoints, side } from "./crop.js";
import { FaceFilter } from "./smoothing.js";

// Distance of two boxes' centres, in units of the larger box's longer side.
function apart(a, b) {
  const between = [0, 1].map(c => (a[c] + a[c + 2] - b[c] - b[c + 2]) / 2);
  return Math.hypot(...between) / Math.max(side(a), side(b), 1e-6);
}

// The one whose box's centre is nearest, within half a box.
function nearest(box, others) {
  let best = null, least = 0.5;
  for (const other of others) {
    const distance = apart(box, other.box);
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}

function plausible(before, now, picture) {
  if (!now.every(Number.isFinite) || side(now) < 8) return false;
  const x = (now[0] + now[2]) / 2, y = (now[1] + now[3]) / 2, growth = side(now) / Math.max(side(before), 1e-6);
  return x > 0 && y > 0 && x < picture.width && y < picture.height && growth > 0.5 && growth < 2;
}

export class Tracker {
  constructor(finder, settings) {
    Object.assign(this, { finder, limits: settings.tracker, smoothing: settings.smoothing, reliable: settings.reliable, scheme: settings.scheme });
    Object.assign(this, { smooth: true, looks: 0, tracks: [], ended: [], ids: 0, seconds: -Infinity, looked: -Infinity });
  }

  // The faces of the next picture, `seconds` after a fixed moment: {id, box, points, scores, visibility}.
  async update(picture, seconds) {
    this.seconds = seconds;
    await this.#read(picture, this.tracks);
    this.#dropDuplicates();
    const due = seconds - this.looked >= this.limits.detect_every || !this.tracks.length;
    if (due || this.tracks.some(track => track.doubtful)) await this.#look(picture, due);
    return this.tracks.map(track => this.#face(track));
  }

  async #read(picture, tracks) {
    const found = await this.finder.landmarks(picture, tracks.map(track => track.place));
    tracks.forEach((track, i) => {
      const before = track.box;
      Object.assign(track, found[i], { seconds: this.seconds });
      track.score = track.scores.reduce((sum, score) => sum + score, 0) / track.scores.length;
      track.box = landmarkBox(track.points, this.scheme);
      track.place = placeOfPoints(track.points, this.scheme, this.finder.framing);
      track.usual ??= track.score;
      track.doubtful = track.score < this.limits.doubt * track.usual || !plausible(before, track.box, picture);
      if (!track.doubtful) track.usual += 0.05 * (track.score - track.usual);
    });
  }

  // Runs the detector: confirms or drops doubtful faces, begins to follow new ones.
  async #look(picture, due) {
    let free = await this.finder.detect(picture);
    this.looks++;
    if (due) this.looked = this.seconds;
    const again = [];
    for (const track of [...this.tracks]) {
      const match = nearest(track.box, free);
      if (match) {
        free = free.filter(detection => detection !== match);
        Object.assign(track, { missed: 0, doubtfulSince: null });
        if (track.doubtful) {   // its points may be wrong: start again from the detection
          Object.assign(track, { box: match.box, usual: null, place: placeOf(match.box, match.five, this.finder.framing) });
          again.push(track);
        }
      } else if (!this.#keeps(track, due)) {
        this.tracks = this.tracks.filter(other => other !== track);
        this.ended.push(track);
      }
    }
    const room = Math.max(0, this.limits.max_faces - this.tracks.length);
    const fresh = free.slice(0, room).map(detection => this.#begin(detection));
    await this.#read(picture, [...again, ...fresh]);
    this.tracks.push(...fresh);
  }

  // True if a face that the detector does not confirm is still to be followed.
  #keeps(track, due) {
    if (!track.doubtful) {
      track.doubtfulSince = null;
      track.missed += due ? 1 : 0;
      return track.missed < this.limits.missed_looks;
    }
    track.doubtfulSince ??= this.seconds;
    const low = track.score < this.limits.lost * (track.usual ?? 0);
    const sound = track.points.every(Number.isFinite) && side(track.box) > 0;
    return sound && !low && this.seconds - track.doubtfulSince < this.limits.patience;
  }

  // Begins to follow a new face, or again one that was dropped a short time ago.
  #begin({ box, five }) {
    this.ended = this.ended.filter(track => this.seconds - track.seconds <= this.limits.memory);
    const old = nearest(box, this.ended);
    this.ended = this.ended.filter(track => track !== old);
    const place = placeOf(box, five, this.finder.framing);
    return { id: old ? old.id : this.ids++, box, place, missed: 0, usual: null, doubtful: false, doubtfulSince: null, steady: new FaceFilter(this.smoothing) };
  }

  // Drops the younger of two tracks that follow the same face.
  #dropDuplicates() {
    for (const track of [...this.tracks].sort((a, b) => b.id - a.id)) {
      const double = this.tracks.some(other => other.id < track.id && apart(track.box, other.box) < 0.25);
      if (double) this.tracks = this.tracks.filter(other => other !== track);
    }
  }

  #face(track) {
    const { id, box, scores, visibility } = track;
    let { points } = track;
    if (this.smooth) {
      const [right, left] = (this.scheme.eye_corners ? this.scheme.eye_corners.map(i => [i]) : this.scheme.pupils).map(i => mean(points, i));
      // seen from the side the eyes' distance vanishes; from the front a face's box is about 1.6 times as wide
      const unit = Math.max(Math.hypot(right[0] - left[0], right[1] - left[1]), side(box) / 3);
      points = track.steady.next(points, this.seconds, unit);
    } else track.steady = new FaceFilter(this.smoothing);
    return { id, box, points, scores, visibility, reliable: track.score >= this.reliable.score && !track.doubtful };
  }
}
