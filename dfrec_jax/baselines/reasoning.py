"""How RECCE reads its own reconstruction: graph reasoning over scales, and attention where it failed."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from dfrec_jax.baselines.xception import pointwise
from dfrec_jax.nets import initialisation
from dfrec_jax.nets.normalisation import batch_norm
from dfrec_jax.nets.resize import resize_align_corners
from dfrec_jax.weights.layers import batch_norm as batch_norm_rules
from dfrec_jax.weights.layers import convolution, dense
from dfrec_jax.weights.rules import Rule


class GraphReasoning(nn.Module):
    """Each place of the encoder's grid takes up the decoder's features that lie over it, 2x2 and 4x4 of them.

    Attributes:
      features: channels of a vertex; 256 as published.
      drop_rate: of the result.
      dtype: of the computation; parameters and the softmax stay float32.
    """

    features: int
    drop_rate: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self,
        encoded: Float[Array, "b i j c"],
        at_twice: Float[Array, "b 2*i 2*j d"],
        at_four_times: Float[Array, "b 4*i 4*j e"],
        *,
        train: bool,
    ) -> Float[Array, "b i j c"]:
        """What to add to `encoded`."""
        nodes = nn.relu(pointwise(self.features, "node_in", self.dtype)(encoded))
        nodes = pointwise(self.features, "node_out", self.dtype)(nodes)
        gathered = []
        for ratio, decoded in ((2, at_twice), (4, at_four_times)):
            vertices = rearrange(decoded, "b (i p) (j q) d -> b i j (p q) d", p=ratio, q=ratio)
            vertices = nn.relu(self._linear(self.features, f"vertex{ratio}_in")(vertices))
            vertices = self._linear(self.features, f"vertex{ratio}_out")(vertices)
            gate = 1 - nn.sigmoid(pointwise(self.features, f"gate{ratio}", self.dtype)(encoded))
            gathered.append(gate * self._aggregate(nodes, vertices, f"weight{ratio}"))
        x = nn.sigmoid(jnp.concatenate([*gathered, nodes], axis=-1))
        x = nn.relu(pointwise(encoded.shape[-1], "project_in", self.dtype)(x))
        x = pointwise(encoded.shape[-1], "project_out", self.dtype)(x)
        return nn.Dropout(self.drop_rate, deterministic=not train)(x)

    def _aggregate(
        self, nodes: Float[Array, "b i j f"], vertices: Float[Array, "b i j v f"], name: str
    ) -> Float[Array, "b i j f"]:
        """The mean of each node's vertices by weights that node and vertex give together."""
        repeated = jnp.broadcast_to(nodes[..., None, :], vertices.shape)
        score = nn.relu(self._linear(1, name)(jnp.concatenate([repeated, vertices], axis=-1)))
        weight = jax.nn.softmax(score.astype(jnp.float32), axis=-2).astype(self.dtype)
        return jnp.sum(weight * vertices, axis=-2)

    def _linear(self, features: int, name: str) -> nn.Dense:
        return nn.Dense(features, use_bias=False, kernel_init=initialisation.CONV, dtype=self.dtype, name=name)


class GuidedAttention(nn.Module):
    """Adds to the features, in the places where the reconstruction failed, what they hold there.

    Attributes:
      drop_rate: of the features themselves.
      dtype: of the computation; parameters stay float32.
    """

    drop_rate: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(
        self, x: Float[Array, "b i j c"], failure: Float[Array, "b h w 3"], *, train: bool
    ) -> Float[Array, "b i j c"]:
        """`failure` is the absolute difference of image and reconstruction."""
        failure = resize_align_corners(failure, x.shape[1:3]).astype(self.dtype)
        where = nn.Conv(3, (3, 3), use_bias=False, kernel_init=initialisation.CONV, dtype=self.dtype, name="where_in")
        where = pointwise(1, "where_out", self.dtype)(nn.relu(where(failure)))
        what = pointwise(x.shape[-1], "what_conv", self.dtype)(x)
        what = nn.relu(batch_norm(train=train, name="what_norm", dtype=self.dtype)(what))
        return nn.sigmoid(where) * what + nn.Dropout(self.drop_rate, deterministic=not train)(x)


def reasoning_rules() -> tuple[Rule, ...]:
    """Rules of both modules under the authors' names: a is the node, b and c its vertices at twice and four times."""
    rules = (
        *convolution(r"reasoning\.va_embedding\.0", "reasoning/node_in"),
        *convolution(r"reasoning\.va_embedding\.2", "reasoning/node_out"),
        *convolution(r"reasoning\.reproject\.0", "reasoning/project_in"),
        *convolution(r"reasoning\.reproject\.2", "reasoning/project_out"),
        *convolution(r"attention\.gated\.0", "attention/where_in"),
        *convolution(r"attention\.gated\.2", "attention/where_out"),
        *convolution(r"attention\.h\.0", "attention/what_conv"),
        *batch_norm_rules(r"attention\.h\.1", "attention/what_norm"),
    )
    for letter, ratio in (("b", 2), ("c", 4)):
        rules += dense(rf"reasoning\.v{letter}_embedding\.0", f"reasoning/vertex{ratio}_in")
        rules += dense(rf"reasoning\.v{letter}_embedding\.2", f"reasoning/vertex{ratio}_out")
        rules += convolution(rf"reasoning\.va_gated_{letter}\.0", f"reasoning/gate{ratio}")
        rules += dense(rf"reasoning\.reweight_a{letter}\.0", f"reasoning/weight{ratio}")
    return rules
