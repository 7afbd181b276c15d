"""The trace head: an embedding of the person whom a swap hides, straight from the swap.

It stands on a recogniser that is never trained and gives embeddings of that recogniser's own space, so that it searches
the galleries that there are. It starts as what is left of the swap's embedding beside the visible person's
(`residual.py`), and learns what to add from the recogniser's maps, in which what came from the target still has its
place: brow, jaw and cheeks at the border of a swap's face, and whatever a swapper lets through. Our own design; that
the visible identity is given and suppressed is FaceTracer's idea.
"""

from collections.abc import Mapping

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.models import residual
from dfrec_jax.nets.patches import fold


class TraceHead(nn.Module):
    """From what a recogniser sees of a swap, and the visible person, to the hidden one.

    Attributes:
      width: channels of its map.
      depth: residual blocks on it.
      hidden: width of the layer before the last.
      dropout: share of that layer's values that training leaves out.
    """

    width: int
    depth: int
    hidden: int
    dropout: float

    @nn.compact
    def __call__(
        self,
        maps: Mapping[str, Float[Array, "b _ _ _"]],
        embedding: Float[Array, "b e"],
        visible: Float[Array, "b e"],
        *,
        train: bool,
    ) -> Float[Array, "b e"]:
        """Embeddings of unit length.

        Args:
          maps: of `maps_of`.
          embedding: the swap's, of unit length.
          visible: the visible person's, of unit length; zeros: not known.
          train: whether values are left out, by the key `dropout`.
        """
        start = residual.without_component(embedding, visible)
        told = jnp.concatenate([embedding, visible, start], axis=-1) * jnp.sqrt(jnp.float32(embedding.shape[-1]))
        rows = min(grid.shape[1] for grid in maps.values())
        x = jnp.zeros((), jnp.float32)
        for name, grid in sorted(maps.items()):
            folded = nn.LayerNorm(name=f"{name}_norm")(fold(grid, grid.shape[1] // rows))
            x = x + nn.Dense(self.width, name=name)(folded)
        for number in range(self.depth):
            scale, shift = jnp.split(nn.Dense(2 * self.width, name=f"told{number}")(told)[:, None, None], 2, axis=-1)
            y = nn.LayerNorm(name=f"norm{number}")(x) * (1 + scale) + shift
            x = x + nn.Conv(self.width, (3, 3), name=f"conv{number}")(nn.relu(y))
        places = self.param("places", nn.initializers.constant(1 / (x.shape[1] * x.shape[2])), (*x.shape[1:],))
        pooled = jnp.sum(nn.LayerNorm(name="last_norm")(x) * places[None], axis=(1, 2))
        x = nn.relu(nn.Dense(self.hidden, name="hidden")(jnp.concatenate([pooled, told], axis=-1)))
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        added = nn.Dense(embedding.shape[-1], kernel_init=nn.initializers.zeros, name="added")(x)
        return residual.unit(start + added)


def maps_of(features: Mapping[str, Array], taps: tuple[str, ...]) -> dict[str, Float[Array, "b _ _ _"]]:
    """The maps, which have places, among a recogniser's features of a role."""
    return {name: jnp.asarray(features[name], jnp.float32) for name in taps if features[name].ndim == 4}
