"""RECCE as a task of the loop: it learns from real faces and verdicts, resumes, and becomes a row."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax import perceptors
from dfrec_jax.baselines import methods
from dfrec_jax.config import compared
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import runs_at_hand, workdir
from dfrec_jax.evaluation.paper_tables import RECCE
from dfrec_jax.evaluation.recoverers import Seen
from dfrec_jax.examples import fields
from dfrec_jax.training import compared as training
from dfrec_jax.training.run import train
from tests import tiny


def _config(**own):
    config = compared.compared("recce", tiny.config())
    config.recce.image_size, config.recce.width, config.recce.drop_rate = tiny.SIZE, 0.02, 0.0
    config.recce.update(own)
    config.optimizer.learning_rate = 3e-3
    config.data.validation_examples = 8
    return config


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run in one part, and one that was resumed after its first step."""
    root = tmp_path_factory.mktemp("recce")
    short = _config()
    short.train.num_steps = 1
    assert train(_config(), root / "whole") and train(short, root / "parts") and train(_config(), root / "parts")
    return root


@pytest.mark.slow
def test_a_run_in_two_parts_equals_one(runs):
    lines = [json.loads(line) for line in (runs / "whole" / "metrics.jsonl").read_text().splitlines()]
    assert {"loss_classification", "loss_reconstruction", "loss_metric"} <= lines[0].keys()
    of = lambda name: [  # noqa: E731
        line["loss"] for line in map(json.loads, (runs / name / "metrics.jsonl").read_text().splitlines())
        if "loss" in line
    ]  # fmt: skip
    assert of("whole") == of("parts") and len(of("whole")) == 2


@pytest.mark.slow
def test_a_run_becomes_a_row_of_the_inputs_size(runs):
    run = runs_at_hand.open_run(runs / "whole")
    assert run.methods == (RECCE,) and not run.without
    step, recoverer = runs_at_hand.load(run, "newest", RECCE)
    image = jnp.linspace(0, 1, 2 * 48 * 48 * 3).reshape(2, 48, 48, 3)
    found = jax.jit(recoverer.recover)(recoverer.variables, Seen(image, jnp.full((2, 5, 2), jnp.nan), tiny.keys(2)))
    assert step == 2 and found.target.shape == image.shape and found.logit.shape == (2,)
    assert float(found.target.min()) >= 0 and float(found.target.max()) <= 1
    with pytest.raises(ConfigError, match="trained recce, which stands in tables of the paper"):
        workdir.evaluate(runs / "whole")


@pytest.mark.slow
def test_forgeries_are_not_reconstructed_and_the_loss_falls():
    config = _config()
    module = methods.build(config)
    variables = jax.jit(methods.init_function(module, config))(jax.random.key(0))
    batch, rng = fields.to_float(tiny.batch()), jax.random.key(1)
    loss = training.make_recce_loss(module, config)

    @jax.jit
    def step(params, batch):
        return jax.value_and_grad(lambda p: loss(p, variables["batch_stats"], (), batch, rng), has_aux=True)(params)

    params = variables["params"]
    forged = {**batch, "is_forgery": np.ones(8, bool)}
    of = lambda given: float(step(params, given)[0][1][1]["loss_reconstruction"])  # noqa: E731
    assert of(forged) == 0 < of(batch)
    values, gradient = [], {}
    for _ in range(15):
        (value, _), gradient = step(params, batch)
        values.append(float(value))
        params = jax.tree.map(lambda p, g: p - 0.05 * g, params, gradient)
    assert np.any(gradient["to_rgb"]["kernel"]) and np.any(gradient["logit"]["kernel"])
    assert values[-1] < values[0] - 0.01


def test_what_cannot_be_is_refused_by_name():
    with pytest.raises(ConfigError, match="recce.image_size=16: must be 32 pixels or more"):
        compared.validate(_config(image_size=16))
    with pytest.raises(ConfigError, match="task='mat': must be one of"):
        compared.compared("mat")
    config = _config()
    config.data.real_share = 2.0
    with pytest.raises(ConfigError, match="data.real_share=2.0"):
        compared.validate(config)


def test_a_table_of_a_run_without_frozen_losses_finds_its_networks():
    config = _config()
    assert perceptors.loss_networks(config) == {} and perceptors.table_networks(config)["identity"] == "embedded-a"
