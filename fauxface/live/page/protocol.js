// The page's side of the protocol that fauxface/live/protocol.py describes.

export const FRAME = 1, READY = 2, FACES = 3, PICTURE = 4;
const SMOOTH = 1, AGAIN = 2, HEADER = 16, FACE = 40;

export function packMessage(kind, { smoothing, again = false, sequence, seconds = 0 }) {
  const header = new DataView(new ArrayBuffer(HEADER));
  header.setUint8(0, kind);
  header.setUint8(1, (smoothing ? SMOOTH : 0) | (again ? AGAIN : 0));
  header.setUint32(4, sequence, true);
  header.setFloat64(8, seconds, true);
  return header.buffer;
}

export function parseAnswer(buffer) {
  const view = new DataView(buffer);
  const answer = {
    kind: view.getUint8(0),
    sequence: view.getUint32(4, true),
    milliseconds: view.getFloat32(8, true),
    seconds: view.getFloat32(12, true),
    faces: [],
  };
  const count = view.getUint16(2, true);
  let at = HEADER;
  for (let i = 0; i < view.getUint8(1); i++) {
    const id = view.getInt32(at, true);
    const [score, ...rest] = new Float32Array(buffer, at + 4, 9);
    const points = new Float32Array(buffer, at + FACE, 2 * count);
    const visibility = new Float32Array(buffer, at + FACE + 8 * count, count);
    answer.faces.push({ id, score, box: rest.slice(0, 4), pose: rest.slice(4, 7), reliable: rest[7] > 0, points, visibility });
    at += FACE + 12 * count;
  }
  answer.jpeg = answer.kind === PICTURE ? new Blob([new Uint8Array(buffer, at)], { type: "image/jpeg" }) : null;
  return answer;
}
