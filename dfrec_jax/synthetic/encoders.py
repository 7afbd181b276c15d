"""The two encoders of the embedded faces: 'embedded-a' for losses, 'embedded-b' for metrics; 64 px, trained here.

They differ in depth, widths, kernel sizes, normalisation, nonlinearity and pooling, and in the seed and order of their
training, so that a recovery cannot please the metric merely by pleasing the loss. `train_encoders` makes their weights,
which ship as package data.
"""

import functools
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float
from safetensors.numpy import load as read_tensors

from dfrec_jax.frozen.network import Features, FrozenNetwork
from dfrec_jax.synthetic.factors import ATTRIBUTE_NAMES, POSE_SCALES

INPUT_SIZE = 64
EMBEDDING_SIZE = 128


class EncoderA(nn.Module):
    """A small residual network with BatchNorm; the embedding reads a 4 x 4 grid, so that it knows places."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"], *, train: bool = False) -> Features:
        """RGB in [0, 1], 64 px, to features by name."""

        def conv(x: Array, features: int, stride: int, name: str) -> Array:
            x = nn.Conv(features, (3, 3), stride, padding=1, use_bias=False, name=name)(x)
            return nn.BatchNorm(use_running_average=not train, momentum=0.95, name=f"{name}_norm")(x)

        taps = {"stem": nn.relu(conv(x * 2.0 - 1.0, 16, 2, "stem"))}
        x = taps["stem"]
        for stage, features in enumerate((24, 48, 96), start=1):
            x = nn.relu(conv(x, features, 2, f"stage_{stage}_down"))
            x = nn.relu(x + conv(x, features, 1, f"stage_{stage}_residual"))
            taps[f"stage_{stage}"] = x
        grid = nn.relu(nn.Dense(40, name="reduce")(x))
        pooled = jnp.concatenate([grid.reshape(grid.shape[0], -1), jnp.mean(x, axis=(1, 2))], axis=-1)
        return _heads(self, taps, pooled, train)


class EncoderB(nn.Module):
    """A plain network without shortcuts: 5 x 5 stem, SiLU, GroupNorm; the embedding reads a 2 x 2 grid and maxima."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"], *, train: bool = False) -> Features:
        """RGB in [0, 1], 64 px, to features by name."""

        def conv(x: Array, features: int, kernel: int, stride: int, name: str) -> Array:
            x = nn.Conv(features, (kernel, kernel), stride, padding=kernel // 2, name=name)(x)
            return nn.silu(nn.GroupNorm(num_groups=4, name=f"{name}_norm")(x))

        taps = {"stem": conv(x * 2.0 - 1.0, 12, 5, 2, "stem")}
        x = nn.max_pool(taps["stem"], (2, 2), (2, 2))
        x = taps["stage_1"] = conv(conv(x, 28, 3, 1, "stage_1_in"), 28, 3, 1, "stage_1_out")
        x = taps["stage_2"] = conv(conv(x, 56, 3, 2, "stage_2_in"), 56, 3, 1, "stage_2_out")
        x = taps["stage_3"] = conv(x, 112, 3, 2, "stage_3_in")
        quarters = nn.avg_pool(x, (2, 2), (2, 2)).reshape(x.shape[0], -1)
        pooled = jnp.concatenate([quarters, jnp.max(x, axis=(1, 2))], axis=-1)
        return _heads(self, taps, pooled, train)


def _heads(module: nn.Module, taps: dict[str, Array], pooled: Array, train: bool) -> Features:
    projection = nn.Dense(EMBEDDING_SIZE, use_bias=False, name="projection")(pooled)
    projection = nn.BatchNorm(
        use_running_average=not train, momentum=0.95, use_scale=False, use_bias=False, name="projection_norm"
    )(projection)  # centred, so that strangers have a cosine near 0
    length = jnp.sqrt(jnp.sum(projection**2, axis=-1, keepdims=True) + 1e-6)
    attributes = nn.Dense(len(ATTRIBUTE_NAMES), name="attributes")(pooled)
    return {**taps, "projection": projection, "embedding": projection / length, "attributes": attributes}


TAPS = {
    "identity": ("stage_2", "stage_3", "projection", "embedding"),
    "perceptual": ("stem", "stage_1", "stage_2", "stage_3"),
    "attributes": ("attributes",),
}
MODULES: dict[str, Callable[[], nn.Module]] = {"embedded-a": EncoderA, "embedded-b": EncoderB}


def load(name: str) -> FrozenNetwork:
    """The shipped encoder 'embedded-a' or 'embedded-b'. It takes pictures of any size and needs no landmarks.

    Its features: `stem`, `stage_1`, `stage_2`, `stage_3` [b, h, w, c]; `projection` [b, 128], whose components have
    unit variance over people; `embedding` [b, 128], the same at unit length; `attributes` [b, 16] (`ATTRIBUTE_NAMES`).

    Raises:
      ValueError: for another name.
    """
    if name not in MODULES:
        raise ValueError(f"name={name!r}: the embedded encoders are {tuple(MODULES)}")
    tensors = read_tensors(weights_file(name).read_bytes())
    return from_tensors(name, tensors)


def from_tensors(name: str, tensors: Mapping[str, np.ndarray]) -> FrozenNetwork:
    """The encoder `name` with stored tensors, as `to_tensors` gives them."""
    variables = unflatten_dict({path: jnp.asarray(value, jnp.float32) for path, value in tensors.items()}, sep="/")
    return FrozenNetwork(variables=variables, name=name, apply=functools.partial(_apply, name), taps=TAPS)


def sines_of_angles(attributes: Float[Array, "b a"]) -> Float[Array, "b 3"]:
    """Sines of yaw, pitch and roll as an encoder's `attributes` have them: the head that regresses the renderer's own
    angles."""
    assert ATTRIBUTE_NAMES[:3] == ("yaw", "pitch", "roll")
    return attributes[:, :3] * jnp.array(POSE_SCALES)[None]


def weights_file(name: str):
    """Where the weights of an encoder are inside the package."""
    return resources.files("dfrec_jax.synthetic") / f"{name.replace('embedded-', 'encoder_')}.safetensors"


def to_tensors(variables: Any) -> dict[str, np.ndarray]:
    """Variables as they are stored: flat, by '/'-joined path, in float16."""
    return {path: np.asarray(value, np.float16) for path, value in flatten_dict(variables, sep="/").items()}


def _apply(name: str, variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None) -> Features:
    del landmarks  # the encoders are trained on unaligned pictures
    if images.shape[1:3] != (INPUT_SIZE, INPUT_SIZE):
        shape = (images.shape[0], INPUT_SIZE, INPUT_SIZE, 3)
        images = jax.image.resize(images, shape, "bilinear", antialias=True)
    return MODULES[name]().apply(variables, images)  # type: ignore[return-value]
