import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.nets.mbconv import MBConv, SqueezeExcite, _drop_examples
from tests import stand_in

X = jnp.asarray(np.random.default_rng(0).standard_normal((3, 4, 4, 8), np.float32))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_squeeze_excite_by_hand():
    module = SqueezeExcite(2)
    variables = stand_in.variables(module, X)
    weights, x = jax.tree.map(np.asarray, (variables["params"], X))
    reduce, expand = weights["reduce"], weights["expand"]
    hidden = x.mean(axis=(1, 2)) @ reduce["kernel"] + reduce["bias"]
    gate = sigmoid((hidden * sigmoid(hidden)) @ expand["kernel"] + expand["bias"])
    np.testing.assert_allclose(module.apply(variables, X), x * gate[:, None, None], rtol=1e-5, atol=1e-6)


def test_shapes_and_residual():
    def out(**fields):
        module = MBConv(**{"features": 8, "kernel_size": 3, **fields})
        variables = stand_in.variables(module, X, train=False)
        return jax.jit(lambda variables, x: module.apply(variables, x, train=False))(variables, X), variables["params"]

    strided, params = out(stride=2, features=12)
    assert strided.shape == (3, 2, 2, 12)
    assert params["expand_conv"]["kernel"].shape == (1, 1, 8, 48)
    assert params["squeeze_excite"]["reduce"]["kernel"].shape == (48, 2)  # a quarter of the block's input, not of 48
    assert "expand_conv" not in out(expansion=1)[1]

    module = MBConv(8, 3)
    variables = stand_in.variables(module, X, train=False)
    variables["params"]["project_norm"] = jax.tree.map(jnp.zeros_like, variables["params"]["project_norm"])
    np.testing.assert_array_equal(module.apply(variables, X, train=False), X)  # a silent branch leaves the shortcut


def test_dropped_examples_are_whole_and_the_mean_stays():
    dropped = _drop_examples(jnp.ones((4000, 2, 2, 1)), 0.25, jax.random.key(0))
    per_example = dropped.reshape(4000, -1)
    assert (per_example == per_example[:, :1]).all()
    np.testing.assert_allclose(np.unique(per_example), [0, 4 / 3], rtol=1e-6)
    np.testing.assert_allclose(per_example.mean(), 1, atol=0.03)
