"""`dfrec`, the command-line tool, and how every program of the project ends on bad input."""

import argparse
import ast
import atexit
import io
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from absl import app, flags, logging

from dfrec_jax.commands import huge_pages

# All else is imported when a program has begun, so that Ctrl-C in the seconds that it takes ends in one line as well.

BAD_INPUT = 2
INTERRUPTED = 130  # what a shell calls the end by SIGINT
BROKEN_PIPE = 141  # and by SIGPIPE
_ANY_TEXT = ("data", "data_dir", "weights_dir", "set", "beam", "origin")  # may be an address, or is no name of a file
_QUOTES = str.maketrans("", "", "'\"")
AGAIN_SECONDS = 0.05  # from a Ctrl-C that was lost to its repetition


class _Parser(argparse.ArgumentParser):
    """Refuses in one line, as the programs refuse all else."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"error: {message} (see `{self.prog} --help`)\n")


def main(argv: list[str] | None = None) -> None:
    """Runs one subcommand. Exits with 0 when all that was asked for was done, 2 for bad input, 130 after Ctrl-C."""
    if argv is None:
        _end_as_a_program(lambda: _run(sys.argv[1:]))
    sys.exit(_refusing(lambda: _run(argv)))


def run_app(main_function: Callable[[list[str]], None]) -> None:
    """absl's `app.run` for train.py and evaluate.py; bad flags and bad input are refused by one line and status 2."""
    _end_as_a_program(lambda: app.run(main_function, flags_parser=_parse_flags))


def run_refusing(action: Callable[[], int | None]) -> None:
    """For a program whose flags are parsed elsewhere: bad input ends it in one line and status 2."""
    _end_as_a_program(action)


def _end_as_a_program(action: Callable[[], int | None]) -> NoReturn:
    """Exits with the status of `_refusing`. After Ctrl-C Python is left as soon as all that waits for the end has run:
    a compilation that was interrupted makes it crash when it takes down its modules."""
    huge_pages.ask()
    sys.unraisablehook = repeating_ctrl_c(sys.unraisablehook)
    _open_streams()
    status = 0

    def leave() -> None:
        if status == INTERRUPTED:
            sys.stdout.flush()
            os._exit(status)

    atexit.register(leave)  # before anything else registers, and so called after all of it
    try:
        status = _refusing(action)
    except BaseException:
        if _has_failed_among_hosts():
            traceback.print_exc()
            _leave_at_once(1)
        raise
    if _has_failed_among_hosts():
        _leave_at_once(status)
    sys.exit(status)


def _has_failed_among_hosts() -> bool:
    """Whether this is one of several hosts, and not at the end of its work: at Python's end JAX waits for the others,
    which wait for this one."""
    hosts = sys.modules.get("dfrec_jax.runs.hosts")
    return hosts is not None and hosts.is_alone()


