"""Recipes: the distributions that renders are sampled from, typed, with defaults that a YAML file may override."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from math import inf
from pathlib import Path
from typing import Any, TypeVar

from fauxface.parsing import clipped, fits, read_yaml, shown

HAIR = ("hair", "long_hair_women", "long_hair_men", "fringe", "dyed")
WORN = ("glasses", "sunglasses", "headwear", "facewear", "headset", "jewellery", "before", "neighbours")
"""Shares of things worn and of occluders; with all of them at 0 only head, hair and clothes are left."""


@dataclass(frozen=True)
class Moods:
    """Weights of the moods of faces that are not neutral; 75 in all by default, and so percent of all faces.

    The defaults are by eye, after photographs of people: 45 % smile, most of them with their teeth, and few scowl.
    """

    slight_smile: float = 10.0
    closed_smile: float = 10.0
    smile_with_teeth: float = 18.0
    laugh: float = 7.0
    speak: float = 12.0
    open: float = 5.0
    surprise: float = 2.0
    anger: float = 1.5
    disgust: float = 1.0
    sadness: float = 1.5
    pucker: float = 2.0
    puff: float = 1.0
    mixture: float = 4.0

    def __post_init__(self) -> None:
        weights = asdict(self)
        for name, weight in weights.items():
            if not 0 <= weight < inf:
                raise ValueError(f"recipe: '{name}' of 'moods' is a weight from 0 up, not {weight}")
        if not any(weights.values()):
            raise ValueError("recipe: one of 'moods' must be more than 0; 'neutral: 1' switches expressions off")


@dataclass(frozen=True)
class Recipe:
    """Distributions that a render is sampled from; angles in degrees, shares in 0–1, lengths in metres.

    The defaults are by eye; no survey was used. Things worn and occluders are more
    frequent than in photographs on purpose, so that models learn faces that wear them. ``shape`` 1 gives people's
    measured spreads (`head.identity`).

    Attributes:
        yaw: standard deviation of the head's turn; a fifth of the heads turn twice as far.
        yaw_limit: largest turn.
        pitch: standard deviation of the nod.
        roll: standard deviation of the tilt.
        face_share: smallest and largest longer side of the face's landmark box as a share of the frame.
        off_centre: standard deviation of the box's centre from the frame's, as a share of the frame.
        distance: nearest and farthest camera, from a selfie to a tele lens; sampled evenly in its logarithm.
        shape: strength of the local identity targets (1 is a varied crowd, 0 the average of age, gender and ancestry).
        children: share of faces under about 14 years.
        neutral: share of faces without a marked expression; at 1 only the gaze varies, and no eyes are closed.
        moods: expressions of the others, see `Moods`.
        crooked: share of faces with a smirk, a skewed jaw or one raised brow.
        squint: share of faces with screwed-up eyes.
        gaze_at_camera: share of heads, of those turned less than 40° and nodding less than 25°, that look into the
            camera.
        closed_eyes: share of faces with both eyes closed or nearly so.
        winks: share of faces with one eye closed.
        bald: share of men over 30 without hair; of the others its square.
        hair: share of heads with any hair; 0 takes head hair and beards away.
        long_hair_women, long_hair_men: shares whose hair reaches the jaw or is tied.
        fringe: share of the hair that falls over the forehead, often to the brows.
        dyed: share of hair in colours that do not grow.
        beard: share of adult men with a beard, moustache or stubble.
        depth_of_field: share of images whose lens blurs things behind and before the plane in focus; the others are
            sharp throughout.
        monochrome: share of images without colour.
        low_quality: share of images with marked blur, noise or compression.
        soft_light: 1 with shadows and with light that scatters below surfaces, 0 without either (for ablations).
        glasses, sunglasses: shares of faces that wear them.
        headwear: share with a cap, a hat, a scarf about the head, a hood or a helmet.
        facewear: share with a mask over mouth and nose or a scarf over the chin.
        headset: share with headphones or a headset.
        jewellery: share of the women with ear rings and of all with a necklace, each.
        before: share with a hand or an object before the face.
        neighbours: share with another person beside, behind or partly before the face.
        assets: share of people with a skin of the asset pack, where one is installed; likewise for hair and clothes.
        environments: folder of equirectangular .hdr and .exr maps that surround heads, or ``pack`` for those that
            `fauxface assets install` fetched; empty for made-up places alone.
        environment_share: share of the images set in those maps rather than in made-up places.
    """

    yaw: float = 22.0
    yaw_limit: float = 90.0
    pitch: float = 11.0
    roll: float = 10.0
    face_share: tuple[float, float] = (0.36, 0.52)
    off_centre: float = 0.02
    distance: tuple[float, float] = (0.35, 4.0)
    shape: float = 1.0
    children: float = 0.12
    neutral: float = 0.25
    moods: Moods = Moods()
    crooked: float = 0.08
    squint: float = 0.12
    gaze_at_camera: float = 0.5
    closed_eyes: float = 0.07
    winks: float = 0.03
    bald: float = 0.15
    hair: float = 1.0
    long_hair_women: float = 0.7
    long_hair_men: float = 0.1
    fringe: float = 0.35
    dyed: float = 0.03
    beard: float = 0.5
    depth_of_field: float = 1.0
    monochrome: float = 0.04
    low_quality: float = 0.25
    soft_light: float = 1.0
    glasses: float = 0.22
    sunglasses: float = 0.10
    headwear: float = 0.18
    facewear: float = 0.04
    headset: float = 0.03
    jewellery: float = 0.15
    before: float = 0.15
    neighbours: float = 0.10
    assets: float = 0.5
    environments: str = ""
    environment_share: float = 0.6

    def __post_init__(self) -> None:
        for name in (
            "children",
            "neutral",
            "crooked",
            "squint",
            "gaze_at_camera",
            "closed_eyes",
            "winks",
            "bald",
            *HAIR,
            "beard",
            "depth_of_field",
            "monochrome",
            "low_quality",
            "soft_light",
            "assets",
            "environment_share",
            *WORN,
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"recipe: '{name}' is a share from 0 to 1, not {getattr(self, name)}")
        if self.glasses + self.sunglasses > 1:
            raise ValueError("recipe: 'glasses' and 'sunglasses' are more than 1 together")
        for name in ("face_share", "distance"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(f"recipe: '{name}' is two rising positive numbers, not {[low, high]}")
        for name in ("yaw", "yaw_limit", "pitch", "roll", "off_centre", "shape"):
            if not 0 <= getattr(self, name) <= 180:
                raise ValueError(f"recipe: '{name}' is a number from 0 to 180, not {getattr(self, name)}")

    def to_dict(self) -> dict:
        """Plain values, as YAML and JSON write them."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def load_recipe(path: Path | None) -> Recipe:
    """Read a recipe from a YAML file, which holds the differences from the defaults; None gives the default recipe.

    A missing ``recipes/NAME`` is read as ``recipes/rendering/NAME``, where the package's recipes have moved.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: not YAML, an unknown name, or a value out of range.
    """
    if path is None:
        return Recipe()
    moved = path.parent / "rendering" / path.name
    if path.parent.name == "recipes" and not path.exists() and moved.is_file():
        path = moved
    values = read_yaml(path) or {}
    if not isinstance(values, dict):
        raise ValueError(f"{path}: a recipe is a mapping of names to values")
    try:
        return _changed(Recipe(), values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


_Settings = TypeVar("_Settings", Moods, Recipe)


def _changed(defaults: _Settings, values: dict[Any, Any], within: str = "a recipe") -> _Settings:
    """Replace values of ``defaults`` by those of a YAML mapping."""
    known = [f.name for f in fields(defaults)]
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"there is no '{clipped(name)}'; {within} knows {', '.join(known)}")
        default = getattr(defaults, name)
        if isinstance(default, Moods):
            if not isinstance(value, dict):
                raise ValueError(f"'{name}' is a mapping of names to numbers, not {shown(value)}")
            chosen[name] = _changed(default, value, f"'{name}'")
        elif isinstance(default, str):
            if not isinstance(value, str):
                raise ValueError(f"'{name}' is a name, not {shown(value)}")
            chosen[name] = value
        else:
            numbers = value if isinstance(value, list) else [value]
            wanted = len(default) if isinstance(default, tuple) else None
            if not all(fits(n, float) for n in numbers) or len(numbers) != (wanted or 1):
                raise ValueError(f"'{name}' is {f'{wanted} numbers' if wanted else 'a number'}, not {shown(value)}")
            chosen[name] = tuple(map(float, numbers)) if wanted else float(numbers[0])
    return replace(defaults, **chosen)
