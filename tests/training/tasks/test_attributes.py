"""Training the attribute classifier: the loss by hand, and a whole run of the loop with a tiny network."""

import json
import shutil

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open

from dfrec_jax import cli
from dfrec_jax.commands import evaluate as evaluation
from dfrec_jax.config import attributes as config_attributes
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import attributes as measured_attributes
from dfrec_jax.evaluation import unfinished
from dfrec_jax.evaluation.request import Request
from dfrec_jax.frozen import load
from dfrec_jax.frozen.attributes import BLUEPRINT_SMALL, _features
from dfrec_jax.reports import results
from dfrec_jax.runs import classifier, trained
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.training.run import train
from dfrec_jax.training.tasks import attributes
from tests import labels as made_up
from tests.runs.made_up import truncate

SIDE = 16


class TinyClassifier(nn.Module):
    """One convolution; it learns whether a picture is bright."""

    @nn.compact
    def __call__(self, x, *, train=False):
        x = nn.Conv(8, (3, 3), (4, 4), name="conv")(x)
        x = nn.BatchNorm(use_running_average=not train, momentum=0.5, name="norm")(x)
        return nn.Dense(40, name="attributes")(jnp.mean(nn.relu(x), axis=(1, 2)))


def tiny_features(variables, images, landmarks=None):
    return _features(TinyClassifier(), SIDE, variables, images)


@pytest.fixture(scope="module")
def tiny():
    """In place of ResNet-18, under its name."""
    blueprint = BLUEPRINT_SMALL._replace(module=TinyClassifier(), features=tiny_features, input_shape=(SIDE, SIDE, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(load.BLUEPRINTS, "attributes-resnet18", blueprint)
        yield


def test_cross_entropy_by_hand():
    logits, labels = jnp.array([[0.0, 2.0], [1.0, 9.0]]), jnp.array([[1.0, -1.0], [-1.0, 0.0]])
    want = (np.log(2) + np.log1p(np.exp(2)) + np.log1p(np.exp(1))) / 3  # the last is not known
    np.testing.assert_allclose(attributes.cross_entropy(logits, labels), want, rtol=1e-6)
    assert attributes.cross_entropy(logits, jnp.zeros((2, 2))) == 0


def test_the_log_odds_are_those_of_the_known_labels():
    class Faces:
        labels = np.array([[1, -1, 0], [1, -1, 0], [1, -1, 1], [-1, -1, 0]], np.int8)
        identities = np.arange(4)

        def __len__(self):
            return 4

        def attributes(self, number):
            return self.labels[number]

        def example(self, number):
            raise AssertionError("no picture is needed")

        def digest(self):
            return ""

    np.testing.assert_allclose(attributes.log_odds(Faces()), np.log([4 / 2, 1 / 5, 2 / 1]), rtol=1e-6)


def test_the_log_odds_stand_in_the_loss_and_not_in_the_network():
    """With the prior added, logits of 0 are right on average for an attribute that nine in ten have."""
    module = TinyClassifier()
    variables = module.init(jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 3)))
    params = {**variables["params"], "attributes": jax.tree.map(jnp.zeros_like, variables["params"]["attributes"])}
    loss = attributes.make_loss(module, lambda key, image: image)
    labels = np.where(np.arange(10) < 9, 1, -1)[:, None].repeat(40, 1)
    batch = {"image": jnp.full((10, SIDE, SIDE, 3), 0.5), "attributes": labels.astype(np.int8)}
    at = lambda odds: loss(params, variables["batch_stats"], odds, batch, jax.random.key(0))[0]  # noqa: E731
    with_prior, without = at(jnp.full(40, np.log(9.0))), at(jnp.zeros(40))
    np.testing.assert_allclose(with_prior, -0.9 * np.log(0.9) - 0.1 * np.log(0.1), rtol=1e-5)  # the entropy: optimal
    np.testing.assert_allclose(without, np.log(2), rtol=1e-5)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    root = tmp_path_factory.mktemp("celeba")
    made_up.make_folder(root)
    config = made_up.configure(config_attributes.attributes(), root)
    config.network = "attributes-resnet18"
    config.optimizer.learning_rate = 0.05
    config.data.jitter = 0.0
    config.train.num_steps, config.train.batch_size, config.train.log_every = 12, 8, 1
    config.train.validate_every, config.train.samples_every, config.checkpoint.every = 6, 12, 6
    return config


