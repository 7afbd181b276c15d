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
