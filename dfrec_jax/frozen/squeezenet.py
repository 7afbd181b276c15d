"""SqueezeNet 1.1 (Iandola et al. 2016) on ImageNet: light perceptual features, and an LPIPS-like distance on them.

The weights are those of rcmalli/keras-squeezenet (MIT), converted from the authors' Caffe model. LPIPS's linear heads
(Zhang et al. 2018, v0.1, BSD-2-Clause) were made for another training of the same architecture, hence "LPIPS-like".
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.frozen.blocks import in_dtype_of
from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features, FrozenNetwork
from dfrec_jax.nets.convolution import Conv
from dfrec_jax.nets.pooling import overlapping_max_pool
from dfrec_jax.weights.rules import Rule

BGR_MEAN = (103.939, 116.779, 123.68)
FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))  # squeeze, expand
POOLED = (2, 4, 6)  # a pool stands before these fires
TAPS = ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9")  # LPIPS's seven


class SqueezeNet(nn.Module):
    """The convolutions of SqueezeNet 1.1 on BGR pixels less their mean, from 31 px."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"]) -> dict[str, Float[Array, "b _ _ _"]]:
        """LPIPS's seven taps, after their ReLU."""
        x = nn.relu(Conv(64, (3, 3), (2, 2), padding="VALID", name="conv1")(x))
        taps = {"conv1": x}
        for number, (squeeze, expand) in enumerate(FIRES, start=2):
            if number in POOLED:
                x = overlapping_max_pool(x)
            x = nn.relu(Conv(squeeze, (1, 1), name=f"fire{number}_squeeze")(x))
            one = Conv(expand, (1, 1), name=f"fire{number}_expand1")(x)
            three = Conv(expand, (3, 3), padding=1, name=f"fire{number}_expand3")(x)
            x = taps[f"fire{number}"] = nn.relu(jnp.concatenate([one, three], axis=-1))
        return {name: taps[name] for name in TAPS}


class LpipsFeatures(nn.Module):
    """SqueezeNet's taps, scaled so that LPIPS is the sum of their squared differences.

    LPIPS (Zhang et al. 2018, Eq. 1) brings each pixel's features to unit length, weighs the squared difference of each
    channel by a head that is not negative, averages over the pixels and sums over the taps.
    """

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"]) -> dict[str, Float[Array, "b _ _ _"]]:
        """The seven scaled taps."""
        scaled = {}
        for name, tap in SqueezeNet(name="squeezenet")(x).items():
            head = self.param(f"{name}_head", nn.initializers.ones, (tap.shape[-1],))
            features = tap.astype(jnp.float32)
            inverse_length = jax.lax.rsqrt(jnp.sum(jnp.square(features), axis=-1, keepdims=True) + 1e-20)
            channel_scale = jnp.sqrt(jnp.maximum(head, 0) / (tap.shape[1] * tap.shape[2])).reshape(1, 1, 1, -1)
            scaled[name] = (features * inverse_length * channel_scale).astype(tap.dtype)
        return scaled


def _keras_rules(target: str) -> tuple[Rule, ...]:
    """Keras names a bias after its layer and numbers the kernels through."""
    rules: list[Rule] = [
        Rule(r"conv1/(?:.*/)?conv1_b.*", f"params/{target}conv1/bias"),
        Rule(r"conv1/(?:.*/)?uniform\d+.*", f"params/{target}conv1/kernel"),
    ]
    for size, suffix in (("squeeze1x1", "squeeze"), ("expand1x1", "expand1"), ("expand3x3", "expand3")):
        rules.append(Rule(rf"(fire\d)/{size}/(?:.*/)?{size}_b.*", rf"params/{target}\1_{suffix}/bias"))
        rules.append(Rule(rf"(fire\d)/{size}/(?:.*/)?uniform\d+.*", rf"params/{target}\1_{suffix}/kernel"))
    return tuple(rules)


MODULE, LPIPS_MODULE = SqueezeNet(), LpipsFeatures()
RULES = _keras_rules("")
HEAD_RULES = tuple(
    Rule(rf"lin{i}\.model\.1\.weight", f"params/{tap}_head", lambda head: head.reshape(-1))
    for i, tap in enumerate(TAPS)
)


def features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """The seven taps of RGB images in [0, 1], at the images' own size."""
    return MODULE.apply(variables, in_dtype_of(variables, _preprocess(images)))  # type: ignore[return-value]


def lpips_features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None = None) -> Features:
    """The seven taps, scaled so that the sum of their squared differences is the LPIPS-like distance."""
    return LPIPS_MODULE.apply(variables, in_dtype_of(variables, _preprocess(images)))  # type: ignore[return-value]


def lpips_like(
    network: FrozenNetwork, recovered: Float[Array, "b h w 3"], reference: Float[Array, "b h w 3"]
) -> Float[Array, " b"]:
    """LPIPS-like distance of each pair of RGB images in [0, 1]; 0 for equal ones.

    Raises:
      ValueError: for another network than `lpips-like-squeezenet`.
    """
    if network.name != LPIPS_BLUEPRINT.name:
        raise ValueError(f"the LPIPS-like distance needs the network {LPIPS_BLUEPRINT.name!r}, not {network.name!r}")
    a, b = network(recovered), network(reference)
    return jnp.stack([jnp.sum(jnp.square(a[tap] - b[tap]), axis=(1, 2, 3)) for tap in TAPS]).sum(axis=0)


def _preprocess(images: Float[Array, "b h w 3"]) -> Float[Array, "b h w 3"]:
    return images[..., ::-1] * 255 - jnp.array(BGR_MEAN).reshape(1, 1, 1, 3)


BLUEPRINT = Blueprint(
    name="squeezenet-imagenet",
    module=MODULE,
    parts=(Part("squeezenet-imagenet", RULES),),
    features=features,
    taps={"perceptual": TAPS},
    input_shape=(64, 64, 3),
)
LPIPS_BLUEPRINT = Blueprint(
    name="lpips-like-squeezenet",
    module=LPIPS_MODULE,
    parts=(
        Part("squeezenet-imagenet", _keras_rules("squeezenet/"), r"params/squeezenet/.*"),
        Part("lpips-squeezenet", HEAD_RULES, r"params/\w+_head"),
    ),
    features=lpips_features,
    taps={"perceptual": TAPS},
    input_shape=(64, 64, 3),
)
