"""From examples to records: which count, and with what interval."""

import numpy as np
import pytest

from dfrec_jax.evaluation import measure, summary
from dfrec_jax.evaluation.recoverers import COPY, DFREC, SURROUNDINGS, VISIBLE_GIVEN
from dfrec_jax.metrics.identity import area_under_roc
from tests import tiny
from tests.evaluation import made_up

FORGED, PRISTINE = 12, 4


@pytest.fixture
def collected():
    return made_up.collected(FORGED, PRISTINE)


def _records(collected, attack="all"):
    found = summary.summarise(collected, ("one", "two"), tiny.config(), {"metric": "tiny"})
    return {(r.role, r.row, r.metric): r for r in found if r.attack == attack}


def test_records_count_forgeries_with_a_reference(collected):
    collected.examples["has_source"][0] = False
    records = _records(collected)
    target = records["target", DFREC, "idsim"]
    assert (target.n, target.network) == (FORGED, "tiny")
    assert target.value == pytest.approx(collected.values["target", DFREC, "idsim"][:FORGED].mean())
    assert records["source", DFREC, "psnr"].n == FORGED - 1
    assert records["source", DFREC, "psnr"].network == ""
    gain = records["target", DFREC, "idsim_gain"]
    assert gain.value == pytest.approx(target.value - records["target", measure.NONE, "idsim"].value)
    assert ("target", measure.NONE, "idsim_gain") not in records
    assert _records(collected, "two")["target", DFREC, "idsim"].n == FORGED / 2


def test_two_rows_are_compared_example_by_example(collected):
    collected.values["target", SURROUNDINGS, "idsim"] = collected.values["target", DFREC, "idsim"] - 0.25
    record = _records(collected)["target", DFREC, "idsim_over_surroundings"]
    assert (record.value, record.low, record.high, record.clusters) == pytest.approx((0.25, 0.25, 0.25, FORGED))
    collected.values["target", VISIBLE_GIVEN, "idsim"] = collected.values["target", DFREC, "idsim"] + 0.5
    collected.examples["has_source"][:2] = False
    records = _records(collected)
    paired = [records["target", VISIBLE_GIVEN, f"idsim_over_{other}"] for other in ("plain", "surroundings")]
    assert [record.value for record in paired] == pytest.approx([0.5, 0.75])
    assert [record.n for record in paired] == [FORGED - 2] * 2


def test_what_is_left_of_the_similarity_to_the_other_is_a_share_of_the_forgerys(collected):
    collected.values["target", DFREC, "idsim_other"] = collected.values["target", measure.NONE, "idsim_other"] / 2
    record = _records(collected)["target", DFREC, "idsim_other_left"]
    assert (record.value, record.low, record.high) == pytest.approx((0.5, 0.5, 0.5))
    collected.values["target", measure.NONE, "idsim_other"][:] = -0.1
    assert ("target", DFREC, "idsim_other_left") not in _records(collected)


def test_groups_count_once_and_the_largest_is_left_out(collected):
    group = np.array(["big"] * 7 + ["a", "b", "c", "d", "e"] + ["big"] * PRISTINE)
    collected.examples["group"] = group
    gain = collected.values["target", DFREC, "idsim"] - collected.values["target", measure.NONE, "idsim"]
    gain = gain[:FORGED]
    found = summary.summarise(collected, ("one", "two"), tiny.config(), {"metric": "tiny"})
    place = ("groups", "target", DFREC, "idsim_gain")
    of_target = {(r.attack, r.over): r for r in found if (r.table, r.role, r.row, r.metric) == place}
    want = {
        ("all", "examples"): (gain.mean(), 6),
        ("all", "groups"): (np.mean([gain[:7].mean(), *gain[7:]]), 6),
        ("without big", "examples"): (gain[7:].mean(), 5),
        ("without big", "groups"): (gain[7:].mean(), 5),
    }
    assert of_target.keys() == want.keys()
    for place, (value, clusters) in want.items():
        record = of_target[place]
        assert record.value == pytest.approx(value) and record.clusters == clusters and record.low < record.high


def test_intervals_of_one_attack_resample_people_by_the_lists_word(collected):
    collected.examples["group"] = np.array(["x"] * (FORGED + PRISTINE))
    assert _records(collected, "two")["target", DFREC, "idsim"].clusters == FORGED / 2
    collected.examples["target"] = np.array(["t1", "t1", "t2", "t2"] * 4)
    assert _records(collected, "two")["target", DFREC, "idsim"].clusters == 2
    assert _records(collected)["target", DFREC, "idsim"].clusters == 1


