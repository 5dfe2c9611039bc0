"""Make pictures that show no faces, for the training of fauxface's own detector.

    python tools/face_free.py OUT [--count 3000] [--bodies 300] [--seed 0] [--hard DETECTOR]

Needs the environment maps of ``fauxface assets install``. Half of the pictures look into these maps (CC0) in any
direction; the others show made-up surfaces, lettering, shapes that resemble faces a little, and the pictures of
scikit-image that `PICTURES` names. ``--bodies`` more are renders of people without heads. What
``benchmarks/detectors.py`` measures on is not among them. With ``--hard`` a detector looks at the pictures, and those
parts that it takes for faces are written to ``OUT/hard`` as further pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import string
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import skimage.data
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont
from rich.progress import track
from scipy.spatial.transform import Rotation

from fauxface.datasets.frames import SOURCES
from fauxface.files import write_text
from fauxface.images import read_image, write_image
from fauxface.rendering.photo.environments import pictures
from fauxface.rendering.photo.environments.maps import maps_of, read_map
from fauxface.rendering.photo.environments.pack import LICENCE, PACKAGE, VERSION
from fauxface.rendering.version import GENERATOR_VERSION

SIZE = 384
PICTURES = ("motorcycle", "page", "text", "retina", "immunohistochemistry", "cell", "colorwheel")
"""Pictures in scikit-image's package without faces, CC0 or in the public domain as its documentation says, on which
nothing is measured."""
SHARES = {"map": 0.5, "surface": 0.2, "lettering": 0.1, "shapes": 0.12, "picture": 0.08}
LETTERS = string.ascii_letters + string.digits + " .:&oO08"
RECIPE = Path(__file__).parent.parent / "recipes/rendering/detector.yaml"
HANDS = 0.6
"""Share of the bodies with a hand or an object before where the face would be."""


def picture_of(seed: int, index: int) -> np.ndarray:
    """Picture ``index`` of a seed, S×S×3 uint8."""
    rng = np.random.default_rng([seed, index])
    kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    makers: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
        "map": view_of_map,
        "surface": surface,
        "lettering": lettering,
        "shapes": shapes,
        "picture": part_of_picture,
    }
    return makers[kind](rng)


@cache
def _maps() -> list[np.ndarray]:
    return [read_map(path) for path in maps_of("pack")]


def view_of_map(rng: np.random.Generator) -> np.ndarray:
    """A photograph of an environment map in a random direction."""
    maps = _maps()
    radiance = maps[int(rng.integers(len(maps)))]
    height, width = radiance.shape[:2]
    field = np.radians(rng.uniform(25, 100))
    span = np.tan(field / 2) * (2 * (np.arange(SIZE) + 0.5) / SIZE - 1)
    x, y = np.meshgrid(span, span)
    turn = Rotation.from_euler("zxy", [rng.normal(0, 0.15), rng.normal(0, 0.4), rng.uniform(-np.pi, np.pi)])
    rays = np.stack([x, -y, np.ones_like(x)], -1).reshape(-1, 3)
    rays = turn.apply(rays / np.linalg.norm(rays, axis=1, keepdims=True))
    columns = (np.arctan2(rays[:, 0], rays[:, 2]) / (2 * np.pi) + 0.5) * width - 0.5
    rows = np.arccos(np.clip(rays[:, 1], -1, 1)) / np.pi * height - 0.5
    across, down = (part.reshape(SIZE, SIZE).astype(np.float32) for part in (columns, rows))
    # not cubic, which rings around lamps
    seen = cv2.remap(radiance, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return photographed(seen, rng)


def photographed(linear: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A linear picture H×W×3 as uint8, exposed so that its middle tones are seen."""
    light = np.maximum(linear, 0) / max(1e-6, float(np.median(linear))) * np.exp(rng.uniform(-2.2, -0.6))
    light = light * np.exp(rng.normal(0, 0.08, 3))
    return (np.clip(light, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)


def surface(rng: np.random.Generator) -> np.ndarray:
    """Walls, cloth, leaves, shelves, posters, at any size and angle."""
    made = (
        pictures.bricks,
        pictures.planks,
        pictures.folds,
        pictures.folds,
        pictures.pattern,
        pictures.shelf,
        pictures.poster,
        pictures.poster,
        partial(pictures.foliage, full=True),
        lambda rng: pictures.facade(rng, False)[0],
    )
    tile = made[int(rng.integers(len(made)))](rng)[..., :3]
    tile = np.tile(tile, (2, 2, 1))
    angle, scale = rng.uniform(0, 360) if rng.random() < 0.4 else rng.normal(0, 8), np.exp(rng.uniform(-0.3, 1.3))
    matrix = cv2.getRotationMatrix2D(tuple(np.array(tile.shape[1::-1]) / 2), angle, scale)
    matrix[:, 2] += SIZE / 2 - np.array(tile.shape[1::-1]) / 2
    seen = cv2.warpAffine(tile.astype(np.float32), matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT)
    shade = 0.5 + 1.0 * pictures.fractal(rng, SIZE, SIZE, 0.45, 1)
    return photographed(seen * shade[..., None], rng)


def _background(rng: np.random.Generator) -> Image.Image:
    kind = rng.random()
    if kind < 0.4:
        return Image.fromarray(surface(rng))
    if kind < 0.7:
        return Image.fromarray(view_of_map(rng))
    return Image.new("RGB", (SIZE, SIZE), tuple(int(v) for v in rng.integers(0, 256, 3)))


def _ink(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(v) for v in (rng.integers(0, 256, 3) if rng.random() < 0.6 else np.repeat(rng.integers(256), 3)))


def lettering(rng: np.random.Generator) -> np.ndarray:
    """Letters of all sizes on surfaces and signs."""
    image = _background(rng)
    draw = ImageDraw.Draw(image)
    fonts = [entry.fname for entry in font_manager.fontManager.ttflist]
    for _ in range(int(rng.integers(2, 14))):
        size = int(np.exp(rng.uniform(np.log(9), np.log(170))))
        font = ImageFont.truetype(fonts[int(rng.integers(len(fonts)))], size)
        length = int(rng.integers(1, 12))
        words = "".join(
            rng.choice(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .:&oO08"), length)
        )
        place = tuple(rng.uniform(-0.1, 0.9, 2) * SIZE)
        if rng.random() < 0.3:
            box = draw.textbbox(place, words, font=font)
            draw.rectangle([box[0] - 5, box[1] - 5, box[2] + 5, box[3] + 5], fill=_ink(rng))
        draw.text(place, words, font=font, fill=_ink(rng))
    return _softened(np.array(image), rng)


def shapes(rng: np.random.Generator) -> np.ndarray:
    """Flowers, discs with dots, wheels, balls, sockets: what looks like a face to somebody who has seen few things."""
    image = np.array(_background(rng))
    for _ in range(int(rng.integers(1, 9))):
        centre, radius = rng.uniform(0, SIZE, 2), float(np.exp(rng.uniform(np.log(8), np.log(110))))
        (_flower, _ball, _dots, _rings)[int(rng.integers(4))](image, rng, centre, radius)
    return _softened(image, rng)


def _ellipse(image: np.ndarray, centre: np.ndarray, axes: np.ndarray, angle: float, colour: tuple[int, ...]) -> None:
    sizes = np.maximum(1, np.round(axes)).astype(int)
    cv2.ellipse(image, np.round(centre).astype(int).tolist(), sizes.tolist(), angle, 0, 360, colour, -1, cv2.LINE_AA)


def _flower(image: np.ndarray, rng: np.random.Generator, centre: np.ndarray, radius: float) -> None:
    petals, tone, turn = int(rng.integers(4, 14)), np.array(_ink(rng), float), rng.uniform(0, 360)
    flat = rng.uniform(0.5, 1)
    for layer in range(int(rng.integers(1, 4))):
        for petal in range(petals):
            angle = turn + 360 / petals * (petal + layer / 2)
            ahead = np.array([np.cos(np.radians(angle)), flat * np.sin(np.radians(angle))])
            reach = radius * (1 - 0.25 * layer)
            colour = tuple(int(v) for v in np.clip(tone * rng.uniform(0.7, 1.2), 0, 255))
            _ellipse(image, centre + ahead * reach * 0.55, np.array([reach * 0.5, reach * 1.6 / petals]), angle, colour)
    _ellipse(image, centre, np.full(2, radius * rng.uniform(0.1, 0.35)), 0, _ink(rng))


def _ball(image: np.ndarray, rng: np.random.Generator, centre: np.ndarray, radius: float) -> None:
    """A shaded ball or egg, often of a skin's colour."""
    skin = np.array([225, 172, 140]) * np.exp(-rng.uniform(0, 1.6) * np.array([0.6, 0.85, 1.0]))
    tone = skin if rng.random() < 0.6 else np.array(_ink(rng), float)
    axes = radius * np.array([1.0, rng.uniform(0.7, 1.5)])
    angle, towards = rng.uniform(0, 180), rng.normal(0, 1, 2)
    towards /= np.linalg.norm(towards)
    for step in np.linspace(0, 1, 12):
        colour = tuple(int(v) for v in np.clip(tone * (0.45 + 0.65 * step), 0, 255))
        _ellipse(image, centre + towards * radius * 0.35 * step, axes * (1 - 0.75 * step), angle, colour)


def _dots(image: np.ndarray, rng: np.random.Generator, centre: np.ndarray, radius: float) -> None:
    """A disc or a square with a few dots and lines on it at random places."""
    base = tuple(_ink(rng))
    if rng.random() < 0.5:
        _ellipse(image, centre, radius * rng.uniform(0.7, 1.1, 2), rng.uniform(0, 180), base)
    else:
        low, high = (np.round(centre + sign * radius * rng.uniform(0.6, 1, 2)).astype(int).tolist() for sign in (-1, 1))
        cv2.rectangle(image, low, high, base, -1)
    for _ in range(int(rng.integers(1, 7))):
        place = centre + rng.uniform(-0.7, 0.7, 2) * radius
        _ellipse(image, place, radius * rng.uniform(0.04, 0.3, 2), rng.uniform(0, 180), _ink(rng))


def _rings(image: np.ndarray, rng: np.random.Generator, centre: np.ndarray, radius: float) -> None:
    """A wheel: rings and spokes."""
    for share in np.sort(rng.uniform(0.1, 1, int(rng.integers(2, 6))))[::-1]:
        _ellipse(image, centre, np.full(2, radius * share), 0, _ink(rng))
    spokes, colour = int(rng.integers(0, 12)), _ink(rng)
    for spoke in range(spokes):
        angle = 2 * np.pi * spoke / spokes
        end = centre + radius * np.array([np.cos(angle), np.sin(angle)])
        first, last = (np.round(p).astype(int).tolist() for p in (centre, end))
        cv2.line(image, first, last, colour, max(1, int(radius / 12)), cv2.LINE_AA)


def _softened(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Drawn things as a lens shows them: light that varies, edges that are not sharp."""
    blurred = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 2.0))).astype(np.float32)
    shade = 0.6 + 0.8 * pictures.fractal(rng, SIZE, SIZE, 0.45, 1)
    return np.clip(blurred * shade[..., None], 0, 255).astype(np.uint8)


def part_of_picture(rng: np.random.Generator) -> np.ndarray:
    """A part of one of `PICTURES`, mirrored or turned by quarters, in other colours."""
    name = str(rng.choice(PICTURES))
    if name == "motorcycle":
        image = np.asarray(skimage.data.stereo_motorcycle()[int(rng.integers(2))])
    else:
        image = np.asarray(getattr(skimage.data, name)())
    image = np.stack([image] * 3, -1) if image.ndim == 2 else image[..., :3]
    side = int(min(image.shape[:2]) * rng.uniform(0.3, 1))
    y, x = (int(rng.integers(0, n - side + 1)) for n in image.shape[:2])
    part = np.rot90(image[y : y + side, x : x + side], int(rng.integers(4)))
    part = part[:, ::-1] if rng.random() < 0.5 else part
    kind = cv2.INTER_AREA if side > SIZE else cv2.INTER_CUBIC
    part = cv2.resize(np.ascontiguousarray(part), (SIZE, SIZE), interpolation=kind)
    if rng.random() < 0.3:
        part = part[..., rng.permutation(3)]
    return np.clip(part * np.exp(rng.normal(0, 0.2, 3)), 0, 255).astype(np.uint8)


def body(seed: int, index: int) -> np.ndarray:
    """A render of one to five people without heads."""
    from fauxface.rendering.crowd import render_crowd
    from fauxface.rendering.recipe import load_recipe

    recipe = replace(load_recipe(RECIPE), before=HANDS)
    return render_crowd(seed, index, SIZE, recipe, (1, 5), heads=False).image


def _write(make: Callable[[int, int], np.ndarray], seed: int, target: Path, index: int) -> None:
    path = target / f"{index:06d}.png"
    if not path.exists():
        write_image(path, make(seed, index))


def sources() -> list[str]:
    """Where the pictures come from, and under which terms, for the card of what learns from them."""
    return [
        f"environment maps of npm's {PACKAGE} {VERSION}, {LICENCE}: {', '.join(path.stem for path in maps_of('pack'))}",
        f"scikit-image {version('scikit-image')}, CC0 or public domain: {', '.join(PICTURES)}",
        f"renders of people without heads, generator {GENERATOR_VERSION}",
        "made-up surfaces, lettering and shapes (tools/face_free.py)",
    ]


def write_hard(out: Path, detector: str) -> int:
    """Write the parts of the pictures below ``out`` that a detector takes for faces; returns their number."""
    from fauxface.inference.detectors import OneStageDetector

    detect = replace(OneStageDetector.load(detector, threads=1), threshold=0.25)
    target = out / "hard"
    target.mkdir(exist_ok=True)
    count = 0
    for path in track(sorted(p for p in out.rglob("*.png") if p.parent != target), "looking for hard parts"):
        image = read_image(path)
        for found in detect(image)[:4]:
            centre, half = (found.box[:2] + found.box[2:]) / 2, max(found.box[2:] - found.box[:2])
            low = np.clip(centre - half, 0, None).astype(int)
            high = np.ceil(centre + half).astype(int)
            part = image[low[1] : high[1], low[0] : high[0]]
            if min(part.shape[:2]) >= 32:
                write_image(target / f"{count:06d}.png", np.ascontiguousarray(part))
                count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the pictures; what is there already is kept")
    parser.add_argument("--count", type=int, default=3000, help="pictures, besides bodies")
    parser.add_argument("--bodies", type=int, default=300, help="renders of people without heads")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hard", metavar="DETECTOR", help="one-stage checkpoint whose false alarms are added")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(options.out / SOURCES, json.dumps(sources(), indent=1) + "\n")
    with ProcessPoolExecutor(options.workers) as pool:
        for name, make, count in (("pictures", picture_of, options.count), ("bodies", body, options.bodies)):
            target = options.out / name
            target.mkdir(parents=True, exist_ok=True)
            jobs = pool.map(partial(_write, make, options.seed, target), range(count), chunksize=4)
            for _ in track(jobs, name, total=count):
                pass
    if options.hard:
        print(f"{write_hard(options.out, options.hard)} parts that {options.hard} takes for faces")


if __name__ == "__main__":
    main()
