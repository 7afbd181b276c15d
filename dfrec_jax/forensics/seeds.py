"""How much of a recovered target is chance: the same exhibit under several draws of Algorithm 1's noise.

The noise decides which patches are hidden among those that the map does not mark, and so what the network fills in.
The recovered source does not depend on it.

The grade, of the least cosine between two of the recovered targets by `frozen.metric`:
  stable: 0.9 or more, the cosine above which Acc_id takes two pictures for the same (Sec. IV-A3);
  fair: 0.7 or more;
  unstable: less: what two draws show is not one face, and no one of them is to be relied on.
A stable target is not a true one: all draws may be wrong alike.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from dfrec_jax.forensics.likeness import Likeness
from dfrec_jax.metrics.identity import REAL_THRESHOLD

STABLE, FAIR = REAL_THRESHOLD, 0.7
GRADES = (("stable", STABLE), ("fair", FAIR), ("unstable", -1.0))
WHITE = 0.25  # the spread that is drawn white, in shares of the full range of levels


class Draws(NamedTuple):
    """Several draws of one exhibit.

    Attributes:
      seeds: of the draws.
      mean: picture of the targets.
      spread: standard deviation of the targets at each pixel, the mean of its channels, of levels in [0, 1].
      least: cosine between two targets; None where it is not told.
      average: of all pairs; None likewise.
      why_not: why cosines are not told; else empty.
    """

    seeds: tuple[int, ...]
    mean: Float[np.ndarray, "s s 3"]
    spread: Float[np.ndarray, "s s 1"]
    least: float | None
    average: float | None
    why_not: str

    def record(self, likeness: Likeness) -> dict[str, Any]:
        """The fields of result.json."""
        return {
            "seeds": list(self.seeds),
            "seeds_spread": float(self.spread.mean()),
            "seeds_cosine_least": self.least,
            "seeds_cosine_mean": self.average,
            "seeds_recogniser": likeness.name,
            "stability": None if self.least is None else grade(self.least),
            "stability_words": self.why_not or words(self.least),
        }


def of_targets(
    seeds: Sequence[int],
    targets: Sequence[Float[np.ndarray, "s s 3"]],
    landmarks: Float[np.ndarray, "5 2"],
    likeness: Likeness,
) -> Draws:
    """What several recovered targets have in common.

    Args:
      seeds: one for each target, two or more.
      targets: in [0, 1].
      landmarks: of the face in all of them; NaN where not known.
      likeness: compares them.
    """
    stack = np.stack(targets).astype(np.float64)
    mean, spread = stack.mean(axis=0), stack.std(axis=0).mean(axis=-1, keepdims=True)
    least, average = None, None
    why_not = likeness.why_not(landmarks)
    if not why_not:
        rows = likeness.embeddings(targets, landmarks)
        cosines = [float(a @ b) for a, b in itertools.combinations(rows, 2)]
        least, average = min(cosines), float(np.mean(cosines))
    return Draws(tuple(seeds), mean.astype(np.float32), spread.astype(np.float32), least, average, why_not)


def grade(least: float) -> str:
    """The name of the grade of the least cosine between two draws."""
    return next(name for name, lowest in GRADES if least >= lowest)


def words(least: float | None) -> str:
    """The definition of the grade that `least` has, for a reader of the record."""
    if least is None:
        return ""
    bounds = {"stable": f"{STABLE:g} or more", "fair": f"{FAIR:g} to {STABLE:g}", "unstable": f"less than {FAIR:g}"}
    name = grade(least)
    return f"{name}: the least cosine between the targets of two draws is {bounds[name]}"


def drawn_spread(draws: Draws) -> Float[np.ndarray, "s s 1"]:
    """The spread as a picture: black is none, white `WHITE` of the levels or more."""
    return np.clip(draws.spread / WHITE, 0.0, 1.0)
