"""A small autoencoder of upright faces, and the way from a picture to its face and back.

It is taught on photographs (`training/tasks/autoencoder.py`): to give a face back, and to leave out a seam that was
made in it. What it draws is a face of one piece, less sharp than a photograph, as networks that swap draw them.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dfrec_jax.forging import face_region, warping
from dfrec_jax.forging.candidate_region import MEAN_FACE, MEAN_FIVE
from dfrec_jax.nets.pooling import max_pool
from dfrec_jax.nets.unet import ConvBlock, UpConv

Autoencode = Callable[[Float[Array, "s s 3"]], Float[Array, "s s 3"]]
# The square that it sees, in pixels of the ArcFace template of 112: from the brows up to below the chin.
CENTRE, SIDE = (56.0, 62.0), 152.0


class FaceAutoencoder(nn.Module):
    """Down by halves to a grid of few channels, and up again; nothing goes past the grid.

    Attributes:
      features: channels at each size, the largest first; the side of a face is divided by two as often.
      latent: channels of the grid.
    """

    features: tuple[int, ...] = (24, 64, 128)
    latent: int = 64

    @nn.compact
    def __call__(self, faces: Float[Array, "b s s 3"], *, train: bool) -> Float[Array, "b s s 3"]:
        """Faces in [0, 1]."""
        x = 2 * faces - 1
        for level, features in enumerate(self.features):
            x = ConvBlock(features, name=f"down_{level}")(x, train=train)
            x = max_pool(x)
        x = nn.Conv(self.latent, (1, 1), name="latent")(x)
        for level, features in reversed(list(enumerate(self.features))):
            x = UpConv(features, name=f"up_{level}")(x, train=train)
            x = ConvBlock(features, name=f"up_block_{level}")(x, train=train)
        return nn.sigmoid(nn.Conv(3, (1, 1), name="pixels")(x))


def on_square(points: np.ndarray, size: int) -> Float[np.ndarray, "n 2"]:
    """Points of the ArcFace template in pixels of the square, `size` a side."""
    corner = np.array(CENTRE, np.float32) - SIDE / 2
    return ((points - corner + 0.5) * (size / SIDE) - 0.5).astype(np.float32)


def upright(image: Float[Array, "h w 3"], landmarks: Float[Array, "5 2"], size: int) -> Float[Array, "s s 3"]:
    """The face of a square picture, `size` a side, by five landmarks; of a large picture averages."""
    return _upright(image, landmarks, jnp.asarray(on_square(MEAN_FIVE, size)), size)


def redrawn(
    autoencode: Autoencode, size: int, image: Float[Array, "h w 3"], points: Float[Array, "68 2"]
) -> Float[Array, "h w 3"]:
    """The picture as the autoencoder draws its face; mirrored beyond its square.

    Args:
      autoencode: from a face of `size` a side to one.
      size: in pixels.
      image: square, in [0, 1].
      points: its 68 landmarks.
    """
    template = jnp.asarray(on_square(MEAN_FACE, size))
    drawn = autoencode(_upright(image, points, template, size))
    grid = face_region.pixel_grid(*image.shape[:2])
    return warping.sample(drawn, warping.similarity(template, points, grid))


def _upright(image: Array, points: Array, template: Array, size: int) -> Array:
    finer = max(1, round(image.shape[0] / size / 1.5))
    grid = (face_region.pixel_grid(finer * size, finer * size) + 0.5) / finer - 0.5
    sampled = warping.sample(image, warping.similarity(points, template, grid))
    return jnp.mean(sampled.reshape(size, finer, size, finer, 3), axis=(1, 3))


def of_variables(module: FaceAutoencoder, variables: Any) -> Autoencode:
    """A trained autoencoder, of one face."""
    return lambda face: module.apply(variables, face[None], train=False)[0]  # pyright: ignore[reportReturnType]
