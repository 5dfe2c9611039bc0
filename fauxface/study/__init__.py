"""The study: how many images, which augmentations, which model; a grid of runs, scored alike, with intervals."""

from typing import TYPE_CHECKING

from fauxface.lazy import load_on_use
from fauxface.study.config import Cell, StudyConfig

if TYPE_CHECKING:
    from fauxface.study.run import run_study
else:
    __getattr__ = load_on_use(__name__, run="run_study")

__all__ = ["Cell", "StudyConfig", "run_study"]
