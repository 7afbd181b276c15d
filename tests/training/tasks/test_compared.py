"""A compared method as a task of the loop: it learns by its own loss, resumes, and becomes a row."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax import perceptors
from dfrec_jax.baselines import methods
from dfrec_jax.commands import evaluate as evaluation
from dfrec_jax.config import compared
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.recoverers import Seen
from dfrec_jax.examples import fields
from dfrec_jax.forging import components
from dfrec_jax.paper import runs_at_hand
from dfrec_jax.paper.tables import DELOCATE, DFI, RECCE
from dfrec_jax.training.run import train
from dfrec_jax.training.tasks import compared as training
from dfrec_jax.training.tasks import compared_losses
from tests import tiny

ROWS = {"recce": RECCE, "delocate": DELOCATE, "dfi": DFI}
TERMS = {
    "recce": {"classification", "reconstruction", "metric"},
    "delocate": {"hidden_pixels"},
    "dfi": {"pixels", "perceptual", "identity", "target_embedding", "source_embedding", "orthogonality"},
}


def _config(task="recce", **own):
    config = compared.compared(task, tiny.config())
    small = {
        "recce": {"image_size": tiny.SIZE, "width": 0.02, "drop_rate": 0.0},
        "delocate": {"width": 16, "depth": 1, "heads": 2, "decoder_width": 16, "decoder_depth": 1, "decoder_heads": 2}
        | {"patch_size": 8},
        "dfi": {"features": (4, 8), "bottleneck": 16, "identity_width": 128},
    }
    config[task].update(small[task] | own)
    config.optimizer.learning_rate = 3e-3
    config.data.validation_examples = 8
    return config


@pytest.fixture(scope="module", params=ROWS)
def runs(tmp_path_factory, request):
    """A method; a run of it in one part, and one that was resumed after its first step."""
    root = tmp_path_factory.mktemp(request.param)
    whole, short = _config(request.param), _config(request.param)
    short.train.num_steps = 1
    assert train(whole, root / "whole") and train(short, root / "parts") and train(whole, root / "parts")
    return request.param, root


@pytest.mark.slow
def test_a_run_in_two_parts_equals_one(runs):
    task, root = runs
    of = lambda name: [  # noqa: E731
        line for line in map(json.loads, (root / name / "metrics.jsonl").read_text().splitlines()) if "loss" in line
    ]
    whole, parts = of("whole"), of("parts")
    assert [line["loss"] for line in whole] == [line["loss"] for line in parts] and len(whole) == 2
    assert {f"loss_{term}" for term in TERMS[task]} <= whole[0].keys()


@pytest.mark.slow
def test_a_run_becomes_a_row_of_the_inputs_size(runs):
    task, root = runs
    run = runs_at_hand.open_run(root / "whole")
    assert run.methods == (ROWS[task],) and not run.without
    step, recoverer = runs_at_hand.load(run, "newest", ROWS[task])
    size = 48 if task == "recce" else tiny.SIZE
    image = jnp.linspace(0, 1, 2 * size * size * 3).reshape(2, size, size, 3)
    recover, given = jax.jit(recoverer.recover), Seen(image, jnp.full((2, 5, 2), jnp.nan), tiny.keys(2))
    found = recover(recoverer.variables, given)
    if task == "delocate":
        laid_on = components.points_of(given.landmarks, None, size)
        same, moved = (recover(recoverer.variables, given._replace(points=at)) for at in (laid_on, laid_on / 2))
        np.testing.assert_array_equal(same.generated, found.generated)
        assert (np.asarray(moved.generated) != np.asarray(found.generated)).any()
    assert step == 2 and found.target.shape == image.shape
    assert (found.logit is not None) == (task == "recce") and (found.generated is not None) == (task == "delocate")
    assert float(found.target.min()) >= 0 and float(found.target.max()) <= 1
    with pytest.raises(ConfigError, match=f"trained {task}, which stands in tables of the paper"):
        evaluation.evaluate(root / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["delocate", "dfi"])
def test_a_method_learns_from_prepared_data(make_config, tmp_path, task):
    base = make_config()
    base.update_from_flattened_dict({f"frozen.{role}": "embedded-a" for role in ("identity", "perceptual", "metric")})
    base.train.num_steps, base.train.log_every, base.data.validation_examples = 2, 1, 8
    config = compared.compared(task, base)
    config[task].update(_config(task)[task])
    assert train(config, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    losses = [value for line in lines for name, value in line.items() if name.startswith("loss_")]
    assert len(losses) == 2 * len(TERMS[task]) and np.isfinite(losses).all() and min(losses) > 0


@pytest.mark.slow
def test_forgeries_are_not_reconstructed_and_the_loss_falls():
    config = _config()
    module = methods.build(config)
    variables = jax.jit(methods.init_function(module, config))(jax.random.key(0))
    batch, rng = fields.to_float(tiny.batch()), jax.random.key(1)
    loss = compared_losses.make_recce_loss(module, config)

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


def test_only_dfi_has_frozen_networks_in_its_loss():
    for task in ROWS:
        found = perceptors.loss_networks(_config(task))
        assert found == ({"identity": "embedded-a", "perceptual": "embedded-a"} if task == "dfi" else {})
        assert perceptors.table_networks(_config(task))["identity"] == "embedded-a"


def test_an_embedding_of_another_width_is_refused():
    with pytest.raises(ConfigError, match="dfi.identity_width=512: frozen.identity='embedded-a' makes .* of 128"):
        training.ComparedTask(_config("dfi", identity_width=512))
