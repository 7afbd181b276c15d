from pathlib import Path

import jax
import numpy as np
import pytest
from jax import lax

import dfrec_jax
from dfrec_jax.nets.convolution import Conv, convolve

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def _values_and_gradients(form, x, kernel, strides, padding, argument):
    def loss(x, kernel):
        y = form(x, kernel, strides, padding, dimension_numbers=DIMENSIONS)
        return (y**2).sum() / y.size, y

    (_, y), gradient = jax.jit(jax.value_and_grad(loss, argument, has_aux=True))(x, kernel)
    return y, *gradient


@pytest.mark.parametrize(
    ("taps", "strides", "padding"),
    [
        ((1, 1), (1, 1), "SAME"),
        ((1, 1), (2, 3), [(0, 0), (0, 0)]),
        ((1, 1), (1, 1), [(1, 1), (0, 0)]),
        ((3, 3), (1, 1), "VALID"),
        ((3, 2), (2, 1), [(0, 0), (0, 0)]),
        ((7, 7), (2, 2), "VALID"),  # of 8 rows one place is left, with the zeros two
        ((3, 3), (2, 2), "SAME"),
        ((1, 5), (1, 1), [(0, 0), (2, 2)]),
    ],
)
def test_it_is_the_convolution_and_so_are_its_gradients(taps, strides, padding):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 8, 9, 3), np.float32)
    kernel = rng.standard_normal((*taps, 3, 4), np.float32)
    wanted = _values_and_gradients(lax.conv_general_dilated, x, kernel, strides, padding, (0, 1))
    got = _values_and_gradients(convolve, x, kernel, strides, padding, (0, 1))
    for ours, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_kernel_of_one_tap_is_no_convolution_to_the_compiler():
    conv, x = Conv(4, (1, 1), (2, 2)), np.zeros((1, 8, 8, 3), np.float32)
    variables = conv.init(jax.random.key(0), x)
    assert "conv_general_dilated" not in str(jax.make_jaxpr(conv.apply)(variables, x))


def test_nothing_frozen_stays_unpadded_on_a_cpu():
    conv, x = Conv(4, (3, 3), padding="VALID"), np.zeros((1, 8, 8, 3), np.float32)
    program = jax.jit(conv.apply).lower(conv.init(jax.random.key(0), x), x).as_text()
    assert "stablehlo.convolution" in program
    assert "pad = [[0, 1], [0, 1]]" in program and "pad = [[0, 0], [0, 0]]" not in program


def test_no_frozen_network_goes_by_another_convolution():
    for file in (Path(dfrec_jax.__file__).parent / "frozen").glob("*.py"):
        assert "nn.Conv(" not in file.read_text(), file
