"""Augmentations: each works on batches and depends on (seed, epoch, sample index) alone."""

from fauxface.augment.apply import apply
from fauxface.augment.base import Augmentation, Batch, Geometric, Pixelwise
from fauxface.augment.draws import Draws
from fauxface.augment.policies import POLICIES, Policy, levelled, policy

__all__ = [
    "POLICIES",
    "Augmentation",
    "Batch",
    "Draws",
    "Geometric",
    "Pixelwise",
    "Policy",
    "apply",
    "levelled",
    "policy",
]
