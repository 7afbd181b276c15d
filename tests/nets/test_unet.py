import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.nets.unet import ConvBlock, UpConv
from tests import stand_in

IMAGE = jnp.asarray(np.random.default_rng(0).random((1, 9, 9, 3), np.float32))


@pytest.mark.parametrize(("block", "side", "reach"), [(ConvBlock(4), 9, range(2, 7)), (UpConv(4), 18, range(7, 11))])
def test_a_pixel_reaches_as_far_as_the_convolutions_do(block, side, reach):
    variables = stand_in.variables(block, IMAGE, train=False)
    run = jax.jit(lambda image: block.apply(variables, image, train=False))
    before, after = run(IMAGE), run(IMAGE.at[0, 4, 4].add(5.0))
    assert before.shape == (1, side, side, 4) and before.min() >= 0
    rows, columns, _ = np.nonzero(np.asarray(before != after)[0])
    assert set(rows) == set(columns) == set(reach)


def test_training_normalises_by_the_batch():
    block = ConvBlock(4)
    variables = stand_in.variables(block, IMAGE, train=False)
    out, moved = block.apply(variables, IMAGE, train=True, mutable=["batch_stats"])
    assert out.shape == (1, 9, 9, 4)
    old, new = variables["batch_stats"]["norm_0"]["mean"], moved["batch_stats"]["norm_0"]["mean"]
    assert not np.allclose(old, new)
