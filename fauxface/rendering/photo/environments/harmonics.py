"""Diffuse light from all around as nine numbers a colour (Ramamoorthi & Hanrahan 2001)."""

from __future__ import annotations

import numpy as np

_PRODUCTS = ((0, 1), (1, 2), (0, 2))


def basis(directions: np.ndarray) -> np.ndarray:
    """Polynomials (…, 9) in the order of ``light.glsl``: 1, x, y, z, xy, yz, xz, x²−y², 3z²−1."""
    x, y, z = np.moveaxis(directions, -1, 0)
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1], -1)


_NORMS = np.array([0.282095, *[0.488603] * 3, *[1.092548] * 3, 0.546274, 0.315392])
_COSINE = np.array([1.0, *[2 / 3] * 3, *[1 / 4] * 5])
"""Normalising factors of the spherical harmonics, and the cosine lobe's over π (Ramamoorthi & Hanrahan 2001)."""


def irradiance(radiance: np.ndarray, directions: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Coefficients (9, 3) of `basis` for the radiance of white paper in any direction.

    Args:
        radiance: (…, 3) linear.
        directions: (…, 3) unit; the coefficients are in their frame.
        angles: (…) steradians.
    """
    weights = basis(directions).reshape(-1, 9) * angles.reshape(-1, 1)
    return (weights.T @ radiance.reshape(-1, 3)) * (_NORMS**2 * _COSINE)[:, None]


def rotated(coefficients: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """The coefficients (9, 3) in a frame that ``rotation`` (3, 3; proper or a mirror) brings the old one into."""
    c = coefficients
    square = np.zeros((3, 3, c.shape[1]))  # the quadratic part as a symmetric form
    for (i, j), value in zip(_PRODUCTS, c[4:7], strict=True):
        square[i, j] = square[j, i] = value / 2
    square[0, 0], square[1, 1], square[2, 2] = c[7], -c[7], 3 * c[8]
    turned = np.einsum("ai,bj,ijc->abc", rotation, rotation, square)
    low = rotation @ c[1:4]
    # back to trace-free polynomials: x² + y² + z² = 1
    rest = (turned[0, 0] + turned[1, 1]) / 2
    z = (turned[2, 2] - rest) / 3
    constant = c[0] - c[8] + rest + z
    products = [2 * turned[i, j] for i, j in _PRODUCTS]
    return np.stack([constant, *low, *products, (turned[0, 0] - turned[1, 1]) / 2, z])


def diffuse(coefficients: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Radiance (…, 3) of white paper with these normals (…, 3)."""
    return basis(normals) @ coefficients
