"""What is said of a packed network wherever it recovers: which it is, what it was trained on, what it gained."""

from pathlib import Path
from typing import Any

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics import reference
from dfrec_jax.reports import results
from dfrec_jax.runs import packed

FEW = "check"  # results/check.json: a few examples, by which a test tells whether the network still gives its figures
_PLAIN = "results"  # results/results.json: on the test split of its own data
_FIGURES = {"none": ("None", "idsim"), "recovered": ("DFREC", "idsim"), "gain": ("DFREC", "idsim_gain")}


def described(workdir: Path) -> dict[str, Any] | None:
    """What `result.json` says of the packed network in `workdir`; None of a run.

    Raises:
      CheckpointError: where the record, or what it names, is damaged.
      ConfigError: where a file of results is.
    """
    if not packed.is_packed(workdir):
        return None
    record = packed.read_record(workdir)
    return {
        "name": record.name,
        "version": record.version,
        "file_sha256": record.sha256,
        "trained_on": record.data,
        "examples": record.examples,
        "licence": record.licence,
        "idsim_to_the_target": gains(workdir),
    }


def gains(workdir: Path) -> list[dict[str, Any]]:
    """IDSIM of forgeries and of recovered targets to the true target, and the gain, in each evaluation that is kept
    with the network. Raises ConfigError for a damaged file."""
    found = []
    for path in sorted((workdir / "results").glob("*.json")):
        if path.name in (f"{FEW}.json", reference.FILE.name):
            continue
        try:
            read = results.read(path)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: holds no results ({error}); get the folder of the network again") from error
        if gain := gain_in(read, "" if path.stem == _PLAIN else path.stem):
            found.append(gain)
    return found


def gain_in(read: results.Results, name: str = "") -> dict[str, Any] | None:
    """The same of one evaluation; None where it does not say it.

    Args:
      read: the evaluation.
      name: of what it was measured on; empty: that of its data set.
    """
    of = {
        (record.row, record.metric): record
        for record in read.records
        if (record.table, record.role, record.attack, record.over) == ("recovery", "target", "all", "examples")
    }
    if any(key not in of for key in _FIGURES.values()):
        return None
    gain = of[_FIGURES["gain"]]
    figures = {field: _rounded(of[key].value) for field, key in _FIGURES.items()}
    interval = {"low": _rounded(gain.low), "high": _rounded(gain.high), "by": gain.network}
    return {"on": name or gain.dataset, "n": gain.n, **figures, **interval}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)  # so that the screen's three places are those of the tables


def words(said: dict[str, Any]) -> str:
    """The same in a line or two for the screen."""
    measured = [
        f"{gain['gain']:+.3f}{_interval(gain)} on {gain['n']} of {gain['on']}" for gain in said["idsim_to_the_target"]
    ]
    gained = f"gain in IDSIM to the target {'; '.join(measured)}" if measured else "not measured"
    return f"{said['name']}, version {said['version']}, trained on {said['trained_on']}; {gained}"


def _interval(gain: dict[str, Any]) -> str:
    return "" if gain["low"] is None else f" [{gain['low']:.3f}, {gain['high']:.3f}]"
