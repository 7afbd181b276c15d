"""What RePaint's row makes of a picture: the input outside the hole, whatever size the network has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines import repaint_method
from dfrec_jax.baselines.repaint import Resampling
from dfrec_jax.config import compared
from tests import stand_in, tiny

SIZE = 12


@pytest.fixture(scope="module")
def module():
    config = compared.compared("repaint", tiny.config())
    own = config.repaint
    own.image_size, own.features, own.multipliers, own.num_blocks, own.head_features = 8, 8, (1,), 1, 8
    own.attention_sides = ()
    return repaint_method.build(config)


@pytest.fixture(scope="module")
def paint(module):
    variables = stand_in.variables(module, jnp.zeros((1, 8, 8, 3)), jnp.zeros(1, jnp.int32))
    run = jax.jit(repaint_method.paint_function(module, Resampling(2, 1, 2)))
    landmarks = jnp.full((2, 5, 2), jnp.nan)  # the middle of the picture
    return lambda images: run(variables, images, landmarks, None, jnp.broadcast_to(jax.random.key(0), (2,)))


def test_known_pixels_are_the_inputs_to_the_bit(paint):
    images = jnp.asarray(np.random.default_rng(0).random((2, SIZE, SIZE, 3), np.float32))
    painted = paint(images)
    hole = np.asarray(painted.generated)
    assert painted.target.shape == images.shape and 0.05 < hole.mean() < 0.6
    kept = np.broadcast_to(hole == 0, images.shape)
    np.testing.assert_array_equal(np.asarray(painted.target)[kept], np.asarray(images)[kept])
    assert (np.asarray(painted.target)[~kept] != np.asarray(images)[~kept]).mean() > 0.99


def test_one_key_is_another_noise_for_each_picture(paint):
    """Two pictures that differ outside their holes by next to nothing are painted differently, the same one alike."""
    image = jnp.full((SIZE, SIZE, 3), 0.5, jnp.float32)  # not of a weak type, for which it would be compiled again
    near = image.at[0, 0, 0].set(129 / 255)
    same, other = (np.asarray(paint(jnp.stack([image, second])).target) for second in (image, near))
    np.testing.assert_array_equal(same[0], same[1])
    assert np.abs(other[0] - other[1])[4:8, 4:8].max() > 0.05


def test_fresh_variables_are_those_that_the_published_file_fills(module):
    shapes = jax.eval_shape(repaint_method.init_function(module), jax.random.key(0))
    assert set(shapes) == {"params", "batch_stats"} and shapes["batch_stats"] == {}
    want = stand_in.variables(module, jnp.zeros((1, 8, 8, 3)), jnp.zeros(1, jnp.int32))["params"]
    assert jax.tree.map(jnp.shape, want) == jax.tree.map(lambda leaf: leaf.shape, shapes["params"])
