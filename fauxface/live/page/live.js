// The page: sends camera frames to the server, or receives the server's clip, and draws the faces.

import { drawFaces, drawPicture } from "./drawing.js";
import { FRAME, READY, packMessage, parseAnswer } from "./protocol.js";

const IN_FLIGHT = 2;         // frames sent without an answer: one being processed, one waiting
const LONGER_SIDE = 640;     // of the frames sent, in pixels: enough for landmarks
const JPEG_QUALITY = 0.85;

const find = id => document.getElementById(id);
const picture = find("picture"), overlay = find("overlay");
const choices = {};
const state = { hello: null, socket: null, stream: null, video: null, answer: null, size: [640, 480], sequence: 0, waiting: [], ends: [], latencies: [], tries: 0, ended: false };
window.fauxface = { state, choices };   // for the console and for tests

// ---- messages over the picture ----

function notice(text, action = null, then = null) {
  find("notice").hidden = !text;
  find("words").textContent = text || "";
  find("action").hidden = !action;
  find("action").textContent = action || "";
  find("action").onclick = then;
}

function meter() {
  if (state.ends.length < 2) return;
  const rate = 1000 * (state.ends.length - 1) / (state.ends.at(-1) - state.ends[0]);
  const latency = state.latencies.reduce((sum, value) => sum + value, 0) / state.latencies.length;
  const faces = state.answer.faces.length;
  find("meter").innerHTML = `<b>${rate.toFixed(0)}</b> fps<i>·</i><b>${latency.toFixed(0)}</b> ms<i>·</i>${faces} face${faces === 1 ? "" : "s"}`;
}

function count(latency) {
  const now = performance.now();
  if (state.ends.length && now - state.ends.at(-1) > 1000) state.ends = [];   // after a pause, start again
  state.ends.push(now);
  state.latencies.push(latency);
  if (state.ends.length > 30) state.ends.shift();
  if (state.latencies.length > 30) state.latencies.shift();
}

// ---- choices ----

const kept = () => `fauxface-live-${state.hello.mode}`;   // key of the choices in the browser's storage

function readChoices(defaults) {
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

function redraw() {
  if (!state.answer || !state.shown) return;
  drawPicture(picture, state.shown, ...state.size, choices.mirror);
  drawFaces(overlay, picture, state.answer.faces, state.hello, choices);
}

function show(answer, image, width, height) {
  state.answer = answer;
  state.shown = image;
  state.size = [width, height];
  redraw();
}

// ---- the browser's camera ----

async function openCamera() {
  if (!navigator.mediaDevices) {
    notice("Browsers allow the camera only on pages from this machine (http://127.0.0.1 or http://localhost) and on https pages.");
    return;
  }
  notice("Waiting for the camera: allow it in the browser's dialog.");
  try {
    state.stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 } }, audio: false,
    });
  } catch (error) {
    const why = {
      NotAllowedError: "The camera is blocked: allow it in the browser's address bar.",
      NotFoundError: "No camera found.",
      NotReadableError: "The camera is in use by another program.",
    }[error.name] || `The camera cannot be opened (${error.name}).`;
    notice(why, "Try again", openCamera);
    return;
  }
  const track = state.stream.getVideoTracks()[0];
  find("name").textContent = track.label;
  track.onended = () => notice("The camera was disconnected.", "Try again", openCamera);
  state.video = document.createElement("video");
  Object.assign(state.video, { srcObject: state.stream, muted: true, playsInline: true });
  await state.video.play();
  notice("");
  nextFrame();
}

function nextFrame() {
  const video = state.video;
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(takeFrame);
  else requestAnimationFrame(takeFrame);
}

const spare = [];   // canvases free for the next frame

function takeFrame() {
  const video = state.video;
  if (!video.srcObject || !video.srcObject.active) return;
  nextFrame();
  if (state.socket?.readyState !== WebSocket.OPEN || !video.videoWidth) return;
  if (state.waiting.length >= IN_FLIGHT || state.encoding) return;   // skip this frame: a newer one will come
  const scale = Math.min(1, LONGER_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = spare.pop() || document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  const taken = performance.now();
  canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(video, 0, 0, canvas.width, canvas.height);
  state.encoding = true;
  canvas.toBlob(jpeg => {
    state.encoding = false;
    if (!jpeg || state.socket?.readyState !== WebSocket.OPEN) return;
    const sequence = ++state.sequence;
    state.waiting.push({ sequence, canvas, taken });
    const header = packMessage(FRAME, { smoothing: choices.smoothing, sequence, seconds: taken / 1000 });
    state.socket.send(new Blob([header, jpeg]));
  }, "image/jpeg", JPEG_QUALITY);
}

// Draws the same frame that the points were found in, so that they never lag behind it.
function showCameraFrame(answer) {
  let mine = null;
  while (state.waiting.length && state.waiting[0].sequence <= answer.sequence) {
    const frame = state.waiting.shift();
    if (frame.sequence === answer.sequence) mine = frame;
    else spare.push(frame.canvas);   // the server skipped it for a newer one
  }
  if (!mine) return;
  if (state.shown) spare.push(state.shown);
  show(answer, mine.canvas, mine.canvas.width, mine.canvas.height);
  count(performance.now() - mine.taken);
}

// ---- the server's clip ----

function askForNext(again = false) {
  state.socket.send(packMessage(READY, { smoothing: choices.smoothing, again, sequence: ++state.sequence }));
}

async function showClip(answer) {
  const came = performance.now();
  askForNext();
  const image = await createImageBitmap(answer.jpeg);
  state.shown?.close?.();
  show(answer, image, image.width, image.height);
  count(answer.milliseconds + performance.now() - came);
}

function playAgain() {
  notice("");
  state.ended = false;
  askForNext(true);
}

// ---- the connection ----

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  socket.binaryType = "arraybuffer";
  state.socket = socket;
  state.waiting = [];
  socket.onopen = () => { state.tries = 0; };
  socket.onmessage = ({ data }) => (typeof data === "string" ? hear(JSON.parse(data)) : see(parseAnswer(data)));
  socket.onclose = ({ code, reason }) => {
    if (state.socket !== socket) return;
    const seconds = Math.min(8, 2 ** state.tries++);
    if (code === 1008 || code === 1013) notice(`The server closed the connection: ${reason}.`, "Connect again", connect);
    else {
      notice("No connection to the server. Trying again …");
      setTimeout(connect, 1000 * seconds);
    }
  };
}

function hear(words) {
  if (words.mode) greet(words);
  if (words.ended) {
    state.ended = true;
    notice("The clip has ended.", "Play again", playAgain);
  }
  if (words.error && state.hello.mode === "clip") notice(words.error, "Play again", playAgain);
  else if (words.error) {
    console.warn(words.error);
    state.waiting = state.waiting.filter(frame => words.sequence == null || frame.sequence > words.sequence);
  }
}

function greet(hello) {
  const first = !state.hello;
  state.hello = hello;
  find("about").textContent = hello.about;
  if (first) readChoices({ mirror: hello.mode === "camera" });   // as in a mirror
  if (hello.mode === "clip") {
    find("name").textContent = hello.name;
    notice("");
    askForNext();
  } else if (!state.stream?.active) openCamera();
  else notice("");
}

function see(answer) {
  if (state.hello.mode === "clip") showClip(answer);
  else showCameraFrame(answer);
  meter();
}

window.addEventListener("resize", redraw);
connect();
