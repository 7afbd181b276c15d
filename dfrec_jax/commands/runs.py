"""`dfrec runs show`: how far a training is, how good, and where its time went. Nothing of the run is written."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

BAR, CURVE = 40, 32  # characters
STEPS = "▁▂▃▄▅▆▇█"  # of a curve; where a terminal cannot show them, digits


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser("runs", help="look at trainings")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    words = "how far a training is, its best checkpoint, its curves, and where its time went over all its restarts"
    show = commands.add_parser("show", help=words, description=words)
    show.add_argument("workdir", help="folder of the training; it may be at work meanwhile")
    show.add_argument("--json", action="store_true", help="one JSON object instead of lines for a person")
    show.add_argument("--curves", default="", metavar="FILE.png", help="also draw every curve into this picture")
    show.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints what there is to know."""
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.reports import curves
    from dfrec_jax.runs.training_run import METRICS

    if arguments.curves and not arguments.curves.endswith(".png"):
        raise ConfigError(f"--curves={arguments.curves}: must end in .png")
    found = described(arguments.workdir)
    if arguments.curves:
        if not found["curves"]:
            raise ConfigError(f"--curves={arguments.curves}: there is no curve to draw ({found['no_curves']})")
        curves.training(Path(arguments.workdir) / METRICS, arguments.curves)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(lines_of(found, is_plain=not _shows(STEPS))))
    return 0


def described(workdir: str) -> dict[str, Any]:
    """What the files of a run say, as JSON holds it.

    Raises:
      CheckpointError: where `workdir` is no run's, or a file of it cannot be read.
    """
    from dfrec_jax.config import defaults
    from dfrec_jax.reports import curves
    from dfrec_jax.runs import ending, goodput, stored_config
    from dfrec_jax.runs.checkpoint import Checkpoints
    from dfrec_jax.runs.training_run import METRICS
    from dfrec_jax.training.run import TASKS

    config = stored_config.load(workdir)
    score_name = TASKS[defaults.task_of(config)].score_name
    checkpoints = Checkpoints(workdir, score_name)
    scores, steps = checkpoints.scores(), checkpoints.steps()
    best = checkpoints.choose("best") if scores else None
    account = goodput.read(workdir)
    logged, no_curves = {}, ""
    try:
        logged = curves.logged(Path(workdir) / METRICS)
    except FileNotFoundError:
        no_curves = "no step is logged yet"
    except ValueError as error:
        no_curves = str(error)
    return {
        "workdir": str(workdir),
        "name": config.name,
        "num_steps": config.train.num_steps,
        "is_at_its_end": ending.is_at_its_end(workdir, config),
        "checkpoints": sorted(steps),
        "best": None if best is None else {"step": best, score_name: scores[best]},
        "time": None if account is None else account._asdict() | {"total": account.total, "goodput": account.goodput},
        "curves": logged,
        "no_curves": no_curves,
    }


def lines_of(found: dict[str, Any], *, is_plain: bool) -> list[str]:
    """For a terminal; where `is_plain`, of ASCII alone."""
    newest = max(found["checkpoints"], default=0)
    lines = [
        f"{found['name']}: step {newest} of {found['num_steps']}{', at its end' if found['is_at_its_end'] else ''}"
        f" ({found['workdir']})",
        "checkpoints: " + (", ".join(map(str, found["checkpoints"])) or "none yet"),
    ]
    for name, value in (found["best"] or {}).items():
        if name != "step":
            lines.append(f"best: step {found['best']['step']}, {name} {value:.4f} on the validation split")
    lines += ["", *_lines_of_time(found["time"], is_plain), "", *_lines_of_curves(found, is_plain)]
    return lines


def _lines_of_time(time: dict[str, Any] | None, is_plain: bool) -> list[str]:
    from dfrec_jax.runs.compiling import duration
    from dfrec_jax.runs.goodput import KINDS

    if time is None:
        return ["where its time went is not known: it was begun by a version that did not keep it"]
    starts = f"{time['processes']} process" + ("es" if time["processes"] > 1 else "")
    lines = [f"{duration(time['total'])} of {starts}, {time['goodput']:.1%} of it in steps that count"]
    for kind, seconds in time["seconds"].items():
        share = seconds / time["total"] if time["total"] else 0.0
        bar = ("#" if is_plain else "█") * round(BAR * share)
        lines.append(f"  {kind:<10} {bar:<{BAR}} {share:6.1%}  {duration(seconds)}  {KINDS[kind]}")
    if abs(time["clock"] - time["total"]) > 0.02 * time["total"]:
        lines.append(f"  the clock of the day says {duration(time['clock'])}: it was set meanwhile")
    return lines


def _lines_of_curves(found: dict[str, Any], is_plain: bool) -> list[str]:
    curves = found["curves"]
    if not curves:
        return [found["no_curves"]]
    steps = [step for points in curves.values() for step, _ in points]
    lines, width = [f"curves, steps {min(steps)} to {max(steps)}:"], max(map(len, curves))
    for name, points in sorted(curves.items()):
        values = [value for _, value in points]
        lines.append(f"  {name:<{width}}  {drawn(values, is_plain):<{CURVE}}  {values[0]:.4g} -> {values[-1]:.4g}")
    return lines


def drawn(values: list[float], is_plain: bool = False) -> str:
    """A curve of at most `CURVE` characters, each the mean of as many values, from the lowest to the highest."""
    import numpy as np

    means = np.array([part.mean() for part in np.array_split(np.asarray(values), min(CURVE, len(values)))])
    steps = "0123456789" if is_plain else STEPS
    finite = means[np.isfinite(means)]
    if not finite.size:
        return "?" * len(means)
    low, span = finite.min(), np.ptp(finite)
    highest = len(steps) - 1
    return "".join(
        steps[round((mean - low) / span * highest) if span else 0] if np.isfinite(mean) else "?" for mean in means
    )


def _shows(characters: str) -> bool:
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
