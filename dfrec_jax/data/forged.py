"""The pristine faces of a held-out split, forged on the device by the generators of training: what (a), (b) and (d) of
an evaluation are measured on. One seed gives the same pictures every time, whatever the network was trained on."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import completion, mixture, pipeline, rows
from dfrec_jax.examples import fields
from dfrec_jax.examples.fields import Use
from dfrec_jax.records.prepared import Example, PreparedSplit

SEED = 0
LEAK = (0.1, 0.4)  # share of the target that shows through `swap`, whatever a network was trained on


class Generator(NamedTuple):
    """A way to forge: its name, its kind in `rows`, and whether a share of the target shows through."""

    name: str
    kind: int
    has_leak: bool


GENERATORS = (
    Generator("swap", rows.SWAP, True),
    Generator("swap without leak", rows.SWAP, False),
    Generator("BI", rows.BI, False),
)
NAMES = (*(generator.name for generator in GENERATORS), "pristine")


def batches(config: ConfigDict, split: str, *, process_index: int = 0, process_count: int = 1) -> Iterator[dict]:
    """Batches of the forgeries of every generator, then of the pristine faces, each as `pipeline.eval_batches`.

    This host's rows of them. The generators forge the same faces with the same partners. `attack` is the place in
    `NAMES`.

    Args:
      config: a valid config of a prepared data set; of each generator as many faces as `data.test_examples` says.
      split: `validation` or `test`.
      process_index: which host this is.
      process_count: how many share the work.

    Raises:
      ConfigError: where the split has no two people to forge from, or the hosts cannot share a batch equally.
    """
    hosts = {"process_index": process_index, "process_count": process_count}
    opened = mixture.split_of(config, split)
    if not opened.index.partners.size:
        raise ConfigError(
            f"data.dataset={config.data.dataset!r}: the {split} split of {opened.folder} has no pristine faces of two "
            "people with 68 landmarks to forge from; evaluate it as it is recorded"
        )
    for number, generator in enumerate(GENERATORS):
        complete = jax.jit(
            completion.make_completion(
                kinds=(generator.kind,) * (config.data.eval_batch_size // process_count),
                num_groups=1,
                leak=LEAK if generator.has_leak else (0.0, 0.0),
            )
        )
        order = np.random.default_rng(SEED).permutation(len(opened.faces))
        for batch in _limited(partial(_pair, opened, order, config.image_size, number), len(order), config, hosts):
            of_evaluation = {name: batch.pop(name) for name in ("number", "is_valid")}
            made = jax.device_get(complete(batch, jax.random.key(SEED)))
            yield {**fields.without(made, Use.LOSSES), **of_evaluation}
    order = np.random.default_rng(SEED).permutation(opened.pristine)
    yield from _limited(partial(_pristine, opened, order, config.image_size), len(order), config, hosts)


def num_batches(config: ConfigDict, split: str) -> int:
    """How many batches `batches` yields."""
    opened = mixture.split_of(config, split)
    sizes = [len(opened.faces)] * len(GENERATORS) + [len(opened.pristine)]
    limit = config.data.test_examples or max(sizes)
    return sum(-(-min(size, limit) // config.data.eval_batch_size) for size in sizes)


def _limited(example, total: int, config: ConfigDict, hosts: dict[str, int]) -> Iterator[dict]:
    return pipeline.batches_of(example, min(total, config.data.test_examples or total), config, **hosts)


def _pair(split: PreparedSplit, order: np.ndarray, size: int, generator: int, row: int) -> Example:
    """The pair in `row`: the choice of the partner and the draw of the forgery depend on the face alone."""
    place = int(order[row])
    choice = int(np.random.default_rng([SEED, place]).integers(2**31))
    return {
        **split.unforged(place, choice, size),
        "attack": np.int32(generator),
        "kind": np.int32(GENERATORS[generator].kind),
        "example": np.uint32(place),
    }


def _pristine(split: PreparedSplit, order: np.ndarray, size: int, row: int) -> Example:
    return {**split.example(int(order[row]), size), "attack": np.int32(len(GENERATORS))}
