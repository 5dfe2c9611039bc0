"""Apply a policy to a batch of padded crops: all geometry in one resampling, then the changes of pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from fauxface.augment.base import Batch, Geometric, Pixelwise
from fauxface.augment.draws import Draws
from fauxface.augment.policies import Policy
from fauxface.landmarks import Scheme
from fauxface.targets import TARGETS, target_of


def apply(
    policy: Policy,
    images: Tensor,
    targets: Mapping[str, Tensor],
    *,
    scheme: Scheme,
    size: int,
    padding: int,
    seed: int,
    epoch: int,
    indices: Sequence[int] | np.ndarray | Tensor,
) -> Batch:
    """Augment a batch on the device of its images; with the policy ``none``, cut out the central crops exactly.

    The geometry is computed on the CPU, so nothing waits for the device if the targets are on the CPU. The result is on
    the device of the images.

    Args:
        policy: the augmentations.
        images: B×3×S×S, S = size + 2·padding; uint8, or float in [0, 1].
        targets: B×… of each target, by the names of `fauxface.targets`, in the padded crops' frame; best on the CPU.
            ``landmarks`` B×N×2 are required.
        scheme: the landmark scheme.
        size: side of the resulting crops, pixels.
        padding: pixels around them in ``images``.
        seed: the run's seed; the augmentation of a sample depends only on it, ``epoch`` and the sample's index.
        epoch: the epoch.
        indices: B sample indices.
    """
    assert images.shape[-1] == images.shape[-2] == size + 2 * padding, (tuple(images.shape), size, padding)
    draws = Draws.of(seed, epoch, indices)
    points = targets["landmarks"].float() - padding
    matrix, mirrored = torch.eye(3).repeat(len(images), 1, 1), None
    for augmentation in policy.augmentations:
        if isinstance(augmentation, Geometric):
            chosen = augmentation.chosen(draws)
            step = torch.where(chosen[:, None, None], augmentation.matrix(draws, points, scheme, size), torch.eye(3))
            matrix, points = step @ matrix, TARGETS["landmarks"].moved(points, step)
            mirrored = augmentation.mirrored(draws) if mirrored is None else mirrored
    unpadded = torch.eye(3)
    unpadded[:2, 2] = -padding
    changed = {"landmarks": points}  # as moved above, step by step, and not by the product of the matrices
    changed |= {n: target_of(n).moved(v, matrix @ unpadded) for n, v in targets.items() if n != "landmarks"}
    if mirrored is not None:
        changed = {name: target_of(name).swapped(value, mirrored, scheme) for name, value in changed.items()}
    moved = any(isinstance(augmentation, Geometric) for augmentation in policy.augmentations)
    pixels = resample(images, matrix, size, padding) if moved else _centre(images, size, padding)
    batch = Batch(pixels, {name: value.to(images.device, non_blocking=True) for name, value in changed.items()})
    for augmentation in policy.augmentations:
        if isinstance(augmentation, Pixelwise):
            batch = augmentation(batch, draws)
    return batch


def resample(images: Tensor, matrix: Tensor, size: int, padding: int) -> Tensor:
    """Crops B×3×size×size float in [0, 1]: padded crops moved by B×3×3 matrices of crop pixels.

    Outside the padded crop its border is repeated.
    """
    side = images.shape[-1]
    inverse = torch.linalg.inv(matrix.double())
    # output pixel → padded crop's pixel → grid_sample's [−1, 1], which ends at the outer edges of the border pixels
    linear = inverse[:, :2, :2] * (2 / side)
    shift = (inverse[:, :2, 2] + padding + 0.5) * (2 / side) - 1
    linear, shift = (value.float().to(images.device, non_blocking=True) for value in (linear, shift))
    place = torch.arange(size, device=images.device, dtype=torch.float32)
    column = linear[:, None, :, 0] * place[:, None]
    row = linear[:, None, :, 1] * place[:, None] + shift[:, None]
    grid = row[:, :, None] + column[:, None]
    # in its memory layout: changing that would cost more than the sampling
    moved = grid_sample(images.to(torch.float32), grid, padding_mode="border", align_corners=False)
    return moved.div_(255) if images.dtype == torch.uint8 else moved


def _centre(images: Tensor, size: int, padding: int) -> Tensor:
    return _as_float(images[..., padding : padding + size, padding : padding + size]).clone()


def _as_float(images: Tensor) -> Tensor:
    if images.dtype == torch.uint8:
        return images.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    return images.to(torch.float32)
