"""An evaluation from its flags to its files, of examples whose numbers are made up."""

import json

import pytest

from dfrec_jax.commands import evaluate as evaluation
from dfrec_jax.config import autoencoder
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import collecting, people, recovery
from dfrec_jax.evaluation.request import Request
from dfrec_jax.models import dfrec
from dfrec_jax.reports import results
from dfrec_jax.runs import released, trained
from tests import tiny
from tests.evaluation import made_up

METRICS = '{"step": 1, "loss": 2.0}\n'


@pytest.fixture
def measurings(monkeypatch):
    """A trained network without variables, and how often it was measured."""
    config, found = tiny.config(), []

    def collect(recoverers, measured_row, instruments, batches, seed, panels, devices, kept):
        found.append(seed)
        return made_up.collected()

    monkeypatch.setattr(collecting, "collect", collect)
    monkeypatch.setattr(trained, "load", lambda workdir, which: trained.Trained(config, dfrec.build(config), {}, 5))
    return found


def test_it_leaves_results_with_their_request_and_a_table(tmp_path, measurings):
    (tmp_path / "metrics.jsonl").write_text(METRICS)
    panels = tmp_path / "panels" / "recovery-seed3"
    panels.mkdir(parents=True)
    (panels / "an attack of before.png").write_bytes(b"")
    text = recovery.evaluate(tmp_path, Request(seed=3))
    assert (tmp_path / "tables" / "recovery-seed3.md").read_text() == text
    assert (tmp_path / "panels" / "training.png").exists()
    assert [path.name for path in panels.iterdir()] == ["roc.png"], "of these examples no picture is kept"
    found = results.read(tmp_path / "results" / "recovery-seed3.json")
    assert found.protocol["seed"] == 3 and measurings == [3]
    assert found.measured == {"step": 5, "dataset": "embedded", "forgeries": 12, "pristine": 4}
    assert "12 forgeries and 4 pristine faces" in text and "| all | 16 | " in text
    assert "`--seed=3`" in text and "of all together is 75%" in text


def test_another_network_measures_where_it_is_asked_for(tmp_path, measurings):
    """`embedded-a`, which the run names, is its loss's too, and it is said; `embedded-b` is not."""
    pleased = "is a network of the losses too: training has pleased what measures IDSIM"
    assert f"**`embedded-a` {pleased}" in recovery.evaluate(tmp_path)
    text = recovery.evaluate(tmp_path, Request(measure_by="metric=embedded-b"))
    assert "IDSIM by `embedded-b`" in text and pleased not in text and "`--measure_by=metric=embedded-b`" in text
    found = results.read(tmp_path / "results" / "recovery-metric_embedded-b.json")
    assert {record.network for record in found.records if record.metric == "idsim"} == {"embedded-b"}


def test_a_smaller_evaluation_leaves_the_full_one_alone(tmp_path, measurings):
    recovery.evaluate(tmp_path)
    before = (tmp_path / "results" / "results.json").read_bytes()
    recovery.evaluate(tmp_path, Request(examples=1))
    assert (tmp_path / "results" / "results.json").read_bytes() == before
    assert len(measurings) == 2
    assert results.read(tmp_path / "results" / "recovery-examples1.json").protocol["examples"] == 1


@pytest.mark.parametrize(
    "asked",
    [
        Request(name="../../evil"),
        Request(name="recovery", seed=1),
        Request(name="taken"),
        Request(groups="missing.csv"),
        Request(data_dir="/nowhere"),
        Request(dataset="triplets", data_dir="/nowhere"),
        Request(dataset="triplets", data_dir="/nowhere", groups="missing.csv"),
        Request(mask_ratio=0.999),
        Request(measure_by="metric=pfld"),
        Request(measure_by="frechet=inception-fid"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_measured(tmp_path, measurings, asked):
    workdir = tmp_path / "deep" / "workdir"
    (workdir / "results").mkdir(parents=True)
    earlier = results.Results(Request(examples=7).conditions(), {}, [])
    results.write(earlier, workdir / "results" / "taken.json")
    with pytest.raises(ConfigError, match="^(--|/)"):
        recovery.evaluate(workdir, asked)
    assert not measurings
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["taken.json"]


@pytest.mark.parametrize("metrics", [None, "", '{"step": 1, "lo', METRICS + "{\n" + METRICS])
def test_a_run_whose_log_is_lost_is_evaluated_all_the_same(tmp_path, measurings, capsys, metrics):
    if metrics is not None:
        (tmp_path / "metrics.jsonl").write_text(metrics)
    recovery.evaluate(tmp_path)
    assert "no curves of training: " in capsys.readouterr().err
    assert (tmp_path / "tables" / "recovery.md").exists() and not (tmp_path / "panels" / "training.png").exists()


def test_an_imported_network_is_known_not_to_be_of_our_training(tmp_path, measurings, monkeypatch):
    asked = []
    monkeypatch.setattr(people, "overlap", lambda trained_on, *_: asked.append(trained_on) or "who knows")
    assert "`embedded`; who knows; checkpoint" in recovery.evaluate(tmp_path)
    (tmp_path / released.RETAINED).touch()
    recovery.evaluate(tmp_path)
    assert asked[0] is not None and asked[1] is None


def test_what_is_measured_may_be_written_elsewhere(tmp_path, measurings, capsys):
    """As of a network that comes with the package, which brings no log to draw curves of."""
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "network.json").touch()
    recovery.evaluate(tmp_path / "network", Request(seed=3), tmp_path / "out")
    assert [path.name for path in (tmp_path / "network").iterdir()] == ["network.json"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"results", "tables", "panels"}
    assert "curves" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("w", "", "", "", False, ""), "--network=drawn: is measured by itself"),
        (("", "", "1", "", False, ""), "--network=drawn: is measured by itself"),
    ],
)
def test_a_network_that_comes_with_the_package_is_measured_by_itself(asked, words):
    with pytest.raises(ConfigError, match=words):
        evaluation.asked(*asked, Request(), network="drawn")
    with pytest.raises(ConfigError, match="--network=large: must be one of"):
        evaluation.asked("", "", "", "", False, "", Request(), network="large")


def test_the_file_is_json_that_a_script_reads(tmp_path, measurings):
    recovery.evaluate(tmp_path)
    content = json.loads((tmp_path / "results" / "results.json").read_text())
    assert {"protocol", "measured", "records"} == content.keys()
    assert {"acc_id", "idsim", "auc_forged", "calibration_error"} <= {record["metric"] for record in content["records"]}


def test_a_run_of_the_autoencoder_is_sent_to_its_benchmark(tmp_path):
    config = autoencoder.autoencoder()
    config.data.dir = "prepared"
    (tmp_path / "config.json").write_text(config.to_json_best_effort())
    with pytest.raises(ConfigError, match="benchmarks/neural_swaps.py"):
        evaluation.evaluate(tmp_path)
