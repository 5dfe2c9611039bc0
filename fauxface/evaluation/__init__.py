"""Evaluation of checkpoints on labelled faces: box protocols, cached predictions, scores, label adapters, figures."""

from fauxface.evaluation.adaptation import Adaptation, adapt
from fauxface.evaluation.adapter import Adapter, load_adapter
from fauxface.evaluation.evaluate import evaluate
from fauxface.evaluation.predictions import MIN_IOU, Boxes
from fauxface.evaluation.scores import Evaluation

__all__ = ["MIN_IOU", "Adaptation", "Adapter", "Boxes", "Evaluation", "adapt", "evaluate", "load_adapter"]
