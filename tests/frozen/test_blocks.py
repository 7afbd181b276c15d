import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.frozen.blocks import ConvNorm, resize, unit_length


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [6, 7])
def test_a_depthwise_convolution_is_padded_as_pytorchs(stride, side):
    x = jnp.array(np.random.default_rng(0).standard_normal((2, side, side, 3)), jnp.float32)
    module = ConvNorm(3, (3, 3), stride, is_depthwise=True, activation=None)
    variables = module.init(jax.random.key(0), x)
    got = module.apply(variables, x) * np.float32(np.sqrt(1 + 1e-5))  # undoes BatchNorm's epsilon
    want = jax.lax.conv_general_dilated(
        x,
        variables["params"]["conv"]["kernel"],
        (stride, stride),
        [(1, 1), (1, 1)],
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=3,
    )
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_a_grid_that_is_even_one_way_only_is_refused():
    with pytest.raises(ValueError, match="stride 2"):
        ConvNorm(3, (3, 3), 2, is_depthwise=True).init(jax.random.key(0), jnp.ones((1, 6, 7, 3)))


def test_batch_norm_uses_the_running_statistics():
    module = ConvNorm(1, activation=nn.relu, epsilon=0.0)
    variables = {
        "params": {
            "conv": {"kernel": jnp.ones((1, 1, 1, 1))},
            "norm": {"scale": jnp.array([3.0]), "bias": jnp.array([1.0])},
        },
        "batch_stats": {"norm": {"mean": jnp.array([5.0]), "var": jnp.array([4.0])}},
    }
    x = jnp.array([9.0, 1.0]).reshape(2, 1, 1, 1)  # (9 - 5) / 2 * 3 + 1, and -5 before the ReLU
    np.testing.assert_allclose(module.apply(variables, x).ravel(), [7.0, 0.0])


def test_resize_by_hand():
    row = jnp.array([0.0, 1.0, 0.0, 1.0]).reshape(1, 1, 4, 1) * jnp.ones((1, 4, 1, 3))
    halved = resize(row, 4, 2, antialias=True)  # each output weighs its neighbours by a triangle of twice the width
    np.testing.assert_allclose(halved[0, 0, :, 0], [3 / 7, 4 / 7], atol=1e-6)
    picked = resize(row, 4, 2, antialias=False)  # half-way between pixels 0 and 1
    np.testing.assert_allclose(picked[0, 0, :, 0], [0.5, 0.5], atol=1e-6)
    assert resize(row, 4, 4, antialias=True) is row


def test_unit_length_by_hand_and_its_gradient_at_zero():
    np.testing.assert_allclose(unit_length(jnp.array([[3.0, 4.0]])), [[0.6, 0.8]], rtol=1e-6)
    assert np.isfinite(jax.grad(lambda x: unit_length(x).sum())(jnp.zeros((1, 4)))).all()
