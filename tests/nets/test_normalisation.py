import flax.linen as nn
import jax.numpy as jnp
import numpy as np

from dfrec_jax.nets.normalisation import batch_norm, imagenet_normalise


class Norm(nn.Module):
    @nn.compact
    def __call__(self, x, train):
        return batch_norm(train=train, name="norm", momentum=0.99, epsilon=1e-3)(x)


def test_batch_norm_by_hand():
    x = np.array([1.0, 2.0, 6.0], np.float32).reshape(3, 1, 1, 1)  # mean 3, biased variance 14/3
    variables = {
        "params": {"norm": {"scale": jnp.array([2.0]), "bias": jnp.array([0.5])}},
        "batch_stats": {"norm": {"mean": jnp.array([1.0]), "var": jnp.array([4.0])}},
    }
    np.testing.assert_allclose(Norm().apply(variables, x, False), 2 * (x - 1) / np.sqrt(4.001) + 0.5, rtol=1e-6)
    y, updated = Norm().apply(variables, x, True, mutable=["batch_stats"])
    np.testing.assert_allclose(y, 2 * (x - 3) / np.sqrt(14 / 3 + 1e-3) + 0.5, rtol=1e-5)
    np.testing.assert_allclose(updated["batch_stats"]["norm"]["mean"], 0.99 * 1 + 0.01 * 3, rtol=1e-6)
    np.testing.assert_allclose(updated["batch_stats"]["norm"]["var"], 0.99 * 4 + 0.01 * 14 / 3, rtol=1e-6)


def test_imagenet_normalise_by_hand():
    image = np.full((1, 1, 1, 3), 0.5, np.float32)
    want = [(0.5 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, (0.5 - 0.406) / 0.225]
    np.testing.assert_allclose(imagenet_normalise(jnp.asarray(image))[0, 0, 0], want, rtol=1e-5)
