"""How fast the generator draws, and where its time goes.

    python benchmarks/rendering.py [--quick] [--size 256] [--workers 0]

Prints a table, then one line of JSON: ``images_per_s`` (all workers together, start-up not counted, files written).
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
from functools import partial, wraps
from pathlib import Path

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LP_NUM_THREADS": "1"})

from fauxface.jobs import cores
from fauxface.rendering import GENERATOR_VERSION, Recipe, dataset, frame

STAGES = {
    frame: ("draw_setting", "draw_light", "draw_look", "hair_meshes", "vertex_normals", "annotated", "develop", "_face_meshes"),
    frame.HeadModel: ("pose",),
    dataset: ("write_frame",),
}


def draw(out: Path, size: int, index: int) -> tuple[int, float]:
    """Render and write one face; the worker's process and when it was done."""
    dataset._render_one(out, 0, size, Recipe(), index)
    return os.getpid(), time.monotonic()


def throughput(size: int, workers: int, count: int) -> float:
    """Images a second once every worker has drawn its first."""
    with tempfile.TemporaryDirectory() as folder:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            done = sorted(pool.map(partial(draw, Path(folder), size), range(count)), key=lambda d: d[1])
    processes = [process for process, _ in done]
    warm = max(processes.index(process) for process in set(processes))  # by then every worker has drawn one
    return (len(done) - 1 - warm) / (done[-1][1] - done[warm][1])


def stages(size: int, count: int) -> dict[str, float]:
    """Seconds a picture of each stage on one thread, without those inside it that are listed too."""
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
        dataset._render_one(Path(folder), 0, size, Recipe(), 0)
        for place, names in STAGES.items():
            for name in names:
                setattr(place, name, timed(name, getattr(place, name)))
        drawer = frame.rasteriser(size)
        drawer.draw = timed("rasterise", drawer.draw)
        whole = timed("everything else", dataset._render_one)
        for index in range(1, count + 1):
            whole(Path(folder), 0, size, Recipe(), index)
    return {name: seconds / count for name, seconds in sorted(spent.items(), key=lambda s: -s[1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer pictures; done within 50 s on two cores")
    parser.add_argument("--size", type=int, default=256, help="height and width of the pictures, pixels")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 means one a core")
    options = parser.parse_args()
    workers = options.workers or cores()
    rate = throughput(options.size, workers, 100 if options.quick else 600)
    print(f"generator {GENERATOR_VERSION}, {platform.processor() or platform.machine()}, {cores()} cores")
    print(f"{rate:.1f} images/s at {options.size} px with {workers} workers")
    parts = stages(options.size, 15 if options.quick else 60)
    for name, seconds in parts.items():
        print(f"{name.strip('_'):<18}{1000 * seconds:8.1f} ms {100 * seconds / sum(parts.values()):5.1f} %")
    print(json.dumps({"images_per_s": round(rate, 2), "size": options.size, "workers": workers, "stages_s": parts}))


if __name__ == "__main__":
    main()
