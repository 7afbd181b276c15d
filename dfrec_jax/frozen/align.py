"""Aligning faces by five landmarks: similarity transforms and a differentiable warp, so that a network that needs
aligned faces can serve in a loss."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

# (x, y) in pixels of a 112x112 face: left eye, right eye, nose, left and right mouth corner as seen in the image
# (InsightFace's template, Deng et al. 2019, on which ArcFace-style recognisers are trained).
ARCFACE_TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)], np.float32
)
UNREDUCED_SIZE = 224  # pixels; larger images are sampled more than once for each pixel of the face


def similarity(landmarks: Float[Array, "b n 2"], template: Float[Array, "n 2"]) -> Float[Array, "b 2 3"]:
    """The rotation, uniform scale and shift that bring `landmarks` nearest to `template` (least squares, Umeyama 1991).

    In the plane and without reflection that is a linear regression of complex numbers, which needs no SVD.

    Args:
      landmarks: (x, y) in pixels of an image; at least two of them differ.
      template: where they should be.

    Returns:
      Matrices A with `template ~ A @ (x, y, 1)`.
    """
    centre, aim = landmarks.mean(axis=1, keepdims=True), template.mean(axis=0, keepdims=True)
    p, q = landmarks - centre, (template - aim)[None]
    norm = jnp.sum(jnp.square(p), axis=(1, 2))
    real = jnp.sum(p * q, axis=(1, 2)) / norm
    imaginary = jnp.sum(p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0], axis=1) / norm
    linear = jnp.stack([jnp.stack([real, -imaginary], -1), jnp.stack([imaginary, real], -1)], axis=1)
    shift = aim.T[None] - linear @ centre.transpose(0, 2, 1)
    return jnp.concatenate([linear, shift], axis=-1)


def invert(transforms: Float[Array, "b 2 3"]) -> Float[Array, "b 2 3"]:
    """The similarity transforms that undo `transforms`."""
    linear, shift = transforms[..., :2], transforms[..., 2:]
    scale_squared = jnp.sum(jnp.square(linear[:, 0]), axis=-1)[:, None, None]
    back = linear.transpose(0, 2, 1) / scale_squared
    return jnp.concatenate([back, -back @ shift], axis=-1)


def apply(transforms: Float[Array, "b 2 3"], points: Float[Array, "b n 2"]) -> Float[Array, "b n 2"]:
    """`points` (x, y) moved by `transforms`."""
    return points @ transforms[..., :2].transpose(0, 2, 1) + transforms[..., 2][:, None]


def warp(
    images: Float[Array, "b h w c"], transforms: Float[Array, "b 2 3"], height: int, width: int
) -> Float[Array, "b hh ww c"]:
    """The part of each image that `transforms` (image pixels to output pixels) moves into `height` x `width`.

    Bilinear; black outside the image, as OpenCV's `warpAffine`. An image larger than 224 px is sampled at several
    points for each output pixel and averaged, or a large face would alias. Differentiable in both arguments.
    """
    samples = max(1, round(max(images.shape[1:3]) / UNREDUCED_SIZE))
    offsets = (jnp.arange(samples) + 0.5) / samples - 0.5
    x = (jnp.arange(width)[:, None] + offsets[None]).reshape(-1)
    y = (jnp.arange(height)[:, None] + offsets[None]).reshape(-1)
    grid = jnp.stack(jnp.meshgrid(x, y), axis=-1).reshape(1, -1, 2)
    points = apply(invert(transforms), jnp.broadcast_to(grid, (len(images), *grid.shape[1:])))
    sampled = jax.vmap(_bilinear)(images, points)
    sampled = sampled.reshape(len(images), height, samples, width, samples, images.shape[-1])
    return sampled.mean(axis=(2, 4))


def align(
    images: Float[Array, "b h w c"],
    landmarks: Float[Array, "b 5 2"],
    template: Float[np.ndarray, "5 2"],
    size: tuple[int, int],
) -> Float[Array, "b hh ww c"]:
    """Faces of `size` (height, width) whose landmarks lie on `template`."""
    return warp(images, similarity(landmarks, jnp.asarray(template)), *size)


def _bilinear(image: Float[Array, "h w c"], points: Float[Array, "n 2"]) -> Float[Array, "n c"]:
    """Values at `points` (x, y); a point outside counts the pixels that it lacks as black."""
    height, width, _ = image.shape
    corner = jnp.floor(points)
    fraction = points - corner
    corner = corner.astype(jnp.int32)

    def pixel(dx: int, dy: int) -> Array:
        x, y = corner[:, 0] + dx, corner[:, 1] + dy
        weight = jnp.abs(1 - dx - fraction[:, 0]) * jnp.abs(1 - dy - fraction[:, 1])
        is_inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        values = image[jnp.clip(y, 0, height - 1), jnp.clip(x, 0, width - 1)]
        return jnp.where(is_inside, weight, 0.0)[:, None] * values

    return pixel(0, 0) + pixel(1, 0) + pixel(0, 1) + pixel(1, 1)
