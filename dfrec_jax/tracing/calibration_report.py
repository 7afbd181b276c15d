"""The folder of a calibration: the file that a search reads, a table, and three curves of each route."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import whole
from dfrec_jax.forensics.report.document import significant
from dfrec_jax.metrics import likelihood_ratio as lr
from dfrec_jax.reports import intervals
from dfrec_jax.tracing import calibrating, known_cases
from dfrec_jax.tracing.calibrating import Measured
from dfrec_jax.tracing.calibration import FORMAT, RECORD, Fit
from dfrec_jax.tracing.gallery import RULE, Gallery
from dfrec_jax.tracing.known_cases import Case
from dfrec_jax.tracing.routes import RAW, Exhibit
from dfrec_jax.tracing.words import LEAD

TABLE = "calibration.md"
BOUNDS = (
    "ratios are bounded where one more misleading comparison would make them worse than none (after Vergeer et al. "
    "2016); people, not comparisons, count as independent"
)


def write(
    out: Path,
    gallery: Gallery,
    cases: Sequence[Case],
    exhibits: Sequence[Exhibit],
    population: str,
    seed: int,
    made_of: Mapping[str, Any] | None = None,
) -> str:
    """Fits and measures each route, writes the folder whole or not at all, and returns the table.

    Args:
      out: the folder, not there yet.
      gallery: the population.
      cases: of `known_cases.cases_of`.
      exhibits: of the cases, in their order.
      population: its name.
      seed: of the parting of people.
      made_of: where the cases were made for it: of what, with the `words` of each of its `data`; else None.

    Raises:
      ConfigError: where no route has enough people.
      OSError: where nothing can be written.
    """
    of_measurement = known_cases.is_of_measurement(gallery, cases, seed)
    fits: dict[str, tuple[Fit, dict[str, Any], Measured]] = {}
    left_out = {}
    for (role, route), scores in calibrating.scores_of(exhibits, cases, gallery).items():
        found = calibrating.fit_and_measure(scores, of_measurement)
        if isinstance(found, str):
            left_out[f"{role}, {route}"] = found
        else:
            fits[f"{role}, {route}"] = found
    if not fits:
        raise ConfigError(f"--cases: no route can be calibrated ({'; '.join(sorted(set(left_out.values())))})")
    record = {
        "format": FORMAT,
        "statement": LEAD,
        "dfrec_jax": importlib.metadata.version("dfrec-jax"),
        **gallery.identity._asdict(),
        "rule": RULE,
        "population": population,
        "propositions": {
            "H1": "the person who is sought, hidden (target) or seen (source), is this one",
            "H2": f"that person is another of the population: {population}",
        },
        "bounds": BOUNDS,
        "gallery_sha256": gallery.sha256,
        "network_sha256": calibrating.network_of(exhibits),
        "head_sha256": calibrating.head_of(exhibits),
        "seed": seed,
        "made_of": made_of and dict(made_of),
        "exhibits": [{"name": each.name, "sha256": each.sha256} for each in exhibits],
        "left_out": left_out,
        "routes": {
            key: {
                "slope": fit.logistic.slope,
                "intercept": fit.logistic.intercept,
                "log10_lr_bounds": list(fit.bounds),
                "fitted_on": made_of,
                "measured_on": measured.record | {"cllr_less_raw": _less_raw(key, fits), "cmc": _cmc(measured)},
            }
            for key, (fit, made_of, measured) in fits.items()
        },
    }
    said = table(record)
    with whole.new_folder(out) as folder:
        whole.write_json(folder / RECORD, record, indent=1)
        whole.write_text(folder / TABLE, said)
        for key, (_, _, measured) in fits.items():
            draw(folder / f"{key.replace(', ', '_').replace(' ', '_')}.png", key, measured)
    return said


def _less_raw(key: str, fits: Mapping[str, tuple[Fit, dict[str, Any], Measured]]) -> dict[str, Any] | None:
    """Cllr less that of the same role's raw exhibit, paired; None of the raw exhibit itself."""
    raw = f"{key.partition(', ')[0]}, {RAW}"
    return None if key == raw or raw not in fits else calibrating.cllr_less(fits[key][2], fits[raw][2])


