"""The published networks of the compared methods, by their names in the weights registry."""

from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float

from dfrec_jax.baselines import adm_unet, recce
from dfrec_jax.weights.conversion import load_variables
from dfrec_jax.weights.rules import Rule, WeightsError


class Published(NamedTuple):
    """A network without its weights.

    Attributes:
      module: of the published size.
      rules: how the tensors of its file become the module's variables.
      image_size: of the square pictures that it was trained on.
      inputs: what the module is called with, for RGB pictures in [0, 1].
    """

    module: nn.Module
    rules: tuple[Rule, ...]
    image_size: int
    inputs: Callable[[Float[Array, "b h w 3"]], tuple[Array, ...]]


def _face(images: Float[Array, "b h w 3"]) -> tuple[Array, ...]:
    return (2 * images - 1,)


def _half_way_to_noise(images: Float[Array, "b h w 3"]) -> tuple[Array, ...]:
    return 2 * images - 1, jnp.full(images.shape[:1], 500)


NETWORKS: dict[str, Published] = {
    "recce-ffpp-c23": Published(recce.Recce(), recce.RULES, recce.IMAGE_SIZE, _face),
    "adm-celeba256": Published(adm_unet.AdmUnet(), adm_unet.RULES, 256, _half_way_to_noise),
}


def find(name: str) -> Published:
    """The network called `name`. Raises WeightsError with the known names where there is none."""
    if name not in NETWORKS:
        raise WeightsError(f"no compared method's network is called {name!r}; there are: {', '.join(sorted(NETWORKS))}")
    return NETWORKS[name]


def load(name: str, *, weights_dir: str = "") -> Any:
    """The variables of `find(name).module` from its published file.

    Raises:
      WeightsMissing, WeightsError: as `weights.conversion.load_variables`.
    """
    network = find(name)
    return unflatten_dict(
        load_variables(name, network.rules, expected_shapes(network), weights_dir=weights_dir), sep="/"
    )


def expected_shapes(network: Published) -> dict[str, tuple[int, ...]]:
    """Path ('/'-joined) and shape of each of its variables; nothing is compiled, run or allocated."""
    side = network.image_size
    picture = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    return variable_shapes(network.module, *jax.eval_shape(network.inputs, picture))


def variable_shapes(module: nn.Module, *inputs: Any) -> dict[str, tuple[int, ...]]:
    """As `expected_shapes`, of a module of any size for inputs given as arrays or as their shapes."""

    def initialise(*inputs: Any) -> Any:
        return module.init(jax.random.key(0), *inputs, train=False)

    leaves: dict[str, Any] = flatten_dict(jax.eval_shape(initialise, *inputs), sep="/")
    return {path: leaf.shape for path, leaf in leaves.items()}
