"""`dfrec recover INPUT... --out DIR`, by the network that comes with the package or that of a run."""

import argparse
import sys
from typing import Any

from dfrec_jax.commands import reporting


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    words = "source face, target face and map from pictures and videos"
    parser = subparsers.add_parser("recover", help=words, description=words)
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a picture, a video, a folder of them, or a pattern in quotes; several: each by itself",
    )
    add_network(parser)
    parser.add_argument(
        "--out", required=True, help="folder in which each picture's result gets a folder of the picture's name"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the masking noise, from 0 to 4294967295 (default 0)")
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="draws of the noise, from --seed on: mean, spread and stability of the recovered target (default 1)",
    )
    parser.add_argument(
        "--checks",
        action="store_true",
        help="how each result moves when its exhibit gets worse, and whether it explains the exhibit",
    )
    parser.add_argument(
        "--checkpoint", default="best", help="best by the validation score (default), newest, or the number of a step"
    )
    parser.add_argument(
        "--crop",
        choices=("trained", "none"),
        default="trained",
        help="trained (default): the face is found and cut out as in training; none: the pictures are cropped so",
    )
    parser.add_argument("--all-faces", action="store_true", help="each face, not the largest near the middle alone")
    parser.add_argument(
        "--frames", type=int, default=32, metavar="N", help="of a video that are looked at (default 32)"
    )
    parser.add_argument("--best", type=int, default=5, metavar="N", help="of them that are recovered (default 5)")
    parser.add_argument(
        "--faces", metavar="FILE", help="JSON with the box or landmarks of each picture's face; see the README"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="recover what the gate stops too (no face, too small, too blurred, ...); stands in the record",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        default=1,
        help="pictures at a time, 1 or more (default 1, whose results are the same to the bit whatever else is there)",
    )
    parser.add_argument(
        "--assume",
        choices=("swap",),
        default="",
        help="the pictures are swaps, whatever the network says: where its map leaves the face out, the face's region "
        "takes its place (default: the network says)",
    )
    visible = parser.add_mutually_exclusive_group()
    visible.add_argument(
        "--visible",
        nargs="+",
        default=(),
        metavar="REF",
        help="pictures of the one person who is seen in all of them, for networks that were trained to be told "
        "(tirm.identity_width above 0), and for the search of --gallery (default: nobody is told)",
    )
    visible.add_argument(
        "--estimate-visible",
        action="store_true",
        help="each recovered source is taken for the person who is seen, in a second pass, for such networks; measured "
        "by the row `visible person estimated` of evaluate.py",
    )
    reporting.add_arguments(parser)
    parser.set_defaults(run=run)


def add_network(parser: argparse.ArgumentParser) -> None:
    """Adds the two ways to name a network."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--workdir", help="folder of a training run, or of an imported or packed network")
    which.add_argument(
        "--network",
        default="",
        metavar="NAME",
        help="one that comes with the package: dfrec-small, of photographs (where no --workdir is named), or drawn",
    )


def run(arguments: argparse.Namespace) -> int:
    """Recovers each input and prints the path of its panel, or of its report; of its record where nothing is given
    out; 2 where one of the inputs was refused."""
    from dfrec_jax.forensics import packed_network
    from dfrec_jax.forensics.inputs import listed
    from dfrec_jax.forensics.recover import recover
    from dfrec_jax.forensics.recovery import RECOVERED
    from dfrec_jax.forensics.report.contents import HTML
    from dfrec_jax.forensics.result_folder import RECORD
    from dfrec_jax.forensics.result_pictures import PANEL
    from dfrec_jax.forensics.video import Sampling

    _check(arguments)
    paths, remarks = listed(arguments.inputs)
    for remark in remarks:
        print(f"warning: {remark}", file=sys.stderr)
    recoverer = recoverer_of(arguments, len(paths))
    if recoverer.packed is not None:
        print(packed_network.words(recoverer.packed), file=sys.stderr)
    print(f"faces are {recoverer.looker.face_check}", file=sys.stderr)
    report = reporting.report_of(arguments, recoverer)
    sampling = Sampling(arguments.frames, arguments.best)
    outcomes = recover(paths, recoverer, arguments.out, every=arguments.all_faces, frames=sampling, report=report)
    seen, refused = set(), set()
    for outcome in outcomes:
        for warning in outcome.warnings:
            print(f"warning: {outcome.path}: {warning}", file=sys.stderr)
        if outcome.status != RECOVERED:
            print(f"{outcome.status}: {outcome.path}: {outcome.reason}", file=sys.stderr)
        seen.add(outcome.path)
        if outcome.folder is None:
            print(f"error: {outcome.refusal}", file=sys.stderr)
            refused.add(outcome.path)
        else:
            panel = outcome.folder / (PANEL if report is None else HTML)
            print(panel if panel.exists() else outcome.folder / RECORD, flush=True)
        is_kept = " (the same result was there already)" if outcome.was_there else ""
        print(f"{len(seen)}/{len(paths)}{is_kept}", file=sys.stderr)
    if refused and len(paths) > 1:
        print(f"error: {len(refused)} of {len(paths)} files were refused, see above", file=sys.stderr)
    return 2 if refused else 0


def _check(arguments: argparse.Namespace) -> None:
    from dfrec_jax.config.allowed import LARGEST_SEED
    from dfrec_jax.config.errors import ConfigError, require

    if arguments.batch_size < 1:
        raise ConfigError(f"--batch-size={arguments.batch_size}: must be 1 or more")
    require(0 <= arguments.seed <= LARGEST_SEED, "--seed", arguments.seed, f"from 0 to {LARGEST_SEED}")
    for name in ("frames", "best"):
        require(getattr(arguments, name) >= 1, f"--{name}", getattr(arguments, name), "1 or more")
    most = LARGEST_SEED - arguments.seed + 1
    require(1 <= arguments.seeds <= most, "--seeds", arguments.seeds, f"from 1 to {most}")


def recoverer_of(arguments: argparse.Namespace, num_files: int = 1) -> Any:
    """The network, and what it is told, as the words say, for so many files."""
    from dfrec_jax.forensics.recoverer import Recoverer

    return Recoverer(
        arguments.workdir,
        network=arguments.network,
        which=arguments.checkpoint,
        seed=arguments.seed,
        num_seeds=arguments.seeds,
        examine=arguments.checks,
        crop=arguments.crop,
        faces=arguments.faces,
        assume=arguments.assume,
        visible=_told(arguments),
        estimate_visible=arguments.estimate_visible,
        force=arguments.force,
        batch_size=arguments.batch_size if arguments.all_faces else min(arguments.batch_size, num_files),
    )


def _told(arguments: argparse.Namespace) -> Any:
    """The references that the network is told: none, with a word, where it cannot be told and a gallery is searched by
    them; else what was named, which is refused where it cannot be told."""
    from dfrec_jax.runs import shipped, stored_config

    if not (arguments.visible and arguments.gallery):
        return arguments.visible
    if stored_config.load(shipped.chosen(arguments.workdir, arguments.network)).tirm.identity_width:
        return arguments.visible
    words = "this network (tirm.identity_width=0) cannot be told who is seen; the gallery alone is searched by them"
    print(f"warning: --visible: {words}", file=sys.stderr)
    return ()
