"""How the interval of a figure stands in a table, and why one has none."""

from collections.abc import Iterable

FEWEST = 5  # people or groups that an interval resamples (`metrics.bootstrap`)
NONE = "[-]"


def text(low: float | None, high: float | None, clusters: int | None, digits: int) -> str:
    """`[low, high]`; `[-]` where there is none; empty of a figure that has none by its kind, as a Frechet distance.

    Args:
      low: None where there is no interval.
      high: likewise.
      clusters: how many people or groups there were to resample; None of a figure of such a kind, and in records of a
        version that did not say.
      digits: after the point.
    """
    if low is not None and high is not None:
        return f"[{low:.{digits}f}, {high:.{digits}f}]"
    return "" if clusters is None else NONE


def reasons(clusters: Iterable[int]) -> list[str]:
    """A sentence that says what `[-]` means, of the counts of clusters of the figures that have it; none for none."""
    counts = sorted(set(clusters))
    few = [str(count) for count in counts if count < FEWEST]
    why = []
    if few:
        why.append(f"there are {' or '.join(few)} people or groups to resample, and it takes {FEWEST}")
    if len(few) < len(counts):
        why.append("more than one resample in twenty has no such figure")
    return [f"`{NONE}`: no interval, since {', or '.join(why)}."] if why else []
