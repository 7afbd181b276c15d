"""Which input variant of FaceNet is the paper's: it does not say, but its row None does, which no training touches."""

from collections.abc import Iterable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.evaluation import spread
from dfrec_jax.evaluation.spread import Spread
from dfrec_jax.frozen import facenet
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics.identity import cosine
from dfrec_jax.paper.table_data import Data
from dfrec_jax.paper.tables import NONE, TABLE_1

# IDSIM between forgery and target by data, as Table I has it.
PAPERS_NONE = {column.data: TABLE_1.paper[NONE, column.label, "idsim"] for column in TABLE_1.columns}
VARIANTS = tuple(variant.name for variant in facenet.VARIANTS)
SMALLEST = 75  # pixels that FaceNet takes without a resize


def is_asked(config: ConfigDict) -> bool:
    """Whether identities are told by one of the variants."""
    return config.frozen.metric in VARIANTS and config.image_size >= SMALLEST


def similarities(config: ConfigDict, batches: Iterable[Mapping[str, np.ndarray]], devices: Spread) -> dict[str, float]:
    """IDSIM between forgeries and targets by each variant.

    Args:
      config: of the measurement.
      batches: this host's rows of them.
      devices: that share the rows.

    Raises:
      WeightsError: where FaceNet's weights are not at hand.
    """
    networks = devices.everywhere({name: perceptors.load_network(name, config) for name in VARIANTS})
    found: dict[str, list[np.ndarray]] = {name: [] for name in VARIANTS}
    for batch in batches:
        flags = spread.together({name: batch[name] for name in ("is_valid", "is_forgery", "has_target")})
        counted = np.logical_and.reduce(list(flags.values()))
        pictures = devices.rows([batch["image"], batch["target"]])
        for name, network in networks.items():
            image, target = devices.fetch([_embed(network, one) for one in pictures])
            found[name].append(cosine(image, target)[counted])
    return {name: float(np.concatenate(values).mean()) for name, values in found.items()}


def remark(found: Mapping[Data, Mapping[str, float]], used: str) -> str:
    """A sentence: the variant whose None lies nearest to the paper's, over all columns, and the one that was used.

    Args:
      found: of `similarities`, by the data of each column.
      used: the variant that measured the table.
    """
    distance = {
        name: float(np.mean([abs(of[name] - PAPERS_NONE[data]) for data, of in found.items()])) for name in VARIANTS
    }
    nearest = min(VARIANTS, key=distance.__getitem__)
    said = ", ".join(f"`{name}` {distance[name]:.4f}" for name in VARIANTS)
    verdict = "the one used here" if nearest == used else f"not `{used}`, which is used here (`frozen.metric`)"
    return (
        f"The row None tells FaceNet's input: its mean distance from the paper's is {said}; nearest is `{nearest}`, "
        f"{verdict}."
    )


@jax.jit
def _embed(network: FrozenNetwork, pictures: jax.Array) -> jax.Array:
    return network(jnp.float32(pictures) / 255)["embedding"]


def columns_of(data: Sequence[Data]) -> list[Data]:
    """Those of which the paper's row None is known."""
    return [one for one in dict.fromkeys(data) if one in PAPERS_NONE]
