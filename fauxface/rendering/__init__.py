"""The generator: random heads, their looks, light and camera, drawn with OpenGL; labels from the geometry."""

from fauxface.rendering.dataset import render_dataset
from fauxface.rendering.frame import Frame, render_frame
from fauxface.rendering.recipe import Recipe, load_recipe
from fauxface.rendering.version import GENERATOR_VERSION

__all__ = ["GENERATOR_VERSION", "Frame", "Recipe", "load_recipe", "render_dataset", "render_frame"]
