"""The words of `dfrec recover --report`."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CASE = {
    "case_number": ("--case", "number of the case"),
    "operator": ("--operator", "who runs this"),
    "acquisition": ("--acquisition", "how the exhibit was acquired, and where the original is"),
    "legal_basis": ("--legal-basis", "on which biometric data are processed"),
    "authorisation": ("--authorisation", "its number, or who gave it"),
    "gallery_origin": ("--gallery-origin", "where pictures of known people come from, and by what right"),
    "second_verifier": ("--second-verifier", "who checks it independently"),
}


OF_SEARCH = ("calibration", "head", "foils")  # options that mean nothing without --gallery


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what a report is asked for by."""
    group = parser.add_argument_group("report")
    group.add_argument(
        "--report",
        action="store_true",
        help="write report.html, report.pdf and the hashes of all into each folder; `dfrec verify FOLDER` checks them",
    )
    group.add_argument("--sign", metavar="KEY.pem", help="sign the report with this Ed25519 private key")
    add_search(group)
    for name, (option, words) in CASE.items():
        group.add_argument(option, dest=name, default="", metavar="WORDS", help=f"for the report: {words}")


def add_search(parser: Any) -> None:
    """Adds what a gallery is searched by."""
    parser.add_argument("--gallery", metavar="DIR", help="of `dfrec trace index`: search it, and report the candidates")
    parser.add_argument("--calibration", metavar="DIR", help="of `dfrec trace calibrate`: print likelihood ratios")
    parser.add_argument("--head", metavar="DIR", help="as of `dfrec trace search`: a trained trace head")
    parser.add_argument("--foils", metavar="DIR", help="a gallery of people known to be innocent, ranked and shown too")


def defaults(images: list[str], out: str) -> argparse.Namespace:
    """The words of `dfrec recover` where nothing else is said."""
    from dfrec_jax.commands import recover

    parser = argparse.ArgumentParser()
    recover.add_parser(parser.add_subparsers())
    return parser.parse_args(["recover", "--out", out, "--", *images])


def report_of(arguments: argparse.Namespace, recoverer: Any, *, ahead: bool = False) -> Any | None:
    """The report that is asked for, everything read that it needs; None where none is. `ahead`: see `Report`.

    Raises:
      ConfigError: for words of a report without --report, or a key, gallery or calibration that cannot be used.
    """
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.forensics.report import sealing
    from dfrec_jax.forensics.report.case import Case
    from dfrec_jax.forensics.report.write import Report

    if not arguments.report:
        options = {"sign": "--sign", "gallery": "--gallery"} | {name: f"--{name}" for name in OF_SEARCH}
        options |= {name: option for name, (option, _) in CASE.items()}
        if given := [option for name, option in options.items() if getattr(arguments, name)]:
            raise ConfigError(f"{given[0]}: is of a report, and none is asked for; add --report, or leave it out")
        return None
    for name in OF_SEARCH:
        if getattr(arguments, name) and not arguments.gallery:
            raise ConfigError(f"--{name}: is of a search, and no --gallery is named; name one, or leave it out")
    key = sealing.private_key(arguments.sign) if arguments.sign else None
    search, searched_with = _search_of(arguments, recoverer) if arguments.gallery else (None, {})
    return Report(
        recoverer,
        Case(**{name: getattr(arguments, name) for name in CASE}),
        key=key,
        search=search,
        searched_with=searched_with,
        ahead=ahead,
    )


def _search_of(arguments: argparse.Namespace, recoverer: Any) -> tuple[Any, Mapping[str, Any]]:
    """What searches the gallery for a result, and what says which gallery it is, and by what it is searched.

    Raises:
      ConfigError: for a gallery, foils, a head or a calibration that cannot be used, or not together.
    """
    import shutil

    from dfrec_jax.commands import trace_networks
    from dfrec_jax.forensics.report import contents
    from dfrec_jax.tracing import calibration as calibration_lib
    from dfrec_jax.tracing import gallery as gallery_lib
    from dfrec_jax.tracing import routes, search, search_report

    gallery = gallery_lib.read(arguments.gallery)
    foils = gallery_lib.read(arguments.foils, option="--foils") if arguments.foils else None
    if foils is not None:
        search.check_foils(gallery, foils)
    calibration = calibration_lib.read(arguments.calibration) if arguments.calibration else None
    if calibration is not None:
        calibration.check(gallery.identity)
    embedder = trace_networks.embedder_of(gallery, arguments.gallery)
    head = trace_networks.head_of(arguments.head, embedder)
    if calibration is not None:
        calibration.check_networks(recoverer.identity["network_sha256"], None if head is None else head.sha256)
    visible = routes.visible_of([Path(path) for path in arguments.visible], embedder)

    def into(folder: Path) -> None:
        exhibit = routes.read(folder, embedder, visible, head)
        search_report.write(
            folder / contents.TRACE_DIR,
            exhibit,
            search.search(exhibit, gallery, foils, calibration, 10),
            gallery,
            foils,
            embedder,
            visible_sha256=() if visible is None else visible.sha256,
            calibration=calibration,
            places=8,
            seed=None,
        )
        if calibration is not None:
            shutil.copyfile(calibration.path / calibration_lib.RECORD, folder / contents.CALIBRATION)

    searched: dict[str, Any] = {
        "gallery": gallery.sha256,
        "calibration": None if calibration is None else calibration.sha256,
    }
    for name, value in (("foils", foils), ("head", head), ("visible", visible)):  # of an earlier version there is none
        if value is not None:
            searched[name] = list(value.sha256) if name == "visible" else value.sha256
    return into, searched