def test_a_similarity_to_the_other_needs_both_people(collected):
    collected.examples["has_source"][:5] = False
    records = _records(collected)
    assert records["target", DFREC, "idsim"].n == FORGED
    assert records["target", DFREC, "idsim_other"].n == FORGED - 5
    want = collected.values["target", DFREC, "idsim_other"][5:FORGED].mean()
    assert records["target", DFREC, "idsim_other"].value == pytest.approx(want)


def test_the_rows_of_a_metric_are_over_the_same_examples(collected):
    collected.values["target", measure.NONE, "psnr"][3] = np.inf  # a forgery that equals its target
    records = _records(collected)
    counted = np.delete(np.arange(FORGED), 3)
    for row in (measure.NONE, *made_up.TARGET_ROWS):
        record = records["target", row, "psnr"]
        assert record.n == FORGED - 1
        assert record.value == pytest.approx(collected.values["target", row, "psnr"][counted].mean())
    gain = records["target", DFREC, "psnr_gain"]
    rows = records["target", DFREC, "psnr"], records["target", measure.NONE, "psnr"]
    assert gain.n == FORGED - 1 and gain.value == pytest.approx(rows[0].value - rows[1].value)


def test_a_metric_that_no_example_has_gives_no_record(collected):
    collected.values["target", measure.NONE, "psnr"][:] = np.inf
    assert ("target", DFREC, "psnr") not in _records(collected)


def test_real_against_forged_has_intervals_of_people(collected):
    similarity = collected.input_to_recovered[COPY]
    similarity[:] = 1.0
    records = _records(collected)
    assert records["target", COPY, "acc_id"].value == 0.5  # every face is judged real
    assert ("target", measure.NONE, "acc_id") not in records
    for name in ("acc_id", "auc_real"):
        record = records["target", DFREC, name]
        assert record.n == FORGED + PRISTINE and record.low <= record.value <= record.high
    auc = records["target", DFREC, "auc_real"]
    assert auc.low < auc.high
    one_group = made_up.collected(FORGED, PRISTINE)
    one_group.examples["group"] = np.zeros(FORGED + PRISTINE, int)
    assert _records(one_group)["target", DFREC, "auc_real"].low is None


def test_a_copy_is_ranked_above_no_other_by_rounding(collected):
    """FIDELITY 5.4, 10: to its input a copy is as near as any other, whatever float32 makes of it."""
    is_forgery = collected.examples["is_forgery"]
    similarity = np.where(is_forgery, np.float32(1.0000001), np.float32(0.9999999))
    copies = collected._replace(input_to_recovered={COPY: similarity})
    found = _records(copies)
    assert found["target", COPY, "auc_real"].value == found["target", COPY, "acc_id"].value == 0.5


def test_a_face_without_a_similarity_is_judged_neither_real_nor_forged(collected):
    similarity = np.where(collected.examples["is_forgery"], 0.5, 0.95)
    similarity[[0, -1]] = np.nan
    found = _records(collected._replace(input_to_recovered={DFREC: similarity}))
    for name in ("acc_id", "auc_real"):
        assert (found["target", DFREC, name].value, found["target", DFREC, name].n) == (1, FORGED + PRISTINE - 2)
    assert found["target", DFREC, "idsim_to_input_pristine_median"].value == 0.95


def test_the_median_of_pristine_faces_has_an_interval_of_them_alone():
    record = _records(made_up.collected(8, 40))["target", DFREC, "idsim_to_input_pristine_median"]
    assert record.n == 40 and 0 < record.low < record.value < record.high < 1


def test_the_classification_head_is_measured_where_there_is_one(collected):
    head = {name: record for (_, row, name), record in _records(collected).items() if row == "classification head"}
    logit, is_forgery = collected.forgery_logit, collected.examples["is_forgery"]
    assert head["auc_forged"].value == area_under_roc(logit, is_forgery)
    assert head["auc_forged"].low < head["auc_forged"].value <= head["auc_forged"].high
    assert 0 < head["calibration_error"].value < 1 and head["calibration_error"].n == FORGED + PRISTINE
    probability = 1 / (1 + np.exp(-logit))
    assert head["probability_of_pristine"].value == pytest.approx(probability[FORGED:].mean())
    without = collected._replace(forgery_logit=None)
    assert not any(row == "classification head" for _, row, _ in _records(without))
    assert not any(row == "classification head" for _, row, _ in _records(made_up.collected(6, 0)))
