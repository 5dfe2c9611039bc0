"""Calibration of a probabilistic model's σ: measure its coverage, and find the factor that corrects it. Pure NumPy.

With a Gaussian in the plane and σ along each axis, 39.3 % of the errors are within σ and 86.5 % within 2σ.
"""

from __future__ import annotations

import math

import numpy as np

EXPECTED_COVERAGE = (1 - math.exp(-0.5), 1 - math.exp(-2.0))
"""Shares of the errors within σ and within 2σ for a correct σ: 0.393 and 0.865."""


def coverage(errors: np.ndarray, sigmas: np.ndarray, factor: float = 1.0) -> tuple[float, float]:
    """Shares of errors ‖e‖ (any shape) within σ and within 2σ; σ is ``factor`` times ``sigmas`` (the same shape)."""
    ratio = np.asarray(errors) / (factor * np.asarray(sigmas))
    return float((ratio <= 1).mean()), float((ratio <= 2).mean())


def calibration_factor(errors: np.ndarray, sigmas: np.ndarray) -> float:
    """The factor of σ that brings the worse of the two shares nearest to `EXPECTED_COVERAGE`.

    Real errors have heavier tails than a Gaussian. The factor of maximum likelihood, √(mean ‖e‖²/2σ²), would follow a
    few large errors; the shares do not.

    Args:
        errors: distances ‖e‖ between prediction and truth on held-out faces, any shape.
        sigmas: the predicted σ, the same shape and unit, above 0.

    Raises:
        ValueError: no errors, or numbers that are not finite.
    """
    ratios = np.sort((np.asarray(errors, np.float64) / np.asarray(sigmas, np.float64)).ravel())
    if len(ratios) == 0 or not np.isfinite(ratios).all():
        raise ValueError("calibration needs finite errors and sigmas above 0")
    low, high = np.quantile(ratios, [0.2, 0.6])
    factors = np.linspace(low, high, 1001)
    found = np.stack([np.searchsorted(ratios, k * factors, "right") / len(ratios) for k in (1, 2)])
    worst = np.abs(found - np.array(EXPECTED_COVERAGE)[:, None]).max(0)
    best = np.flatnonzero(worst <= worst.min() + 1e-9)
    return float(factors[best[len(best) // 2]])
