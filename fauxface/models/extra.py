"""A small head for each target beside landmarks and visibility, the same for every method.

It is read off the features that the landmarks are read off, averaged over the crop; they learn of its loss too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from fauxface.landmarks import scheme_of
from fauxface.models.base import Targets
from fauxface.targets import extra_targets, target_of

HIDDEN = 64
"""Width of each head's hidden layer, by choice: a head is to cost little beside the backbone."""

ExtraOutputs = Mapping[str, Tensor] | None
"""Raw outputs by target's name, B×K float each; None of a model without extra targets."""


class ExtraHeads(nn.Module):
    """Pooled features → linear → linear, once for each target. Without targets it has no weights and does nothing."""

    def __init__(self, channels: int, names: Sequence[str], scheme: str, input_size: int):
        """``channels`` of the feature map; ValueError for a target that is not known, or has no head."""
        super().__init__()
        if len(extra_targets(names)) != len(names):
            raise ValueError(f"extra targets are each named once, without landmarks and visibility: {', '.join(names)}")
        self.scheme, self.input_size = scheme, input_size
        self.heads = nn.ModuleDict()
        for name in names:
            last = nn.Linear(HIDDEN, target_of(name).outputs(scheme_of(scheme)))
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)
            self.heads[name] = nn.Sequential(nn.Linear(channels, HIDDEN), nn.Hardswish(), last)

    @property
    def options(self) -> dict[str, list[str]]:
        """What `build_model` is told of them; nothing if there are none, as of models before there were any."""
        return {"targets": list(self.heads)} if self.heads else {}

    def forward(self, features: Tensor) -> ExtraOutputs:
        """Raw outputs of a feature map B×C×H×W."""
        if not self.heads:
            return None
        pooled = features.mean((2, 3))
        return {name: head(pooled).float() for name, head in self.heads.items()}

    def loss(self, outputs: ExtraOutputs, targets: Targets) -> Tensor | float:
        """The sum of the targets' weighted losses; 0 without any. A target whose truth is not known is left out."""
        total: Tensor | float = 0.0
        for name, raw in (outputs or {}).items():
            if name in targets.extra:
                target = target_of(name)
                total = total + target.weight * target.loss(raw, targets.extra[name], self.input_size)
        return total

    def decode(self, outputs: ExtraOutputs) -> dict[str, Tensor]:
        """The values B×… by target's name, in the crops' frame."""
        found = {}
        for name, raw in (outputs or {}).items():
            target = target_of(name)
            found[name] = target.decode(raw, target.shape_of(scheme_of(self.scheme)), self.input_size)
        return found
