"""`dfrec draw`: swaps of embedded faces as picture files, to try things out on."""

import argparse
from pathlib import Path

LARGEST_SIZE = 2048  # pixels: drawing one takes 1.8 GB of memory


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    words = "draw face swaps of the embedded data set, to try things out on"
    parser = subparsers.add_parser("draw", help=words, description=words)
    parser.add_argument("--out", required=True, help="folder for SPLIT-NUMBER.png")
    parser.add_argument(
        "--split", default="test", choices=["train", "validation", "test"], help="whose faces (default test)"
    )
    parser.add_argument("--count", type=int, default=4, help="how many, from the split's first on (default 4)")
    parser.add_argument("--size", type=int, default=64, help=f"side in pixels, 16 to {LARGEST_SIZE} (default 64)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draws the first swaps of the split and prints their paths."""
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.pictures import grid
    from dfrec_jax.synthetic import dataset

    largest = dataset.split_of(arguments.split).num_examples
    if not 1 <= arguments.count <= largest:
        raise ConfigError(f"--count={arguments.count}: must be from 1 to {largest}")
    if not 16 <= arguments.size <= LARGEST_SIZE:
        raise ConfigError(f"--size={arguments.size}: must be from 16 to {LARGEST_SIZE} pixels")
    for index in range(arguments.count):
        picture = dataset.example(index, arguments.split, size=arguments.size)["image"]
        path = Path(arguments.out) / f"{arguments.split}-{index:04d}.png"
        grid.save_array(picture / 255.0, path)
        print(path)
    return 0
