"""Fauxface: synthetic faces, landmark detectors trained on them alone, and honest tests on real photographs."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fauxface.evaluation import evaluate
    from fauxface.images import read_image
    from fauxface.inference import Face, Landmarker
    from fauxface.rendering import render_dataset
    from fauxface.training import TrainingConfig, train
else:
    _ROOMS = {
        "Face": "inference",
        "Landmarker": "inference",
        "TrainingConfig": "training",
        "evaluate": "evaluation",
        "read_image": "images",
        "render_dataset": "rendering",
        "train": "training",
    }

    def __getattr__(name):
        """Import a public name when it is first used, so that ``import fauxface`` and `--help` stay quick."""
        if name not in _ROOMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = ["Face", "Landmarker", "TrainingConfig", "evaluate", "read_image", "render_dataset", "train"]
__version__ = "0.1.0"
"""The one place of the version; pyproject.toml reads it here."""
