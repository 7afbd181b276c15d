"""`dfrec trace index | search | calibrate`: who may be behind a swap."""

import argparse
import sys
from pathlib import Path

from dfrec_jax.commands import trace_calibrate, trace_networks


def add_parser(subparsers) -> None:
    """Adds the subcommands."""
    parser = subparsers.add_parser("trace", help="who may be behind a swap: galleries of known people, and a search")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_index(commands)
    _add_search(commands)
    trace_calibrate.add_parser(commands)


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
    search.add_argument("--head", metavar="DIR", help=trace_networks.HEAD_HELP)
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
    embedder = trace_networks.embedder_of(gallery, arguments.gallery)
    head = trace_networks.head_of(arguments.head, embedder)
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
