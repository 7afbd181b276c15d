import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.nets.depthwise import DepthwiseConv, grouped_conv, sum_of_taps


@pytest.mark.parametrize(
    ("height", "width", "size", "stride", "dilation"),
    [(8, 10, 3, 2, 1), (9, 7, 5, 2, 1), (6, 6, 5, 1, 2), (14, 14, 3, 1, 12), (4, 4, 3, 1, 24)],
)
def test_both_forms_agree_and_so_do_their_gradients(height, width, size, stride, dilation):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, height, width, 3), np.float32)
    kernel = rng.standard_normal((size, size, 1, 3), np.float32)

    def value_and_gradients(conv):
        def loss(x, kernel):
            y = conv(x, kernel, stride, dilation)
            return (y**2).sum() / y.size, y

        (_, y), gradients = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(x, kernel)
        return y, *gradients

    for got, want in zip(value_and_gradients(sum_of_taps), value_and_gradients(grouped_conv), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


def test_one_tap_by_hand():
    x = np.arange(8, dtype=np.float32).reshape(1, 2, 4, 1)
    kernel = np.zeros((3, 3, 1, 1), np.float32)
    kernel[1, 2] = 2.0  # twice the right neighbour, zero beyond the edge
    y = DepthwiseConv(3).apply({"params": {"kernel": jnp.asarray(kernel)}}, jnp.asarray(x))
    np.testing.assert_array_equal(y[0, :, :, 0], [[2, 4, 6, 0], [10, 12, 14, 0]])


def test_the_slow_form_is_not_traced_where_shapes_alone_are_asked_for():
    layer, x = DepthwiseConv(3, stride=2), jnp.zeros((1, 5, 4, 2))
    y, variables = jax.eval_shape(layer.init_with_output, jax.random.key(0), x)
    assert y.shape == (1, 3, 2, 2) == jax.eval_shape(layer.apply, variables, x).shape
    program = str(jax.make_jaxpr(layer.init_with_output)(jax.random.key(0), x))
    assert "sum_of_taps" not in program and "feature_group_count=2" in program
