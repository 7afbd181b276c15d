"""`train.initialise`: a run that starts from the network of another one, or from a file of `dfrec weights export`."""

import contextlib
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.models import dfrec as models
from dfrec_jax.runs import released, shipped, stored_config
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.saving import CheckpointWriter
from dfrec_jax.training import loop, state
from dfrec_jax.training.step_metrics import of_step
from dfrec_jax.training.tasks import initialisation
from dfrec_jax.weights import registry
from tests import tiny, tiny_run

HEAD = "params/ism/classification_head/kernel"


@pytest.fixture(scope="module")
def shapes():
    config = tiny.config()
    return models.variable_shapes(models.build(config), config.image_size)


@pytest.fixture(scope="module")
def workdir(shapes, tmp_path_factory):
    """A run with random variables at step 3."""
    rng, folder = np.random.default_rng(1), tmp_path_factory.mktemp("start") / "run"
    flat = {path: jnp.asarray(rng.normal(size=shape), jnp.float32) for path, shape in shapes.items()}
    folder.mkdir()
    with CheckpointWriter(folder) as checkpoints:
        checkpoints.save(3, {"variables": unflatten_dict(flat, sep="/")}, {})
    stored_config.save(folder, tiny.config())
    return folder, flat


def started(workdir, **fields):
    config = tiny.config()
    config.train.initialise = str(workdir)
    for name, value in fields.items():
        config.train[name] = value
    return config


def fresh_state(shapes, ema):
    flat = {path: jnp.zeros(shape) for path, shape in shapes.items()}
    variables = unflatten_dict(flat, sep="/")
    averages = jax.tree.map(jnp.copy, variables) if ema else None
    return state.TrainState(
        jnp.zeros((), jnp.int32), variables["params"], variables["batch_stats"], "fresh", averages, "key"
    )


@pytest.mark.parametrize("ema", [False, True])
def test_parameters_and_statistics_are_the_networks_and_the_rest_is_fresh(workdir, shapes, ema):
    folder, flat = workdir
    begun = initialisation.initialise(fresh_state(shapes, ema), started(folder))
    got = flatten_dict({"params": begun.params, "batch_stats": begun.batch_stats}, sep="/")
    assert got.keys() == flat.keys()
    for path, value in flat.items():
        np.testing.assert_array_equal(got[path], value, err_msg=path)
    assert (int(begun.step), begun.opt_state, begun.rng) == (0, "fresh", "key")
    if ema:
        np.testing.assert_array_equal(begun.ema["params"]["ism"]["classification_head"]["kernel"], flat[HEAD])


def test_a_checkpoint_is_named_by_its_step(workdir, shapes):
    folder, flat = workdir
    config = started(folder / "checkpoints" / "3")
    np.testing.assert_array_equal(initialisation.variables_of_network(config, shapes)[HEAD], flat[HEAD])
    with pytest.raises(ConfigError, match=r"train.initialise=.*checkpoints/7"):
        initialisation.variables_of_network(started(folder / "checkpoints" / "7"), shapes)


def test_what_does_not_fit_is_named(workdir, shapes):
    folder, _ = workdir
    wider = {**shapes, HEAD: (99, 1), "params/sirm/new/kernel": (2, 2)}
    del wider["params/ism/classification_head/bias"]
    with pytest.raises(ConfigError) as error:
        initialisation.variables_of_network(started(folder), wider)
    assert f"{HEAD} is (99, 1) here and {shapes[HEAD]} there" in str(error.value)
    assert "params/sirm/new/kernel is only here" in str(error.value)
    assert "params/ism/classification_head/bias is only there" in str(error.value)


def test_a_difference_that_shapes_do_not_show_is_named(workdir, shapes):
    config = started(workdir[0])
    config.tirm.heads = 4
    with pytest.raises(ConfigError, match="tirm.heads=4 here and 2 there"):
        initialisation.variables_of_network(config, shapes)


def test_a_part_begins_anew_where_it_is_asked_for(workdir, shapes):
    folder, flat = workdir
    wider = {**shapes, HEAD: (99, 1)}
    config = started(folder, initialise_fresh="ism/classification_head")
    loaded = initialisation.variables_of_network(config, wider)
    assert loaded.keys() == {path for path in shapes if "classification_head" not in path}
    with pytest.raises(ConfigError, match="'ism/classification' is no part of the network"):
        initialisation.variables_of_network(started(folder, initialise_fresh="ism/classification"), wider)


