"""Render a shot of a head that turns, as EXR frames: shot.1001.exr, … (scene-linear, half floats).

Run it: python examples/shot.py shot --frames 48
Then:   fauxface predict 'shot/shot.####.exr' --out drawn
        fauxface convert drawn/predictions.json --to nuke --out shot.nk
Rendering needs `pip install 'fauxface[render,sequences]'`.
"""

import argparse
from pathlib import Path

import numpy as np
import OpenEXR

from fauxface.rendering import Recipe, render_frame

FIRST = 1001


def frame(number: int, frames: int, size: int) -> np.ndarray:
    """Picture ``number`` of the shot, size×size×3 uint8 RGB: the same person in the same place, the head turned."""
    share = number / max(frames - 1, 1)
    turn = 1 + 29 * (0.5 - 0.5 * np.cos(np.pi * share))
    # the sampled turn is far beyond the limit, so that the limit alone decides it
    return render_frame(20, 23, size, Recipe(yaw=60, yaw_limit=turn, pitch=3, roll=3, closed_eyes=0)).image


def to_linear(image: np.ndarray) -> np.ndarray:
    """Scene-linear values, half floats, of a picture with sRGB's curve."""
    value = image / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float16)


def main(folder: Path, frames: int, size: int) -> None:
    """Render the frames into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(frames):
        linear = to_linear(frame(number, frames, size))
        channels = {name: np.ascontiguousarray(linear[..., i]) for i, name in enumerate("RGB")}
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, channels).write(str(folder / f"shot.{FIRST + number}.exr"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--size", type=int, default=512)
    given = parser.parse_args()
    main(given.folder, given.frames, given.size)
