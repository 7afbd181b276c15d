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
    parser.add_argument(
        "--assume", choices=("swap",), default="", help="they are swaps, whatever the network says; see the README"
    )
    parser.add_argument(
        "--visible", nargs="+", default=(), metavar="REF", help="pictures of the person who is seen in all of them"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Recovers each picture and prints the path of its panel; 2 where one of them was refused."""
    from dfrec_jax import perceptors
    from dfrec_jax.config.allowed import LARGEST_SEED
    from dfrec_jax.config.errors import ConfigError, require
    from dfrec_jax.forensics.recover import recover

    if arguments.batch_size < 1:
        raise ConfigError(f"--batch-size={arguments.batch_size}: must be 1 or more")
    require(0 <= arguments.seed <= LARGEST_SEED, "--seed", arguments.seed, f"from 0 to {LARGEST_SEED}")
    outcomes = recover(
        arguments.images,
        arguments.workdir,
        arguments.out,
        seed=arguments.seed,
        which=arguments.checkpoint,
        batch_size=arguments.batch_size,
        assume=arguments.assume,
        visible=arguments.visible,
        load_network=perceptors.load_network,
    )
    num_refused = 0
    for number, outcome in enumerate(outcomes, 1):
        for warning in outcome.warnings:
            print(f"warning: {outcome.path}: {warning}", file=sys.stderr)
        if outcome.folder is None:
            print(f"error: {outcome.refusal}", file=sys.stderr)
            num_refused += 1
        else:
            print(outcome.folder / "panel.png", flush=True)
        is_kept = " (the same result was there already)" if outcome.was_there else ""
        print(f"{number}/{len(arguments.images)}{is_kept}", file=sys.stderr)
    if num_refused and len(arguments.images) > 1:
        print(f"error: {num_refused} of {len(arguments.images)} pictures were refused, see above", file=sys.stderr)
    return 2 if num_refused else 0
