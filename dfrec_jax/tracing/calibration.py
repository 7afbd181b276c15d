"""From scores to likelihood ratios, as a file holds them: of one recogniser, one frame, one role and route each.

H1: the hidden person is this one; H2: it is another of the population that the calibration names.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import json_text
from dfrec_jax.files.hashing import sha256_of_file
from dfrec_jax.metrics.likelihood_ratio import Logistic
from dfrec_jax.tracing.embedder import Identity
from dfrec_jax.tracing.gallery import RULE
from dfrec_jax.tracing.routes import NEEDS_HEAD, NEEDS_RESULT

RECORD = "calibration.json"
FORMAT = "dfrec-calibration-1"
# Of what was measured of a route, all that a report shows.
SHOWN = (
    "exhibits", "cllr", "cllr_less_raw", "cllr_min", "misleading_h1", "misleading_h2", "rank_1",
    "identification_errors",
)  # fmt: skip


class Fit(NamedTuple):
    """Scores of one role and route to bounded ratios.

    Attributes:
      logistic: the fit.
      bounds: of log10 LR.
    """

    logistic: Logistic
    bounds: tuple[float, float]

    def log10_lr(self, scores: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
        """Of cosines, within the bounds."""
        return np.clip(self.logistic.log_lr(scores) / np.log(10), *self.bounds)


class Calibration(NamedTuple):
    """A calibration as it was read.

    Attributes:
      path: of its folder.
      identity: what made the embeddings.
      fits: by role and route, as `target, raw`.
      network_sha256: of the network that recovered the faces; None where no route needed one.
      head_sha256: of the trace head; None where there was none.
      population: its name.
      sha256: of the file.
      left_out: routes without a fit, and why.
    """

    path: Path
    identity: Identity
    fits: Mapping[str, Fit]
    network_sha256: str | None
    head_sha256: str | None
    population: str
    sha256: str
    left_out: Mapping[str, str]

    def check(self, identity: Identity) -> None:
        """Raises ConfigError where it was made of embeddings of another kind."""
        if differences := self.identity.differences(identity):
            raise ConfigError(
                f"--calibration={self.path}: made for another recogniser or frame than the gallery ({differences}): a "
                "likelihood ratio holds for the scores that it was fitted to; calibrate with this gallery's"
            )

    def fit_for(
        self, role: str, route: str, network_sha256: str | None, head_sha256: str | None = None
    ) -> tuple[Fit | None, str]:
        """The fit of a role and route, or None and the reason.

        Args:
          role: see `routes`.
          route: see `routes`.
          network_sha256: of the network that recovered the exhibit.
          head_sha256: of the trace head that was used.

        Raises:
          ConfigError: for a route that needs a recovery, by another network than the exhibit's, or another head.
        """
        key = f"{role}, {route}"
        if key not in self.fits:
            return None, self.left_out.get(key, f"the calibration holds no `{key}`")
        if route in NEEDS_RESULT and network_sha256 != self.network_sha256:
            raise ConfigError(
                f"--calibration={self.path}: `{key}` was calibrated on faces that network {self.network_sha256} "
                f"recovered, and this result is of {network_sha256}; calibrate on results of that network"
            )
        if route in NEEDS_HEAD and head_sha256 != self.head_sha256:
            raise ConfigError(
                f"--calibration={self.path}: `{key}` was calibrated with the head {self.head_sha256}, and --head is "
                f"{head_sha256}; calibrate with that head"
            )
        return self.fits[key], ""

    def check_networks(self, network_sha256: str | None, head_sha256: str | None) -> None:
        """Raises ConfigError, as `fit_for`, where a search by such a network and head would meet another's fit; without
        a head its routes are not searched."""
        for key in self.fits:
            role, _, route = key.partition(", ")
            if head_sha256 is not None or route not in NEEDS_HEAD:
                self.fit_for(role, route, network_sha256, head_sha256)

    def described(self) -> dict[str, Any]:
        """For the record of a search."""
        return {"sha256": self.sha256, "population": self.population, "routes": sorted(self.fits)}


def read(path: str | os.PathLike[str]) -> Calibration:
    """Reads the folder of a calibration.

    Raises:
      ConfigError: for what is none.
    """
    file = Path(path) / RECORD
    try:
        said = json_text.parsed(file.read_text())
        if said.get("format") != FORMAT or said["rule"] != RULE:
            raise ConfigError(f"--calibration={path}: format {said.get('format')!r} is not {FORMAT!r}; calibrate anew")
        fits = {key: _fit(one) for key, one in said["routes"].items()}
        if not (isinstance(said["population"], str) and isinstance(said["bounds"], str)):
            raise ValueError("population and bounds must be words")
        identity = Identity(*(said[name] for name in Identity._fields))
        return Calibration(
            Path(path),
            identity,
            fits,
            said["network_sha256"],
            said.get("head_sha256"),  # an earlier version knew of none
            said["population"],
            sha256_of_file(file),
            said["left_out"],
        )
    except OSError as error:
        raise ConfigError(f"--calibration={path}: none ({error}); `dfrec trace calibrate` makes one") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"--calibration={path}: cannot be read ({error!r}); calibrate anew") from error


def _fit(one: Mapping[str, Any]) -> Fit:
    """Of a route's record, which must hold what a report shows of it, too."""
    for name in SHOWN:
        one["measured_on"][name]
    slope, intercept, (low, high) = float(one["slope"]), float(one["intercept"]), map(float, one["log10_lr_bounds"])
    if not np.isfinite([slope, intercept, low, high]).all() or low > high:
        raise ValueError("slope, intercept and bounds must be finite, the lower bound first")
    return Fit(Logistic(slope, intercept), (low, high))
