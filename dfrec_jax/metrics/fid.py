"""Frechet Inception distance: of two sets of pool3 features, in float64 on the host."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

FEATURE_WIDTH = 2048  # of Inception-v3's pool3; fewer samples than this leave the covariance singular


class Gaussian(NamedTuple):
    """The normal distribution that is fitted to a set of features."""

    mean: Float[np.ndarray, " d"]
    covariance: Float[np.ndarray, "d d"]


def fit_gaussian(features: Float[np.ndarray, "n d"]) -> Gaussian:
    """Mean and sample covariance (divided by n - 1), in float64.

    Raises:
      ValueError: for fewer than two samples, or a value that is not finite.
    """
    if len(features) < 2:
        raise ValueError(f"{len(features)} sample: a covariance needs at least 2")
    if not np.isfinite(features).all():
        raise ValueError("features hold NaN or infinity")
    features = features.astype(np.float64)
    return Gaussian(features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False)))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|mu_a - mu_b|^2 + Tr(C_a + C_b - 2 (C_a C_b)^1/2) (Heusel et al. 2017, Eq. 6).

    The trace of the square root is the sum of the singular values of C_a^1/2 C_b^1/2, which stays real and stable where
    a covariance is singular; a general matrix square root does not.
    """
    singular_values = np.linalg.svd(_symmetric_sqrt(a.covariance) @ _symmetric_sqrt(b.covariance), compute_uv=False)
    distance = np.sum((a.mean - b.mean) ** 2) + np.trace(a.covariance) + np.trace(b.covariance)
    return float(max(distance - 2 * singular_values.sum(), 0.0))


def fid(recovered: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> float:
    """Frechet distance of the Gaussians fitted to two sets of features; warns where a set is too small to be compared.

    Raises:
      ValueError: as `fit_gaussian`.
    """
    smaller = min(len(recovered), len(reference))
    if smaller < FEATURE_WIDTH:
        warnings.warn(
            f"FID of {len(recovered)} against {len(reference)} images: below {FEATURE_WIDTH} the covariance is "
            "singular and the distance biased upwards; compare it only with FIDs of equally many images",
            stacklevel=2,
        )
    return frechet_distance(fit_gaussian(recovered), fit_gaussian(reference))


def _symmetric_sqrt(covariance: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
