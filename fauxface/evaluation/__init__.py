"""How well a checkpoint does on labelled faces: box protocols, cached predictions, scores, figures."""

from fauxface.evaluation.evaluate import evaluate
from fauxface.evaluation.predictions import MIN_IOU, Boxes
from fauxface.evaluation.scores import Evaluation

__all__ = ["MIN_IOU", "Boxes", "Evaluation", "evaluate"]
