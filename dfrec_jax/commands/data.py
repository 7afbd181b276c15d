"""`dfrec data audit DIR`, `dfrec data stage ADDRESS`."""

import argparse
from pathlib import Path
from typing import Any

LEAKAGE = 1


def add_parser(subparsers: Any) -> None:
    """Adds the subcommand."""
    words = "audit a prepared data set"
    parser = subparsers.add_parser("data", help=words, description=words)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    words = "counts, people and pictures shared by splits, missing halves, histograms, pages of examples"
    action = actions.add_parser("audit", help=words, description=words)
    action.add_argument(
        "folder", metavar="DIR", help="what `dfrec prepare` wrote: OUT, OUT/DATASET, or the version in it"
    )
    action.add_argument("--out", default="", help="folder of the report (default DIR/audit)")
    action.add_argument(
        "--strict", action="store_true", help="end with status 1 where two splits share a person or picture"
    )
    action.set_defaults(run=run)
    words = "fetch prepared data from an object store into the cache, before a training asks for them"
    action = actions.add_parser("stage", help=words, description=words)
    action.add_argument("data_dir", metavar="ADDRESS", help="as data.dir has it: s3://BUCKET/FOLDER, several by commas")
    action.add_argument("--dataset", required=True, help="as data.dataset has it")
    action.add_argument(
        "--split", nargs="+", default=["train", "validation"], help="default: train validation, which training reads"
    )
    action.set_defaults(run=run_stage)


def run(arguments: argparse.Namespace) -> int:
    """Audits, prints the page and where it is. 1 with --strict and leakage."""
    from dfrec_jax.audit import audit, report
    from dfrec_jax.audit.forged_examples import forged_examples
    from dfrec_jax.records.prepared import PreparedSplit

    folder = audit.find_folder(arguments.folder)
    found = audit.audit(folder)
    split = next(iter(found.people))  # the first one there is: train, where nothing else was asked for
    prepared = PreparedSplit(str(folder.parent.parent), folder.parent.name, split)
    forged = forged_examples(prepared) if prepared.index.partners.size else None
    out = Path(arguments.out) if arguments.out else folder / "audit"
    written = report.write(found, forged, out)
    print(report.summary(found))
    print(", ".join(map(str, written)))
    return LEAKAGE if arguments.strict and found.leaks else 0


def run_stage(arguments: argparse.Namespace) -> int:
    """Stages each split of each address, checked as a training checks it, and prints where it is."""
    from dfrec_jax.records import joint, staged
    from dfrec_jax.records.prepared import PreparedSplit

    for dataset, folder in joint.named_folders(arguments.data_dir, arguments.dataset):
        for split in arguments.split:
            PreparedSplit(folder, dataset, split)
            print(f"{split}: {staged.files_of(folder, dataset, split)}")
    return 0
