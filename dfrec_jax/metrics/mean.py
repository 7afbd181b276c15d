"""A mean as `clu.metrics` adds it up, in float64 on the host: exact over batches that are filled up, in any split."""

from typing import Any

import numpy as np
from clu import metrics
from flax import struct


@struct.dataclass
class Mean(metrics.Metric):
    """Sum and count of values; `compute` gives their mean, NaN of none."""

    total: np.float64
    count: int

    @classmethod
    def empty(cls) -> "Mean":
        """Of no values."""
        return cls(np.float64(0), 0)

    @classmethod
    def from_model_output(cls, values: Any, mask: Any = None, **_: Any) -> "Mean":
        """Of a batch, [b]; where `mask`, [b], is False, a row counts for nothing."""
        values = np.asarray(values, np.float64)
        chosen = values if mask is None else values[np.asarray(mask, bool)]
        return cls(chosen.sum(), chosen.size)

    def merge(self, other: "Mean") -> "Mean":
        """Of both together."""
        return Mean(self.total + other.total, self.count + other.count)

    def compute(self) -> float:
        """The mean."""
        return float(self.total / self.count) if self.count else float("nan")
