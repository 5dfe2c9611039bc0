"""The study: how many images, which augmentations, which model; a grid of runs, scored alike, with intervals."""

from fauxface.study.config import Cell, StudyConfig
from fauxface.study.run import run_study

__all__ = ["Cell", "StudyConfig", "run_study"]