def _leave_at_once(status: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _open_streams() -> None:
    """Gives a standard stream that is closed, as by `>&-`, to nowhere: the next file that is opened would get its
    number, and what libraries print would be written into that. Names that a terminal cannot show are escaped."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest that is free
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def repeating_ctrl_c(report: Callable[[Any], object]) -> Callable[[Any], None]:
    """A hook for `sys.unraisablehook`, which hears of errors that nobody can catch; all but Ctrl-C go on to `report`.

    JAX is called back at each garbage collection. A Ctrl-C that comes while that is at work is raised in there, where
    Python prints it and goes on; so it is in a `__del__`. Here the process is sent the same signal once more.
    """

    def hook(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            report(unraisable)
            return
        # Later and by another thread: raised at once, it would be lost in this very hook.
        again = threading.Timer(AGAIN_SECONDS, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
        again.daemon = True
        again.start()

    return hook


def _run(words: list[str]) -> int:
    import importlib.metadata

    import shtab

    from dfrec_jax.commands import startup  # first: it sets what jax reads when it is imported
    from dfrec_jax.files import addresses

    # isort: split
    from dfrec_jax.commands import (
        data,
        doctor,
        draw,
        export,
        masks,
        prepare,
        recover,
        reference,
        reporting,
        runs,
        serve,
        ship,
        sweep,
        trace,
        verify,
        weights,
    )

    parser = _Parser(prog="dfrec", description="Recovers the two faces behind a face-swap deepfake.")
    parser.add_argument("--version", action="version", version=f"dfrec {importlib.metadata.version('dfrec-jax')}")
    shtab.add_argument_to(parser, help="print what makes this shell complete the words of `dfrec`")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    recovering = (recover, reference, trace, verify, serve)
    for command in (*recovering, prepare, sweep, data, runs, weights, export, ship, masks, draw, doctor):
        command.add_parser(subparsers)
    arguments = parser.parse_args(startup.expand_home(words))
    _refuse_empty(words)
    may_be = {*_ANY_TEXT, *reporting.CASE}
    given = {name: value for name, value in vars(arguments).items() if name not in may_be}
    addresses.refuse({f"--{name.replace('_', '-')}": value for name, value in given.items()})
    if arguments.run is not doctor.run:  # which says what is wrong with what the others refuse
        startup.prepare_libraries()
    return arguments.run(arguments)


def _refuse_empty(words: list[str]) -> None:
    """Raises ConfigError for an empty word, but as one of a case: what a program does without a key, a gallery or a
    network is not what was meant, and an empty name is that of the folder here, which would be written to."""
    from dfrec_jax.commands import reporting
    from dfrec_jax.config.errors import ConfigError

    may_be = {"--origin", *(option for option, _ in reporting.CASE.values())}
    for before, word in zip(words, words[1:], strict=False):
        option, is_set, value = word.partition("=") if word.startswith("--") else (before, "=", word)
        if is_set and not value and option not in may_be:
            where = f"{option}: an empty word" if option.startswith("--") else f"an empty word (after `{before}`)"
            raise ConfigError(f"{where}; is a variable of the shell not set? Name what is meant, or leave it out")


def _parse_flags(argv: list[str]) -> list[str]:
    """Flags and config overrides, typed by the config file; raises ConfigError for what does not fit it."""
    from dfrec_jax.commands import startup
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.files import addresses

    try:
        rest = flags.FLAGS([argv[0], *startup.expand_home(argv[1:])])
        if flags.FLAGS["verbosity"].using_default_value:
            flags.FLAGS.verbosity = logging.WARNING  # or absl would say INFO, and orbax a page at each checkpoint
        addresses.refuse({f"--{name}": flags.FLAGS[name].value for name in flags.FLAGS}, but=("--data_dir",))
        if "config" in flags.FLAGS and flags.FLAGS["config"].value is not None:
            _ = flags.FLAGS["config"].value.keys  # says so where the file could not be loaded
    except SystemExit:  # of --help, for which absl ends with 1
        sys.exit(0)
    except SyntaxError as error:
        raise ConfigError(f"--config: is no file of Python ({error}); name one under configs/") from error
    except addresses.StoreError:
        raise
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        words = _words_of(error)
        fields = ", and the fields in dfrec_jax/config/defaults.py" if "config" in flags.FLAGS else ""
        raise ConfigError(f"{words} (see --help{fields})") from error
    if rest[1:]:
        raise ConfigError(f"{' '.join(rest[1:])}: no word is expected beside the flags; was it meant as --flag=value?")
    startup.prepare_libraries()
    return rest


def _words_of(error: Exception) -> str:
    """One line; of the traceback that ml_collections makes part of its message, its end."""
    words = str(error)
    if re.fullmatch(r"""(['"]).*\\n.*\1""", words):  # the words of one error quoted by another
        words = ast.literal_eval(words)
    if missing := re.search(r"No such file or directory: '(.*\.py)'", words):
        return f"--config={missing[1]}: no such file"
    before, _, traceback = words.partition("Traceback (most recent call last):")
    words = " ".join([*before.split(), *traceback.strip().rpartition("\n")[2].split()])
    if isinstance(error, KeyError):  # whose words are the name in quotes, twice
        words = f"the config has no field {words.translate(_QUOTES)}"
    return words


def _refusing(action: Callable[[], int | None]) -> int:
    """Runs `action`; an error that is about the input or the machine becomes one line on stderr and status 2.

    Any other exception is a fault of the program and keeps its traceback.
    """
    try:
        return _ended(action)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has had enough, as in `dfrec weights list | head`
        _drop_output()
        return BROKEN_PIPE
    except OSError as error:
        if error.errno is None:  # not of the system: raised by a library, for reasons of its own
            raise
        files = " and ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        print(f"error: {files or 'a file or standard output'}: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
    except ValueError as error:
        from dfrec_jax.config.errors import typed

        if not isinstance(error, _refusals()):
            raise
        print(f"error: {typed(error)}", file=sys.stderr)
        return BAD_INPUT
    except RuntimeError as error:
        if not str(error).startswith("Unable to initialize backend"):
            raise
        print(f"error: {error} (`dfrec doctor` shows the devices that JAX finds)", file=sys.stderr)
        return BAD_INPUT


def _ended(action: Callable[[], int | None]) -> int:
    """The status of `action`, which absl and argparse raise, when all that it printed is written."""
    try:
        status = action()
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        status = end.code
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        raise OSError(error.errno, error.strerror, "standard output") from error
    return int(status or 0)


def _drop_output() -> None:
    """What is printed and not written goes nowhere, or the flush at Python's end would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refusals() -> tuple[type[ValueError], ...]:
    """What is raised for bad input, each by the part that finds it."""
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.examples.encoded import DamagedPicture
    from dfrec_jax.files.addresses import StoreError
    from dfrec_jax.files.cache import CacheError
    from dfrec_jax.pictures.reading import ImageError
    from dfrec_jax.preparation.plan import PreparationError
    from dfrec_jax.runs.errors import CheckpointError
    from dfrec_jax.weights.rules import WeightsError

    ours = CacheError, CheckpointError, ConfigError, DamagedPicture, ImageError, PreparationError, StoreError
    return *ours, WeightsError


if __name__ == "__main__":
    main()
