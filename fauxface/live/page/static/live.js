// The page without a server: camera frames go through onnxruntime-web in this browser, and nothing leaves it.

import * as ort from "./onnxruntime/ort.wasm.min.js";
import { grab, openCamera, release } from "./camera.js";
import { Finder } from "./finder.js";
import { fromRgba } from "./pictures.js";
import { Tracker } from "./tracker.js";
import { choices, count, find, meter, notice, readChoices, show, state } from "./view.js";

const here = name => new URL(name, import.meta.url).href;
let busy = false;

async function processFrame(video) {
  if (busy) return;   // skip this frame: a newer one will come
  busy = true;
  const taken = performance.now(), canvas = grab(video);
  try {
    const picture = fromRgba(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height));
    state.tracker.smooth = choices.smoothing;
    const faces = await state.tracker.update(picture, taken / 1000);
    state.sequence++;
    release(state.shown);
    show({ faces }, canvas, canvas.width, canvas.height);
    count(performance.now() - taken);
    meter();
  } finally {
    busy = false;
  }
}

async function fetched(name) {
  const answer = await fetch(here(name));
  if (!answer.ok) throw new Error(`${name} is missing beside this page`);
  return answer;
}

async function start() {
  notice("Loading the networks …");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { mjs: here("onnxruntime/ort-wasm-simd-threaded.js"), wasm: here("onnxruntime/ort-wasm-simd-threaded.wasm") };
  const settings = await (await fetched("settings.json")).json();
  const finder = await Finder.load(ort, async name => new Uint8Array(await (await fetched(name)).arrayBuffer()), settings);
  Object.assign(state, { hello: settings.hello, finder, tracker: new Tracker(finder, settings) });
  find("about").textContent = settings.hello.about;
  readChoices({ mirror: true });
  await openCamera(processFrame);
}

find("privacy").textContent = "Pictures stay in this browser: none are sent and none are stored.";
start().catch(error => notice(`The page cannot start: ${error.message}`));
