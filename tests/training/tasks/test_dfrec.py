"""What DFREC's training counts beside its losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.config import rules
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.examples import fields
from dfrec_jax.models import dfrec
from dfrec_jax.training import state, step
from dfrec_jax.training.tasks.dfrec import count_missing, make_loss, mean_maps
from tests import tiny

QUICK = {step.LEVEL: 0}


def test_examples_without_a_source_or_a_target_are_counted():
    batch = {"has_source": jnp.array([True, False, False, True]), "has_target": jnp.array([True, True, False, False])}
    batch |= {"is_forgery": jnp.array([True, True, True, False])}
    batch |= {"source_landmarks": jnp.ones((4, 5, 2)).at[0, 2].set(jnp.nan)}
    want = {"without_source": 2.0, "without_target": 2.0, "without_source_landmarks": 1.0, "left_unforged": 1.0}
    assert count_missing(batch) == want


def test_the_mean_map_of_forgeries_and_of_pristine_faces_stand_apart():
    maps = jnp.array([0.9, 0.7, 0.1, 0.2])[:, None, None, None] * jnp.ones((4, 2, 2, 1))
    means = mean_maps(maps, jnp.array([True, True, False, False]))
    np.testing.assert_allclose([means["mean_map_forged"], means["mean_map_pristine"]], [0.8, 0.15], rtol=1e-6)


def test_the_ism_learns_alone_from_the_losses_that_it_has_in_the_whole_and_the_rest_stays():
    config = tiny.config()
    config.ism.verdict, config.loss.classification = "product", 1.0
    model, batch, key = dfrec.build(config), fields.to_float(jax.tree.map(jnp.asarray, tiny.batch())), jax.random.key(0)
    variables = state.init_variables(model, config.image_size, key)
    given = variables["params"], variables["batch_stats"], tiny.perceptors(), batch, key
    _, (_, whole) = jax.jit(make_loss(model, config), compiler_options=QUICK)(*given)
    config.train.ism_alone = True
    _, (statistics, alone) = jax.jit(make_loss(model, config), compiler_options=QUICK)(*given)
    for name in ("loss_segmentation", "loss_classification", "mean_map_forged"):
        np.testing.assert_allclose(alone[name], whole[name], rtol=1e-5, err_msg=name)
    assert "loss_patch" not in alone

    optimizer = state.make_optimizer(config)
    updates, _ = optimizer.update(jax.tree.map(jnp.ones_like, given[0]), optimizer.init(given[0]), given[0])
    is_still = {part: not any(np.any(leaf) for leaf in jax.tree.leaves(of)) for part, of in updates.items()}
    assert is_still == {"ism": False, "sirm": True, "tirm": True}
    for part in variables["batch_stats"]:
        is_same = jax.tree.all(
            jax.tree.map(lambda a, b: np.array_equal(a, b), variables["batch_stats"][part], statistics[part])
        )
        assert is_same == (part != "ism"), part


def test_an_ism_that_nothing_teaches_cannot_learn_alone():
    config = tiny.config()
    config.train.ism_alone, config.loss.segmentation, config.loss.classification = True, 0.0, 0.0
    with pytest.raises(ConfigError, match="train.ism_alone=True with .*there is no ISM, or nothing that teaches it"):
        rules.validate(config)
