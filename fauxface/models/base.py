"""Base classes of models: images in; landmarks, scores and other targets out; with a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from fauxface.landmarks import scheme_of
from fauxface.targets import OWN

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""Mean and standard deviation of RGB in [0, 1] on ImageNet, as timm's weights expect."""


@dataclass(frozen=True)
class Targets:
    """True labels of B crops.

    Attributes:
        landmarks: B×N×2 float32, crop pixels.
        visibility: B×N booleans, or None if unknown.
        extra: B×… of other targets, by their names in `fauxface.targets`, in the crops' frame.
    """

    landmarks: Tensor
    visibility: Tensor | None = None
    extra: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, targets: Mapping[str, Tensor]) -> Targets:
        """Build from one mapping of target names to tensors."""
        extra = {name: value for name, value in targets.items() if name not in OWN}
        return cls(targets["landmarks"], targets.get("visibility"), extra)


@dataclass(frozen=True)
class Prediction:
    """A model's predictions for B crops.

    Attributes:
        landmarks: B×N×2 float32, crop pixels, pixel centres at whole numbers.
        scores: B×N in [0, 1]; the higher, the smaller the expected error.
        visibility: B×N, the probability that a point is visible; None if the model was not trained for it.
        sigma: B×N crop pixels, standard deviation along each axis; None if the model is not probabilistic.
        extra: B×… of other targets that the model was trained on, by name, in the crops' frame.
    """

    landmarks: Tensor
    scores: Tensor
    visibility: Tensor | None
    sigma: Tensor | None = None
    extra: Mapping[str, Tensor] = field(default_factory=dict)

    def told(self) -> dict[str, Tensor]:
        """Name → prediction, in the order above, without those that are None."""
        fixed = {name: value for name, value in vars(self).items() if name != "extra" and value is not None}
        return {**fixed, **self.extra}


class FaceNetwork(nn.Module, ABC):
    """A network for landmarks of one scheme, as stored in checkpoints.

    Attributes:
        name: the model's name.
        input_size: side of the images that it learns from, pixels.
        scheme: name of the landmark scheme.
        options: further arguments of ``build_model``; with name, size and scheme they rebuild the model.
        paper: source of the method.
    """

    paper: str = ""
    mean: Tensor
    deviation: Tensor

    def __init__(self, name: str, input_size: int, scheme: str, options: dict[str, Any]):
        super().__init__()
        self.name = name
        self.input_size = input_size
        self.scheme = scheme
        self.points = scheme_of(scheme).count
        self.options = options
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of its targets, as in `fauxface.targets`."""
        seen = ("visibility",) if self.options.get("visibility") else ()
        return ("landmarks", *seen, *self.options.get("targets", ()))

    def normalise(self, images: Tensor) -> Tensor:
        """Normalise images B×3×H×W in [0, 1] for the backbone; the same for all models."""
        return (images - self.mean) / self.deviation

    @abstractmethod
    def forward(self, images: Tensor) -> Any:
        """Raw outputs (tensors) of images B×3×S×S float in [0, 1], S the input size."""

    @abstractmethod
    def loss(self, outputs: Any, targets: Any) -> Tensor:
        """The loss, a scalar, float32."""


class LandmarkModel(FaceNetwork):
    """A network for crops of one size: ``input_size``; its name is ``<backbone>-<method>``."""

    def learn_statistics(self, landmarks: Tensor) -> None:
        """Compute statistics that the method needs from the training labels (M×N×2, crop pixels), before training."""
        del landmarks

    def distil(self, outputs: Any, teacher: Prediction, score: Tensor | None = None) -> Tensor:
        """The loss, a scalar, against a teacher's predictions for the same crops.

        Args:
            outputs: this model's raw outputs.
            teacher: the teacher's predictions, in this model's crop pixels.
            score: the teacher's score maps B×N×H×W, 1 at the points, if it has any; most methods ignore them.
        """
        del score
        return self.loss(outputs, Targets(teacher.landmarks))

    @abstractmethod
    def decode(self, outputs: Any) -> Prediction:
        """Convert raw outputs to predictions."""
