"""`dfrec masks`: the pictures and masks that another inpainting program needs to fill a row of a table."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Adds the subcommand."""
    words = "write the test faces and the masks of their components, for another inpainting program"
    parser = subparsers.add_parser("masks", help=words, description=words)
    parser.add_argument("--out", required=True, metavar="DIR", help="a folder for each data set is made in it")
    parser.add_argument("--workdir", default="", help="a run, whose data, attack and size are meant")
    parser.add_argument("--dataset", default="", help="the name of a data set in place of the run's")
    parser.add_argument("--data-dir", default="", metavar="DIR", help="where it is, as `dfrec prepare` wrote it")
    parser.add_argument(
        "--attack",
        default="",
        help="its attack; of drawn faces `leak 0 to 0.1`, `leak 0.1 to 0.25`, `leak 0.25 to 0.4`",
    )
    parser.add_argument("--size", type=int, default=0, help="side in pixels (default: the run's, or 224)")
    parser.add_argument(
        "--examples", type=int, default=0, help="the first so many (default: as many as a table takes of the run)"
    )
    parser.add_argument(
        "--hole", type=int, choices=(0, 1), default=0, help="what a mask has in the hole (default 0: 1 is kept)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes them and prints the folder."""
    from dfrec_jax.paper import masks

    measured, base = masks.asked(
        arguments.workdir,
        arguments.dataset,
        arguments.data_dir,
        arguments.attack,
        arguments.size,
        arguments.examples,
    )
    print(masks.write(measured, base, Path(arguments.out), arguments.hole))
    return 0
