"""Frechet Inception distance: of two sets of pool3 features, from sums in float64 on the host."""

import warnings
from typing import NamedTuple

import numpy as np
from clu import metrics
from flax import struct
from jaxtyping import Float

FEATURE_WIDTH = 2048  # of Inception-v3's pool3; fewer samples than this leave the covariance singular


class Gaussian(NamedTuple):
    """The normal distribution that is fitted to a set of features."""

    mean: Float[np.ndarray, " d"]
    covariance: Float[np.ndarray, "d d"]


@struct.dataclass
class Moments(metrics.Metric):
    """What a set of features is remembered by: their number, sum and sum of outer products, in float64.

    It is added up batch by batch and host by host, however the set is divided. The order of float64 sums shows in the
    distance at 1e-10 of it.
    """

    count: int
    total: Float[np.ndarray, " d"] | None
    products: Float[np.ndarray, "d d"] | None

    @classmethod
    def empty(cls) -> "Moments":
        """Of no features."""
        return cls(0, None, None)

    @classmethod
    def of(cls, features: Float[np.ndarray, "n d"]) -> "Moments":
        """Of a batch; rows that only fill it up are to be left out before.

        Raises:
          ValueError: for a value that is not finite.
        """
        if not np.isfinite(features).all():
            raise ValueError("features hold NaN or infinity")
        features = np.asarray(features, np.float64)
        return cls(len(features), features.sum(axis=0), features.T @ features)

    def merge(self, other: "Moments") -> "Moments":
        """Of both sets together."""
        if self.total is None or other.total is None:
            return other if self.total is None else self
        assert self.products is not None and other.products is not None
        return Moments(self.count + other.count, self.total + other.total, self.products + other.products)

    def compute(self) -> Gaussian:
        """Mean and sample covariance (divided by n - 1).

        Raises:
          ValueError: for fewer than two samples.
        """
        if self.total is None or self.products is None or self.count < 2:
            raise ValueError(f"{self.count} sample: a covariance needs at least 2")
        mean = self.total / self.count
        covariance = (self.products - self.count * np.outer(mean, mean)) / (self.count - 1)
        return Gaussian(mean, covariance)


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|mu_a - mu_b|^2 + Tr(C_a + C_b - 2 (C_a C_b)^1/2) (Heusel et al. 2017, Eq. 6).

    The trace of the square root is the sum of the singular values of C_a^1/2 C_b^1/2, which stays real and stable where
    a covariance is singular; a general matrix square root does not.
    """
    singular_values = np.linalg.svd(_symmetric_sqrt(a.covariance) @ _symmetric_sqrt(b.covariance), compute_uv=False)
    distance = np.sum((a.mean - b.mean) ** 2) + np.trace(a.covariance) + np.trace(b.covariance)
    return float(max(distance - 2 * singular_values.sum(), 0.0))


def fid(recovered: Moments, reference: Moments) -> float:
    """Frechet distance of the Gaussians fitted to two sets of features; warns where a set is too small to be compared.

    Raises:
      ValueError: for a set of fewer than two.
    """
    width = FEATURE_WIDTH if recovered.total is None else len(recovered.total)
    if min(recovered.count, reference.count) < width:
        warnings.warn(
            f"Frechet distance of {recovered.count} against {reference.count} images: below {width} the covariance is "
            "singular and the distance biased upwards; compare it only with others of equally many images",
            stacklevel=2,
        )
    return frechet_distance(recovered.compute(), reference.compute())


def _symmetric_sqrt(covariance: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
