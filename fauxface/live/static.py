"""``fauxface live --static``: the live page as a folder of files, which runs in the browser without our server."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from fauxface.checkpoint import Card, find_checkpoint, read_card
from fauxface.faces import FRONTAL_POINTS, REACH
from fauxface.files import atomic_folder, cache_folder
from fauxface.inference.detectors.one_stage import LEAST, SHIPPED_NAME, STEP, OneStageDetector
from fauxface.inference.onnx_model import open_exported
from fauxface.inference.reliability import Limits
from fauxface.inference.smoothing import OneEuro
from fauxface.inference.styles import drawing_facts
from fauxface.inference.tracker import TrackerSettings
from fauxface.landmarks import scheme_of
from fauxface.models.names import ONE_STAGE
from fauxface.npm import download_bar, fetch
from fauxface.outputs import filled_folder

PAGE = Path(__file__).parent / "page"
SHARED = ("index.html", "style.css", "view.js", "camera.js", "drawing.js")
RUNTIME, VERSION, SIZE = "onnxruntime-web", "1.30.0", 33_106_585
SHA512 = "ab4cbe26baedba45d2cec05610c71c55fa97db92d19a8b171c5f8269126683ca590a5cdc57bb2f35ce2b298de32f4d956fb42644c0ecd528a0a91e025c07ca61"  # noqa: E501
"""Of the package's tarball, as npm publishes it."""
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'"
)
"""Lets the browser load nothing from elsewhere, and send nothing anywhere else."""
MEASURED = (
    "Measured once, with two faces, in Chromium on a busy machine that left it a small share of one core: "
    "2 pictures a second. The rate over the picture is this browser's own."
)
"""The page's rate, measured once, for its About."""
_MIT = """Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def write_static(out: Path, checkpoint: str | Path, detector: str | Path = SHIPPED_NAME) -> Path:
    """Fill ``out`` with the page, both networks and their runtime, and return it.

    Args:
        out: a new or empty folder, or one that an earlier call filled.
        checkpoint: of landmarks.
        detector: a one-stage checkpoint.

    Raises:
        FileNotFoundError, ValueError: errors of `read_card`, of `open_exported` and of `filled_folder`.
        OSError: npm could not fetch the runtime at its first use.
    """
    if read_card(checkpoint).model == ONE_STAGE:
        raise ValueError(f"{checkpoint} is a face detector; --checkpoint takes one that finds landmarks in crops")
    sources = [find_checkpoint(checkpoint), find_checkpoint(detector)]
    with filled_folder(out, "live", sources) as staging:
        runtime = runtime_folder()
        for path in (*(PAGE / name for name in SHARED), *sorted((PAGE / "static").glob("*.js"))):
            (staging / path.name).write_bytes(path.read_bytes())
        page = (staging / "index.html").read_text(encoding="utf-8")
        policy = f'<head>\n  <meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        (staging / "index.html").write_text(page.replace("<head>", policy, 1), encoding="utf-8")
        (staging / "onnxruntime").mkdir()
        for name in RUNTIME_FILES:  # some web servers do not know that .mjs is JavaScript
            (staging / "onnxruntime" / name.replace(".mjs", ".js")).write_bytes((runtime / name).read_bytes())
        for name, source in (("landmarks.onnx", checkpoint), ("detector.onnx", detector)):
            (staging / name).write_bytes(_network(source))
        settings = page_settings(checkpoint, detector)
        (staging / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        (staging / "LICENCES.txt").write_text(_licences(read_card(checkpoint), read_card(detector)), encoding="utf-8")
    return out


def page_settings(checkpoint: str | Path, detector: str | Path = SHIPPED_NAME) -> dict[str, Any]:
    """The numbers that the page's JavaScript shares with this package: crops, limits of the tracker, drawing."""
    card, found = read_card(checkpoint), OneStageDetector.load(detector, 1)
    kept = ("threshold", "overlap", "sides")
    terms = card.licence if card.lane == "clean" else "research only"
    about = f"Model: {card.model}, {card.input_size} px; licence of its weights: {terms}. {MEASURED}".strip()
    return {
        "framing": {
            "kind": card.crop,
            "margin": card.crop_margin,
            "size": card.input_size,
            "reach": REACH,
            "frontal": FRONTAL_POINTS,
        },
        "scheme": _scheme_facts(card.scheme),
        "detector": {
            **{name: getattr(found, name) for name in kept},
            "step": STEP,
            "least": LEAST,
            "scheme": _scheme_facts(found.scheme),
        },
        "tracker": asdict(TrackerSettings()),
        "smoothing": asdict(OneEuro()),
        "reliable": asdict(Limits.of_card(card.reliable)),
        "hello": {"mode": "static", "about": about, **drawing_facts(card.scheme)},
    }


def _scheme_facts(name: str) -> dict[str, Any]:
    """Indices of points that the crop and the tracker need."""
    scheme = scheme_of(name)
    return {
        "outline": scheme.outline,
        "eyes": [scheme.groups["right_eye"], scheme.groups["left_eye"]],
        "pupils": scheme.pupils,
        "nose_tip": scheme.nose_tip,
        "mouth_corners": scheme.mouth_corners,
        "eye_corners": scheme.eye_corners,
    }


class _Opened:
    """A network's bytes, with the metadata that `open_exported` compares with the card."""

    def __init__(self, file: Path | bytes) -> None:
        from fauxface.inference.onnx_model import session

        self.data = file.read_bytes() if isinstance(file, Path) else file
        self.metadata = session(file, 1).get_modelmeta().custom_metadata_map


def _network(checkpoint: str | Path) -> bytes:
    """The checkpoint's network as ONNX."""
    return open_exported(checkpoint, _Opened).data


def runtime_folder() -> Path:
    """The cached folder with the runtime's files, fetched with npm at first use.

    OSError if npm cannot fetch the package; ValueError for a tarball other than the published one.
    """
    kept = cache_folder() / "assets" / f"{RUNTIME}-{VERSION}"
    if kept.is_dir():
        return kept
    with download_bar() as progress, tempfile.TemporaryDirectory(prefix="fauxface-runtime-") as temporary:
        tarball = fetch(RUNTIME, VERSION, SIZE, Path(temporary), progress)
        if hashlib.sha512(tarball.read_bytes()).hexdigest() != SHA512:
            raise ValueError(f"npm's {RUNTIME} {VERSION} is not as published: its SHA-512 differs")
        with atomic_folder(kept) as folder, tarfile.open(tarball) as archive:
            for name in RUNTIME_FILES:
                content = archive.extractfile(f"package/dist/{name}")
                assert content is not None
                (folder / name).write_bytes(content.read())
    return kept


def _licences(card: Card, detector: Card) -> str:
    """The terms of everything in the folder."""
    return (
        f"This page and its scripts are Fauxface's: Apache-2.0, below.\n"
        f"landmarks.onnx ({card.model}): {card.licence}\n"
        f"detector.onnx ({detector.model}): {detector.licence}\n"
        f"onnxruntime/ is {RUNTIME} {VERSION}: MIT, below.\n\n--- onnxruntime: MIT\n\n{_MIT}\n\n"
        f"--- Fauxface: Apache-2.0\n\n{_own_licence()}"
    )


def _own_licence() -> str:
    clone = Path(__file__).parents[2] / "LICENSE"
    if clone.is_file():
        return clone.read_text(encoding="utf-8")
    try:
        return distribution("fauxface").read_text("licenses/LICENSE") or ""
    except PackageNotFoundError:
        return ""
