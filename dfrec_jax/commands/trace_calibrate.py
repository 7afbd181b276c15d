"""`dfrec trace calibrate`: likelihood ratios of cases whose truth is known: named, or made of prepared data."""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dfrec_jax.commands import trace_networks
from dfrec_jax.commands.recover import add_network

SWAPS = 160
_NAMED = ("gallery", "cases")
_OF_DATA = ("data", "workdir", "network", "checkpoint", "swaps", "recogniser", "keep")


def add_parser(commands) -> None:
    """Adds the subcommand."""
    words = (
        "fits bounded likelihood ratios to cases whose truth is known, and measures them on other people. The cases "
        "are named (--gallery and --cases), or made of prepared data and recovered by a network (--data, with "
        "--workdir or --network)."
    )
    calibrate = commands.add_parser("calibrate", help=words.partition(". ")[0], description=words)
    calibrate.add_argument("--gallery", help="of `dfrec trace index`: the background population")
    calibrate.add_argument(
        "--cases",
        metavar="FILE.csv",
        help="columns exhibit (picture, or folder of `dfrec recover`), target, source (people of the gallery), visible "
        "(pictures, parted by `;`) and part (fit or measure; empty: drawn)",
    )
    calibrate.add_argument(
        "--data",
        nargs="+",
        default=(),
        metavar="[BUILDER:]DIR[:all]",
        help="folders of `dfrec prepare` (BUILDER: faces by default): of each person of the test split, or with :all "
        "of all splits, one half of the photographs is the gallery, the other is swapped as in training (recorded "
        "swaps are taken as they are) and recovered with the verdict given",
    )
    add_network(calibrate)
    calibrate.add_argument("--checkpoint", help="with --data: best (default), newest, or the number of a step")
    calibrate.add_argument("--swaps", type=int, metavar="N", help=f"with --data: of each folder, at most ({SWAPS})")
    calibrate.add_argument("--recogniser", help="with --data: as of `dfrec trace index`")
    calibrate.add_argument(
        "--keep",
        metavar="DIR",
        help="with --data: keep people, swaps, results, gallery and cases.csv there, for --gallery and --cases "
        "(default: nothing but the calibration is kept)",
    )
    calibrate.add_argument("--head", metavar="DIR", help=trace_networks.HEAD_HELP)
    calibrate.add_argument("--population", required=True, metavar="NAME", help="what the population is called")
    calibrate.add_argument("--out", required=True, help="folder for the calibration; not there yet")
    calibrate.add_argument(
        "--seed", type=int, default=0, help="of the parting of people in two, and of what --data makes (default 0)"
    )
    calibrate.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes the folder of the calibration and prints its table."""
    from dfrec_jax.config.allowed import LARGEST_SEED
    from dfrec_jax.config.errors import require
    from dfrec_jax.files import whole

    _check_ways(arguments)
    require(0 <= arguments.seed <= LARGEST_SEED, "--seed", arguments.seed, f"from 0 to {LARGEST_SEED}")
    require(bool(arguments.population.strip()), "--population", arguments.population, "a name in words")
    require(arguments.swaps is None or arguments.swaps >= 1, "--swaps", arguments.swaps, "1 or more")
    for option in ("out", "keep"):
        if getattr(arguments, option):
            _check_free(f"--{option}", Path(getattr(arguments, option)))
    if not arguments.data:
        return _calibrate(arguments, arguments.gallery, Path(arguments.cases), None)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.keep or Path(temporary) / "cases")
        with whole.new_folder(folder) as unfinished:
            made_of = _made(arguments, unfinished, folder)
        return _calibrate(arguments, str(folder / "gallery"), folder / "cases.csv", made_of)


def _check_ways(arguments: argparse.Namespace) -> None:
    from dfrec_jax.config.errors import ConfigError

    named, of_data = ([f"--{name}" for name in names if getattr(arguments, name)] for names in (_NAMED, _OF_DATA))
    ways = "name cases by --gallery and --cases, or have them made by --data with --workdir or --network"
    if named and of_data:
        raise ConfigError(f"{' and '.join(named)} with {' and '.join(of_data)}: {ways}; not both")
    if not arguments.data and len(named) < len(_NAMED):
        given = " and ".join(named + of_data)
        raise ConfigError(f"{f'{given} alone' if given else 'no cases'}: {ways}")


def _check_free(option: str, folder: Path) -> None:
    import os

    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.forensics import result_folder

    if os.path.lexists(folder):
        raise ConfigError(f"{option}={folder}: is there already; choose another name, or move it away")
    result_folder.check_out(folder.parent)


def _made(arguments: argparse.Namespace, folder: Path, lies_at: Path) -> dict[str, Any]:
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.tracing.embedder import DEFAULT_RECOGNISER

    try:
        from dfrec_jax.commands import trace_data
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--data: reads what `dfrec prepare` wrote by packages that are not installed here (no {error.name}); make "
            "the cases where they are, with --keep, and name those by --gallery and --cases"
        ) from error
    return trace_data.make(
        arguments.data,
        arguments.workdir,
        arguments.network,
        arguments.checkpoint or "best",
        arguments.swaps or SWAPS,
        arguments.recogniser or DEFAULT_RECOGNISER,
        arguments.seed,
        folder,
        lies_at,
    )


def _calibrate(
    arguments: argparse.Namespace, gallery_path: str, cases_path: Path, made_of: Mapping[str, Any] | None
) -> int:
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.reports import screen
    from dfrec_jax.reports.progress import progress
    from dfrec_jax.tracing import calibration_report, known_cases, routes
    from dfrec_jax.tracing import gallery as gallery_lib

    gallery = gallery_lib.read(gallery_path)
    cases = known_cases.cases_of(cases_path, gallery)
    known_cases.is_of_measurement(gallery, cases, arguments.seed)  # refuses before an hour's work
    embedder = trace_networks.embedder_of(gallery, gallery_path)
    head = trace_networks.head_of(arguments.head, embedder)
    exhibits, used = [], []
    for case in progress(cases, len(cases), "cases"):
        try:
            visible = routes.visible_of(case.visible, embedder)
            exhibits.append(routes.read(case.exhibit, embedder, visible, head))
            used.append(case)
        except routes.ImageError as error:
            print(f"left out: {error}", file=sys.stderr)
    if not used:
        raise ConfigError(f"--cases={cases_path}: none of its {len(cases)} exhibits can be used, see above")
    out = Path(arguments.out)
    said = calibration_report.write(out, gallery, used, exhibits, arguments.population, arguments.seed, made_of)
    screen.show(said)
    print(f"{out}: {len(used)} of {len(cases)} cases", file=sys.stderr)
    return 0
