"""The test set's figures that are kept with a run, and where a figure falls among them."""

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics import examination, reference
from dfrec_jax.forensics.consistency import Consistency
from dfrec_jax.forensics.degradation import STEPS, Step


def _examination(known, why=""):
    steps = tuple(Step(kind, strength, 0.8, 0.9, 1.0) for kind, strength in STEPS)
    return examination.Examination(steps, Consistency(0.5, None, "not told: no points", None), known, why)


def test_they_are_kept_and_a_figure_falls_among_them(tmp_path):
    values = {"identity": [0.9, 0.3, 0.5, 0.7], "noise 2": [0.85, 0.75]}
    path = reference.write(tmp_path, {"network_sha256": "abc"}, values, "4 swaps")
    known, why = reference.read(tmp_path, "abc")
    assert path == tmp_path / "results" / "recovery_reference.json" and known is not None and not why
    assert known.values["identity"] == [0.3, 0.5, 0.7, 0.9]
    assert [reference.rank(known, "identity", value) for value in (0.2, 0.5, 1.0, None)] == [0.0, 0.5, 1.0, None]
    assert reference.rank(known, "ssim", 0.5) is None
    record = _examination(known).record()
    assert (record["consistency_identity"], record["consistency_identity_rank"]) == (0.5, 0.5)
    assert record["consistency_ssim"] is None and record["consistency_words"] == "not told: no points"
    assert [line["target_cosine_rank"] for line in record["degradation"]] == [0.5] + [None] * 7
    assert record["reference"] == "4 swaps"


def test_where_there_are_none_or_of_another_network_that_is_said(tmp_path):
    known, why = reference.read(tmp_path, "abc")
    assert known is None and "`dfrec reference` makes them" in why
    assert str(tmp_path) not in why, "it stands in result.json, which is made again elsewhere"
    assert _examination(known, why).record()["reference"] == why
    reference.write(tmp_path, {"network_sha256": "abc"}, {"identity": [1.0]}, "1 swap")
    known, why = reference.read(tmp_path, "def")
    assert known is None and "another checkpoint" in why


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / reference.FILE).write_text('{"values": [1]}')
    with pytest.raises(ConfigError, match="recovery_reference.json: is damaged"):
        reference.read(tmp_path, "abc")


def test_the_curve_is_drawn_with_and_without_the_test_set(tmp_path):
    values = {reference.name_of(Step(kind, strength, None, None, 1.0)): [0.5, 0.9] for kind, strength in STEPS}
    for name, known in (("with", reference.Reference(values, "2 swaps")), ("without", None)):
        examination.draw(_examination(known), tmp_path / f"{name}.png")
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "without.png").read_bytes()
