"""Drawings: densities are densities, and one record makes one file."""

import numpy as np
import pytest

from dfrec_jax.reports import drawing
from tests.reports.made_up import densities, grid


@pytest.mark.parametrize("values", [[0.1, 0.9], np.random.default_rng(0).normal(0.2, 0.3, 400).tolist()])
def test_a_density_integrates_to_one_around_its_mean(values):
    axis, height = drawing.density(values)
    assert (height >= 0).all()
    assert np.trapezoid(height, axis) == pytest.approx(1, abs=1e-3)
    assert np.trapezoid(axis * height, axis) == pytest.approx(np.mean(values), abs=1e-3)


def test_one_value_has_no_density():
    with pytest.raises(ValueError, match="1 distinct"):
        drawing.density([0.5, 0.5])


def test_one_record_makes_one_file(tmp_path):
    made = grid(tmp_path)
    first = drawing.encoded(made, tmp_path, "pdf")
    assert first.startswith(b"%PDF") and first == drawing.encoded(made, tmp_path, "pdf")
    assert first != drawing.encoded(made._replace(headings=("input", "DFREC", "other")), tmp_path, "pdf")


def test_curves_that_cannot_be_drawn_are_named(tmp_path):
    drawn = drawing.encoded(densities(), tmp_path, "svg")
    assert drawn.startswith(b"<?xml") and drawn == drawing.encoded(densities(), tmp_path, "svg")


def test_a_picture_that_is_gone_leaves_no_file(tmp_path):
    made = grid(tmp_path)
    for path in (tmp_path / "pictures").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        drawing.write(made, tmp_path, tmp_path / "figure.pdf")
    assert not list(tmp_path.glob("*figure*"))
