"""`dfrec sweep FILE:ARGUMENT --base FILE --out DIR`: the trainings of a table, and the table."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dfrec_jax.config.sweeps import Sweep
    from dfrec_jax.training.sweep import Planned

FAILED = 2


def add_parser(subparsers: Any) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser("sweep", help="train what a table of the paper needs, and make the table")
    parser.add_argument("sweep", metavar="SWEEP", help="which runs: configs/sweeps/tables.py:1 to :7, or :all")
    parser.add_argument("--base", required=True, help="the config that they are changes of: configs/quickstart.py")
    parser.add_argument("--out", required=True, help="folder of the runs; several sweeps may share one, and its runs")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="of every run (may be repeated)"
    )
    parser.add_argument(
        "--only", default="", metavar="I/N", help="the I-th of N parts alone, from 1/N to N/N, without the table"
    )
    parser.add_argument("--dry_run", "--dry-run", action="store_true", help="list the runs and end")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trains and evaluates. 2 where a run failed, 75 where it was told to stop."""
    from dfrec_jax.config import sweeps
    from dfrec_jax.training import sweep as training

    found, configs = sweeps.configs_of(arguments.sweep, arguments.base, tuple(arguments.set))
    planned = training.plan(configs, arguments.out)
    chosen = part_of(planned, arguments.only)
    if arguments.dry_run:
        print(listing(found, chosen))
        return 0
    outcome = training.train(chosen)
    if outcome.is_stopped:
        print("stopped; the same command goes on from there", file=sys.stderr)
        return os.EX_TEMPFAIL
    for name, reason in outcome.failed.items():
        print(f"error: {name}: {reason}", file=sys.stderr)
    _evaluate(found, outcome.finished, arguments)
    return FAILED if outcome.failed else 0


def part_of(planned: "list[Planned]", only: str) -> "list[Planned]":
    """The I-th of N parts of the runs, every N-th one; all without `only`. Raises ConfigError."""
    from dfrec_jax.config.errors import ConfigError

    if not only:
        return planned
    number, slash, count = only.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ConfigError(f"--only={only}: must be I/N, from 1/N to N/N")
    return planned[int(number) - 1 :: int(count)]


def listing(sweep: "Sweep", planned: "Sequence[Planned]") -> str:
    """A line a run: how far it is, and what it changes."""
    overrides = {one.name: one.overrides for one in sweep.runs}
    configs = {one.name: one.config for one in sweep.runs}
    lines = []
    for one in planned:
        changes = [f"{field}={value!r}" for field, value in overrides[one.name].items()]
        changes = [f"config={configs[one.name]}"] * bool(configs[one.name]) + changes
        lines += [f"{one.name}: {one.state()}", f"    {' '.join(changes)}"]
    to_train = sum(not one.is_at_its_end for one in planned)
    return "\n".join([*lines, f"{len(planned)} runs, {to_train} of them to train"])


def _evaluate(sweep: "Sweep", finished: "Sequence[Planned]", arguments: argparse.Namespace) -> None:
    from dfrec_jax.commands import evaluate as evaluation
    from dfrec_jax.evaluation.request import AS_TRAINED
    from dfrec_jax.reports import screen

    if not sweep.table or not finished:
        return
    if arguments.only:
        print("when all parts are done, the same command without --only makes the table", file=sys.stderr)
        return
    workdirs = [str(one.workdir) for one in finished]
    again = f"python evaluate.py --table={sweep.table} --runs={','.join(workdirs)} --out={arguments.out}"
    print(f"evaluating, as would {again}", file=sys.stderr)
    screen.show(evaluation.tables_and_figures(workdirs, sweep.table, "", arguments.out, AS_TRAINED))
