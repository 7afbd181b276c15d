import jax
import numpy as np
import pytest

from dfrec_jax.nets import initialisation


@pytest.mark.parametrize(
    ("initialise", "shape", "variance"),
    [
        (initialisation.CONV, (3, 3, 16, 64), 1 / (9 * 16)),
        (initialisation.BACKBONE_CONV, (1, 1, 96, 24), 2 / 24),
        (initialisation.DEPTHWISE_CONV, (5, 5, 1, 96), 2 / 25),
        (initialisation.DENSE, (64, 192), 2 / (64 + 192)),
        (initialisation.token, (1, 1, 512), 0.02**2),
    ],
)
def test_variance(initialise, shape, variance):
    draw = initialise(jax.random.key(0), shape)
    assert draw.shape == shape and draw.dtype == np.float32
    np.testing.assert_allclose(np.var(draw), variance, rtol=0.1)
    np.testing.assert_allclose(np.mean(draw), 0, atol=0.1 * np.sqrt(variance))
