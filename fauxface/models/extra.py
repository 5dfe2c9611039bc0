"""A small head for each target other than landmarks and visibility, the same for every method.

It uses the features of the landmarks, averaged over the crop; its gradients reach them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from fauxface.landmarks import scheme_of
from fauxface.models.base import Targets
from fauxface.targets import extra_targets, target_of

HIDDEN = 64
"""Width of each head's hidden layer, chosen so that a head costs little compared with the backbone."""

ExtraOutputs = Mapping[str, Tensor] | None
"""Target's name → raw outputs B×K float; None for a model without extra targets."""


class ExtraHeads(nn.Module):
    """Pooled features → linear → linear, for each target. Without targets it has no weights and does nothing."""

    def __init__(self, channels: int, names: Sequence[str], scheme: str, input_size: int):
        """Build heads on a feature map with ``channels``; ValueError for unknown targets and those without a head."""
        super().__init__()
        if len(extra_targets(names)) != len(names):
            raise ValueError(f"name each extra target once, and not landmarks or visibility: {', '.join(names)}")
        self.scheme, self.input_size = scheme, input_size
        self.heads = nn.ModuleDict()
        for name in names:
            last = nn.Linear(HIDDEN, target_of(name).outputs(scheme_of(scheme)))
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.bias)
            self.heads[name] = nn.Sequential(nn.Linear(channels, HIDDEN), nn.Hardswish(), last)

    @property
    def options(self) -> dict[str, list[str]]:
        """Their options for `build_model`; empty without targets, as on old checkpoints."""
        return {"targets": list(self.heads)} if self.heads else {}

    def forward(self, features: Tensor) -> ExtraOutputs:
        """Raw outputs of a feature map B×C×H×W."""
        if not self.heads:
            return None
        pooled = features.mean((2, 3))
        return {name: head(pooled).float() for name, head in self.heads.items()}

    def loss(self, outputs: ExtraOutputs, targets: Targets) -> Tensor | float:
        """Weighted sum of the targets' losses, 0 without any; targets without truth are left out."""
        total: Tensor | float = 0.0
        for name, raw in (outputs or {}).items():
            if name in targets.extra:
                target = target_of(name)
                total = total + target.weight * target.loss(raw, targets.extra[name], self.input_size)
        return total

    def decode(self, outputs: ExtraOutputs) -> dict[str, Tensor]:
        """Target's name → values B×… in the crops' frame."""
        found = {}
        for name, raw in (outputs or {}).items():
            target = target_of(name)
            found[name] = target.decode(raw, target.shape_of(scheme_of(self.scheme)), self.input_size)
        return found
