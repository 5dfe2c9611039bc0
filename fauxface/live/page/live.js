// The page: sends camera frames to the server, or receives the server's clip, and draws the faces.

import { grab, openCamera, release } from "./camera.js";
import { FRAME, READY, packMessage, parseAnswer } from "./protocol.js";
import { choices, count, find, meter, notice, readChoices, show, state } from "./view.js";

const IN_FLIGHT = 2;         // frames sent without an answer: one being processed, one waiting
const JPEG_QUALITY = 0.85;

Object.assign(state, { socket: null, waiting: [], tries: 0, ended: false });
find("privacy").textContent = "Pictures are sent only to the Fauxface process that serves this page, and none are stored.";

// ---- the browser's camera ----

function sendFrame(video) {
  if (state.socket?.readyState !== WebSocket.OPEN) return;
  if (state.waiting.length >= IN_FLIGHT || state.encoding) return;   // skip this frame: a newer one will come
  const taken = performance.now(), canvas = grab(video);
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
    else release(frame.canvas);   // the server skipped it for a newer one
  }
  if (!mine) return;
  release(state.shown);
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
  } else if (!state.stream?.active) openCamera(sendFrame);
  else notice("");
}

function see(answer) {
  if (state.hello.mode === "clip") showClip(answer);
  else showCameraFrame(answer);
  meter();
}

connect();
