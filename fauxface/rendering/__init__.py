"""The generator: random heads, their looks, light and camera, drawn with OpenGL; labels from the geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fauxface.lazy import load_on_use
from fauxface.rendering.config import RenderConfig
from fauxface.rendering.version import GENERATOR_VERSION

if TYPE_CHECKING:
    from fauxface.rendering.dataset import render_dataset, run_render
    from fauxface.rendering.frame import Frame, render_frame
    from fauxface.rendering.recipe import Recipe, load_recipe
else:
    __getattr__ = load_on_use(
        __name__, dataset="render_dataset run_render", frame="Frame render_frame", recipe="Recipe load_recipe"
    )

__all__ = [
    "GENERATOR_VERSION",
    "Frame",
    "Recipe",
    "RenderConfig",
    "load_recipe",
    "render_dataset",
    "render_frame",
    "run_render",
]
