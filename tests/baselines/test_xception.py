import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.baselines.xception import XceptionBlock
from tests import stand_in

X = jnp.asarray(np.random.default_rng(0).standard_normal((1, 5, 5, 2), np.float32))


def copying(module):
    """Variables under which each convolution and norm gives back what it gets."""
    variables = stand_in.variables(module, X, train=False)
    kernels = {"depthwise": jnp.zeros((3, 3, 1, 2)).at[1, 1].set(1.0), "pointwise": jnp.eye(2)[None, None]}
    for layer in list(variables["params"]):
        if layer.startswith("conv"):
            variables["params"][layer] = {name: {"kernel": kernel} for name, kernel in kernels.items()}
        else:
            features = jnp.ones(2)
            variables["params"][layer] = {"scale": features * np.sqrt(1 + 1e-5), "bias": 0 * features}
            variables["batch_stats"][layer] = {"mean": 0 * features, "var": features}
    return variables


def test_a_block_adds_its_rectified_input_and_the_first_block_its_input():
    block = XceptionBlock((2,))
    np.testing.assert_allclose(block.apply(copying(block), X, train=False), X + X.clip(0), rtol=1e-5)
    first = XceptionBlock((2,), starts_with_relu=False)
    np.testing.assert_allclose(first.apply(copying(first), X, train=False), 2 * X, rtol=1e-5)


def test_the_shortcut_is_projected_where_grid_or_channels_change_and_odd_sides_round_up():
    for features, stride, shape in (((3, 2), 1, (1, 5, 5, 2)), ((2, 3), 1, (1, 5, 5, 3)), ((2, 2), 2, (1, 3, 3, 2))):
        block = XceptionBlock(features, stride)
        out, variables = jax.eval_shape(
            lambda x, block=block: block.init_with_output(jax.random.key(0), x, train=False), X
        )
        assert out.shape == shape
        assert ("shortcut_conv" in variables["params"]) == (shape != X.shape)
