"""Every reader of files and messages, with the whole inputs that its damaged ones are made of.

A new reader is one line of `READERS`: its name, the file that is damaged within a folder of whole ones, and the call.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from fake_data import draw_face, write_face_synthetics, write_ibug
from PIL import Image
from pillow_heif import register_heif_opener

SIDE = 48


@dataclass(frozen=True)
class Reader:
    """A reader under test.

    Attributes:
        make: writes whole inputs into a folder.
        file: the one of them, by its name there, that is damaged.
        read: is called with that file.
        text: whether it is a text.
        slow: whether it takes more than 10 ms: it then gets a tenth of the inputs.
    """

    make: Callable[[Path], object]
    file: str
    read: Callable[[Path], object]
    text: bool = False
    slow: bool = False


def _picture(kind: str, folder: Path) -> None:
    image = Image.fromarray(draw_face(0, 1, SIDE).image)
    if kind == "heic":
        register_heif_opener()
    if kind == "png16":
        Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257).save(folder / "a.png", "PNG")
    elif kind == "gif":
        image.save(folder / "a.gif", save_all=True, append_images=[image.rotate(90)])
    else:
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(folder / f"a.{kind}", **({} if kind == "bmp" else {"exif": exif}))


def _picture_reader(path: Path) -> object:
    from fauxface.images import is_animated, read_picture

    is_animated(path)
    return read_picture(path, 1_000)


def _movie(name: str, codec: str, folder: Path) -> None:
    import av

    with av.open(str(folder / name), "w") as container:
        stream = container.add_stream(codec, rate=15)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(draw_face(i, 1, SIDE).image, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _video_reader(path: Path) -> object:
    from fauxface.inference.video import VideoReader, is_video

    is_video(path)
    with VideoReader(path) as reader:
        frames = [frame.seconds for frame, _ in zip(reader, range(8), strict=False)]
        return frames, reader.cut_short


def _sample(path: Path) -> object:
    from fauxface.datasets import open_dataset
    from fauxface.datasets.packed import Cutter
    from fauxface.faces import Framing

    data = open_dataset(path.parent)
    cutters = [Cutter(Framing(kind), 32, 4) for kind in ("box", "five-points")]
    return [cutter(data[i]) for cutter in cutters for i in range(len(data))]


def _frame(path: Path) -> object:
    from fauxface.datasets.frames import find_frames, read_frame

    return [read_frame(source) for source in find_frames(path.parent)]


def _frames(folder: Path) -> None:
    write_face_synthetics(folder, 1, size=SIDE)
    told = json.loads((folder / "000000.json").read_text())
    face = {key: told[key] for key in ("landmarks_2d", "visibility", "head_pose", "identity")}
    (folder / "000000.json").write_text(json.dumps({"generator": "1", "faces": [face, face]}))


def _audit(path: Path) -> object:
    from fauxface.audit.pictures import look_at

    picture = path.with_name("000000.png")
    record = look_at(picture, path.parent, frozenset({"_seg.png", "_ldmks.txt", ".json"}))
    if any(finding.kind == "unreadable" for finding in record.findings):
        raise ValueError("a finding")
    return [list(face.kinds) for face in record.faces]


@cache
def _checkpoint() -> tuple[bytes, dict[str, Any], bytes]:
    """Weights, card and ONNX file of a small model."""
    import tempfile

    from fauxface.checkpoint import card_of, save_checkpoint
    from fauxface.export.onnx import to_onnx
    from fauxface.models import build_model

    model = build_model("mobilenetv3small-pip", 64, "ibug68").eval()
    card = card_of(model, "2d", 1.3, "clean")
    with tempfile.TemporaryDirectory() as name:
        save_checkpoint(Path(name), model, card)
        weights, text = (Path(name, file).read_bytes() for file in ("model.safetensors", "model.yaml"))
    return weights, yaml.safe_load(text), to_onnx(model, card).SerializeToString()


def _write_checkpoint(folder: Path) -> None:
    weights, card, whole = _checkpoint()
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "model.yaml").write_text(yaml.safe_dump(card, sort_keys=False))
    (folder / "model.onnx").write_bytes(whole)


def _card(path: Path) -> object:
    from fauxface.checkpoint import read_card
    from fauxface.models.registry import check_options

    card = read_card(path.parent)
    check_options(card.model, card.options)
    return card


def _network(path: Path) -> object:
    from fauxface.checkpoint import load_network

    return load_network(path.parent)


def _onnx(path: Path) -> object:
    from fauxface.inference.onnx_model import OnnxModel

    model = OnnxModel(path, 1)
    return model.predict(np.zeros((1, model.input_size, model.input_size, 3), np.uint8))


def _adapter_files(folder: Path) -> None:
    from fauxface.evaluation.adapter import Adapter, AdapterCard, save_adapter

    random = np.random.default_rng(0)
    card = AdapterCard("ibug68", "ibug68", "c", "w", {"faces": 3}, {"width": 8}, {"nme": 5.0})
    layers = tuple((random.normal(size=s), np.zeros(s[0])) for s in ((8, 136), (136, 8)))
    save_adapter(folder, Adapter(card, random.normal(size=(68, 2)), np.zeros(136), np.ones(136), layers))


def _adapter(path: Path) -> object:
    from fauxface.evaluation.adapter import load_adapter

    return load_adapter(path)(draw_face(0).landmarks[None, :68])


def _recipe_file(folder: Path) -> None:
    from fauxface.rendering.recipe import Recipe

    (folder / "r.yaml").write_text(yaml.safe_dump(Recipe().to_dict(), sort_keys=False))


def _recipe(path: Path) -> object:
    from fauxface.rendering.recipe import load_recipe

    return load_recipe(path)


def _render_settings(folder: Path) -> None:
    from fauxface.rendering.dataset import Settings
    from fauxface.rendering.recipe import Recipe

    (folder / "render.yaml").write_text(yaml.safe_dump(Settings(1, 64, Recipe()).to_dict(), sort_keys=False))


def _settle(path: Path) -> object:
    from fauxface.rendering.dataset import Settings, _settle
    from fauxface.rendering.recipe import Recipe

    return _settle(path.parent, Settings(1, 64, Recipe()).to_dict())


def _results_files(folder: Path) -> None:
    from fauxface.study.results import COLUMNS, ERRORS, KEY, RESULTS, TEXTS

    row = ["a" if name in TEXTS else "7" if name in ("images", "n", "seed") else "3.25" for name in COLUMNS]
    (folder / RESULTS).write_text("\n".join(",".join(line) for line in (COLUMNS, row, row)) + "\n")
    (folder / ERRORS).write_text(",".join((*KEY, "errors")) + "\n" + ",".join(["a"] * len(KEY)) + ",1.5 2.5 inf\n")


def _results(path: Path) -> object:
    from fauxface.study.results import load_results

    found = load_results(path.parent)
    found.save(path.parent / "again")
    return found


def _run_files(folder: Path) -> None:
    import torch

    from fauxface.training.config import TrainingConfig
    from fauxface.training.log import COLUMNS, write_log
    from fauxface.training.state import save_state

    config = TrainingConfig(Path("d"), folder, resume=True).scheduled()
    (folder / "config.yaml").write_text(yaml.safe_dump(config.as_dict(), sort_keys=False))
    rows = [dict.fromkeys(COLUMNS, 1)]
    write_log(folder / "log.csv", rows)
    (folder / "resume").mkdir()
    record = {"step": 5, "loss": 1.5, "losses": 2, "minutes": 0.5, "rows": rows}
    save_state(folder / "resume", 5, {"model.a": torch.zeros(3)}, record)


def _resume(path: Path) -> object:
    from fauxface.training.loop import Done
    from fauxface.training.state import load_state

    saved = load_state(path.parent)
    return saved and Done.of(saved[1], path.parent)


def _log(path: Path) -> object:
    from fauxface.training.log import last_step

    return last_step(path)


def _run_config(path: Path) -> object:
    from fauxface.training.config import TrainingConfig
    from fauxface.training.run import check_run

    return check_run(TrainingConfig(Path("d"), path.parent, resume=True).scheduled())


def _pack_files(folder: Path) -> None:
    from fauxface.datasets import open_dataset, open_pack

    write_face_synthetics(folder / "data", 2, size=SIDE)
    open_pack(open_dataset(folder / "data"), 32, folder=folder / "packs", workers=1)
    shutil.copytree(next((folder / "packs").glob("*-*")), folder / "pack")


def _pack(path: Path) -> object:
    """A damaged pack is built anew, and its crops are those that it had."""
    from fauxface.datasets import open_dataset, open_pack, pack
    from fauxface.datasets.pack_store import list_packs

    data = open_dataset(path.parents[1] / "data")
    packs = path.parents[1] / "packs"
    place = next(packs.glob("*-*"))
    shutil.rmtree(place)
    shutil.copytree(path.parent, place)
    list_packs(packs)
    found, wanted = open_pack(data, 32, folder=packs, workers=1), pack(data, 32, workers=1)
    if path.suffix == ".json" or path.stat().st_size < 200:
        assert (found.images[slice(0, 2)] == wanted.images).all()
    return found


def _cached_file(folder: Path) -> None:
    from fauxface.evaluation.predictions import _write

    _write(folder / "p.safetensors", np.arange(24.0).reshape(2, 6, 2), np.ones((2, 6)))


def _cached(path: Path) -> object:
    """Damaged predictions are never taken for whole ones."""
    from fauxface.evaluation.predictions import _read

    found = _read(path, (2, 6, 2))
    assert found is None or ((found[0].ravel() == np.arange(24)).all() and (found[1] == 1).all())
    return found


def _ask_file(folder: Path) -> None:
    from fauxface.live.protocol import FRAME, PageMessage, encode_jpeg

    (folder / "m").write_bytes(
        PageMessage(FRAME, True, False, 3, 1.5, encode_jpeg(draw_face(0, 1, SIDE).image)).packed()
    )


def _ask(path: Path) -> object:
    from fauxface.live.protocol import decode_jpeg, parse_page_message

    return decode_jpeg(parse_page_message(path.read_bytes()).jpeg, 2048)


def _map_file(kind: str, folder: Path) -> None:
    data = np.full((32, 64, 3), 0.5, np.float32)
    if kind == "hdr":
        cv2.imwrite(str(folder / "m.hdr"), data)
        return
    from test_light import write_exr  # the one maker of such files

    write_exr(folder / "m.exr", data, 3)


def _map(path: Path) -> object:
    from fauxface.rendering.photo.environments.maps import read_map

    return read_map(path)


_SYNTHETIC = partial(write_face_synthetics, count=2, size=SIDE)
_IBUG = partial(write_ibug, count=1, size=SIDE)

READERS: dict[str, Reader] = {
    **{
        f"picture {kind}": Reader(partial(_picture, kind), f"a.{kind}", _picture_reader)
        for kind in ("jpg", "png", "webp", "bmp", "tif", "gif", "avif")
    },
    "picture of 16 bits": Reader(partial(_picture, "png16"), "a.png", _picture_reader),
    "picture heic": Reader(partial(_picture, "heic"), "a.heic", _picture_reader),
    "video mp4": Reader(partial(_movie, "a.mp4", "libx264"), "a.mp4", _video_reader, slow=True),
    "video wmv": Reader(partial(_movie, "a.wmv", "wmv2"), "a.wmv", _video_reader, slow=True),
    "video mkv": Reader(partial(_movie, "a.mkv", "mpeg4"), "a.mkv", _video_reader, slow=True),
    "animated gif": Reader(partial(_picture, "gif"), "a.gif", _video_reader, slow=True),
    "pts": Reader(lambda folder: _IBUG(folder), "face_0000.pts", _sample, text=True),
    "points": Reader(lambda folder: _SYNTHETIC(folder), "000001_ldmks.txt", _sample, text=True),
    "labels json": Reader(lambda folder: _SYNTHETIC(folder), "000001.json", _sample, text=True),
    "frames json": Reader(_frames, "000000.json", _frame, text=True),
    "audit json": Reader(lambda folder: _SYNTHETIC(folder), "000000.json", _audit, text=True),
    "audit list": Reader(_frames, "000000.json", _audit, text=True),
    "audit points": Reader(lambda folder: _SYNTHETIC(folder), "000000_ldmks.txt", _audit, text=True),
    "audit segmentation": Reader(lambda folder: _SYNTHETIC(folder), "000000_seg.png", _audit),
    "card": Reader(_write_checkpoint, "model.yaml", _card, text=True),
    "card and weights": Reader(_write_checkpoint, "model.yaml", _network, text=True, slow=True),
    "safetensors": Reader(_write_checkpoint, "model.safetensors", _network, slow=True),
    "onnx": Reader(_write_checkpoint, "model.onnx", _onnx, slow=True),
    "adapter card": Reader(_adapter_files, "adapter.yaml", _adapter, text=True),
    "adapter weights": Reader(_adapter_files, "adapter.safetensors", _adapter),
    "recipe": Reader(_recipe_file, "r.yaml", _recipe, text=True),
    "render.yaml": Reader(_render_settings, "render.yaml", _settle, text=True),
    "results.csv": Reader(_results_files, "results.csv", _results, text=True),
    "errors.csv": Reader(_results_files, "errors.csv", _results, text=True),
    "resume record": Reader(_run_files, "resume/step-000000005.json", _resume, text=True),
    "resume tensors": Reader(_run_files, "resume/step-000000005.safetensors", _resume),
    "log.csv": Reader(_run_files, "log.csv", _log, text=True),
    "config.yaml": Reader(_run_files, "config.yaml", _run_config, text=True),
    "pack.json": Reader(_pack_files, "pack/pack.json", _pack, text=True, slow=True),
    "pack labels": Reader(_pack_files, "pack/00000.npz", _pack, slow=True),
    "pack crops": Reader(_pack_files, "pack/00000.npy", _pack, slow=True),
    "cached predictions": Reader(_cached_file, "p.safetensors", _cached),
    "live message": Reader(_ask_file, "m", _ask),
    "map hdr": Reader(partial(_map_file, "hdr"), "m.hdr", _map),
    "map exr": Reader(partial(_map_file, "exr"), "m.exr", _map),
}
