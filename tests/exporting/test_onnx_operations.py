"""Operations of JAX as ONNX, each held against JAX itself by onnxruntime, for two sizes of the batch."""

import flax.linen as nn
import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import onnxruntime
import pytest
from jax import lax

from dfrec_jax.exporting.onnx_file import model_of
from dfrec_jax.exporting.onnx_graph import UnsupportedError
from dfrec_jax.exporting.program import Slot

SIDE, CHANNELS = 6, 4
RNG = np.random.default_rng(0)
KERNEL = RNG.standard_normal((3, 3, CHANNELS, 5)).astype(np.float32)
DEPTHWISE = RNG.standard_normal((3, 3, 1, CHANNELS)).astype(np.float32)


def _conv(x, kernel, **options):
    return lax.conv_general_dilated(x, kernel, dimension_numbers=("NHWC", "HWIO", "NHWC"), **options)


def _rows(x):
    return x.reshape(x.shape[0], SIDE * SIDE, CHANNELS)


def _index(x):  # of rows of each example, by what is in it
    return jnp.argsort(_rows(x)[:, :, 0], axis=-1, stable=True)[:, :7]


OPERATIONS = {
    "strided": lambda x: _conv(x, KERNEL, window_strides=(2, 2), padding="SAME"),
    "dilated": lambda x: _conv(x, KERNEL, window_strides=(1, 1), padding=((2, 1), (0, 2)), rhs_dilation=(2, 2)),
    "grouped": lambda x: _conv(x, DEPTHWISE, window_strides=(1, 1), padding="SAME", feature_group_count=CHANNELS),
    "softmax": lambda x: jax.nn.softmax(x, axis=-1),
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "attention": lambda x: jax.nn.dot_product_attention(*[_rows(x).reshape(-1, SIDE * SIDE, 2, 2)] * 3),
    "left product": lambda x: jnp.einsum("ih,bhwc->biwc", np.ones((3, SIDE), np.float32), x),
    "dense": lambda x: x @ KERNEL[0, 0],
    "norm": lambda x: (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5),
    "padded": lambda x: lax.pad(x, np.float32(0), ((0, 0, 0), (1, 2, 0), (-1, 0, 0), (0, 0, 0))),
    "edges": lambda x: jnp.pad(x, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="edge"),
    "windows": lambda x: nn.avg_pool(x, (2, 2)),
    "slices": lambda x: jnp.maximum(x[:, ::2], x[:, 1::2]),
    "box": lambda x: x[:, 1:3, -2, 1:],
    "split": lambda x: jnp.concatenate(jnp.split(x, 2, axis=-1)[::-1], axis=-1),
    "stacked": lambda x: jnp.stack([x, -x], axis=3),
    "where": lambda x: jnp.where(x > 0, jnp.exp(x), 2.0),
    "gathered": lambda x: jnp.take_along_axis(_rows(x), _index(x)[:, :, None], axis=1),
    "put": lambda x: jax.vmap(lambda row, i: row.at[i].set(7.0))(_rows(x)[..., 0], _index(x)),
    "put rows": lambda x: jax.vmap(lambda row, i: row.at[i].set(-row[i]))(_rows(x), _index(x)),
    "repeated": lambda x: jnp.broadcast_to(jnp.arange(3.0)[None, :], (x.shape[0], 3)) + x.sum(axis=(1, 2))[:, :3] ** 2,
    "constant": lambda x: jnp.broadcast_to(jnp.float32(2.0), (x.shape[0], 3)),
}


def _model(operation, outputs):
    (batch,) = jax.export.symbolic_shape("b")
    image = jax.ShapeDtypeStruct((batch, SIDE, SIDE, CHANNELS), jnp.float32)
    slots = {"x": Slot((SIDE, SIDE, CHANNELS), "float32", None, None, "")}
    return model_of(lambda _, x: {"y": operation(x)}, {}, ({}, image), slots, {"y": outputs}, "")


@pytest.mark.parametrize("name", OPERATIONS)
def test_it_is_what_jax_does(name):
    operation = OPERATIONS[name]
    shape = jax.eval_shape(operation, np.zeros((1, SIDE, SIDE, CHANNELS), np.float32)).shape[1:]
    session = onnxruntime.InferenceSession(_model(operation, Slot(shape, "float32", None, None, "")))
    for size in (1, 3):
        x = RNG.standard_normal((size, SIDE, SIDE, CHANNELS)).astype(np.float32)
        (found,) = session.run(None, {"x": x})
        np.testing.assert_allclose(found, operation(x), rtol=1e-5, atol=1e-5)


def test_equal_values_keep_their_order():
    values = RNG.integers(0, 3, (2, SIDE, SIDE, CHANNELS)).astype(np.float32)

    def order(x):
        return jnp.argsort(x.reshape(x.shape[0], -1), axis=-1, stable=True).astype(jnp.float32)

    session = onnxruntime.InferenceSession(_model(order, Slot((SIDE * SIDE * CHANNELS,), "float32", None, None, "")))
    np.testing.assert_array_equal(session.run(None, {"x": values})[0], order(values))


def test_what_is_not_written_is_named():
    with pytest.raises(UnsupportedError, match="the operation cos is no part"):
        _model(jnp.cos, Slot((SIDE, SIDE, CHANNELS), "float32", None, None, ""))
    with pytest.raises(UnsupportedError, match="a gather by"):
        _model(lambda x: x[:, [0, 2], [1, 3]], Slot((2, CHANNELS), "float32", None, None, ""))
