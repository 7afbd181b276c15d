"""Proves our networks against reference outputs: python -m tests.parity --fixtures DIR

Prints `fixture array relative_error` a line, then what was skipped and why. The error is ||ours - reference|| /
||reference||, in float32 with matmul precision 'highest'; for integers it is the share of entries that differ. Exits 1
where an error exceeds 1e-4, an integer differs at all, an array of a covered fixture was not compared, or none was.

To cover a fixture, write a function from its `Case` to {array: ours} and enter it, with the names of the arrays that
are its inputs, in a table `COVERED`: of `parity_models.py` for networks that DFREC trains, of `parity_frozen.py` for
the others and for metrics. Weights come from `case.fill()` through the rules that real files go through.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from tests import parity_baselines, parity_frozen, parity_models
from tests.parity_case import Arrays, Case, Covered, NotAtHand, load

TOLERANCE = 1e-4
COVERED: dict[str, Covered] = {**parity_models.COVERED, **parity_frozen.COVERED, **parity_baselines.COVERED}


class Comparison(NamedTuple):
    """One array against its reference; `error` is None where ours was never computed."""

    array: str
    error: float | None
    is_close: bool


def compare(case: Case, covered: Covered) -> Iterator[Comparison]:
    """Every array of the fixture that is no input. Raises `NotAtHand` as the computation does."""
    with jax.default_matmul_precision("highest"):
        ours = covered.compute(case)
    steps = case.facts.get("subsample", {})
    for name in _outputs(case.arrays, ours, covered.inputs):
        if name not in ours or name not in case.arrays:
            yield Comparison(name, None, False)
            continue
        index = tuple(slice(None, None, step) for step in steps.get(name, ()))
        error = relative_error(np.asarray(ours[name])[index], case.arrays[name])
        yield Comparison(name, error, error == 0 if case.arrays[name].dtype.kind in "iu" else error <= TOLERANCE)


def _outputs(arrays: Arrays, ours: Arrays, inputs: tuple[str, ...]) -> list[str]:
    return sorted((set(arrays) | set(ours)) - set(inputs))


def relative_error(ours: np.ndarray, reference: np.ndarray) -> float:
    """||ours - reference|| / ||reference||, or the share that differs among integers; infinite where shapes differ.

    Values that are not finite must be the same on both sides.
    """
    if ours.shape != reference.shape:
        return float("inf")
    if reference.dtype.kind in "iu":
        return float(np.mean(ours != reference))
    is_finite = np.isfinite(reference)
    if not np.array_equal(ours[~is_finite], reference[~is_finite]) or not np.isfinite(ours[is_finite]).all():
        return float("inf")
    difference = ours[is_finite].astype(np.float64) - reference[is_finite]
    norm = np.linalg.norm(reference[is_finite].astype(np.float64))
    return float(np.linalg.norm(difference) / norm) if norm else float(np.linalg.norm(difference))


def main(arguments: list[str] | None = None) -> int:
    """Runs every fixture of a folder; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--fixtures", type=Path, required=True, metavar="DIR", help="folder of <name>.json and <name>.npz"
    )
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="fixtures to run; all where not given")
    options = parser.parse_args(arguments)
    names = sorted(path.stem for path in options.fixtures.glob("*.npz"))
    unknown = sorted(set(options.only) - set(names))
    if unknown or not names:
        print(f"{options.fixtures} holds {names or 'no fixture (*.npz)'}, not {unknown or 'any'}", file=sys.stderr)
        return 2

    num_compared, num_failed, skipped = 0, 0, []
    for name in options.only or names:
        if name not in COVERED:
            skipped.append((name, "no network of ours covers it"))
            continue
        try:
            for array, error, is_close in compare(load(options.fixtures, name), COVERED[name]):
                verdict = "" if is_close else "  NOT COMPARED" if error is None else "  FAILED"
                print(f"{name} {array} {'-' if error is None else f'{error:.2e}'}{verdict}", flush=True)
                num_compared, num_failed = num_compared + 1, num_failed + (not is_close)
        except NotAtHand as reason:
            skipped.append((name, str(reason)))
    for name, reason in skipped:
        print(f"skipped {name}: {reason}")
    print(f"{num_compared} arrays compared, {num_failed} failed, {len(skipped)} fixtures skipped")
    return 0 if num_compared and not num_failed else 1


if __name__ == "__main__":
    sys.exit(main())
