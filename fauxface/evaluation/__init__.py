"""Evaluation of checkpoints on labelled faces: box protocols, cached predictions, scores, label adapters, figures."""

from typing import TYPE_CHECKING

from fauxface.evaluation.config import AdaptationConfig, Boxes, EvaluationConfig
from fauxface.lazy import load_on_use

if TYPE_CHECKING:
    from fauxface.evaluation.adaptation import Adaptation, adapt, run_adaptation
    from fauxface.evaluation.adapter import Adapter, load_adapter
    from fauxface.evaluation.predictions import MIN_IOU
    from fauxface.evaluation.run import evaluate, run_evaluation
    from fauxface.evaluation.scores import Evaluation
else:
    __getattr__ = load_on_use(
        __name__,
        adaptation="Adaptation adapt run_adaptation",
        adapter="Adapter load_adapter",
        predictions="MIN_IOU",
        run="evaluate run_evaluation",
        scores="Evaluation",
    )

__all__ = [
    "MIN_IOU",
    "Adaptation",
    "AdaptationConfig",
    "Adapter",
    "Boxes",
    "Evaluation",
    "EvaluationConfig",
    "adapt",
    "evaluate",
    "load_adapter",
    "run_adaptation",
    "run_evaluation",
]
