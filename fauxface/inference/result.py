"""The JSON of found faces, written in this one place, as ``predictions.schema.json`` and docs/json.md describe it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from fauxface.files import atomic_path, open_stream
from fauxface.inference.face import Face
from fauxface.pose import Camera

SCHEMA = "fauxface-predictions/1"
"""Name and version of the JSON. The version rises when a reader of the last one would go wrong."""
Item = dict[str, Any]
"""The JSON of an image, or of a frame of a video."""


@dataclass(frozen=True)
class Origin:
    """The weights and the detector that found faces, and the camera assumed for head poses.

    Attributes:
        scheme: name of the landmarks' scheme.
        weights: the checkpoint's name or path; None for a model that was not loaded from one.
        weights_licence: its licence.
        lane: its licence lane, ``clean`` or ``research``.
        detector: the face detector's name.
        detector_licence: its licence.
        camera: the images' camera; None guesses it from each image's size.
    """

    scheme: str
    weights: str | None
    weights_licence: str
    lane: str
    detector: str
    detector_licence: str
    camera: Camera | None = None

    def as_json(self) -> dict[str, Any]:
        """The part of the JSON that stands before the images."""
        return {
            "schema": SCHEMA,
            "weights": {"name": self.weights, "licence": self.weights_licence, "lane": self.lane},
            "detector": {"name": self.detector, "licence": self.detector_licence},
        }

    def item(self, image: Path, size: tuple[int, int], faces: Sequence[Face], **frame: float) -> Item:
        """The JSON of an image of this size (width, height), px, with its faces.

        ``frame`` has ``frame`` and ``seconds`` for a frame of a video.
        """
        camera = self.camera or Camera.guess(*size)
        return {
            "image": str(image),
            **frame,
            "width": size[0],
            "height": size[1],
            "camera": {"focal": round(camera.focal, 3), "centre": [round(float(v), 3) for v in camera.centre]},
            "faces": [face.to_dict() for face in faces],
        }


@contextmanager
def open_result(path: Path, origin: Origin) -> Iterator[Callable[[Item], None]]:
    """A function that adds an item to the JSON in ``path``, a line each; the file appears once it is complete."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(origin.as_json())[:-1] + ', "images": [')
        separator = "\n"

        def write(item: Item) -> None:
            nonlocal separator
            file.write(separator + json.dumps(item))
            separator = ",\n"

        yield write
        file.write("\n]}\n")


@contextmanager
def open_lines(path: Path, origin: Origin) -> Iterator[Callable[[Item], None]]:
    """A function that writes an item as a line of JSON at once; each line says schema, weights and detector too."""
    head = origin.as_json()
    with open_stream(path) as file:

        def write(item: Item) -> None:
            file.write(json.dumps({**head, **item}) + "\n")
            file.flush()

        yield write


def read_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `open_result` writes."""
    text = resources.files("fauxface.inference").joinpath("predictions.schema.json").read_text(encoding="utf-8")
    return json.loads(text)
