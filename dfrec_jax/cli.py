"""`dfrec`, the command-line tool, and how every program of the project ends on bad input."""

import argparse
import os
import sys
from collections.abc import Callable

from absl import app, flags, logging

from dfrec_jax.commands import data, draw, prepare, recover, weights
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.pictures.reading import ImageError
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.runs.checkpoint import CheckpointError
from dfrec_jax.weights.rules import WeightsError

BAD_INPUT = 2
BROKEN_PIPE = 141  # what a shell calls the end by SIGPIPE


def main(argv: list[str] | None = None) -> None:
    """Runs one subcommand. Exits with 0 when all that was asked for was done, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="dfrec", description="Recovers the two faces behind a face-swap deepfake.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (recover, prepare, data, weights, draw):
        command.add_parser(subparsers)
    arguments = parser.parse_args(argv)
    sys.exit(_refusing(lambda: arguments.run(arguments)))


def run_app(main_function: Callable[[list[str]], None]) -> None:
    """absl's `app.run` for train.py and evaluate.py; bad flags and bad input are refused by one line and status 2."""
    sys.exit(_refusing(lambda: app.run(main_function, flags_parser=_parse_flags)))


def _parse_flags(argv: list[str]) -> list[str]:
    """Flags and config overrides, typed by the config file; raises ConfigError for what does not fit it."""
    try:
        rest = flags.FLAGS(argv)
        if flags.FLAGS["verbosity"].using_default_value:
            flags.FLAGS.verbosity = logging.WARNING  # or absl would say INFO, and orbax a page at each checkpoint
        if "config" in flags.FLAGS and flags.FLAGS["config"].value is not None:
            _ = flags.FLAGS["config"].value.keys  # says so where the file could not be loaded
        return rest
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        words = " ".join(str(error).split())
        raise ConfigError(f"{words} (see --help, and the fields in dfrec_jax/config/defaults.py)") from error


def _refusing(action: Callable[[], int | None]) -> int:
    """Runs `action`; an error that is about the input becomes one line on stderr and status 2."""
    try:
        status = int(action() or 0)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read the output has had enough, as in `dfrec weights list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the flush at the end would say so again
        return BROKEN_PIPE
    except (CheckpointError, ConfigError, ImageError, PreparationError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
