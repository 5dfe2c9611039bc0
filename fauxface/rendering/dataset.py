"""A folder of rendered faces in FaceSynthetics' layout, made by all cores and resumable at any moment."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import yaml

from fauxface.files import empty_or_new, write_bytes, write_text
from fauxface.jobs import run_jobs
from fauxface.rendering.frame import Frame, render_frame
from fauxface.rendering.makehuman import load_bust
from fauxface.rendering.rasteriser import check_opengl
from fauxface.rendering.recipe import Recipe, load_recipe
from fauxface.rendering.version import GENERATOR_VERSION

SETTINGS = "render.yaml"


def render_dataset(
    out: Path, count: int, seed: int = 0, size: int = 512, workers: int = 0, recipe: Path | None = None
) -> None:
    """Render faces 0 … ``count`` − 1 of a seed that are not in ``out`` yet.

    Args:
        out: folder; new, empty, or one that an earlier call with the same seed, size and recipe began.
        count: how many faces it shall hold; more than are there extend it.
        seed: what every random choice follows from.
        size: height and width of the pictures, pixels.
        workers: processes; 0 means one a core.
        recipe: YAML file with what differs from the default `Recipe`.

    Raises:
        ValueError: a number out of range, a bad recipe, or a folder with other settings.
        FileExistsError: ``out`` holds something else.
        OSError: no OpenGL, a full disk, a killed worker.
    """
    if count < 1:
        raise ValueError(f"--count is 1 or more, not {count}")
    if seed < 0:
        raise ValueError(f"--seed is 0 or more, not {seed}")
    if not 32 <= size <= 4096:
        raise ValueError(f"--size is 32 to 4096 pixels, not {size}")
    drawn = load_recipe(recipe)
    check_opengl()
    _settle(out, {"generator": GENERATOR_VERSION, "seed": seed, "size": size, "recipe": drawn.to_dict()})
    left = [i for i in range(count) if not (out / f"{i:06d}.json").exists()]
    load_bust()  # so that the workers find it in the cache
    run_jobs(partial(_render_one, out, seed, size, drawn), left, workers, title=f"rendering into {out}")


def _settle(out: Path, settings: dict) -> None:
    """Write the settings into a new folder, or compare them with those that are there."""
    path = out / SETTINGS
    if not path.exists():
        empty_or_new(out, "renders")
        write_text(path, yaml.safe_dump(settings, sort_keys=False))
        return
    try:
        before = yaml.safe_load(path.read_text())
        changed = [key for key in settings if before.get(key) != settings[key]]
    except (yaml.YAMLError, AttributeError, UnicodeDecodeError):
        raise ValueError(f"{path} cannot be read; give the renders another folder") from None
    if changed:
        told = ", ".join(f"{key} {before.get(key)}" for key in changed if key != "recipe") or "another recipe"
        raise ValueError(f"{out} was begun with {told}; give these renders another folder")


def _render_one(out: Path, seed: int, size: int, recipe: Recipe, index: int) -> None:
    cv2.setNumThreads(1)
    write_frame(out, index, render_frame(seed, index, size, recipe))


def write_frame(out: Path, index: int, frame: Frame) -> None:
    """Write one face's four files; the ``.json`` comes last and says that the others are whole."""
    name = f"{index:06d}"
    write_bytes(out / f"{name}.png", _png(frame.image[..., ::-1]), sync=False)
    write_bytes(out / f"{name}_seg.png", _png(frame.labels), sync=False)
    lines = "".join(f"{x:.4f} {y:.4f}\n" for x, y in frame.landmarks)
    write_text(out / f"{name}_ldmks.txt", lines, sync=False)
    write_text(out / f"{name}.json", json.dumps(_rounded(frame.meta)), sync=False)


def _png(pixels: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    assert done
    return data.tobytes()


def _rounded(value):
    """Numbers with six decimals, a micrometre or a millionth of a pixel: more is noise, and fewer bytes are kinder."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