def _cmc(measured: Measured) -> list[float]:
    """The share of exhibits whose person is among the first 1, 2, ... 50."""
    return [round(float(np.mean(measured.ranks <= k)), 4) for k in range(1, 51)]


def table(record: Mapping[str, Any]) -> str:
    """As Markdown: what the ratios and ranks of each route are worth on people who were not fitted on."""
    lines = [
        "| sought, route | n | people | Cllr | less raw's | Cllr_min | LR bounds | rank 1 | rank 10 | population |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|---:|",
    ]
    for key, one in record["routes"].items():
        of, (low, high) = one["measured_on"], one["log10_lr_bounds"]
        cllr, less_raw, rank_1, rank_10 = (_cell(of[name]) for name in ("cllr", "cllr_less_raw", "rank_1", "rank_10"))
        lines.append(
            f"| {key} | {of['exhibits']} | {of['people_with_exhibits']} | {cllr} | {less_raw} | {of['cllr_min']:.3f} | "
            f"{significant(10**low, 2)} to {significant(10**high, 2)} | {rank_1} | {rank_10} | {of['population']} |"
        )
    lines += ["", "| sought, route | gallery | LR at least | FPIR | FNIR |", "|---|---:|---:|---:|---:|"]
    for key, one in record["routes"].items():
        for each in one["measured_on"]["identification_errors"]:
            size, least, fpir, fnir = (each[name] for name in ("gallery_size", "lr_threshold", "fpir", "fnir"))
            lines.append(f"| {key} | {size} | {least:g} | {fpir:.3f} | {fnir:.3f} |")
    lines += ["", *(f"Left out: {key}: {reason}." for key, reason in record["left_out"].items())]
    lines += intervals.reasons(
        said["people"]
        for one in record["routes"].values()
        for name in ("cllr", "cllr_less_raw", "rank_1", "rank_10")
        if (said := one["measured_on"][name]) and said["interval"][0] is None and "people" in said
    )
    made_of = record["made_of"] or {"data": ()}
    lines += [f"Cases of {each['name']}: {each['words']}." for each in made_of["data"]]
    lines += [
        f"Population: {record['population']}; fitted on people A, measured on people B. Bounds: {record['bounds']}."
    ]
    return "\n".join([*lines, "", LEAD, ""])


def _cell(said: Mapping[str, Any] | None) -> str:
    if said is None:
        return "-"
    low, high = said["interval"]
    return f"{said['value']:.3f} {intervals.text(low, high, said.get('people'), 3)}".rstrip()


def draw(path: Path, title: str, measured: Measured) -> None:
    """Tippett plot, empirical cross-entropy and CMC, as a PNG."""
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    tippett, entropy, cmc = figure.subplots(1, 3)
    for values, words in ((measured.same, "H1: this person"), (measured.different, "H2: another")):
        ordered = np.sort(values) / np.log(10)
        tippett.step(ordered, 1 - np.arange(len(ordered)) / len(ordered), where="post", label=words)
    tippett.axvline(0, color="0.7", linewidth=1)
    tippett.set(title="Tippett plot", xlabel="log10 LR", ylabel="share of comparisons above", ylim=(0, 1))
    best = lr.best_monotone(measured.same, measured.different)
    neutral = np.zeros(1)
    for pair, words in (((measured.same, measured.different), "as calibrated"), (best, "best monotone (PAV)"),
                        ((neutral, neutral), "LR = 1")):  # fmt: skip
        entropy.plot(calibrating.PRIORS, lr.empirical_cross_entropy(*pair, calibrating.PRIORS), label=words)
    entropy.set(title="Empirical cross-entropy", xlabel="log10 prior odds", ylabel="bits", ylim=(0, 1.45))
    shares = _cmc(measured)
    cmc.step(np.arange(1, len(shares) + 1), shares, where="post")
    cmc.set(title="CMC", xlabel="rank", ylabel="share of exhibits", ylim=(0, 1))
    for axes in (tippett, entropy):
        axes.legend(frameon=False)
    figure.suptitle(f"{title}: on people who were not fitted on. A lead, not an identification.")
    with whole.replacing(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=110)
