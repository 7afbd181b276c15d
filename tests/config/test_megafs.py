"""The paper's full size takes optimiser steps on a CPU, with random stand-ins for the frozen networks."""

import resource

import jax
import numpy as np
import pytest

from configs import megafs
from dfrec_jax import perceptors
from dfrec_jax.config import defaults, rules
from dfrec_jax.models import dfrec
from dfrec_jax.training import sharding, state
from dfrec_jax.training.step import compile_step, make_train_step
from dfrec_jax.training.tasks.dfrec import init_function, make_loss
from dfrec_jax.weights.rules import WeightsError

GIBIBYTE = 2**30


@pytest.fixture
def config():
    config = megafs.get_config()
    config.data.dir = "prepared"
    config.train.batch_size = 2
    config = defaults.resolve(config)
    rules.validate(config)
    return config


def test_the_weights_of_equation_10_stand_before_its_literal_terms(config):
    loss = config.loss
    assert loss.reduction == "norm"
    assert (loss.target_identity, loss.target_perceptual) == (2.0, 2.0)  # alpha, beta
    assert (loss.perceptual, loss.attribute, loss.patch) == (0.5, 0.5, 0.5)  # lambda_1, lambda_2, lambda_3


def test_missing_weights_are_named_with_the_way_to_get_them(config, monkeypatch, tmp_path):
    monkeypatch.delenv("DFREC_WEIGHTS", raising=False)
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path))
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nothing is downloaded in a test
    with pytest.raises(WeightsError, match="(?s)facenet-vggface2|vgg19-imagenet|attributes-resnet50.*dfrec weights"):
        perceptors.load_perceptors(config)


@pytest.mark.slow
def test_two_steps_of_the_full_size_fit_in_24_gib(config):
    config.frozen.allow_random = True
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, 2, 224, 224, 3), dtype=np.uint8)
    batch = {
        "image": pictures[0],
        "source": pictures[1],
        "target": pictures[2],
        "source_mask": rng.integers(0, 256, (2, 224, 224, 1), dtype=np.uint8),
        **{name: rng.uniform(64, 160, (2, 5, 2)).astype(np.float32) for name in ("landmarks", "source_landmarks")},
        **{name: np.ones(2, bool) for name in ("is_forgery", "has_source", "has_target", "has_mask")},
    }
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]).reshape(1, 1), sharding.AXES)
    model, optimizer = dfrec.build(config), state.make_optimizer(config)
    train_state, shardings = state.create(init_function(model, optimizer, config), mesh)
    step = compile_step(make_train_step(make_loss(model, config), optimizer, ema=0.0), shardings, mesh)
    frozen = jax.device_put(perceptors.load_perceptors(config), sharding.replicated(mesh))
    losses = []
    for _ in range(2):
        train_state, metrics = step(train_state, frozen, sharding.to_global(mesh, batch))
        losses.append(float(metrics.compute()["loss"]))
    assert np.isfinite(losses).all()
    assert losses[0] != losses[1]
    assert int(train_state.step) == 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"losses {losses}, peak memory {peak / GIBIBYTE:.1f} GiB")
    assert peak < 24 * GIBIBYTE
