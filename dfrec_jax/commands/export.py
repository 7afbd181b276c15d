"""`dfrec export --out DIR`, of a run's network or one that comes with the package."""

import argparse
from pathlib import Path

from dfrec_jax.commands.recover import add_network


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    words = "recovery as StableHLO and ONNX, for programs without this package"
    parser = subparsers.add_parser("export", help=words, description=f"{words}; docs/export.md")
    add_network(parser)
    parser.add_argument("--out", required=True, help="new folder for programs, weights, an example and a manifest")
    parser.add_argument(
        "--checkpoint", default="best", help="best by the validation score (default), newest, or the number of a step"
    )
    parser.add_argument(
        "--formats", default="stablehlo,onnx", help="with commas between (default stablehlo,onnx)", metavar="FORMATS"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints a line about each program, how far it is from the network, and the manifest's path."""
    from dfrec_jax.exporting import folder
    from dfrec_jax.runs import shipped

    formats = [name for name in arguments.formats.split(",") if name]
    workdir = shipped.chosen(arguments.workdir, arguments.network)
    for line in folder.write(workdir, Path(arguments.out), arguments.checkpoint, formats):
        print(line)
    return 0