def test_what_is_not_there_is_said(tmp_path, shapes):
    with pytest.raises(ConfigError, match="train.initialise=.*nothing: is not there"):
        initialisation.variables_of_network(started(tmp_path / "nothing"), shapes)


def test_an_exported_file_is_read_by_its_own_reader(monkeypatch, tmp_path, shapes, workdir):
    (tmp_path / "dfrec.pth").write_bytes(b"")
    flat = {path: np.asarray(value) for path, value in workdir[1].items()}
    read = []

    def load(source, name):
        read.append(source)
        return released.Imported(tiny.config(), flat, {}, {}, {})

    monkeypatch.setattr(released, "load", load)
    loaded = initialisation.variables_of_network(started(tmp_path / "dfrec.pth"), shapes)
    np.testing.assert_array_equal(loaded[HEAD], flat[HEAD])
    assert read == [tmp_path / "dfrec.pth"]


def test_a_network_that_comes_with_the_package_is_named_by_its_name(monkeypatch, tmp_path, shapes, workdir):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "networks")
    with pytest.raises(ConfigError, match="train.initialise=drawn: drawn: its files are missing"):
        initialisation.variables_of_network(started("drawn"), shapes)
    variables = unflatten_dict(dict(workdir[1]), sep="/")
    record = tiny_run.make_packed(tmp_path / "networks" / "drawn", name="drawn", variables=variables)
    known = registry.RELEASES["drawn"]._replace(sha256=record.sha256)
    monkeypatch.setitem(registry.RELEASES, "drawn", known)
    loaded = initialisation.variables_of_network(started("drawn"), shapes)
    np.testing.assert_allclose(loaded[HEAD], workdir[1][HEAD], rtol=1e-3)
    monkeypatch.setitem(registry.RELEASES, "drawn", known._replace(sha256="of another"))
    with pytest.raises(ConfigError, match="train.initialise=drawn: .*SHA-256 .*install the package again"):
        initialisation.variables_of_network(started("drawn"), shapes)
    (tmp_path / "drawn").mkdir()
    with pytest.raises(ConfigError, match="train.initialise=drawn: .*for that write ./drawn"):
        initialisation.variables_of_network(started("drawn"), shapes)


class OneNumber:
    """A task of one parameter, which each step raises by 1; its start is 100 where `can_start`."""

    score_name, constants = "score", ()

    def __init__(self, config, can_start):
        self.config, self.can_start = config, can_start

    def init(self):
        return state.TrainState(
            jnp.zeros((), jnp.int32), {"x": jnp.zeros(())}, {"n": jnp.zeros(())}, (), None, jax.random.key(0)
        )

    def initialise(self, fresh):
        assert self.can_start, "a run that goes on begins anew"
        return fresh.replace(params={"x": fresh.params["x"] + 100})

    def make_step(self, num_devices):
        def step(now, constants, batch):
            return now.replace(step=now.step + 1, params={"x": now.params["x"] + 1}), of_step({})

        return step

    def batches(self, start_step):
        return contextlib.nullcontext(itertools.repeat({"image": np.zeros((8, 1), np.float32)}))

    def fingerprint(self):
        return {}

    def make_validator(self, mesh):
        return self

    def score(self, variables, *_):
        return float(variables["params"]["x"])

    def sample_grid(self, variables):
        return Image.new("RGB", (8, 8))


def test_a_run_that_goes_on_is_not_initialised_again(tmp_path):
    config = tiny.config()
    config.train.initialise, config.train.num_steps = "gone/since", 1
    assert loop.train(OneNumber(config, can_start=True), tmp_path / "run")
    config.train.num_steps = 3
    assert loop.train(OneNumber(config, can_start=False), tmp_path / "run")
    _, variables = Checkpoints(tmp_path / "run").restore_variables(
        "newest", {"params": {"x": jnp.zeros(())}, "batch_stats": {"n": jnp.zeros(())}}
    )
    assert float(variables["params"]["x"]) == 103
    assert stored_config.load(tmp_path / "run").train.initialise == "gone/since"
    config.train.initialise = "another"
    with pytest.raises(ConfigError, match="train.initialise: 'gone/since' -> 'another'"):
        loop.train(OneNumber(config, can_start=False), tmp_path / "run")
