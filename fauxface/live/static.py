"""``fauxface live --static``: the live page as a folder of files, which runs in the browser without our server."""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from fauxface.files import atomic_folder, cache_folder
from fauxface.inference.config import OWN
from fauxface.inference.elsewhere import page_networks, page_settings
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


def write_static(out: Path, checkpoint: str | Path, detector: str | Path = OWN) -> Path:
    """Fill ``out`` with the page, its networks and their runtime, and return it.

    Args:
        out: a new or empty folder, or one that an earlier call filled.
        checkpoint: of landmarks.
        detector: ``own``, or a one-stage checkpoint, whose finds are not checked.

    Raises:
        FileNotFoundError, ValueError: errors of `page_networks` and of `filled_folder`.
        OSError: npm could not fetch the runtime at its first use.
    """
    networks = {f"{name}.onnx": one for name, one in page_networks(checkpoint, detector).items()}
    with filled_folder(out, "live", [one.folder for one in networks.values()]) as staging:
        runtime = runtime_folder()
        for path in (*(PAGE / name for name in SHARED), *sorted((PAGE / "static").glob("*.js"))):
            (staging / path.name).write_bytes(path.read_bytes())
        page = (staging / "index.html").read_text(encoding="utf-8")
        policy = f'<head>\n  <meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        (staging / "index.html").write_text(page.replace("<head>", policy, 1), encoding="utf-8")
        (staging / "onnxruntime").mkdir()
        for name in RUNTIME_FILES:  # some web servers do not know that .mjs is JavaScript
            (staging / "onnxruntime" / name.replace(".mjs", ".js")).write_bytes((runtime / name).read_bytes())
        for name, one in networks.items():
            (staging / name).write_bytes(one.data)
        settings = page_settings(checkpoint, detector)
        settings["hello"]["about"] += f" {MEASURED}"
        (staging / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        terms = "".join(f"{name} ({one.terms})\n" for name, one in networks.items())
        (staging / "LICENCES.txt").write_text(_licences(terms), encoding="utf-8")
    return out


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


def _licences(networks: str) -> str:
    """The terms of everything in the folder, with these lines about its networks."""
    return (
        f"This page and its scripts are Fauxface's: Apache-2.0, below.\n{networks}"
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
