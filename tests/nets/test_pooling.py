import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.nets.pooling import max_pool, overlapping_max_pool

X = jnp.asarray(np.random.default_rng(0).standard_normal((2, 4, 6, 3), np.float32))


def _flax(x):
    return nn.max_pool(x, (2, 2), strides=(2, 2))


def _overlapping(x, padding=0):
    return nn.max_pool(x, (3, 3), strides=(2, 2), padding=((padding, padding), (padding, padding)))


def test_by_hand():
    x = jnp.array([[1.0, 5.0, 2.0, 2.0], [4.0, 3.0, 2.0, 7.0]]).reshape(1, 2, 4, 1)
    np.testing.assert_array_equal(max_pool(x)[0, :, :, 0], [[5, 7]])


def test_values_and_gradients_are_flax_s():
    np.testing.assert_array_equal(max_pool(X), _flax(X))
    got, want = (jax.grad(lambda x, pool=pool: jnp.sum(jnp.sin(pool(x))))(X) for pool in (max_pool, _flax))
    np.testing.assert_array_equal(got, want)


def test_the_last_of_an_odd_side_is_left_out():
    np.testing.assert_array_equal(max_pool(X[:, :3, :5]), _flax(X[:, :3, :5]))


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("sides", [(7, 9), (8, 6), (3, 4)])
def test_overlapping_values_and_gradients_are_flax_s(sides, padding):
    x = jnp.asarray(np.random.default_rng(0).standard_normal((2, *sides, 3), np.float32)) - 3.0
    pools = functools.partial(overlapping_max_pool, padding=padding), functools.partial(_overlapping, padding=padding)
    np.testing.assert_array_equal(pools[0](x), pools[1](x))
    got, want = (jax.jit(jax.grad(lambda x, pool=pool: jnp.sum(jnp.sin(pool(x)))))(x) for pool in pools)
    np.testing.assert_allclose(got, want, rtol=1e-6)
