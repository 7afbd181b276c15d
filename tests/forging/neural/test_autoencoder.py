"""The way from a picture to its upright face and back, and the network in between."""

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.forging.candidate_region import MEAN_FACE, MEAN_FIVE
from dfrec_jax.forging.neural.autoencoder import FaceAutoencoder, on_square, redrawn, upright

SIZE = 32


def _picture(size):
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    return jnp.stack([jnp.asarray(x), jnp.asarray(y), jnp.asarray((x + y) / 2)], axis=-1)


def _turned(points, size):
    """The template's points, turned, smaller and moved."""
    turn = np.array([[0.9, -0.3], [0.3, 0.9]]) * size / 224
    return jnp.asarray((points - 56) @ turn.T + size * np.array([0.52, 0.47]), jnp.float32)


def test_landmarks_stand_on_the_template_of_the_upright_face():
    landmarks = _turned(MEAN_FIVE, 64)
    found = upright(_picture(64), landmarks, SIZE)
    for (x, y), point in zip(on_square(MEAN_FIVE, SIZE), landmarks, strict=True):
        colour = found[round(float(y)), round(float(x))]
        np.testing.assert_allclose(colour[:2], point / 64, atol=0.04)


def test_a_face_that_is_given_back_as_it_is_comes_back_to_its_place():
    picture, points = _picture(64), _turned(MEAN_FACE, 64)
    found = redrawn(lambda face: face, SIZE, picture, points)
    middle = np.asarray(points.mean(axis=0), int)
    around = (slice(middle[1] - 8, middle[1] + 8), slice(middle[0] - 8, middle[0] + 8))
    np.testing.assert_allclose(found[around], picture[around], atol=0.02)
    dark = redrawn(jnp.zeros_like, SIZE, picture, points)
    assert float(jnp.abs(dark).max()) == 0


def test_a_large_picture_is_averaged():
    board = np.indices((128, 128)).sum(axis=0) % 2
    fine = jnp.asarray(np.repeat(board[..., None], 3, axis=-1), jnp.float32)
    found = upright(fine, _turned(MEAN_FIVE, 128), SIZE)
    assert float(jnp.std(found)) < 0.2  # a chess board of single pixels is gray from afar


def test_the_network_gives_faces_of_the_size_it_gets():
    module = FaceAutoencoder(features=(4, 8), latent=4)
    shapes = jax.eval_shape(lambda: module.init_with_output(jax.random.key(0), jnp.zeros((2, 16, 16, 3)), train=False))
    assert shapes[0].shape == (2, 16, 16, 3)
    module = FaceAutoencoder()
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, 64, 64, 3)), train=False))
    assert 0.5e6 < sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(shapes["params"])) < 1.5e6
