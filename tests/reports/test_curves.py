"""Curves become pictures."""

import json

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.reports import curves


def test_every_value_of_the_metrics_has_a_panel(tmp_path):
    lines = [{"step": step, "loss": 1 / step, "map": 0.5} for step in range(1, 9)] + [{"step": 8, "idsim": 0.3}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    curves.training(tmp_path / "metrics.jsonl", tmp_path / "pictures" / "training.png")
    with Image.open(tmp_path / "pictures" / "training.png") as picture:
        assert picture.size == (1280, 240)  # three panels in one row of four


def test_a_roc_curve_is_drawn_and_another_differs(tmp_path):
    rates = np.array([0.0, 0.5, 1.0])
    for name, curve in (("a", rates), ("b", rates**2)):
        curves.roc({"method": (rates, curve)}, tmp_path / f"{name}.png")
    first, second = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in "ab")
    assert first.shape == second.shape == (400, 400, 4) and (first != second).any()


def test_metrics_that_are_not_there_are_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        curves.training(tmp_path / "metrics.jsonl", tmp_path / "training.png")


def test_a_line_that_a_killed_run_left_torn_counts_for_nothing(tmp_path):
    metrics, torn = tmp_path / "metrics.jsonl", tmp_path / "torn.jsonl"
    metrics.write_text('{"step": 1, "loss": 2.0}\n')
    torn.write_text(metrics.read_text() + '{"step": 2, "lo')
    for path in (metrics, torn):
        curves.training(path, tmp_path / f"{path.stem}.png")
    whole, cut = (np.asarray(Image.open(tmp_path / f"{path.stem}.png")) for path in (metrics, torn))
    np.testing.assert_array_equal(whole, cut)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no value"),
        ('{"step": 1, "loss": 2.0}', "holds no value"),
        ('{"step": 1, "lo\n{"step": 2, "loss": 1.0}\n', "line 1 is no line of a run's"),
        ("[1]\n", "line 1"),
        ('{"step": 1, "loss": [2]}\n', "line 1"),
    ],
)
def test_metrics_without_a_curve_are_refused_by_name(tmp_path, text, words):
    (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(ValueError, match=f"metrics.jsonl: {words}"):
        curves.training(tmp_path / "metrics.jsonl", tmp_path / "training.png")
    assert not (tmp_path / "training.png").exists()
