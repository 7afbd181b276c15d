import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.baselines import delocate
from dfrec_jax.baselines.facial_parts import part_shares
from dfrec_jax.forging import components
from dfrec_jax.models.masking import PatchSplit
from dfrec_jax.models.tirm import TirmOutput
from dfrec_jax.nets.transformer import VitSize
from tests import stand_in, tiny

# Sixteen patches: the first part overlaps 0 to 3, the second 2 to 5, the third 6 and 7; the rest is background.
SHARES = jnp.zeros((3, 16)).at[0, :4].set(1.0).at[1, 2:6].set(0.5).at[2, 6:8].set(0.01)
PARTS = [set(range(4)), set(range(2, 6)), {6, 7}]
NETWORK = delocate.Delocate(0.6, 8, VitSize(8, 1, 2), VitSize(8, 1, 2))


def of_each(keys):
    return jnp.broadcast_to(SHARES, (len(keys), *SHARES.shape))


training_scores = jax.jit(delocate.training_scores)


def test_training_hides_three_quarters_of_one_to_three_parts_then_background_then_the_rest_of_the_face():
    keys = tiny.keys(64)
    scores = np.asarray(training_scores(of_each(keys), keys))
    assert (scores >= delocate.LOWEST).all() and (scores < 1).all()
    drawn = [set(np.nonzero(row > 5 / 6)[0].tolist()) for row in scores]
    unions = [set().union(*(PARTS[part] for part in chosen)) for chosen in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2))]
    unions.append(set(range(8)))
    for row, hidden in zip(scores, drawn, strict=True):
        assert any(hidden <= union and len(hidden) == round(0.75 * len(union)) for union in unions)
        assert row[8:].min() > max(row[patch] for patch in set(range(8)) - hidden)
        assert row[8:].max() < min(row[patch] for patch in hidden)
    assert {len(hidden) for hidden in drawn} >= {2, 3, 6}  # one part, two and all three
    assert len({tuple(sorted(hidden)) for hidden in drawn}) > 10


def test_an_example_draws_by_its_own_key():
    keys = tiny.keys(4)
    together = training_scores(of_each(keys), keys)
    np.testing.assert_array_equal(training_scores(of_each(keys[2:3]), keys[2:3]), together[2:3])


def test_a_recovery_hides_every_patch_of_the_face_those_of_the_largest_share_first():
    keys = tiny.keys(3)
    scores = np.asarray(jax.jit(delocate.recovery_scores)(of_each(keys), keys))
    assert (scores[:, :4].min() > scores[:, 4:6].max()) and (scores[:, 4:6].min() > scores[:, 6:8].max())
    assert scores[:, 6:8].min() > scores[:, 8:].max() and len(np.unique(scores[:, 8])) == 3


def test_only_patches_of_the_face_are_drawn_and_all_that_fit_into_the_mask():
    images = jnp.asarray(np.random.default_rng(0).random((2, 32, 32, 3), np.float32))
    points = components.points_of(jnp.full((2, 5, 2), jnp.nan), None, 32)
    variables = stand_in.variables(NETWORK, images, jnp.zeros((2, 16)))

    @jax.jit
    def run(points):
        drawn = delocate.recover(NETWORK, variables, images, points, tiny.keys(2))
        return drawn, part_shares(points, 32, 8)

    (target, generated, masked), shares = jax.tree.map(np.asarray, run(points))
    is_drawn, num_hidden = generated[..., 0] == 1, round(0.6 * 16)
    num_of_face = np.minimum((shares > 0).any(axis=1).sum(axis=1), num_hidden)
    assert (is_drawn.sum(axis=(1, 2)) == 64 * num_of_face).all() and is_drawn.any()
    np.testing.assert_array_equal(target[~is_drawn], images[~is_drawn])
    assert (np.abs(target - images)[is_drawn].max(axis=-1) > 0).all()
    assert ((masked == 0).all(axis=-1).sum(axis=(1, 2)) == 64 * num_hidden).all()


def test_the_loss_is_the_mean_square_over_hidden_pixels():
    split = PatchSplit(jnp.array([[0, 3]] * 2), jnp.array([[1, 2]] * 2))
    predicted = jnp.stack([jnp.full((2, 12), 0.5), jnp.full((2, 12), 9.0)])
    nothing = jnp.zeros((2, 4, 4, 3))
    output = TirmOutput(nothing, predicted, nothing, jnp.zeros((2, 2, 8)), split)
    reference = nothing.at[:, :2, 2:].set(1.0).at[:, :2, :2].set(77.0)  # patch 1 is white, patch 0 is seen
    first = jnp.array([True, False])
    np.testing.assert_allclose(delocate.masked_error(output, reference, 2, first), 0.25)
    output = output._replace(target_patches=predicted.at[0, 0].set(1.0))  # patch 1 is found, patch 2 is grey
    np.testing.assert_allclose(delocate.masked_error(output, reference, 2, first), 0.125)
    inside = jnp.ones((2, 4, 4, 1)).at[:, :2].set(0.0)  # patch 1 lies beyond the border
    np.testing.assert_allclose(delocate.masked_error(output, reference, 2, first, inside), 0.25)
    assert delocate.masked_error(output, reference, 2, jnp.zeros(2, bool)) == 0
