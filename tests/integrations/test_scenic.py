"""DFREC as a project of Scenic: refusals everywhere; what needs Scenic, where `$DFREC_SCENIC` names its checkout.

With a checkout at the pinned commit, and TensorFlow and tensorboard installed, Scenic's own optimisers, schedules and
metrics are held against ours, and a run under its entry point against a plain one.
"""

import importlib.util
import json
import os
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.integrations.scenic import checkout
from dfrec_jax.training import run, state
from tests import stand_in, tiny


@pytest.fixture
def unknown(monkeypatch):
    """No checkout is named, and none is imported."""
    monkeypatch.delenv(checkout.VARIABLE, raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "scenic"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not os.path.exists(f"{path}/scenic/app.py")])


def test_the_scenic_of_pypi_is_refused(unknown, monkeypatch, tmp_path):
    (tmp_path / "scenic" / "core").mkdir(parents=True)
    (tmp_path / "scenic" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="the scenic that is installed is another project.*pip uninstall scenic"):
        checkout.put_on_path()


def test_without_a_checkout_it_says_how_to_get_one(unknown):
    with pytest.raises(ConfigError, match=f"git clone {checkout.REPOSITORY}.*checkout {checkout.COMMIT}"):
        checkout.put_on_path()


def test_another_folder_and_another_commit_are_refused(unknown, tmp_path):
    with pytest.raises(ConfigError, match="is no checkout of Google's Scenic"):
        checkout.put_on_path(tmp_path)
    (tmp_path / "scenic").mkdir()
    (tmp_path / "scenic" / "app.py").write_text("def run(main): ...")
    with pytest.raises(ConfigError, match="scenic/app.py is not that of commit 4a38d475ee89"):
        checkout.put_on_path(tmp_path)


