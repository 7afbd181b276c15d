"""`dfrec trace index | search | calibrate`: who may be behind a swap."""

import argparse
import sys
from pathlib import Path

HEAD_HELP = "run of configs/trace.py: a network that was trained to tell from a swap who is hidden; adds its routes"


def add_parser(subparsers) -> None:
    """Adds the subcommands."""
    parser = subparsers.add_parser("trace", help="who may be behind a swap: galleries of known people, and a search")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_index(commands)
    _add_search(commands)
    _add_calibrate(commands)


def _add_index(commands) -> None:
    words = "embeddings of known people, several pictures each"
    index = commands.add_parser("index", help=words, description=words)
    index.add_argument("folder", metavar="DIR", help="folder of the pictures, <person>/<picture>")
    index.add_argument("--out", required=True, help="the gallery, a folder that is not there yet")
    index.add_argument(
        "--recogniser",
        help="network that tells people apart (default mobilefacenet-foamliu; dlib-resnet-v1 is dlib's own; embedded-b "
        "for drawn faces)",
    )
    index.add_argument(
        "--origin", default="", metavar="WORDS", help="where the pictures come from and by what right, for the record"
    )
    index.set_defaults(run=run_index)


def run_index(arguments: argparse.Namespace) -> int:
    """Writes the gallery and prints its path; what was left out goes to standard error."""
    from dfrec_jax.reports.progress import progress
    from dfrec_jax.tracing import embedder as embedder_lib
    from dfrec_jax.tracing import gallery, indexing

    people, _ = indexing.pictures_of(arguments.folder)
    embedder = embedder_lib.Embedder(arguments.recogniser or embedder_lib.DEFAULT_RECOGNISER)
    total = sum(map(len, people.values()))
    embedded = indexing.indexing(arguments.folder, arguments.out, embedder, origin=arguments.origin)
    for _ in progress(embedded, total, "pictures"):
        pass
    made = gallery.read(arguments.out)
    for name, reason in made.left_out.items():
        print(f"left out: {name}: {reason}", file=sys.stderr)
    print(
        f"{made.record['num_people']} people, {made.record['num_pictures']} pictures, {len(made.left_out)} left out, "
        f"by {made.identity.recogniser}; faces were {embedder.face_check}",
        file=sys.stderr,
    )
    print(Path(arguments.out))
    return 0


def _add_search(commands) -> None:
    words = "ranks the people of a gallery by how alike they are to whom a swap hides, and draws blind line-ups"
    search = commands.add_parser("search", help=words, description=words)
    search.add_argument("exhibit", metavar="RESULT|PICTURE", help="a folder of `dfrec recover`, or a picture")
    search.add_argument("--gallery", required=True, help="of `dfrec trace index`")
    search.add_argument("--out", required=True, help="folder for the record, the table and the line-ups; not there yet")
    search.add_argument(
        "--visible", nargs="+", default=(), metavar="REF", help="pictures of the person who is seen in the exhibit"
    )
    search.add_argument("--head", metavar="DIR", help=HEAD_HELP)
    search.add_argument("--top", type=int, default=10, metavar="N", help="candidates of each route (default 10)")
    search.add_argument(
        "--foils", metavar="DIR", help="people known to be innocent, ranked too: a gallery, or a folder as for index"
    )
    search.add_argument("--calibration", metavar="DIR", help="of `dfrec trace calibrate`: prints likelihood ratios")
    search.add_argument(
        "--lineup", type=int, default=8, metavar="N", help="faces on a line-up, 2 to 26; 0 for none (default 8)"
    )
    search.add_argument("--pictures", metavar="DIR", help="where the gallery's pictures are now, if they were moved")
    search.add_argument("--seed", type=int, help="of the order in line-ups (default: taken from the exhibit's SHA-256)")
    search.set_defaults(run=run_search)


def run_search(arguments: argparse.Namespace) -> int:
    """Writes the folder of the search and prints its table."""
    import os
    import tempfile

    from dfrec_jax.config.allowed import LARGEST_SEED
    from dfrec_jax.config.errors import ConfigError, require
    from dfrec_jax.forensics import result_folder
    from dfrec_jax.reports import screen
    from dfrec_jax.tracing import calibration as calibration_lib
    from dfrec_jax.tracing import gallery as gallery_lib
    from dfrec_jax.tracing import routes, search, search_report

    require(arguments.top >= 1, "--top", arguments.top, "1 or more")
    require(arguments.lineup == 0 or 2 <= arguments.lineup <= 26, "--lineup", arguments.lineup, "0, or from 2 to 26")
    if arguments.seed is not None:
        require(0 <= arguments.seed <= LARGEST_SEED, "--seed", arguments.seed, f"from 0 to {LARGEST_SEED}")
    out = Path(arguments.out)
    if os.path.lexists(out):
        raise ConfigError(f"--out={out}: is there already; choose another name, or move it away")
    result_folder.check_out(out.parent)
    gallery = gallery_lib.read(arguments.gallery)
    if arguments.pictures:
        gallery = gallery._replace(pictures_dir=Path(arguments.pictures))
    calibration = calibration_lib.read(arguments.calibration) if arguments.calibration else None
    if calibration is not None:
        calibration.check(gallery.identity)
    embedder = embedder_of(gallery, arguments.gallery)
    head = head_of(arguments.head, embedder)
    with tempfile.TemporaryDirectory() as temporary:
        foils = _foils(arguments.foils, embedder, Path(temporary)) if arguments.foils else None
        if foils is not None:
            search.check_foils(gallery, foils)
        visible = routes.visible_of([Path(path) for path in arguments.visible], embedder)
        exhibit = routes.read(Path(arguments.exhibit), embedder, visible, head)
        rankings = search.search(exhibit, gallery, foils, calibration, max(arguments.top, arguments.lineup))
        shown = [one._replace(candidates=one.candidates[: arguments.top]) for one in rankings]
        search_report.write(
            out,
            exhibit,
            rankings,
            gallery,
            foils,
            embedder,
            visible_sha256=() if visible is None else visible.sha256,
            calibration=calibration,
            places=arguments.lineup,
            seed=arguments.seed,
        )
    for route, reason in exhibit.left_out.items():
        print(f"left out: {route}: {reason}", file=sys.stderr)
    for one in rankings:
        if calibration is not None and one.not_calibrated:
            print(f"no LR: {one.query.role}, {one.query.route}: {one.not_calibrated}", file=sys.stderr)
    screen.show(search_report.table(shown))
    record, sheets, keys = search_report.RECORD, search_report.SHEETS, search_report.KEYS
    print(f"{out}: {record}; line-ups in {sheets}/, their key apart, in {keys}", file=sys.stderr)
    return 0


