"""The pre-norm transformer block of ViT (Dosovitskiy et al. 2021)."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from dfrec_jax.nets import initialisation
from dfrec_jax.nets.normalisation import layer_norm


class VitSize(NamedTuple):
    """Size of a transformer: the width of its tokens, its blocks, and the heads of each, which divide the width."""

    width: int
    depth: int
    num_heads: int


class SelfAttention(nn.Module):
    """Multi-head self-attention. Query, key and value are one product; the softmax is float32.

    Attributes:
      num_heads: divides the width of the tokens.
      dtype: of the computation; parameters stay float32.
    """

    num_heads: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, tokens: Float[Array, "b n d"]) -> Float[Array, "b n d"]:
        """Every token attends to every other."""
        width = tokens.shape[-1]
        qkv = nn.Dense(3 * width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="qkv")(tokens)
        query, key, value = rearrange(qkv, "b n (s h d) -> s b n h d", s=3, h=self.num_heads)
        mixed = jax.nn.dot_product_attention(query, key, value)
        return nn.Dense(width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="out")(
            rearrange(mixed, "b n h d -> b n (h d)")
        )


class TransformerBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); exact GELU, no dropout.

    Attributes:
      num_heads: divides the width of the tokens.
      mlp_ratio: hidden width of the mlp over that of the tokens.
      dtype: of the computation; parameters and norms stay float32.
    """

    num_heads: int
    mlp_ratio: int = 4
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, tokens: Float[Array, "b n d"]) -> Float[Array, "b n d"]:
        """Returns tokens of the same width."""
        width = tokens.shape[-1]
        tokens += SelfAttention(self.num_heads, self.dtype, name="attention")(layer_norm(name="attention_norm")(tokens))
        hidden = layer_norm(name="mlp_norm")(tokens)
        hidden = nn.Dense(self.mlp_ratio * width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="mlp_in")(
            hidden
        )
        hidden = nn.gelu(hidden, approximate=False)
        return tokens + nn.Dense(width, kernel_init=initialisation.DENSE, dtype=self.dtype, name="mlp_out")(hidden)


class Transformer(nn.Module):
    """A stack of blocks and a final norm.

    Attributes:
      depth: number of blocks.
      num_heads: divides the width of the tokens.
      dtype: of the computation; parameters and norms stay float32.
      remat: recompute each block in the backward pass instead of keeping its activations.
    """

    depth: int
    num_heads: int
    dtype: Any = jnp.float32
    remat: bool = False

    @nn.compact
    def __call__(self, tokens: Float[Array, "b n d"]) -> Float[Array, "b n d"]:
        """Returns normalised tokens of the same width, float32."""
        block = nn.remat(TransformerBlock) if self.remat else TransformerBlock
        tokens = tokens.astype(self.dtype)
        for index in range(self.depth):
            tokens = block(self.num_heads, dtype=self.dtype, name=f"block_{index}")(tokens)
        return layer_norm(name="norm")(tokens)
