"""Apply a policy to a batch of padded crops: all geometry in one resampling, then the pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from fauxface.augment.base import Batch, Geometric, Pixelwise
from fauxface.augment.draws import Draws
from fauxface.augment.policies import Policy
from fauxface.landmarks import Scheme


def apply(
    policy: Policy,
    images: Tensor,
    landmarks: Tensor,
    visibility: Tensor | None,
    *,
    scheme: Scheme,
    size: int,
    padding: int,
    seed: int,
    epoch: int,
    indices: Sequence[int] | np.ndarray | Tensor,
) -> Batch:
    """Augment a batch where its images lie; with the policy ``none``, cut out the central crops exactly.

    Nothing waits for the device as long as landmarks and visibility come from the CPU, where the geometry is reckoned;
    what comes out lies with the images.

    Args:
        policy: what to do.
        images: B×3×S×S, S = size + 2·padding; uint8, or float in [0, 1].
        landmarks: B×N×2, pixels of the padded crop; best on the CPU.
        visibility: B×N booleans, or None; best on the CPU.
        scheme: the landmarks' scheme.
        size: side of the crops that come out, pixels.
        padding: pixels around them in ``images``.
        seed: the run's seed; with ``epoch`` and a sample's index it alone decides what happens to the sample.
        epoch: the epoch.
        indices: B sample indices.
    """
    assert images.shape[-1] == images.shape[-2] == size + 2 * padding, (tuple(images.shape), size, padding)
    draws = Draws.of(seed, epoch, indices)
    landmarks = landmarks.float() - padding
    matrix, mirrored, points = torch.eye(3).repeat(len(images), 1, 1), None, landmarks
    for augmentation in policy.augmentations:
        if isinstance(augmentation, Geometric):
            chosen = augmentation.chosen(draws)
            step = torch.where(chosen[:, None, None], augmentation.matrix(draws, points, scheme, size), torch.eye(3))
            matrix, points = step @ matrix, transform(points, step)
            mirrored = augmentation.mirrored(draws) if mirrored is None else mirrored
    if mirrored is not None:
        points, visibility = _swap_sides(points, visibility, mirrored, scheme)
    moved = any(isinstance(augmentation, Geometric) for augmentation in policy.augmentations)
    pixels = resample(images, matrix, size, padding) if moved else _centre(images, size, padding)
    points = points.to(images.device, non_blocking=True)
    visibility = visibility if visibility is None else visibility.to(images.device, non_blocking=True)
    batch = Batch(pixels, points, visibility)
    for augmentation in policy.augmentations:
        if isinstance(augmentation, Pixelwise):
            batch = augmentation(batch, draws)
    return batch


def transform(points: Tensor, matrix: Tensor) -> Tensor:
    """Points B×N×2 moved by matrices B×3×3."""
    matrix = matrix.to(points.device, non_blocking=True)
    return torch.baddbmm(matrix[:, None, :2, 2], points, matrix[:, :2, :2].mT)


def resample(images: Tensor, matrix: Tensor, size: int, padding: int) -> Tensor:
    """B×3×size×size float in [0, 1]: padded crops moved by B×3×3 matrices of crop pixels.

    What lies outside the padded crop repeats its border.
    """
    side = images.shape[-1]
    inverse = torch.linalg.inv(matrix.double())
    # output pixel → padded crop's pixel → grid_sample's [−1, 1], whose ends are the outer edges of the border pixels
    linear = inverse[:, :2, :2] * (2 / side)
    shift = (inverse[:, :2, 2] + padding + 0.5) * (2 / side) - 1
    linear, shift = (value.float().to(images.device, non_blocking=True) for value in (linear, shift))
    place = torch.arange(size, device=images.device, dtype=torch.float32)
    column = linear[:, None, :, 0] * place[:, None]
    row = linear[:, None, :, 1] * place[:, None] + shift[:, None]
    grid = row[:, :, None] + column[:, None]
    # converted where it lies: turning the layout would cost more than sampling from it
    moved = grid_sample(images.to(torch.float32), grid, padding_mode="border", align_corners=False)
    return moved.div_(255) if images.dtype == torch.uint8 else moved


def _centre(images: Tensor, size: int, padding: int) -> Tensor:
    return _as_float(images[..., padding : padding + size, padding : padding + size]).clone()


def _as_float(images: Tensor) -> Tensor:
    if images.dtype == torch.uint8:
        return images.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    return images.to(torch.float32)


def _swap_sides(
    points: Tensor, visibility: Tensor | None, mirrored: Tensor, scheme: Scheme
) -> tuple[Tensor, Tensor | None]:
    """Where a sample is mirrored, the points' and visibilities' order is the scheme's mirror order."""
    order = torch.tensor(scheme.mirror, device=points.device)
    mirrored = mirrored.to(points.device)
    points = torch.where(mirrored[:, None, None], points[:, order], points)
    if visibility is not None:
        visibility = torch.where(mirrored[:, None], visibility[:, order], visibility)
    return points, visibility
