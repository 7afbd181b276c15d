"""The autoencoder of faces learns, leaves out seams, and is found again by those who forge with it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.config import autoencoder
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import rows
from dfrec_jax.forging.neural.autoencoder import FaceAutoencoder
from dfrec_jax.runs import autoencoder as runs_autoencoder
from dfrec_jax.runs import stored_config
from dfrec_jax.runs.saving import CheckpointWriter
from dfrec_jax.training import sharding
from dfrec_jax.training.tasks import neural_swaps
from dfrec_jax.training.tasks.autoencoder import AutoencoderTask, distances, make_loss, with_seam


@pytest.fixture
def config(make_config):
    config = autoencoder.autoencoder()
    config.image_size = 48
    config.data.dir = make_config().data.dir
    config.data.num_threads, config.data.prefetch = 2, 8
    config.autoencoder.size, config.autoencoder.features, config.autoencoder.latent = 32, (4,), 4
    config.train.batch_size, config.train.num_steps = 4, 2
    config.data.eval_batch_size, config.data.validation_examples = 4, 4
    return config


def test_distances_by_hand():
    faces = jnp.zeros((1, 2, 2, 3))
    drawn = faces.at[0, 0, 0].set(0.4)
    pixels, edges = distances(drawn, faces)
    np.testing.assert_allclose([pixels, edges], [0.1, 0.4], rtol=1e-6)  # two of four steps, across and down


def test_a_seam_changes_the_inner_face_alone():
    face = jnp.asarray(np.random.default_rng(0).random((32, 32, 3)), jnp.float32)
    made = jax.jit(with_seam)(jax.random.key(1), face)
    changed = np.abs(np.asarray(made - face)).max(axis=-1) > 1e-6
    assert changed[14:18, 12:20].all() and not changed[0].any() and not changed[:, 0].any()


def test_its_batches_are_photographs_and_its_loss_falls_on_them(config):
    task = AutoencoderTask(config)
    with task.batches(0) as batches:
        batch = next(batches)
    assert set(batch["kind"]) == {rows.PHOTOGRAPH}
    module = FaceAutoencoder((4,), 4)
    variables = module.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False)
    loss = make_loss(module, task.config)
    pictures = {"image": jnp.float32(batch["image"]) / 255, "landmarks": jnp.asarray(batch["landmarks"])}
    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    key, params = jax.random.key(0), variables["params"]
    (before, (stats, _)), gradient = step(params, variables["batch_stats"], (), pictures, key)
    params = jax.tree.map(lambda x, g: x - 0.02 * jnp.sign(g), params, gradient)
    (after, _), _ = step(params, stats, (), pictures, key)
    assert np.isfinite(before) and after < before


def test_it_is_validated_and_found_again_by_those_who_forge_with_it(config, make_config, tmp_path):
    config.data.eval_batch_size = config.data.validation_examples = 8  # one for each device
    task = AutoencoderTask(config)
    module = FaceAutoencoder((4,), 4)
    variables = dict(jax.jit(lambda: module.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False))())
    validator = task.make_validator(sharding.make_mesh(config.mesh))
    assert 0 < validator.score(variables) < 30, "decibels, of a network that has learned nothing"
    with CheckpointWriter(tmp_path, score_name="psnr") as checkpoints:
        checkpoints.save(0, {"variables": variables}, {}, 12.0)
    stored_config.save(tmp_path, task.config)
    found = neural_swaps.load(make_config(neural_share=0.25, neural_network=str(tmp_path)))
    assert found.forge_row is not None and len(found.fingerprint["neural_network"]) == 16
    restored = runs_autoencoder.load(tmp_path)
    assert restored.size == 32
    jax.tree.map(np.testing.assert_array_equal, restored.variables, variables)


def test_a_run_that_is_not_there_is_named(make_config):
    config = make_config(neural_share=0.25, neural_network="/nowhere")
    with pytest.raises(ConfigError, match="data.neural_network='/nowhere': "):
        neural_swaps.load(config)
    assert neural_swaps.load(make_config()) == (None, {})
