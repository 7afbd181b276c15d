"""`dfrec serve`: a page on this machine."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from dfrec_jax.commands import reporting
from dfrec_jax.commands.recover import add_network

MOST_MIB = 64
LARGEST_PORT = 65535


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    words = "a page on this machine: drop a picture, look at what was recovered, download the report"
    parser = subparsers.add_parser("serve", help=words, description=words)
    add_network(parser)
    parser.add_argument("--checkpoint", default="best", help="best (default), newest, or the number of a step")
    parser.add_argument("--seed", type=int, default=0, help="of the masking noise (default 0)")
    parser.add_argument("--crop", choices=("trained", "none"), default="trained", help="as of `dfrec recover`")
    parser.add_argument("--assume", choices=("swap",), default="", help="as of `dfrec recover`")
    parser.add_argument(
        "--visible",
        nargs="+",
        default=(),
        metavar="REF",
        help="as of `dfrec recover`: pictures of the one person who is seen in all pictures that are dropped",
    )
    reporting.add_search(parser)
    parser.add_argument("--sign", metavar="KEY.pem", help="sign reports with this Ed25519 private key")
    parser.add_argument("--host", default="127.0.0.1", help="to listen on (default 127.0.0.1: this machine alone)")
    parser.add_argument("--port", type=int, default=0, help="to listen on (default 0: any that is free)")
    parser.add_argument(
        "--max-mib", type=int, default=MOST_MIB, metavar="N", help=f"largest picture in MiB (default {MOST_MIB})"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the address and serves until Ctrl-C or SIGTERM; then removes all that it was sent, and ends with 0."""
    from dfrec_jax.config.allowed import LARGEST_SEED
    from dfrec_jax.config.errors import ConfigError, require
    from dfrec_jax.forensics import packed_network
    from dfrec_jax.forensics.serve.jobs import Jobs
    from dfrec_jax.forensics.serve.server import LOCAL, Server
    from dfrec_jax.runs import shipped, stored_config

    require(0 <= arguments.seed <= LARGEST_SEED, "--seed", arguments.seed, f"from 0 to {LARGEST_SEED}")
    require(0 <= arguments.port <= LARGEST_PORT, "--port", arguments.port, f"from 0 to {LARGEST_PORT}")
    require(arguments.max_mib >= 1, "--max-mib", arguments.max_mib, "1 or more")
    workdir = shipped.chosen(arguments.workdir, arguments.network)
    config = stored_config.load(workdir)  # refused at once; the network itself is restored while it listens
    packed = packed_network.described(workdir)
    said = _words_of_recover(arguments)
    jobs = Jobs(lambda say: prepared(said, say))
    try:
        try:
            about = {
                "network": f"`{config.name}`" if packed is None else packed_network.words(packed),
                "assume": arguments.assume,
                "visible": [Path(path).name for path in arguments.visible],
            }
            server = Server(arguments.host, arguments.port, jobs, about, arguments.max_mib << 20)
        except OSError as error:
            where = f"--host={arguments.host} --port={arguments.port}"
            raise ConfigError(f"{where}: cannot be listened on ({error.strerror}); name another port") from error
        if arguments.host not in LOCAL:
            words = "others can reach it, and what they send is not encrypted; keep the address to yourself"
            print(f"warning: --host={arguments.host}: {words}", file=sys.stderr)
        print(server.address, flush=True)
        print("Ctrl-C ends it, and removes the pictures that it was sent", file=sys.stderr)
        jobs.start(server.shutdown)
        serve_until_told(server.serve_forever)
        server.server_close()
    finally:
        has_ended = jobs.close(patience=2.0)
    if jobs.failure is not None:
        raise jobs.failure
    if not has_ended:  # it compiles, or computes: nothing it makes may be written once its folder is gone
        _leave()
    return 0


def serve_until_told(serve: Callable[[], None]) -> None:
    """Until Ctrl-C, or SIGTERM."""

    def end(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        serve()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _words_of_recover(arguments: argparse.Namespace) -> argparse.Namespace:
    said = reporting.defaults(["picture"], "out")
    said.report = True
    own = (
        "workdir",
        "network",
        "checkpoint",
        "seed",
        "crop",
        "assume",
        "visible",
        "gallery",
        *reporting.OF_SEARCH,
        "sign",
    )
    for name in own:
        setattr(said, name, getattr(arguments, name))
    return said


def prepared(said: argparse.Namespace, say: Callable[[str], None]) -> Any:
    """Restores and compiles all that a picture needs, and returns what recovers one.

    Args:
      said: the words of `dfrec recover`.
      say: is told what is being done.
    """
    import numpy as np

    from dfrec_jax.commands import recover as command
    from dfrec_jax.forensics import inputs
    from dfrec_jax.forensics.recover import recover
    from dfrec_jax.forensics.report.case import Case

    say("being restored")
    recoverer = command.recoverer_of(said)
    say("being compiled")
    recoverer.make([])
    recoverer.look(np.zeros((64, 64, 3), np.uint8))
    report = reporting.report_of(said, recoverer, ahead=True)
    assert report is not None

    def recovered(picture: Path, out: Path, case: Mapping[str, str]) -> tuple[Path | None, str]:
        if inputs.is_video(picture):
            return None, f"{picture.name}: is a video by its name; `dfrec recover` takes videos, this page pictures"
        (outcome,) = recover([picture], recoverer, out, report=report.of_case(Case(**case)))
        return outcome.folder, outcome.refusal.replace(f"{picture.parent}{os.sep}", "")  # where it lies tells nobody

    return recovered
