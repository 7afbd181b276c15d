import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.baselines.reasoning import GraphReasoning, GuidedAttention
from tests import stand_in

RNG = np.random.default_rng(0)


def draw(*shape):
    return jnp.asarray(RNG.standard_normal(shape, np.float32))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_every_node_reasons_over_what_lies_over_it_by_hand():
    """One node after the other, as the figure shows it."""
    encoded, at_twice, at_four_times = draw(1, 2, 3, 5), draw(1, 4, 6, 7), draw(1, 8, 12, 6)
    module = GraphReasoning(4, 0.2)
    variables = stand_in.variables(module, encoded, at_twice, at_four_times, train=False)
    got = jax.jit(lambda *inputs: module.apply(*inputs, train=False))(variables, encoded, at_twice, at_four_times)
    encoded, at_twice, at_four_times = map(np.asarray, (encoded, at_twice, at_four_times))
    kernels = {name: np.squeeze(layer["kernel"]) for name, layer in variables["params"].items()}

    def through(x, name):
        return x @ np.atleast_2d(kernels[name].T).T

    for i in range(2):
        for j in range(3):
            place = encoded[0, i, j]
            node = through(through(place, "node_in").clip(0), "node_out")
            gathered = []
            for ratio, decoded in ((2, at_twice), (4, at_four_times)):
                over = decoded[0, ratio * i : ratio * (i + 1), ratio * j : ratio * (j + 1)].reshape(ratio**2, -1)
                vertices = through(through(over, f"vertex{ratio}_in").clip(0), f"vertex{ratio}_out")
                scores = [max(0, np.concatenate([node, vertex]) @ kernels[f"weight{ratio}"]) for vertex in vertices]
                weights = np.exp(scores) / np.exp(scores).sum()
                gathered.append((1 - sigmoid(through(place, f"gate{ratio}"))) * (weights @ vertices))
            joined = sigmoid(np.concatenate([*gathered, node]))
            want = through(through(joined, "project_in").clip(0), "project_out")
            np.testing.assert_allclose(got[0, i, j], want, rtol=1e-4, atol=1e-5)


def test_attention_adds_more_where_the_reconstruction_failed():
    x, failure = draw(1, 2, 2, 3), jnp.zeros((1, 5, 5, 3)).at[:, 0, 0].set(1.0)  # corners lie on corners
    module = GuidedAttention(0.2)
    variables = stand_in.variables(module, x, failure, train=False)
    where = {"where_in": jnp.ones((3, 3, 3, 3)), "where_out": jnp.full((1, 1, 3, 1), 5.0)}
    variables["params"] |= {name: {"kernel": kernel} for name, kernel in where.items()}

    def added(failure):
        return np.asarray(module.apply(variables, x, failure, train=False)) - x

    what = 2 * added(0 * failure)  # nowhere a failure: half of it everywhere
    assert (what >= -1e-6).all() and what.max() > 0.1
    np.testing.assert_allclose(
        added(failure), what, rtol=1e-4, atol=1e-5
    )  # all 2x2 places are within 3x3 of the corner
