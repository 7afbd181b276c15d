"""ResNet-18 and ResNet-50 (He et al. 2016), torchvision's version: the stride is in the 3x3 convolution."""

import flax.linen as nn
from jaxtyping import Array, Float

from dfrec_jax.nets.convolution import Conv
from dfrec_jax.nets.pooling import overlapping_max_pool
from dfrec_jax.weights.layers import batch_norm, convolution
from dfrec_jax.weights.rules import Rule

MOMENTUM = 0.9  # of the running statistics; PyTorch's 0.1


class ResNetBlock(nn.Module):
    """Two 3x3 convolutions (`has_bottleneck=False`), or 1x1, 3x3, 1x1 of four times the width, around a shortcut."""

    width: int
    stride: int
    has_bottleneck: bool

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], *, train: bool = False) -> Float[Array, "b hh ww d"]:
        """Features of `1 / stride` the size."""
        if self.has_bottleneck:
            layers = ((self.width, 1, 1), (self.width, 3, self.stride), (4 * self.width, 1, 1))
        else:
            layers = ((self.width, 3, self.stride), (self.width, 3, 1))
        y = x
        for i, (features, kernel, stride) in enumerate(layers):
            y = Conv(
                features, (kernel, kernel), (stride, stride), padding=kernel // 2, use_bias=False, name=f"conv{i + 1}"
            )(y)
            y = _norm(y, f"norm{i + 1}", train)
            y = nn.relu(y) if i < len(layers) - 1 else y
        if x.shape != y.shape:
            x = Conv(y.shape[-1], (1, 1), (self.stride, self.stride), use_bias=False, name="shortcut_conv")(x)
            x = _norm(x, "shortcut_norm", train)
        return nn.relu(x + y)


class ResNet(nn.Module):
    """The network up to its last feature map; `depths` are the blocks of the four stages."""

    depths: tuple[int, int, int, int]
    has_bottleneck: bool

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"], *, train: bool = False) -> Float[Array, "b hh ww d"]:
        """Features at 1/32 of the image's size: 512 wide, or 2048 with bottlenecks."""
        x = Conv(64, (7, 7), (2, 2), padding=3, use_bias=False, name="conv1")(x)
        x = nn.relu(_norm(x, "norm1", train))
        x = overlapping_max_pool(x, padding=1)
        for stage, depth in enumerate(self.depths):
            for i in range(depth):
                stride = 2 if stage and not i else 1
                name = f"layer{stage + 1}_{i}"
                x = ResNetBlock(64 * 2**stage, stride, self.has_bottleneck, name=name)(x, train=train)
        return x


def _norm(x: Array, name: str, train: bool) -> Array:
    """BatchNorm whose statistics and parameters are float32 whatever `x` is."""
    return nn.BatchNorm(use_running_average=not train, momentum=MOMENTUM, dtype=x.dtype, name=name)(x)


def resnet18(name: str) -> ResNet:
    """Blocks of two 3x3 convolutions, 512 features."""
    return ResNet((2, 2, 2, 2), has_bottleneck=False, name=name)


def resnet50(name: str) -> ResNet:
    """Bottleneck blocks, 2048 features."""
    return ResNet((3, 4, 6, 3), has_bottleneck=True, name=name)


def torchvision_rules(source: str, target: str) -> tuple[Rule, ...]:
    """Rules for a torchvision-style ResNet without its `fc`; `source` and `target` are prefixes that end in a dot
    (escaped) and a slash."""
    block, path = rf"{source}(layer\d)\.(\d+)\.", rf"{target}\1_\2/"
    return (
        *convolution(rf"{source}conv1", f"{target}conv1"),
        *batch_norm(rf"{source}bn1", f"{target}norm1"),
        *convolution(rf"{block}conv(\d)", rf"{path}conv\3"),
        *batch_norm(rf"{block}bn(\d)", rf"{path}norm\3"),
        *convolution(rf"{block}downsample\.0", f"{path}shortcut_conv"),
        *batch_norm(rf"{block}downsample\.1", f"{path}shortcut_norm"),
    )
