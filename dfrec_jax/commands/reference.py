"""`dfrec reference --workdir W`: what the checks of a result give on the run's test set."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_collections import ConfigDict

    from dfrec_jax.forensics.framed import Framed


def add_parser(subparsers: Any) -> None:
    """Adds the subcommand."""
    words = "keep with a run what `dfrec recover --checks` gives on its test set, to see where an exhibit falls"
    parser = subparsers.add_parser("reference", help=words, description=words)
    parser.add_argument("--workdir", required=True, help="folder of a training run")
    parser.add_argument("--checkpoint", default="best", help="as for `dfrec recover` (default best)")
    parser.add_argument("--data-dir", default="", metavar="DIR", help="where the run's prepared data are now")
    parser.add_argument("--examples", type=int, default=128, help="swaps, the first so many; 0 for all (default 128)")
    parser.add_argument("--seed", type=int, default=0, help="of the masking noise (default 0)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measures, and prints the path of what is kept."""
    from dfrec_jax.config.errors import ConfigError, require
    from dfrec_jax.forensics import reference
    from dfrec_jax.forensics.recoverer import Recoverer
    from dfrec_jax.forensics.report import network
    from dfrec_jax.reports.progress import progress

    require(arguments.examples >= 0, "--examples", arguments.examples, "0 or more")
    recoverer = Recoverer(
        arguments.workdir,
        which=arguments.checkpoint,
        seed=arguments.seed,
        crop="none",  # the pictures of a test set are cropped already
        assume="swap" if _has_ism(arguments.workdir) else "",
        examine=True,
    )
    config = recoverer.model.config.copy_and_resolve_references()
    if arguments.data_dir:
        config.data.dir = arguments.data_dir
    values: dict[str, list[float]] = {}
    swaps = list(_swaps(config, arguments.examples))
    for found in progress(swaps, len(swaps), "swaps"):
        (made,) = recoverer.make([found])
        for name, value in reference.figures(*recoverer.examined(found, made)).items():
            values.setdefault(name, []).append(value)
    if not values:
        raise ConfigError(
            f"--workdir={arguments.workdir}: nothing could be told of its {len(swaps)} swaps of test; `dfrec weights "
            "check` says which networks are at hand"
        )
    by = recoverer.likeness.name
    of = f"{config.data.dataset}{network.folders(config)}"
    words = f"{len(swaps)} swaps of the test split of {of}, by {by}, the verdict given"
    print(reference.write(arguments.workdir, recoverer.identity, values, words))
    return 0


def _has_ism(workdir: str) -> bool:
    """Whether the run's network can be told that a picture is a swap."""
    from dfrec_jax.runs import stored_config

    return bool(stored_config.load(workdir).ism.enabled)


def _swaps(config: "ConfigDict", limit: int) -> "Iterator[Framed]":
    """The test split's swaps as the network takes them."""
    import itertools

    from dfrec_jax.data import pipeline

    def every() -> "Iterator[Framed]":
        for batch in pipeline.eval_batches(config, "test"):
            for row in range(len(batch["image"])):
                if batch["is_valid"][row] and batch["is_forgery"][row]:
                    yield _framed(batch, row)

    return itertools.islice(every(), limit or None)


def _framed(batch: dict[str, Any], row: int) -> "Framed":
    import numpy as np

    from dfrec_jax.forensics.framed import Framed

    inside = batch["inside_mask"][row] if "inside_mask" in batch else np.full((*batch["image"].shape[1:3], 1), 255)
    return Framed(
        np.asarray(batch["image"][row], np.uint8), np.asarray(batch["landmarks"][row], np.float32),
        np.asarray(inside, np.uint8), None, None, (),
    )  # fmt: skip
