"""Identity Segmentation Module (Sec. III-B): which pixels of the image belong to the source face."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.models.efficientnet import BackboneFeatures, EfficientNet
from dfrec_jax.nets import initialisation
from dfrec_jax.nets.depthwise import DepthwiseConv
from dfrec_jax.nets.normalisation import batch_norm, imagenet_normalise
from dfrec_jax.nets.resize import resize_align_corners

LOW_LEVEL_FEATURES = 48
POOLING_DROPOUT = 0.5
CLASSIFIER_DROPOUT = 0.2


class IsmOutput(NamedTuple):
    """What the ISM says of an image."""

    source_map: Float[Array, "b h w 1"]  # m_s: probability that a pixel is source face
    map_logits: Float[Array, "b h w 1"] | None  # of the map, for a cross-entropy that does not saturate
    logit: Float[Array, " b"] | None  # of the image being a forgery; None without the classification head


class ConvNorm(nn.Module):
    """1x1 convolution, BatchNorm, ReLU.

    Attributes:
      features: output channels.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], *, train: bool) -> Float[Array, "b h w d"]:
        """Returns non-negative features."""
        x = nn.Conv(
            self.features, (1, 1), use_bias=False, kernel_init=initialisation.CONV, dtype=self.dtype, name="conv"
        )(x)
        return nn.relu(batch_norm(train=train, name="norm", dtype=self.dtype)(x))


class SeparableConvNorm(nn.Module):
    """3x3 depthwise convolution, then `ConvNorm`.

    Attributes:
      features: output channels.
      dilation: of the depthwise convolution.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dilation: int = 1
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], *, train: bool) -> Float[Array, "b h w d"]:
        """Returns non-negative features."""
        x = DepthwiseConv(3, dilation=self.dilation, dtype=self.dtype, name="depthwise")(x)
        return ConvNorm(self.features, self.dtype, name="pointwise")(x, train=train)


class SpatialPyramid(nn.Module):
    """Atrous spatial pyramid pooling: the same features seen at several distances, and as a whole.

    BatchNorm in the pooling branch has one value per example: trained on a batch of one, that branch is a constant.

    Attributes:
      features: of each branch and of the result.
      rates: dilation of each separable branch.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    rates: tuple[int, ...] = (12, 24, 36)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "b h w c"], *, train: bool) -> Float[Array, "b h w d"]:
        """Draws from the `dropout` stream in training."""
        branches = [ConvNorm(self.features, self.dtype, name="near")(x, train=train)]
        for index, rate in enumerate(self.rates):
            branch = SeparableConvNorm(self.features, rate, self.dtype, name=f"atrous_{index}")
            branches.append(branch(x, train=train))
        pooled = ConvNorm(self.features, self.dtype, name="pooled")(jnp.mean(x, (1, 2), keepdims=True), train=train)
        branches.append(jnp.broadcast_to(pooled, branches[0].shape))
        x = ConvNorm(self.features, self.dtype, name="project")(jnp.concatenate(branches, -1), train=train)
        return nn.Dropout(POOLING_DROPOUT, deterministic=not train, name="dropout")(x)


class DeepLabDecoder(nn.Module):
    """DeepLabV3+ (Chen et al. 2018): the pyramid of the deepest features, refined at stride 4.

    The paper says DeepLabV3; the released code is DeepLabV3+.

    Attributes:
      features: channels of the decoder.
      rates: dilations of the pyramid.
      dtype: of the computation; parameters stay float32.
    """

    features: int = 256
    rates: tuple[int, ...] = (12, 24, 36)
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, backbone: BackboneFeatures, *, train: bool) -> Float[Array, "b h4 w4 d"]:
        """Draws from the `dropout` stream in training."""
        x = SpatialPyramid(self.features, self.rates, self.dtype, name="pyramid")(backbone.deepest, train=train)
        x = SeparableConvNorm(self.features, dtype=self.dtype, name="refine_deep")(x, train=train)
        low_level = ConvNorm(LOW_LEVEL_FEATURES, self.dtype, name="low_level")(backbone.stride_4, train=train)
        x = jnp.concatenate([resize_align_corners(x, low_level.shape[1:3]), low_level], axis=-1)
        return SeparableConvNorm(self.features, dtype=self.dtype, name="refine")(x, train=train)


class Ism(nn.Module):
    """EfficientNet, a segmentation head, and a classification head where asked for.

    The classifier reads the features through a stop-gradient, so that its loss leaves Eq. 10's optimum where it is; but
    not where it gives the verdict.

    Attributes:
      classifier: whether there is a classification head.
      width: multiplies the channels of the backbone.
      depth: multiplies the number of blocks in each stage of the backbone.
      decoder_features: channels of the decoder.
      rates: dilations of the decoder's pyramid, of a 14 x 14 grid in the released network.
      imagenet_norm: whether the backbone sees pixels normalised by ImageNet's mean and deviation.
      is_taught_by_classifier: whether the classifier's loss reaches the backbone, where nothing else tells it pristine
        faces from forged ones.
      dtype: of the computation; parameters and both outputs stay float32.
    """

    classifier: bool = True
    width: float = 1.0
    depth: float = 1.0
    decoder_features: int = 256
    rates: tuple[int, ...] = (12, 24, 36)
    imagenet_norm: bool = False
    is_taught_by_classifier: bool = False
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, image: Float[Array, "b h w 3"], *, train: bool) -> IsmOutput:
        """Takes RGB in [0, 1], sides a multiple of 16. Draws from the `dropout` stream in training."""
        pixels = imagenet_normalise(image) if self.imagenet_norm else image
        backbone = EfficientNet(self.width, self.depth, self.dtype, name="backbone")(pixels, train=train)
        decoder = DeepLabDecoder(self.decoder_features, self.rates, self.dtype, name="decoder")
        coarse = nn.Conv(1, (1, 1), kernel_init=initialisation.CONV, name="segmentation_head")(
            decoder(backbone, train=train)
        )
        map_logits = resize_align_corners(coarse, image.shape[1:3])
        return IsmOutput(
            nn.sigmoid(map_logits), map_logits, self._classify(backbone.deepest, train) if self.classifier else None
        )

    def _classify(self, features: Float[Array, "b h w c"], train: bool) -> Float[Array, " b"]:
        features = features if self.is_taught_by_classifier else jax.lax.stop_gradient(features)
        means = jnp.mean(features, axis=(1, 2), dtype=jnp.float32)
        means = nn.Dropout(CLASSIFIER_DROPOUT, deterministic=not train, name="classification_dropout")(means)
        return nn.Dense(1, kernel_init=initialisation.CONV, name="classification_head")(means)[:, 0]
