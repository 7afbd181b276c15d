"""RePaint's denoiser as a task of the loop: what its loss looks at, a run, a row, and configs that cannot be."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import compared as shipped
from dfrec_jax.baselines import repaint_method
from dfrec_jax.config import compared
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.recoverers import Seen
from dfrec_jax.examples import fields
from dfrec_jax.paper import runs_at_hand
from dfrec_jax.paper.tables import REPAINT
from dfrec_jax.training.run import train
from dfrec_jax.training.tasks import repaint as training
from tests import tiny


def _config(**own):
    config = compared.compared("repaint", tiny.config())
    config.repaint.update({
        "image_size": 8, "features": 8, "multipliers": (1,), "num_blocks": 1, "attention_sides": (), "head_features": 8,
        "num_steps": 3, "jump_length": 1, "num_resamples": 2,
    })  # fmt: skip
    config.repaint.update(own)
    config.optimizer.learning_rate, config.optimizer.ema = 3e-3, 0.5
    return config


@pytest.fixture(scope="module")
def denoiser():
    """The loss and its gradient by the parameters, jitted."""
    config = _config()
    module = repaint_method.build(config)
    params = jax.jit(repaint_method.init_function(module))(jax.random.key(0))["params"]
    loss = training.make_denoising_loss(module)
    step = jax.jit(jax.value_and_grad(lambda p, batch, rng: loss(p, {}, (), batch, rng), has_aux=True))
    return params, step


def test_every_pristine_target_teaches_and_no_forgery(denoiser):
    params, step = denoiser
    batch, rng = fields.to_float(tiny.batch()), jax.random.key(1)
    of = lambda **changes: float(step(params, {**batch, **changes}, rng)[0][0])  # noqa: E731
    value = of()
    assert value == pytest.approx(1, abs=0.3), "a fresh network says no noise, whose square is 1"
    assert of(image=1 - batch["image"]) == value and of(source=1 - batch["source"]) == value
    few = np.arange(8) < 2
    changed = np.where(few[:, None, None, None], batch["target"], 1 - batch["target"])
    assert of(has_target=few) == of(has_target=few, target=changed)
    assert of(has_target=np.zeros(8, bool)) == 0


def test_the_loss_falls_and_its_terms_are_told(denoiser):
    params, step = denoiser
    batch, rng, values = fields.to_float(tiny.batch()), jax.random.key(1), []
    metrics = {}
    for _ in range(12):
        (value, (_, metrics)), gradient = step(params, batch, rng)
        values.append(float(value))
        params = jax.tree.map(lambda p, g: p - 0.05 * g, params, gradient)
    assert set(metrics) == {"loss_noise", "loss_bound"} and values[-1] < values[0] - 0.02
    assert values[-1] == pytest.approx(float(metrics["loss_noise"] + 1e-3 * metrics["loss_bound"]), rel=1e-5)


@pytest.mark.slow
def test_a_run_trains_resumes_and_becomes_a_row(tmp_path):
    short = _config()
    short.train.num_steps = 1
    for config, name in ((_config(), "whole"), (short, "parts"), (_config(), "parts")):
        assert train(config, tmp_path / name)
    of = lambda name: [  # noqa: E731
        line["loss"] for line in map(json.loads, (tmp_path / name / "metrics.jsonl").read_text().splitlines())
        if "loss" in line
    ]  # fmt: skip
    assert of("whole") == of("parts") and len(of("whole")) == 2
    run = runs_at_hand.open_run(tmp_path / "whole")
    assert run.methods == (REPAINT,)
    step, recoverer = runs_at_hand.load(run, "newest", REPAINT)
    image = jnp.linspace(0, 1, 2 * 32 * 32 * 3).reshape(2, 32, 32, 3)
    given = Seen(image, jnp.full((2, 5, 2), jnp.nan), tiny.keys(2))
    found = jax.jit(recoverer.recover)(recoverer.variables, given)
    assert step == 2 and found.target.shape == image.shape
    kept = np.asarray(found.generated) == 0
    np.testing.assert_array_equal(np.asarray(found.target * kept), np.asarray(image * kept))
    np.testing.assert_array_equal(np.asarray(found.masked_image), np.asarray(image * kept))


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"image_size": 9, "multipliers": (1, 2)}, "repaint.image_size=9 with 2 levels .* multiple of 2; use 8"),
        ({"head_features": 3}, "repaint.head_features=3: must divide the 8 channels of level 0"),
        ({"attention_sides": (8,), "multipliers": (1, 3), "head_features": 12}, "divide the 8 channels of level 0"),
        ({"num_steps": 1}, "repaint.num_steps=1: must be from 2 to 1000"),
        ({"num_resamples": 0}, r"repaint.num_resamples=0: must be 1 or more"),
        ({"features": 7}, "repaint.features=7: must be an even number"),
    ],
)
def test_what_cannot_be_is_refused_by_name(own, message):
    with pytest.raises(ConfigError, match=message):
        compared.validate(_config(**own))


def test_the_shipped_configs_are_valid_and_have_the_papers_schedule():
    full = shipped.get_config("repaint")
    full.data.dir = "prepared"
    compared.validate(full)
    times = repaint_method.resampling_of(full).times()
    assert len(times) == 4571 and (np.diff(times) == -1).sum() == 2410
    drawn = shipped.get_config("repaint_drawn")
    compared.validate(drawn)
    assert repaint_method.resampling_of(drawn) == (25, 5, 3) and drawn.image_size == 64
    with pytest.raises(ConfigError, match="configs/compared.py:mat: must be one of .*repaint_drawn"):
        shipped.get_config("mat")
