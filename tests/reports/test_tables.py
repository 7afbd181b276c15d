"""Records to files and to Markdown."""

from dfrec_jax.reports import results, tables
from dfrec_jax.reports.results import Record


def _record(row, metric, value, **changes):
    fixed = {"table": "recovery", "dataset": "embedded", "attack": "all", "role": "target", "network": "b"}
    return Record(row=row, metric=metric, value=value, **{**fixed, "low": None, "high": None, "n": 9, **changes})


def test_records_come_back_from_their_file(tmp_path):
    records = [_record("None", "idsim", 0.25, low=0.2, high=0.3), _record("DFREC", "psnr", 21.5)]
    results.write(records, tmp_path / "results" / "results.json")
    assert results.read(tmp_path / "results" / "results.json") == records


def test_a_cell_that_was_not_measured_is_a_dash():
    records = [_record("None", "idsim", 0.25, low=0.2, high=0.3), _record("DFREC", "psnr", 21.456)]
    lines = tables.markdown(tables.RECOVERY, records, ["A note."]).splitlines()
    assert lines[2] == "| target | None | 9 | 0.250 [0.200, 0.300] | - | - | - | - | - | - |"
    assert lines[3] == "| target | DFREC | - | - | 21.46 | - | - | - | - | - |"
    assert lines[-1] == "A note."
    assert len(lines) == 6  # no line for a row without any number


def test_records_of_another_table_are_left_out():
    text = tables.markdown(tables.RECOVERY, [_record("None", "idsim", 0.25, table="other")])
    assert "None" not in text


def test_attacks_with_records_of_their_own_have_their_own_tables():
    records = [_record("None", "idsim", value, attack=attack) for attack, value in (("all", 0.5), ("simswap", 0.25))]
    text = tables.markdown(tables.RECOVERY, records)
    together, apart = text.split("**simswap**")
    assert "**all**" in together and "0.500" in together and "0.250" not in together
    assert "0.250" in apart
