"""The generator: random heads, their looks, light and camera, drawn with OpenGL; labels from the geometry."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fauxface.rendering.version import GENERATOR_VERSION

if TYPE_CHECKING:
    from fauxface.rendering.dataset import render_dataset
    from fauxface.rendering.frame import Frame, render_frame
    from fauxface.rendering.recipe import Recipe, load_recipe

__all__ = ["GENERATOR_VERSION", "Frame", "Recipe", "load_recipe", "render_dataset", "render_frame"]

_PLACES = {
    "render_dataset": "dataset",
    "Frame": "frame",
    "render_frame": "frame",
    "Recipe": "recipe",
    "load_recipe": "recipe",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: the version alone costs no OpenGL import."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
