"""What every landmark model is: images in; landmarks, scores and perhaps visibility out; with its own loss."""

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
"""ImageNet's mean and standard deviation of RGB in [0, 1]: what timm's weights expect."""


@dataclass(frozen=True)
class Targets:
    """The truth of B crops.

    Attributes:
        landmarks: B×N×2 float32, crop pixels.
        visibility: B×N booleans, or None if not known.
        extra: B×… of further targets, by the names of `fauxface.targets`, in the crops' frame.
    """

    landmarks: Tensor
    visibility: Tensor | None = None
    extra: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, targets: Mapping[str, Tensor]) -> Targets:
        """The same of one mapping from names to tensors."""
        extra = {name: value for name, value in targets.items() if name not in OWN}
        return cls(targets["landmarks"], targets.get("visibility"), extra)


@dataclass(frozen=True)
class Prediction:
    """What a model says about B crops.

    Attributes:
        landmarks: B×N×2 float32, crop pixels, pixel centres at whole numbers.
        scores: B×N in [0, 1]; the higher, the smaller the error that is expected.
        visibility: B×N, the probability that a point is seen; None where the model does not tell.
        sigma: B×N crop pixels, standard deviation along each axis; None where the model is not probabilistic.
        extra: B×… of further targets that the model was trained on, by name, in the crops' frame.
    """

    landmarks: Tensor
    scores: Tensor
    visibility: Tensor | None
    sigma: Tensor | None = None
    extra: Mapping[str, Tensor] = field(default_factory=dict)

    def told(self) -> dict[str, Tensor]:
        """What the model tells, by name, in the order above."""
        own = {name: value for name, value in vars(self).items() if name != "extra" and value is not None}
        return {**own, **self.extra}


class FaceNetwork(nn.Module, ABC):
    """A network for landmarks of one scheme, as checkpoints hold it.

    Attributes:
        name: the model's registered name.
        input_size: side of the images that it learns from, pixels.
        scheme: the landmark scheme's name.
        options: what else ``build_model`` was told; with the name, the size and the scheme it rebuilds the model.
        paper: where the method comes from.
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
        """The names of what it learns and tells, by `fauxface.targets`."""
        seen = ("visibility",) if self.options.get("visibility") else ()
        return ("landmarks", *seen, *self.options.get("targets", ()))

    def normalise(self, images: Tensor) -> Tensor:
        """Images B×3×H×W in [0, 1] as the backbone wants them: the one normalisation, the same everywhere."""
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
        """Take what the method needs to know of the training labels (M×N×2, crop pixels) before training starts."""
        del landmarks

    def distil(self, outputs: Any, told: Prediction, score: Tensor | None = None) -> Tensor:
        """The loss, a scalar, against what a teacher told of the same crops.

        Args:
            outputs: this model's raw outputs.
            told: the teacher's answers, in this model's crop pixels.
            score: the teacher's score maps B×N×H×W, 1 where a point lies, if it has such; most methods have no use for
                them.
        """
        del score
        return self.loss(outputs, Targets(told.landmarks))

    @abstractmethod
    def decode(self, outputs: Any) -> Prediction:
        """Landmarks, scores and visibility out of the raw outputs."""
