"""`dfrec verify REPORT`."""

import argparse
import sys

FAILED = 1  # status where a check does not hold


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    words = "whether a report of `dfrec recover --report` was changed, is of this exhibit, and is made again"
    parser = subparsers.add_parser("verify", help=words, description=words)
    parser.add_argument("report", metavar="REPORT", help="folder of a report")
    parser.add_argument("--workdir", help="folder of the network (default: as the report says)")
    parser.add_argument("--exhibit", metavar="FILE", help="the exhibit, from elsewhere than the report")
    parser.add_argument("--key", metavar="PUBLIC.pem", help="public key of whoever is to have signed it")
    parser.add_argument("--no-rerun", action="store_true", help="check hashes and signature, and do not recover again")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints a line for each check; 0 where none failed, 1 where one did, 2 for what is no report."""
    from dfrec_jax.forensics.rerun import verify_report

    checks = verify_report(
        arguments.report,
        workdir=arguments.workdir,
        exhibit=arguments.exhibit,
        key=arguments.key,
        rerun=not arguments.no_rerun,
    )
    has_failed = False
    for check in checks:
        has_failed |= check.holds is False
        print(f"{_OUTCOMES[check.holds]:12} {check.name}: {check.words}", flush=True)
    print("the report does not hold" if has_failed else "nothing speaks against the report", file=sys.stderr)
    return FAILED if has_failed else 0


_OUTCOMES = {True: "ok", False: "FAILED", None: "not checked"}
