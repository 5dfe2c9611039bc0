// Faces on the overlay, drawn at the screen's resolution, which may be finer than the picture's.

const rgb = ([r, g, b], alpha = 1) => `rgb(${r} ${g} ${b} / ${alpha})`;

// Fits the overlay to the screen's pixels; returns screen pixels per picture pixel.
function fit(overlay, picture) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(overlay.clientWidth * ratio));
  const height = Math.max(1, Math.round(overlay.clientHeight * ratio));
  if (overlay.width !== width || overlay.height !== height) {
    overlay.width = width;
    overlay.height = height;
  }
  return width / picture.width;
}

export function drawPicture(canvas, image, width, height, mirror) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d", { alpha: false });
  pen.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0);
  pen.drawImage(image, 0, 0, width, height);
}

export function drawFaces(overlay, picture, faces, hello, choices) {
  const scale = fit(overlay, picture);
  const pen = overlay.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, overlay.width, overlay.height);
  pen.lineCap = pen.lineJoin = "round";
  const grey = { ...hello, colours: hello.colours.map(() => [150, 150, 150]) };
  for (const face of faces) {
    const look = face.reliable ? hello : grey;
    // landmarks have pixel centres at whole numbers, a canvas has pixel corners there
    const place = i => {
      const x = (face.points[2 * i] + 0.5) * scale;
      return [choices.mirror ? overlay.width - x : x, (face.points[2 * i + 1] + 0.5) * scale];
    };
    const points = Array.from({ length: face.points.length / 2 }, (_, i) => place(i));
    const [left, top, right, bottom] = extent(points);
    const width = Math.min(20, Math.max(1.2, Math.max(right - left, bottom - top) / 160));
    if (choices.mesh) drawMesh(pen, points, hello, width);
    if (choices.lines) drawLines(pen, points, look, width);
    if (choices.points) drawPoints(pen, points, face, look, width);
    if (choices.ids && face.id >= 0) drawId(pen, face.id, (left + right) / 2, top - 5 * width);
  }
}

function extent(points) {
  const xs = points.map(point => point[0]), ys = points.map(point => point[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function drawMesh(pen, points, hello, width) {
  pen.beginPath();
  for (const [a, b] of hello.mesh) {
    pen.moveTo(...points[a]);
    pen.lineTo(...points[b]);
  }
  pen.lineWidth = Math.max(0.8, 0.45 * width);
  pen.strokeStyle = "rgb(255 255 255 / 0.55)";
  pen.stroke();
}

function drawLines(pen, points, hello, width) {
  for (const line of hello.lines) {
    pen.beginPath();
    for (const i of line.points) pen.lineTo(...points[i]);
    if (line.closed) pen.closePath();
    pen.lineWidth = width + 1.5;
    pen.strokeStyle = "rgb(0 0 0 / 0.5)";
    pen.stroke();
    pen.lineWidth = width;
    pen.strokeStyle = rgb(hello.colours[line.points[0]]);
    pen.stroke();
  }
}

function drawPoints(pen, points, face, hello, width) {
  points.forEach(([x, y], i) => {
    const seen = face.visibility[i] >= 0.5 ? 1 : 0.45;
    for (const [radius, colour] of [[1.6 * width + 0.8, `rgb(0 0 0 / ${0.7 * seen})`], [1.3 * width, rgb(hello.colours[i], seen)]]) {
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fillStyle = colour;
      pen.fill();
    }
  });
}

function drawId(pen, id, x, y) {
  const ratio = window.devicePixelRatio || 1;
  pen.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const half = pen.measureText(id).width / 2 + 7 * ratio, high = 10 * ratio;
  y = Math.max(high + 2, y - high);
  pen.beginPath();
  pen.roundRect(x - half, y - high, 2 * half, 2 * high, high);
  pen.fillStyle = "rgb(0 0 0 / 0.65)";
  pen.fill();
  pen.fillStyle = "white";
  pen.fillText(id, x, y + ratio);
}
