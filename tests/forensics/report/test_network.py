"""What a report says of the network's run."""

import hashlib

from dfrec_jax.forensics.report import network
from dfrec_jax.reports import results
from dfrec_jax.reports.results import Record, Results
from tests import tiny, tiny_run


def _record(metric, row, by, role="target", table="recovery"):
    return Record(table, row, "embedded", "all", role, metric, 0.5, 0.4, 0.6, 9, by)


def _workdir(tmp_path, records, step=7):
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "config.json").write_text("{}")
    results.write(Results({}, {"step": step}, records), tmp_path / "results" / "results.json")
    return tmp_path


def test_figures_by_a_network_of_the_losses_are_left_out(tmp_path):
    config = tiny.config()  # its losses use embedded-a
    records = [
        _record("idsim", "None", "embedded-a"),
        _record("idsim", "None", "embedded-b"),
        _record("idsim", "DFREC", "embedded-b"),
        _record("psnr_region", "DFREC", ""),
        _record("auc_forged", "classification head", "", "", "detection"),
        _record("idsim", "copy of the input", "embedded-b"),
    ]
    facts = network.facts(_workdir(tmp_path, records), config, 7)
    found = facts["reliability"]
    assert [(row["metric"], row["row"], row["network"]) for row in found["recovery"]] == [
        ("idsim", "None", "embedded-b"), ("idsim", "DFREC", "embedded-b"), ("psnr_region", "DFREC", "")
    ]  # fmt: skip
    assert [row["metric"] for row in found["detection"]] == ["auc_forged"]
    assert found["reason"] == "" and facts["config_sha256"] == hashlib.sha256(b"{}").hexdigest()
    assert facts["networks_of_losses"] == ["embedded-a"]


def test_gains_are_those_of_every_evaluation_that_came_with_a_packed_network(tmp_path):
    config = tiny.config()
    measured = [
        _record("idsim", "None", "embedded-b")._replace(over="examples", value=0.3),
        _record("idsim", "DFREC", "embedded-b")._replace(over="examples", value=0.35),
        _record("idsim_gain", "DFREC", "embedded-b")._replace(over="examples", value=0.05, low=0.02, high=0.08),
    ]
    of_run = {"on": "embedded", "n": 9, "none": 0.3, "recovered": 0.35, "gain": 0.05, "low": 0.02, "high": 0.08}
    workdir = _workdir(tmp_path / "run", measured)
    worse = [*measured[:2], measured[2]._replace(value=-0.2)]
    results.write(Results({}, {}, worse), workdir / "results" / "table_3.json")  # of a run it may be anything's
    assert network.gains(workdir, config) == [of_run | {"by": "embedded-b"}]
    assert network.gains(_workdir(tmp_path / "judged", [each._replace(network="embedded-a") for each in measured]),
                         config) == []  # fmt: skip
    assert network.gains(tmp_path, config) == []
    tiny_run.make_packed(tmp_path / "packed", name="mine")
    for name, records in (("results", measured), ("other", worse)):
        results.write(Results({}, {}, records), tmp_path / "packed" / "results" / f"{name}.json")
    assert [(each["on"], each["gain"]) for each in network.gains(tmp_path / "packed", config)] == [
        ("other", -0.2), ("embedded", 0.05)
    ]  # fmt: skip


def test_what_is_missing_is_said(tmp_path):
    config = tiny.config()
    said = network.reliability(tmp_path, config, 7)
    assert "was not measured on a test set" in said["reason"] and "python evaluate.py --workdir=" in said["reason"]
    said = network.reliability(_workdir(tmp_path, [_record("idsim", "DFREC", "embedded-b")], step=6), config, 7)
    assert said["reason"] == "the figures are those of step 6, and the exhibit was recovered by step 7"
    said = network.reliability(_workdir(tmp_path, [_record("idsim", "DFREC", "embedded-a")]), config, 7)
    assert "no figure by a recogniser that took no part in training" in said["reason"]
    (tmp_path / "results" / "results.json").write_text("{")
    assert "cannot be read" in network.reliability(tmp_path, config, 7)["reason"]


def test_training_is_described_in_words():
    config = tiny.config()
    assert network.trained_on(config).startswith("`embedded`; of each batch 20% pristine faces")
    with config.unlocked():
        config.data.dataset, config.data.dir, config.data.bi_share = "faces", "/a/LFW,triplets:/b/DFDC", 0.15
    words = network.trained_on(config)
    assert "of LFW, DFDC" in words and "15% Face X-ray's blends" in words and words.endswith("the rest warped swaps")
