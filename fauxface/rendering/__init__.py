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

_MODULES = {
    "render_dataset": "dataset",
    "Frame": "frame",
    "render_frame": "frame",
    "Recipe": "recipe",
    "load_recipe": "recipe",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: the version alone needs no OpenGL."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
