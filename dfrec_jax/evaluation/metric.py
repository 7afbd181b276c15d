"""What a metric is: a figure of a table's cells, and how it comes from recovered pictures.

`table_metrics.py` has them. `scores.py` runs those that a table names and knows none of them; `estimates.py` makes
figures with intervals of the sums.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Float

from dfrec_jax.metrics.fid import Moments


class Compared(NamedTuple):
    """What a number of an example is taken from, on the devices: a batch of one row, or its generated region alone.

    Attributes:
      recovered, target: RGB in [0, 1], the recovered and the true target; of a source (`measure.py`), the two of it.
        What lies beyond the border of the picture has no truth: there both are the same.
      region: 1 at the pixels that count: those of the picture, or of them the ones that were generated; None: all.
      of_recovered, of_target: by role, what the networks say of the two (`describing.describe`); of a region alone, all
        else gray, the roles that its numbers name.
      of_image: the same of the input as it was given; empty for a region alone.
    """

    recovered: Float[Array, "b h w 3"]
    target: Float[Array, "b h w 3"]
    region: Float[Array, "b h w 1"] | None
    of_recovered: Mapping[str, Array]
    of_target: Mapping[str, Array]
    of_image: Mapping[str, Array]


class Number(NamedTuple):
    """A number of each example, taken on the devices.

    Attributes:
      name: in the sums.
      role: of the network that it needs, of `describing.ROLES`; empty for one of pixels alone.
      of: pure and traceable, to `[b]`.
      is_of_region: whether it sees the generated region alone. Where nothing was copied that is the whole picture; of
        an example where nothing was generated there is no number.
      decimals: to which it is rounded; None: not at all.
    """

    name: str
    role: str
    of: Callable[[Compared], Float[Array, " b"]]
    is_of_region: bool = False
    decimals: int | None = None


class NumberOnHost(NamedTuple):
    """A number of each example that the host takes in float64, from what a network says: pictures stay where they are.

    Attributes:
      name: in the sums.
      role: of the network.
      of: from what it says of the recovered and of the true targets to `[b]`.
    """

    name: str
    role: str
    of: Callable[[Any, Any], Float[np.ndarray, " b"]]


class Mean(NamedTuple):
    """The mean of a number over the forgeries whose target is known, of those that have one."""

    number: Number | NumberOnHost

    @property
    def role(self) -> str:
        """Of the network that it needs."""
        return self.number.role


Curve = tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"]]


class OverBoth(NamedTuple):
    """A statistic of a number over pristine and forged faces, of those that have one.

    Attributes:
      number: of each.
      statistic: from numbers and `is_forgery`, `[n]` each, of both kinds, to its value; NaN where it has none.
      scale: that the cell's figure is in: 100 for percent.
      curve: from the same to the curve that the statistic sums up, its `x` and `y`, which is kept with the table; None
        of a statistic that sums up none.
    """

    number: Number | NumberOnHost
    statistic: Callable[[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]], float]
    scale: float = 1.0
    curve: Callable[[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]], Curve] | None = None

    @property
    def role(self) -> str:
        """Of the network that it needs."""
        return self.number.role


class BetweenSets(NamedTuple):
    """A distance between recovered and true targets of the forgeries whose target is known, as two sets.

    Attributes:
      role: of the network whose features are added up.
      distance: of the two sums; what it warns of is said below the table.
    """

    role: str
    distance: Callable[[Moments, Moments], float]


class Metric(NamedTuple):
    """A figure in each cell.

    Attributes:
      name: in records.
      heading: above its columns.
      digits: after the point.
      taken: from what, and how.
      more_is_better: whether it is.
    """

    name: str
    heading: str
    digits: int
    taken: Mean | OverBoth | BetweenSets
    more_is_better: bool = True

    @property
    def role(self) -> str:
        """Of the network that it needs, of `describing.ROLES`; empty for pixels alone."""
        return self.taken.role
