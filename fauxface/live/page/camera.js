// The browser's camera, shared by the page with a server and the page without.

import { find, notice, state } from "./view.js";

const LONGER_SIDE = 640;     // of a frame, in pixels: enough for landmarks
const spare = [];            // canvases free for the next frame

// Opens the camera and calls `onFrame` with its video at each new frame.
export async function openCamera(onFrame) {
  const again = () => openCamera(onFrame);
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
      NotAllowedError: "The camera is blocked: click the camera in the browser's address bar and allow it.",
      NotFoundError: "No camera found: connect one, or open this page on a phone or a laptop.",
      NotReadableError: "The camera is in use: close the other program or tab that shows it.",
    }[error.name] || `The camera cannot be opened (${error.name}).`;
    notice(why, "Try again", again);
    return;
  }
  const track = state.stream.getVideoTracks()[0];
  find("name").textContent = track.label;
  track.onended = () => notice("The camera was disconnected.", "Try again", again);
  state.video = document.createElement("video");
  Object.assign(state.video, { srcObject: state.stream, muted: true, playsInline: true });
  await state.video.play();
  notice("");
  nextFrame(onFrame);
}

function nextFrame(onFrame) {
  const { video } = state;
  const take = () => {
    if (!video.srcObject || !video.srcObject.active) return;
    nextFrame(onFrame);
    if (video.videoWidth) onFrame(video);
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(take);
  else requestAnimationFrame(take);
}

// The video's frame on a canvas, with its longer side at most `LONGER_SIDE`.
export function grab(video) {
  const scale = Math.min(1, LONGER_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = spare.pop() || document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// Takes back a canvas of `grab` that is not shown any more.
export function release(canvas) {
  if (canvas) spare.push(canvas);
}
