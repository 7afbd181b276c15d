"""DFI-min: a U-Net that parts the two identities of a forgery and draws the target's (after Ai et al. 2023).

No code of DeepReversion or of the Disentangling Reversing Network (arXiv 2207.03666) is public, nor layers, sizes or
losses: an identity disentangling module and a face reversing one, from pairs of forgery and original, is what is known.
The rest is this project's.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.models.sirm import Sirm
from dfrec_jax.nets import initialisation


class DfiOutput(NamedTuple):
    """What the network makes of a picture."""

    target_face: Float[Array, "b h w 3"]  # the whole picture drawn anew, in (0, 1)
    target_features: Float[Array, "b f"]  # z_tgt, pooled over the bottleneck
    source_features: Float[Array, "b f"]  # z_src, which is left out of the picture
    target_embedding: Float[Array, "b e"]  # what z_tgt says of the recogniser's embedding of the target
    source_embedding: Float[Array, "b e"]


class Dfi(nn.Module):
    """The SIRM's U-Net, turned round: the half of its bottleneck that is decoded is the target's.

    Attributes:
      features: channels of each level above the bottleneck, finest first.
      bottleneck: channels of z_tgt and z_src together.
      identity_width: of the recogniser's embedding.
      dtype: of the computation; parameters and outputs stay float32.
    """

    features: tuple[int, ...] = (32, 64, 128, 256)
    bottleneck: int = 1024
    identity_width: int = 512
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"], *, train: bool) -> DfiOutput:
        """Takes RGB in [0, 1] whose sides are multiples of 2 ** len(features)."""
        unet = Sirm(self.features, self.bottleneck, tokens=None, dtype=self.dtype, name="unet")
        found: Any = unet(image, train=train)
        decoded, left_out = found.source_features, found.target_features  # by the SIRM's names

        def embedding(features: Array, name: str) -> Array:
            return nn.Dense(self.identity_width, kernel_init=initialisation.DENSE, name=name)(features)

        return DfiOutput(
            target_face=found.source_face,
            target_features=decoded,
            source_features=left_out,
            target_embedding=embedding(decoded, "target_embedding"),
            source_embedding=embedding(left_out, "source_embedding"),
        )
