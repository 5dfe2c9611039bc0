// The page's view, shared by the page with a server and the page without: picture, faces, switches, words.

import { drawFaces, drawPicture } from "./drawing.js";

export const find = id => document.getElementById(id);
const picture = find("picture"), overlay = find("overlay");
export const choices = {};
export const state = { hello: null, stream: null, video: null, answer: null, shown: null, size: [640, 480], ends: [], latencies: [], sequence: 0 };
window.fauxface = { state, choices };   // for the console and for tests

const PATIENCE = 2500;       // milliseconds without a face before there is advice
const DARK = 60;             // mean brightness, of 255, below which more light is advised
const FAR = 0.12;            // share of the picture's height below which a face is small

// ---- messages over the picture ----

export function notice(text, action = null, then = null) {
  find("notice").hidden = !text;
  find("words").textContent = text || "";
  find("action").hidden = !action;
  find("action").textContent = action || "";
  find("action").onclick = then;
}

export function meter() {
  if (state.ends.length < 2) return;
  const rate = 1000 * (state.ends.length - 1) / (state.ends.at(-1) - state.ends[0]);
  const latency = state.latencies.reduce((sum, value) => sum + value, 0) / state.latencies.length;
  const faces = state.answer.faces.length;
  find("meter").innerHTML = `<b>${rate.toFixed(rate < 10 ? 1 : 0)}</b> pictures a second<i>·</i>delay <b>${(latency / 1000).toFixed(2)}</b> s<i>·</i>${faces} face${faces === 1 ? "" : "s"}`;
  advise();
}

export function count(latency) {
  const now = performance.now();
  if (state.ends.length && now - state.ends.at(-1) > 5000) state.ends = [];   // after a pause, start again
  state.ends.push(now);
  state.latencies.push(latency);
  if (state.ends.length > 30) state.ends.shift();
  if (state.latencies.length > 30) state.latencies.shift();
}

// ---- advice ----

const sample = document.createElement("canvas");
sample.width = sample.height = 16;

function brightness() {
  const pen = sample.getContext("2d", { alpha: false, willReadFrequently: true });
  pen.drawImage(state.shown, 0, 0, sample.width, sample.height);
  return pen.getImageData(0, 0, sample.width, sample.height).data.reduce((sum, value, i) => sum + (i % 4 < 3 ? value : 0), 0) / (3 * sample.width * sample.height);
}

function words() {
  const faces = state.answer.faces;
  if (faces.length) {
    state.seen = performance.now();
    const tallest = Math.max(...faces.map(face => face.box[3] - face.box[1]));
    return tallest < FAR * state.size[1] ? "The face is small: come closer for steadier points." : "";
  }
  if (performance.now() - (state.seen ??= performance.now()) < PATIENCE) return "";
  if (brightness() < DARK) return "No face found: the picture is dark. More light helps.";
  return "No face found: come closer and look at the camera.";
}

function advise() {
  const text = words();
  if (find("advice").textContent !== text) find("advice").textContent = text;
}

// ---- choices ----

const kept = () => `fauxface-live-${state.hello.mode}`;   // key of the choices in the browser's storage

export function readChoices(defaults) {
  let last = {};
  try { last = JSON.parse(localStorage.getItem(kept())) || {}; } catch { /* none stored */ }
  for (const box of document.querySelectorAll("#choices input")) {
    box.checked = last[box.name] ?? defaults[box.name] ?? box.checked;
    choices[box.name] = box.checked;
    box.onchange = () => {
      choices[box.name] = box.checked;
      try { localStorage.setItem(kept(), JSON.stringify({ ...choices })); } catch { /* private window */ }
      redraw();
    };
  }
}

// ---- the picture ----

function redraw() {
  if (!state.answer || !state.shown) return;
  drawPicture(picture, state.shown, ...state.size, choices.mirror);
  drawFaces(overlay, picture, state.answer.faces, state.hello, choices);
}

export function show(answer, image, width, height) {
  state.answer = answer;
  state.shown = image;
  state.size = [width, height];
  document.documentElement.style.setProperty("--aspect", width / height);
  redraw();
}

window.addEventListener("resize", redraw);
