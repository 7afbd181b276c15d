"""`dfrec recover IMAGE... --workdir W --out DIR`."""

import argparse
import sys


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    parser = subparsers.add_parser("recover", help="source face, target face and map from pictures")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a picture of one face")
    parser.add_argument("--workdir", required=True, help="folder of a training run or of an imported network")
    parser.add_argument("--out", required=True, help="folder of the results")
    parser.add_argument("--seed", type=int, default=0, help="of the masking noise (default 0)")
    parser.add_argument("--checkpoint", default="best", help="best (default), newest, or a step")
    parser.add_argument(
        "--batch-size",
        type=int,
        default=1,
        help="pictures at a time (default 1, whose results are the same to the bit)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Recovers each picture and prints the path of its panel."""
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.forensics.recover import recover

    if arguments.batch_size < 1:
        raise ConfigError(f"--batch-size={arguments.batch_size}: must be 1 or more")
    if arguments.seed < 0:
        raise ConfigError(f"--seed={arguments.seed}: must be 0 or more")
    folders = recover(
        arguments.images,
        arguments.workdir,
        arguments.out,
        seed=arguments.seed,
        which=arguments.checkpoint,
        batch_size=arguments.batch_size,
    )
    for number, folder in enumerate(folders, 1):
        print(folder / "panel.png")
        print(f"{number}/{len(arguments.images)}", file=sys.stderr)
    return 0
