"""What the device does to pictures of faces: colours for all training, mirroring and moving for a classifier's."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def augment(
    key: PRNGKeyArray,
    image: Float[Array, "h h 3"],
    size: int,
    *,
    flip: float,
    jitter: float,
    zoom: tuple[float, float],
    shift: float,
) -> Float[Array, "size size 3"]:
    """One picture in [0, 1], resized to `size` pixels with one draw.

    Args:
      key: of the draw.
      image: a square picture.
      size: of the result.
      flip: probability of mirroring it.
      jitter: brightness, contrast and saturation are multiplied by 1 +- jitter.
      zoom: range of the enlargement about the centre; black comes in below 1.
      shift: largest shift along each side, in sides of the picture.
    """
    numbers = jax.random.uniform(key, (7,))
    image = jnp.where(numbers[0] < flip, image[:, ::-1], image)
    factor = zoom[0] + (zoom[1] - zoom[0]) * numbers[1]
    corner = size * ((1 - factor) / 2 + shift * (2 * numbers[2:4] - 1))
    moved = jax.image.scale_and_translate(
        image, (size, size, 3), (0, 1), jnp.full(2, factor * size / image.shape[0]), corner, "linear"
    )
    return recoloured(moved, 1 + jitter * (2 * numbers[4:7] - 1))


def recoloured(image: Float[Array, "h w 3"], factors: Float[Array, "3"]) -> Float[Array, "h w 3"]:
    """Brightness, contrast about middle gray, saturation about each pixel's luma, times `factors`; in [0, 1]."""
    image = (image * factors[0] - 0.5) * factors[1] + 0.5
    gray = jnp.sum(image * LUMA.reshape(1, 1, 3), axis=-1, keepdims=True)
    return jnp.clip(gray + (image - gray) * factors[2], 0.0, 1.0)
