"""Speed of the generator, and time of its parts.

    python benchmarks/rendering.py [--quick] [--size 256] [--workers 0] [--recipe FILE] [--faces 0-5]

Prints a table, then one line of JSON: ``images_per_s`` (all workers together, start-up not counted, files written),
``plain_images_per_s`` of the same recipe without strands of hair and depth of field.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LP_NUM_THREADS": "1"})

from fauxface.jobs import cores
from fauxface.rendering import GENERATOR_VERSION, crowd, dataset, frame, load_recipe
from fauxface.rendering.assets.wear import pack_name
from fauxface.rendering.crowd import parse_faces
from fauxface.rendering.dataset import Settings
from fauxface.rendering.head.model import HeadModel
from fauxface.rendering.opengl.rasteriser import Rasteriser
from fauxface.rendering.person import person

STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "person and expression": ((person, "sample_identity"), (person, "sample_expression"), (HeadModel, "pose")),
    "skin and colours": ((person, "sample_look"), (person, "face_meshes")),
    "hair and beard": tuple((person, n) for n in ("sample_hair", "hair_meshes", "sample_beard", "beard_meshes")),
    "things": ((person, "sample_things"), (person, "thing_mesh")),
    "neighbours": ((frame, "sample_neighbour"),),
    "asset pack": ((person, "sample_assets"),),
    "environment and light": (
        *((place, "sample_setting") for place in (frame, crowd)),
        *((place, "sample_light") for place in (frame, crowd)),
    ),
    "rasterise": ((Rasteriser, "draw"),),
    "film": ((frame, "develop"), (crowd, "develop")),
    "layers of a crowd": ((crowd, "laid_over"), (crowd, "torso_mesh"), (crowd, "sample_places")),
    "labels": ((person, "landmarks_3d"), (person.Person, "labels")),
    "encode": ((dataset, "_encoded"),),
    "write": ((dataset, "_keep"),),
}
"""Stage → the functions that make it, where they are looked up; a stage's time is without the others inside it."""


WARM = 12
"""Pictures a process draws before it is timed."""


def draw(out: Path, settings: Settings, index: int) -> tuple[int, float]:
    """Render and write one picture; the worker's process and when it was done."""
    dataset._render_one(out, settings, index)
    return os.getpid(), time.monotonic()


def throughput(settings: Settings, workers: int, count: int) -> float:
    """Images a second once every worker has drawn its first."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            done = sorted(pool.map(partial(draw, Path(folder), settings), range(count)), key=lambda d: d[1])
    processes = [process for process, _ in done]
    # by then every worker has drawn its first
    warm = max([i for i, p in enumerate(processes) if p == process][:WARM][-1] for process in set(processes))
    return (len(done) - 1 - warm) / (done[-1][1] - done[warm][1])


def stages(settings: Settings, count: int) -> dict[str, float]:
    """Seconds a picture of each stage on one thread, without those inside it that are listed too.

    ``processor`` is the processor's time for all of it, which other programs on the machine do not lengthen much.
    """
    spent: dict[str, float] = defaultdict(float)
    open_stages: list[float] = []

    def timed(name, function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            began = time.perf_counter()
            open_stages.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                seconds = time.perf_counter() - began
                spent[name] += seconds - open_stages.pop()
                if open_stages:
                    open_stages[-1] += seconds

        return wrapper

    with tempfile.TemporaryDirectory() as folder:
        for index in range(WARM):  # textures are made and shaders compiled once a process
            dataset._render_one(Path(folder), settings, index)
        for name, functions in STAGES.items():
            for place, function in functions:
                setattr(place, function, timed(name, getattr(place, function)))
        whole = timed("everything else", dataset._render_one)
        began = time.process_time()
        for index in range(WARM, WARM + count):
            whole(Path(folder), settings, index)
        spent["processor"] = time.process_time() - began
    return {name: seconds / count for name, seconds in sorted(spent.items(), key=lambda s: -s[1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer pictures; done within 50 s on two cores")
    parser.add_argument("--size", type=int, default=256, help="height and width of the pictures, pixels")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 means one a core")
    parser.add_argument("--recipe", type=Path, help="YAML file with what differs from the default recipe")
    parser.add_argument("--faces", help="faces a picture, such as 0-5: wide frames")
    options = parser.parse_args()
    workers = options.workers or cores()
    recipe = load_recipe(options.recipe)
    faces = parse_faces(options.faces) if options.faces else None
    settings = Settings(0, options.size, recipe, faces, assets=pack_name(recipe))
    plain = replace(settings, recipe=replace(recipe, hair=0.0, beard=0.0, depth_of_field=0.0))
    count = (40 if options.quick else 300) * workers
    rate, plain_rate = (throughput(each, workers, count) for each in (settings, plain))
    print(f"generator {GENERATOR_VERSION}, {platform.processor() or platform.machine()}, {cores()} cores")
    print(f"{rate:.1f} images/s at {options.size} px with {workers} workers")
    print(f"{plain_rate:.1f} images/s without strands and depth of field")
    parts = stages(settings, 24 if options.quick else 100)
    processor = parts.pop("processor")
    print(f"{1000 * processor:.0f} ms of processor time a picture; by the clock, on one thread:")
    for name, seconds in parts.items():
        print(f"{name:<24}{1000 * seconds:8.1f} ms {100 * seconds / sum(parts.values()):5.1f} %")
    record = {
        "images_per_s": round(rate, 2),
        "plain_images_per_s": round(plain_rate, 2),
        "size": options.size,
        "workers": workers,
        "processor_s": processor,
    }
    print(json.dumps({**record, "stages_s": parts}))


if __name__ == "__main__":
    main()
