"""The flags of evaluate.py's request, for benchmarks that measure by it."""

import argparse

from dfrec_jax.evaluation.request import Request


def add_to(parser: argparse.ArgumentParser) -> None:
    """A flag for each field of `Request`, with its default."""
    for field, default in Request()._asdict().items():
        if isinstance(default, bool):
            parser.add_argument(f"--{field}", action="store_true")
        else:
            parser.add_argument(f"--{field}", type=type(default), default=default)