def _foils(path: str, embedder, temporary: Path):
    """A gallery of foils: read, or made for this search of a folder of pictures."""
    from dfrec_jax.reports.progress import progress
    from dfrec_jax.tracing import gallery, indexing

    if (Path(path) / gallery.RECORD).exists():
        return gallery.read(path, option="--foils")
    people, _ = indexing.pictures_of(path)
    made = temporary / "foils"
    for _ in progress(indexing.indexing(path, made, embedder), sum(map(len, people.values())), "foils"):
        pass
    return gallery.read(made, option="--foils")


def _add_calibrate(commands) -> None:
    words = "fits bounded likelihood ratios to cases whose truth is known, and measures them on other people"
    calibrate = commands.add_parser("calibrate", help=words, description=words)
    calibrate.add_argument("--gallery", required=True, help="of `dfrec trace index`: the background population")
    calibrate.add_argument(
        "--cases",
        required=True,
        metavar="FILE.csv",
        help="columns exhibit (picture, or folder of `dfrec recover`), target, source (people of the gallery), visible "
        "(pictures, parted by `;`) and part (fit or measure; empty: drawn)",
    )
    calibrate.add_argument("--head", metavar="DIR", help=HEAD_HELP)
    calibrate.add_argument("--population", required=True, metavar="NAME", help="what the population is called")
    calibrate.add_argument("--out", required=True, help="folder for the calibration; not there yet")
    calibrate.add_argument("--seed", type=int, default=0, help="of the parting of people in two (default 0)")
    calibrate.set_defaults(run=run_calibrate)


def run_calibrate(arguments: argparse.Namespace) -> int:
    """Writes the folder of the calibration and prints its table."""
    import os

    from dfrec_jax.config.allowed import LARGEST_SEED
    from dfrec_jax.config.errors import ConfigError, require
    from dfrec_jax.forensics import result_folder
    from dfrec_jax.reports import screen
    from dfrec_jax.reports.progress import progress
    from dfrec_jax.tracing import calibration_report, known_cases, routes
    from dfrec_jax.tracing import gallery as gallery_lib

    require(0 <= arguments.seed <= LARGEST_SEED, "--seed", arguments.seed, f"from 0 to {LARGEST_SEED}")
    require(bool(arguments.population.strip()), "--population", arguments.population, "a name in words")
    out = Path(arguments.out)
    if os.path.lexists(out):
        raise ConfigError(f"--out={out}: is there already; choose another name, or move it away")
    result_folder.check_out(out.parent)
    gallery = gallery_lib.read(arguments.gallery)
    cases = known_cases.cases_of(Path(arguments.cases), gallery)
    known_cases.is_of_measurement(gallery, cases, arguments.seed)  # refuses before an hour's work
    embedder = embedder_of(gallery, arguments.gallery)
    head = head_of(arguments.head, embedder)
    exhibits, used = [], []
    for case in progress(cases, len(cases), "cases"):
        try:
            visible = routes.visible_of(case.visible, embedder)
            exhibits.append(routes.read(case.exhibit, embedder, visible, head))
            used.append(case)
        except routes.ImageError as error:
            print(f"left out: {error}", file=sys.stderr)
    if not used:
        raise ConfigError(f"--cases={arguments.cases}: none of its {len(cases)} exhibits can be used, see above")
    said = calibration_report.write(out, gallery, used, exhibits, arguments.population, arguments.seed)
    screen.show(said)
    print(f"{out}: {len(used)} of {len(cases)} cases", file=sys.stderr)
    return 0


def embedder_of(gallery, option: str):
    """The recogniser that a gallery was made with. Raises ConfigError where it is another now."""
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.tracing.embedder import Embedder

    embedder = Embedder(gallery.identity.recogniser, batch_size=4)  # an exhibit has three faces, and few references
    if differences := embedder.identity.differences(gallery.identity):
        raise ConfigError(f"--gallery={option}: made by another network than is at hand ({differences})")
    return embedder


def head_of(workdir, embedder):
    """The trace head of a run on the gallery's recogniser; None where none is named. Raises ConfigError."""
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.runs.errors import CheckpointError
    from dfrec_jax.tracing.head import Head

    if not workdir:
        return None
    try:
        return Head(workdir, embedder)
    except CheckpointError as error:
        said = str(error).removeprefix("--workdir=").removeprefix(f"{workdir}: ")
        raise ConfigError(f"--head={workdir}: {said}") from error