@pytest.fixture(scope="module")
def run(tiny, config, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run")
    assert train(config, workdir)
    return workdir


def _lines(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def test_a_run_learns_and_leaves_what_runs_leave(run):
    lines = _lines(run)
    losses = [line["loss"] for line in lines if "loss" in line]
    scores = [line["validation_balanced_accuracy"] for line in lines if "validation_balanced_accuracy" in line]
    assert len(losses) == 12 and len(scores) == 2
    assert losses[-1] < losses[0]
    assert (run / "samples" / "0000012.png").exists()


def test_what_was_trained_tells_the_attribute_that_can_be_told(run):
    text = evaluation.evaluate(run, Request(name="attributes-newest", checkpoint="newest"))
    row = next(line for line in text.splitlines() if line.startswith("| 5_o_Clock_Shadow"))
    assert float(row.split("|")[4]) > 90  # bright or dark
    assert (run / "tables" / "attributes-newest.md").read_text() == text
    found = results.read(run / "results" / "attributes-newest.json")
    assert {record.metric for record in found.records} == {"balanced_accuracy"}
    mean = found.records[0]
    assert (mean.row, mean.n, mean.network) == ("mean", 12, "attributes-resnet18")
    assert found.protocol["checkpoint"] == "newest" and found.measured["step"] == 12


def test_a_measurement_that_was_preempted_goes_on_where_it_was(run, config, monkeypatch):
    def stopped(batches, *_, **__):
        yield next(iter(batches))
        raise KeyboardInterrupt

    kept, write = [], unfinished.Unfinished.write
    monkeypatch.setattr(
        unfinished.Unfinished, "write", lambda *arguments: kept.append(arguments[1]) or write(*arguments)
    )
    request = Request(name="preempted", checkpoint="newest")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(measured_attributes, "progress", stopped)
        evaluation.evaluate(run, request)
    assert kept == [0] and (run / "results" / "unfinished").exists()
    text = evaluation.evaluate(run, request)
    assert kept == list(range(-(-12 // config.data.eval_batch_size))) and len(kept) > 1
    assert not (run / "results" / "unfinished").exists()
    assert text == evaluation.evaluate(run, Request(name="whole", checkpoint="newest"))


def test_a_validation_that_could_only_be_nan_is_refused_before_step_1(tiny, config, tmp_path):
    config = config.copy_and_resolve_references()
    config.data.validation_examples = 1
    with pytest.raises(ConfigError, match="among the 1 validation pictures that are measured no attribute"):
        train(config, tmp_path / "run")


def test_a_classifier_is_measured_on_nothing_but_its_own_test_split(run):
    with pytest.raises(ConfigError, match="^--forge --examples=1: .* a classifier"):
        evaluation.evaluate(run, Request(checkpoint="newest", forge=True, examples=1))


def test_a_run_in_two_parts_equals_one(run, config, tmp_path):
    again = tmp_path / "again"
    first = config.copy_and_resolve_references()
    first.train.num_steps = 6
    assert train(first, again) and train(config, again)
    assert (again / "metrics.jsonl").read_text() == (run / "metrics.jsonl").read_text()


def test_other_data_are_refused_on_resuming(run, config, tmp_path):
    made_up.make_folder(tmp_path)
    partition = tmp_path / "list_eval_partition.txt"
    partition.write_text(partition.read_text().replace("000023.jpg 0", "000023.jpg 1"))
    other = config.copy_and_resolve_references()
    other.data.dir = made_up.configure(other, tmp_path).data.dir
    with pytest.raises(ConfigError, match="another --workdir"):
        train(other, run)


def test_the_trained_weights_become_a_frozen_network(run, tmp_path, monkeypatch, capsys):
    file = tmp_path / "attributes-resnet18.safetensors"
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "cache"))
    with pytest.raises(SystemExit) as end:
        cli.main(["weights", "export", "--workdir", str(run), "--to-safetensors", str(file)])
    assert end.value.code == 0 and "of step 12" in capsys.readouterr().out
    with safe_open(file, framework="np") as opened:
        assert opened.metadata()["network"] == "attributes-resnet18"
    network = load.load_network("attributes-resnet18", weights_dir=str(tmp_path), allow_random=False, image_size=64)
    want = classifier.load(run)
    jax.tree.map(np.testing.assert_array_equal, network.variables, want.variables)
    with pytest.raises(SystemExit) as end:
        cli.main(["weights", "check", "attributes-resnet18", "--weights-dir", str(tmp_path)])
    printed = capsys.readouterr().out
    assert end.value.code == 0 and "attributes 0." in printed and str(file) in printed


def test_a_torn_checkpoint_is_refused(run, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    truncate(broken / "checkpoints" / "12")
    with pytest.raises(CheckpointError, match="checkpoints/12/variables is damaged"):
        classifier.load(broken, "12")


def test_the_full_size_takes_a_step_in_shapes(config):
    large = config.copy_and_resolve_references()
    large.network, large.optimizer.ema = "attributes-resnet50", 0.999
    task = attributes.AttributesTask(large)
    state = jax.eval_shape(task.init)
    batch = {
        "image": jax.ShapeDtypeStruct((8, 224, 224, 3), np.uint8),
        "attributes": jax.ShapeDtypeStruct((8, 40), np.int8),
    }
    after, metrics = jax.eval_shape(task.make_step(1), state, task.constants, batch)
    assert jax.tree.map(lambda leaf: leaf.shape, after) == jax.tree.map(lambda leaf: leaf.shape, state)
    assert metrics.loss.total.shape == ()
    assert sum(leaf.size for leaf in jax.tree.leaves(state.params)) == 23_508_032 + 2048 * 40 + 40  # torchvision's


def test_each_program_refuses_the_other_kind_of_run(run, tmp_path):
    with pytest.raises(CheckpointError, match="trained attributes, and a DFREC is needed"):
        trained.load(run)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="trained dfrec, and an attribute classifier is needed"):
        classifier.load(tmp_path)