def test_a_missing_tensorflow_is_named(unknown, tmp_path, monkeypatch):
    (tmp_path / "scenic").mkdir()
    (tmp_path / "scenic" / "app.py").touch()
    monkeypatch.setattr(checkout, "FILES", {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="Scenic needs tensorflow: pip install 'dfrec-jax.scenic.'"):
        checkout.put_on_path(tmp_path)


@pytest.fixture(scope="module")
def scenic():
    """Scenic of the checkout on the path; skips, with the reason, where it is not at hand."""
    if not os.environ.get(checkout.VARIABLE):
        pytest.skip(f"${checkout.VARIABLE} names no checkout of Scenic")
    for package in ("tensorflow", "tensorboard"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed, and Scenic needs it")
    return checkout.put_on_path()


def _config() -> ConfigDict:
    own = tiny.config()
    for role in ("identity", "perceptual", "attributes", "metric"):
        own.frozen[role] = "embedded-a"
    own.data.num_threads, own.data.prefetch = 1, 8
    config = ConfigDict({"rng_seed": 0, "batch_size": 8, "eval_batch_size": 8, "dataset_name": "dfrec"})
    config.data_dtype_str, config.checkpoint = "float32", True
    config.dfrec, config.dataset_configs = own, ConfigDict({"dfrec": own})
    return config


@pytest.fixture(scope="module")
def parts(scenic):
    """Model, data set, variables and a training batch, by Scenic's own functions."""
    from scenic.train_lib import train_utils

    from dfrec_jax.integrations.scenic import dataset, model

    config = _config()
    data = train_utils.get_dataset(config, jax.random.key(0), num_local_shards=4)
    built = model.DfrecModel(config, data.meta_data)
    shape = (2, *data.meta_data["input_shape"][1:])
    variables = stand_in.variables(built.flax_model, np.zeros(shape, np.float32), train=False, debug=False)
    return built, data, variables, next(data.train_iter), dataset


def test_the_config_that_ships_has_what_scenic_asks_for():
    spec = importlib.util.spec_from_file_location("scenic_config", "configs/scenic/dfrec.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = module.get_config("quickstart")
    for name in ("rng_seed", "batch_size", "dataset_name", "data_dtype_str", "dataset_configs", "checkpoint"):
        assert name in config
    config.dfrec.seed, config.dfrec.train.batch_size = 3, 24
    assert (config.rng_seed, config.batch_size, config.dataset_configs.dfrec.seed) == (3, 24, 3)
    run.check(config.dfrec, "nowhere")
    with pytest.raises(ConfigError, match="there is no configs/nothing.py"):
        module.get_config("nothing")


def test_batches_are_those_of_train_py_in_scenics_layout(parts):
    from dfrec_jax.data import pipeline

    built, data, _, batch, _ = parts
    with pipeline.batches_of_this_host(built.own, 0) as batches:
        ours = next(batches)
    assert batch["inputs"].shape == (4, 2, tiny.SIZE, tiny.SIZE, 3)
    levels = batch["inputs"].reshape(8, tiny.SIZE, tiny.SIZE, 3) * 255
    np.testing.assert_allclose(levels, ours["image"], atol=1e-4)
    np.testing.assert_array_equal(batch["batch_mask"], np.ones((4, 2)))
    assert data.meta_data["num_eval_examples"] == 8 and data.meta_data["num_train_examples"] > 1000
    assert next(data.valid_iter)["target"].shape == (4, 2, tiny.SIZE, tiny.SIZE, 3)


def test_scenic_initialises_the_model(parts):
    from scenic.train_lib import train_utils

    built, data, variables, _, _ = parts
    spec = [(data.meta_data["input_shape"], data.meta_data["input_dtype"])]
    settings = ConfigDict({"batch_size": 8, "count_flops": False})
    init = jax.jit(built.flax_model.init, static_argnames=("train", "debug"))  # Scenic's call runs layer by layer
    shapes = train_utils.initialize_model(
        model_def=types.SimpleNamespace(init=init), input_spec=spec, config=settings, rngs=jax.random.key(0)
    )
    sizes = lambda tree: sorted(leaf.shape for leaf in jax.tree.leaves(tree))  # noqa: E731
    assert sizes(shapes[0]) == sizes(variables["params"]) and sizes(shapes[1]) == sizes(variables["batch_stats"])


def test_loss_and_metrics_are_ours_and_agree_with_scenics(parts):
    from scenic.model_lib.base_models import model_utils

    from dfrec_jax.losses.total import loss_terms, weighted_sum

    built, _, variables, batch, _ = parts
    rows = {name: jnp.asarray(value).reshape(8, *value.shape[2:]) for name, value in batch.items()}
    output = jax.jit(lambda v, x: built.flax_model.apply(v, x, train=False, debug=False))(variables, rows["inputs"])
    terms = loss_terms(output, rows, built.perceptors, built.own.loss, patch_size=built.own.tirm.patch_size)
    np.testing.assert_allclose(built.loss_function(output, rows), weighted_sum(terms, built.own.loss), rtol=1e-5)
    rows["batch_mask"] = jnp.asarray([1.0] * 5 + [0.0] * 3)
    found = built.get_metrics_fn_jit("validation")(output, rows)
    for role, recovered in (("target", output.target_face), ("source", output.source_face)):
        weights = rows["batch_mask"] * rows[f"has_{role}"]
        theirs = model_utils.weighted_squared_error(recovered, rows[role], weights)
        total, count = found[f"{role}_squared_error"]
        np.testing.assert_allclose(total, jnp.sum(theirs), rtol=1e-5)
        mean = model_utils.weighted_mean_squared_error(recovered, rows[role], weights)
        np.testing.assert_allclose(total / count, mean, rtol=1e-5)
    split = jax.tree.map(lambda value: value.reshape(4, 2, *value.shape[1:]), (output, rows))
    summed = jax.pmap(built.get_metrics_fn("validation"), axis_name="batch")(*split)
    for name, pair in found.items():
        np.testing.assert_allclose([value[0] for value in summed[name]], pair, rtol=1e-5)


@pytest.mark.parametrize("clip_norm", [0.0, 0.5])
def test_scenics_optimiser_takes_our_steps(scenic, clip_norm):
    from scenic.train_lib import optimizers

    config = tiny.config()
    config.optimizer.update(weight_decay=0.01, clip_norm=clip_norm, learning_rate=1e-3, beta2=0.98)
    theirs = {"optimizer": "adamw", "b2": 0.98, "weight_decay": 0.01}
    if clip_norm:
        theirs["grad_clip"] = {"clip_method": "clip_by_global_norm", "clip_value": clip_norm}
    rules = state.make_optimizer(config), optimizers.get_optimizer(ConfigDict(theirs), 1e-3)
    rng = np.random.default_rng(0)
    params = {"kernel": rng.normal(size=(4, 3)).astype(np.float32), "bias": np.zeros(3, np.float32)}
    found = []
    for rule in rules:
        now, kept = params, rule.init(params)
        for step in range(5):
            draws = np.random.default_rng(step)
            gradients = {name: draws.normal(size=value.shape).astype(np.float32) for name, value in params.items()}
            updates, kept = rule.update(gradients, kept, now)
            now = optax.apply_updates(now, updates)
        found.append(now)
    for name in params:
        np.testing.assert_allclose(*[each[name] for each in found], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("schedule", "warmup"), [("constant", 0), ("constant", 10), ("cosine", 0), ("cosine", 10)])
def test_scenics_schedules_are_ours(scenic, schedule, warmup):
    from scenic.train_lib import lr_schedules

    config = tiny.config()
    config.optimizer.update(learning_rate=2e-3, schedule=schedule, warmup_steps=warmup)
    config.train.num_steps = 100
    factors = ["constant", *(["cosine_decay"] if schedule == "cosine" else []), *(["linear_warmup"] if warmup else [])]
    settings = {"base_learning_rate": 2e-3, "learning_rate_schedule": "compound", "factors": "*".join(factors)}
    settings |= {"warmup_steps": warmup, "steps_per_cycle": 100, "total_steps": 100}
    theirs = lr_schedules.get_learning_rate_fn(ConfigDict({"lr_configs": settings}))
    ours = state.make_schedule(config)
    for step in (0, 1, 5, 9, 10, 11, 50, 99):
        np.testing.assert_allclose(ours(step), theirs(step), rtol=1e-5, atol=1e-9)


def test_a_run_that_was_told_to_stop_ends_as_train_py_does(monkeypatch, tmp_path):
    from dfrec_jax.integrations.scenic import main

    for name in ("model", "dataset"):  # which import Scenic
        module = types.ModuleType(f"dfrec_jax.integrations.scenic.{name}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(sys.modules["dfrec_jax.integrations.scenic"], name, module, raising=False)
    (tmp_path / "metrics.jsonl").write_text('{"step": 3, "loss": 1.5}\n')
    monkeypatch.setattr(run, "train", lambda config, workdir: False)
    said = []
    writer = types.SimpleNamespace(write_scalars=lambda *words: said.append(words), flush=lambda: None)
    with pytest.raises(SystemExit) as ended:
        main.main(rng=None, config=ConfigDict({"dfrec": {}}), workdir=str(tmp_path), writer=writer)
    assert ended.value.code == os.EX_TEMPFAIL and said == [(3, {"loss": 1.5})]


@pytest.mark.slow  # two runs
def test_a_run_under_scenics_entry_point_is_that_of_train_py(scenic, tmp_path):
    from dfrec_jax.integrations.scenic import main

    class Writer:
        def __init__(self):
            self.said = []

        def write_scalars(self, step, scalars):
            self.said.append({"step": step, **scalars})

        def flush(self):
            pass

    config, writer = _config(), Writer()
    main.main(rng=jax.random.PRNGKey(0), config=config, workdir=str(tmp_path / "scenic"), writer=writer)
    run.train(_config().dfrec, tmp_path / "plain")
    lines = [(tmp_path / name / "metrics.jsonl").read_text() for name in ("scenic", "plain")]
    assert lines[0] == lines[1] and writer.said == [json.loads(line) for line in lines[0].splitlines()]
