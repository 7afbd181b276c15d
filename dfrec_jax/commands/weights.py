"""`dfrec weights list | fetch | import | check | export`."""

import argparse
import shutil
import sys
from pathlib import Path

from dfrec_jax.files import whole
from dfrec_jax.weights import digest, registry, resolution
from dfrec_jax.weights.registry import RELEASES, Release
from dfrec_jax.weights.rules import WeightsError


def add_parser(subparsers) -> None:
    """Adds the subcommand with its own."""
    words = "list, fetch, import, check and export weight files"
    parser = subparsers.add_parser("weights", help=words, description=words)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add(actions, "list", run_list, "every weight file: role, address, checksum, licence, where it was found")

    fetch = _add(actions, "fetch", run_fetch, "download into the cache, checksum verified; goes on where it stopped")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="a name of `dfrec weights list`")

    into = _add(actions, "import", run_import, "take a file that was fetched by hand")
    into.add_argument("file", metavar="FILE", help="as it was published")
    into.add_argument("--as", dest="name", required=True, metavar="NAME", help="a name of `dfrec weights list`")
    into.add_argument(
        "--workdir",
        help="a new folder to make a run in: of dfrec-ftm (default runs/dfrec-ftm), with --like of a compared method",
    )
    into.add_argument("--like", default="", metavar="RUN", help="whose data and metrics the run of --workdir has")

    check = _add(actions, "check", run_check, "found, checksum, tensors, forward pass, for each network")
    check.add_argument(
        "names", nargs="*", metavar="NAME", help="a name of `dfrec weights list` (default: all that are found)"
    )
    check.add_argument(
        "--weights-dir", default="", help="folder that is searched first (default: $DFREC_WEIGHTS, then the cache)"
    )

    export = _add(actions, "export", run_export, "write the network of a run as a file")
    export.add_argument("--workdir", required=True, help="folder of a training run or of an imported network")
    target = export.add_mutually_exclusive_group(required=True)
    target.add_argument("--to-torch", metavar="FILE", help="a DFREC of mode 'released', as its authors' PyTorch file")
    target.add_argument(
        "--to-safetensors", metavar="FILE", help="an attribute classifier, as frozen.attributes takes it"
    )
    export.add_argument(
        "--checkpoint", default="best", help="best by the validation score (default), newest, or the number of a step"
    )


def _add(actions, name: str, run, words: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=words, description=words)
    parser.set_defaults(run=run)
    return parser


def run_list(arguments: argparse.Namespace) -> int:
    """Prints a paragraph for each release."""
    for release in RELEASES.values():
        size = f"{release.num_bytes / 1e6:.4g} MB" if release.num_bytes else "size unknown"
        print(f"{release.name}: {release.role}")
        print(f"  file    {release.file} ({release.format}, {size}, licence: {release.licence})")
        print(f"  from    {release.url or release.page}{'' if release.url else ', by hand'}")
        print(f"  sha256  {release.sha256 or 'unknown'}")
        print(f"  found   {resolution.whereabouts(release) or 'no'}")
    return 0


def run_fetch(arguments: argparse.Namespace) -> int:
    """Downloads each release that is not in the cache; one that fails does not keep the others from coming."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from dfrec_jax.weights.download import download

    releases, failed = [registry.find(name) for name in arguments.names], 0
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    for release in releases:
        if release.comes_with:
            print(f"{release.name}: comes with the package: {resolution.locate(release)}")
            continue
        target = resolution.store() / release.name / release.file
        try:
            if target.is_file() and digest.check(target, release):
                print(f"{release.name}: already at {target}")
                continue
        except WeightsError as error:
            print(f"{error}; fetching it again", file=sys.stderr)
        try:
            with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
                task = bar.add_task(release.name, total=release.num_bytes or None)
                sha256 = download(
                    release,
                    target,
                    progress=lambda done, total, task=task, bar=bar: bar.update(
                        task, completed=done, total=total or None
                    ),
                )
        except WeightsError as error:
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        known = "as the registry says" if release.sha256 else "the registry knows none: compare it with another source"
        print(f"{release.name}: {target}\n  sha256 {sha256} ({known})\n  licence {release.licence}, see {release.page}")
    return 2 if failed else 0


def run_import(arguments: argparse.Namespace) -> int:
    """Checks the file against everything that is known of it and puts it into the cache, or makes a workdir of it."""
    from dfrec_jax.commands import weights_check
    from dfrec_jax.runs import published_method, released

    release, source = registry.find(arguments.name), Path(arguments.file)
    if not source.is_file():
        raise WeightsError(f"{source}: there is no such file")
    if release.comes_with:
        raise WeightsError(f"{release.name}: comes with the package, and is taken from there: nothing to import")
    if release.name == released.NAME:
        workdir = Path(arguments.workdir or f"runs/{release.name}")
        print(released.import_checkpoint(source, workdir, release))
        return 0
    if arguments.workdir and release.name in published_method.TASKS:
        print(published_method.make_workdir(source, Path(arguments.workdir), release, arguments.like))
        return 0
    if arguments.workdir:
        names = ", ".join((released.NAME, *published_method.TASKS))
        raise WeightsError(f"--workdir={arguments.workdir}: only {names} become workdirs; leave it out")
    digest.check(source, release)
    described, _, _ = weights_check.examine(release, source)
    print(f"{release.name}: {described}")
    target = resolution.store() / release.name / release.file
    _place(source, target, release)
    print(f"{release.name}: {target}")
    return 0


def _place(source: Path, target: Path, release: Release) -> None:
    """Copies the file whole or not at all; a pickle of arrays becomes an npz where that is the release's form."""
    import numpy as np

    from dfrec_jax.weights.readers import read

    try:
        with whole.replacing(target) as unfinished:
            if release.format == "npz" and source.suffix == ".pkl":
                with unfinished.open("wb") as file:  # by its name NumPy would add an ending
                    np.savez(file, allow_pickle=False, **read(source))
            else:
                shutil.copyfile(source, unfinished)
    except OSError as error:
        raise WeightsError(f"{target}: cannot be written: {error}") from error


def run_check(arguments: argparse.Namespace) -> int:
    """Prints a paragraph for each network; 2 where something found is wrong or something named is missing."""
    from dfrec_jax.commands import weights_check

    releases = [registry.find(name) for name in arguments.names] or list(RELEASES.values())
    num_wrong = 0
    for release in releases:
        print(f"{release.name}: {release.role}")
        try:
            for line in weights_check.report(release, arguments.weights_dir):
                print(f"  {line}", flush=True)
        except resolution.WeightsMissing as error:
            print(f"  found    no: {error}" if arguments.names else "  found    no")
            num_wrong += bool(arguments.names)
        except WeightsError as error:
            print(f"  wrong    {error}")
            num_wrong += 1
    if num_wrong:
        print(f"error: {num_wrong} of {len(releases)} wrong or missing", file=sys.stderr)
    return 2 if num_wrong else 0


def run_export(arguments: argparse.Namespace) -> int:
    """Writes the three state dicts of the authors' format, or an attribute classifier's weights."""
    from dfrec_jax.runs import classifier, released

    if arguments.to_safetensors:
        print(classifier.export(arguments.workdir, Path(arguments.to_safetensors), arguments.checkpoint))
        return 0
    print(released.export_checkpoint(arguments.workdir, Path(arguments.to_torch), arguments.checkpoint))
    return 0
