"""A folder of rendered faces in FaceSynthetics' layout, made by all cores or a cluster, resumable at any moment."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from fauxface.files import write_bytes, write_text
from fauxface.jobs import run_jobs
from fauxface.outputs import empty_or_new, only_writer
from fauxface.parsing import clipped, read_yaml_mapping, shown
from fauxface.ranges import in_range
from fauxface.rendering.assets.wear import pack_name
from fauxface.rendering.config import RenderConfig
from fauxface.rendering.crowd import CrowdFrame, parse_faces, render_crowd
from fauxface.rendering.frame import Frame, render_frame
from fauxface.rendering.head.makehuman import load_bust
from fauxface.rendering.labels.dense import extra_files, parse_kinds, png_bytes
from fauxface.rendering.opengl.rasteriser import renderer
from fauxface.rendering.photo.environments.maps import prepare_maps
from fauxface.rendering.recipe import Recipe, load_recipe
from fauxface.rendering.version import GENERATOR_VERSION

SETTINGS = "render.yaml"


def render_dataset(
    out: Path,
    count: int,
    seed: int = 0,
    size: int = 512,
    workers: int = 0,
    recipe: Path | None = None,
    **settings: Any,
) -> None:
    """Render pictures of a seed into a folder, by keywords; see `run_render`.

    Args:
        out: folder: new, empty, or one that an earlier call with the same settings began.
        count: number of pictures that it will hold; more than it holds already extend it.
        seed: the seed of every random choice.
        size: height and width of the pictures, pixels.
        workers: processes; 0 uses one for each core.
        recipe: YAML file with the differences from the default `Recipe`.
        settings: further fields of `RenderConfig`: ``faces``, ``pictures_of_each``, ``dask``, ``labels``, ….

    TypeError for a setting that is no field; other errors as `run_render`.
    """
    run_render(RenderConfig(out, count, seed, size, workers, recipe, **settings))


@in_range
def run_render(config: RenderConfig) -> None:
    """Render pictures 0 … ``count`` − 1 of a seed that are not in the folder yet.

    Raises:
        ValueError: a number out of range, a bad recipe or map, a folder with other settings, other versions elsewhere.
        FileExistsError: the folder holds something else.
        OSError: no OpenGL, a full disk, a killed worker, no scheduler, another render at work in the folder.
    """
    crowd = parse_faces(config.faces) if config.faces is not None else None
    chosen = load_recipe(config.recipe)
    if config.environments is not None:
        chosen = replace(chosen, environments=str(config.environments.resolve()))
    if chosen.environments:
        prepare_maps(chosen.environments)
    extra = parse_kinds(config.labels)
    if crowd is not None and extra:
        raise ValueError("--labels goes with one face a picture, not with --faces")
    if crowd is not None and config.pictures_of_each > 1:
        raise ValueError("--pictures-of-each goes with one face a picture, not with --faces")
    settings = Settings(
        config.seed, config.size, chosen, crowd, config.pictures_of_each, assets=pack_name(chosen), labels=extra
    )
    out, dask = config.out, config.dask
    if dask is None:
        renderer()
    with only_writer(out, "fauxface render"):
        _settle(out, settings.to_dict())
        left = [i for i in range(config.count) if not (out / f"{i:06d}.json").exists()]
        title = f"rendering into {out}"
        if dask is not None:
            run_jobs(partial(frame_files, settings), left, title=title, keep=partial(_keep, out), dask=dask)
            return
        load_bust()  # so that the workers find it in the cache
        run_jobs(partial(_render_one, out, settings), left, config.workers, title=title)


@dataclass(frozen=True)
class Settings:
    """Settings that all pictures of a folder share.

    Attributes:
        seed: the seed of every random choice.
        size: height and width of the pictures, pixels.
        recipe: distributions to sample from.
        faces: fewest and most faces of a wide frame; None for one face a picture.
        pictures_of_each: pictures in a row that show the same person.
        generator: the generator's version, which must be the same on all machines.
        assets: name of the asset pack, likewise; None without a pack or where the recipe uses none.
        labels: further label files, some of `labels.dense.KINDS`.
    """

    seed: int
    size: int
    recipe: Recipe
    faces: tuple[int, int] | None = None
    pictures_of_each: int = 1
    generator: str = GENERATOR_VERSION
    assets: str | None = None
    labels: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        """Plain values, as in ``render.yaml``, where one picture of each person is not mentioned."""
        faces = None if self.faces is None else "{}-{}".format(*self.faces)
        return {
            "generator": self.generator,
            "seed": self.seed,
            "size": self.size,
            "faces": faces,
            **({"pictures_of_each": self.pictures_of_each} if self.pictures_of_each > 1 else {}),
            "assets": self.assets,
            "labels": list(self.labels),
            "recipe": self.recipe.to_dict(),
        }


def _settle(out: Path, settings: dict) -> None:
    """Write the settings into a new folder, or compare them with those of an earlier call."""
    path = out / SETTINGS
    if not path.exists():
        empty_or_new(out, "renders")
        write_text(path, yaml.safe_dump(settings, sort_keys=False))
        return
    try:
        before = read_yaml_mapping(path)
    except ValueError as error:
        raise ValueError(f"{error}; give the renders another folder") from None
    keys = dict.fromkeys((*settings, "pictures_of_each"))
    changed = [key for key in keys if before.get(key) != settings.get(key)]
    if changed:
        others = ", ".join(_worded(key, before.get(key)) for key in changed if key != "recipe") or "another recipe"
        raise ValueError(f"{out} was begun with {others}; give these renders another folder")


def _worded(key: str, value: object) -> str:
    """Word a setting for an error message."""
    if key == "assets":
        return f"the asset pack {clipped(value)}" if value else "no asset pack"
    if key == "pictures_of_each":
        return f"{1 if value is None else clipped(value)} pictures of each person"
    return f"{key} {shown(value) if isinstance(value, dict | list) else clipped(value)}"


def _render_one(out: Path, settings: Settings, index: int) -> None:
    _keep(out, index, frame_files(settings, index))


def _keep(out: Path, index: int, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        write_bytes(out / name, data, sync=False)


def frame_files(settings: Settings, index: int) -> dict[str, bytes]:
    """Render picture ``index`` as files, name → content; the ``.json`` is last and marks the others as whole.

    Raises ValueError where this process has another version of the generator, or another asset pack.
    """
    if settings.generator != GENERATOR_VERSION:
        raise ValueError(f"a worker has generator {GENERATOR_VERSION}, but {settings.generator} is asked for")
    pack = pack_name(settings.recipe)
    if settings.assets != pack:
        raise ValueError(
            f"a worker has {_worded('assets', pack)}, but {_worded('assets', settings.assets)} is asked for"
        )
    cv2.setNumThreads(1)
    seed, size, recipe = settings.seed, settings.size, settings.recipe
    if settings.faces is not None:
        return _encoded(index, render_crowd(seed, index, size, recipe, settings.faces))
    frame = render_frame(seed, index, size, recipe, settings.pictures_of_each)
    matrix = np.array(frame.meta["camera"]["matrix"])
    return {**extra_files(f"{index:06d}", settings.labels, frame.dense, frame.depth, matrix), **_encoded(index, frame)}


def _encoded(index: int, frame: Frame | CrowdFrame) -> dict[str, bytes]:
    name = f"{index:06d}"
    files = {f"{name}.png": png_bytes(frame.image[..., ::-1]), f"{name}_seg.png": png_bytes(frame.labels)}
    if isinstance(frame, Frame):
        files[f"{name}_ldmks.txt"] = "".join(f"{x:.4f} {y:.4f}\n" for x, y in frame.landmarks).encode()
    return {**files, f"{name}.json": json.dumps(_rounded(frame.meta)).encode()}


def _rounded(value):
    """Round to six decimals (a micrometre, a millionth of a pixel): more digits are noise and cost space."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
