"""Records to files and to Markdown."""

import json

import pytest

from dfrec_jax.reports import results, tables
from dfrec_jax.reports.results import Record, Results


def _record(row, metric, value, **changes):
    fixed = {"table": "recovery", "dataset": "embedded", "attack": "all", "role": "target", "network": "b"}
    return Record(row=row, metric=metric, value=value, **{**fixed, "low": None, "high": None, "n": 9, **changes})


def test_results_come_back_from_their_file(tmp_path):
    records = [_record("None", "idsim", 0.25, low=0.2, high=0.3), _record("DFREC", "psnr", 21.5)]
    found = Results({"seed": 1, "dataset": ""}, {"step": 450}, records)
    results.write(found, tmp_path / "results" / "results.json")
    assert results.read(tmp_path / "results" / "results.json") == found
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["results.json"]


def test_the_list_of_an_earlier_version_is_read_and_other_files_are_not(tmp_path):
    record = _record("None", "idsim", 0.25)
    (tmp_path / "results.json").write_text(json.dumps([record._asdict()]))
    assert results.read(tmp_path / "results.json") == Results({}, {}, [record])
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="other.json: holds no results"):
        results.read(tmp_path / "other.json")


def test_a_cell_that_was_not_measured_is_a_dash():
    records = [_record("None", "idsim", 0.25, low=0.2, high=0.3), _record("DFREC", "psnr", 21.456)]
    lines = tables.markdown(tables.RECOVERY, records, ["A note."]).splitlines()
    assert lines[2] == "| target | None | 9 | 0.250 [0.200, 0.300] | - | - | - | - | - | - |"
    assert lines[3] == "| target | DFREC | - | - | 21.46 | - | - | - | - | - |"
    assert lines[-1] == "A note."
    assert len(lines) == 6  # no line for a row without any number


def test_a_cell_over_other_examples_than_its_row_says_so():
    records = [
        _record("DFREC", "idsim", 0.5),
        _record("DFREC", "psnr", 20.0, n=7),
        _record("DFREC", "acc_id", 0.75, n=12),
    ]
    line = tables.markdown(tables.RECOVERY, records).splitlines()[2]
    assert line == "| target | DFREC | 9 | 0.500 | 20.00 (n 7) | - | - | - | - | 0.750 |"


def test_the_classification_head_has_a_line_for_each_attack():
    fixed = {"table": "detection", "role": ""}
    records = [
        _record("classification head", "auc_forged", 0.625, low=0.5, high=0.75, **fixed),
        _record("classification head", "calibration_error", 0.125, **fixed),
        _record("classification head", "auc_forged", 0.75, attack="swap", n=5, **fixed),
    ]
    lines = tables.by_attack(tables.DETECTION, records).splitlines()
    assert lines[2:] == ["| all | 9 | 0.625 [0.500, 0.750] | 0.125 | - | - |", "| swap | 5 | 0.750 | - | - | - |"]
    assert tables.by_attack(tables.DETECTION, [_record("DFREC", "idsim", 0.5)]) == ""


def test_records_of_another_table_are_left_out():
    text = tables.markdown(tables.RECOVERY, [_record("None", "idsim", 0.25, table="other")])
    assert "None" not in text


def test_attacks_with_records_of_their_own_have_their_own_tables():
    records = [_record("None", "idsim", value, attack=attack) for attack, value in (("all", 0.5), ("simswap", 0.25))]
    text = tables.markdown(tables.RECOVERY, records)
    together, apart = text.split("**simswap**")
    assert "**all**" in together and "0.500" in together and "0.250" not in together
    assert "0.250" in apart
