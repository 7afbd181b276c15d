"""The two checks of a result itself: how it moves when its exhibit gets worse, and whether it explains the exhibit."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dfrec_jax.files import whole
from dfrec_jax.forensics import consistency as consistency_lib
from dfrec_jax.forensics import degradation, reference
from dfrec_jax.forensics.consistency import Consistency
from dfrec_jax.forensics.degradation import Step
from dfrec_jax.forensics.reference import Reference

KINDS = {
    "noise": "noise, standard deviation\nin levels of 255",
    "jpeg": "JPEG, quality",
    "size": "reduced to a share of the side,\nand back",
}


class Examination(NamedTuple):
    """Both checks of one result.

    Attributes:
      steps: the degradation curve.
      consistency: see there.
      known: the test set's figures; None where they are not kept with the run.
      why_not: why; else empty.
    """

    steps: tuple[Step, ...]
    consistency: Consistency
    known: Reference | None
    why_not: str

    def record(self) -> dict[str, Any]:
        """The fields of result.json."""
        steps = degradation.record(self.steps)
        for line, step in zip(steps, self.steps, strict=True):
            line["target_cosine_rank"] = reference.rank(self.known, reference.name_of(step), step.target_cosine)
        own = self.consistency
        return {
            "degradation": steps,
            **consistency_lib.record(own),
            "consistency_identity_rank": reference.rank(self.known, "identity", own.identity),
            "consistency_ssim_rank": reference.rank(self.known, "ssim", own.ssim),
            "reference": self.why_not if self.known is None else self.known.words,
        }


def draw(examination: Examination, path: Path) -> None:
    """Writes the degradation curve as a PNG, over the middle nine tenths of the test set's where they are known."""
    from matplotlib.figure import Figure  # half a second, for those who draw

    figure = Figure((9.0, 3.0), layout="constrained")
    figure.suptitle("Cosine with the target recovered from the exhibit as it is", fontsize=9)
    for place, (kind, words) in enumerate(KINDS.items(), 1):
        axes = figure.add_subplot(1, len(KINDS), place, xlabel=words, ylim=(-0.05, 1.05))
        steps = [step for step in examination.steps if step.kind == kind]
        at = np.arange(len(steps))
        axes.set_xticks(at, [f"{step.strength:g}" for step in steps])
        known = [_tenths(examination.known, step) for step in steps]
        if all(known) and known:
            low, middle, high = np.array(known, float).T
            axes.fill_between(at, low, high, color="0.88", label="test set, 5 to 95 %")
            axes.plot(at, middle, color="0.55", linewidth=1, label="its median")
        for name, values, marker, colour in (
            ("target", [step.target_cosine for step in steps], "o", "#1f5f99"),
            ("source", [step.source_cosine for step in steps], "s", "#b5502d"),
        ):
            if all(value is not None for value in values):
                axes.plot(at, np.array(values, float), marker=marker, color=colour, label=f"recovered {name}")
        axes.plot(at, [step.map_overlap for step in steps], linestyle=":", color="0.3", label="overlap of the map")
        if place == 1:
            axes.legend(frameon=False, fontsize=7, loc="lower left")
    with whole.replacing(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=150)


def _tenths(known: Reference | None, step: Step) -> tuple[float, ...]:
    values = [] if known is None else known.values.get(reference.name_of(step), [])
    return tuple(np.percentile(values, (5, 50, 95))) if len(values) else ()
