"""The calibration error by hand, and of probabilities that hold what they say."""

import numpy as np
import pytest

from dfrec_jax.metrics.calibration import expected_calibration_error


def test_by_hand():
    probability = np.array([0.01, 0.03, 0.99, 1.0, 0.5])  # bins 0, 0, 14, 14 and 7 of 15
    is_forged = np.array([False, True, True, True, True])
    want = (2 * abs(0.02 - 0.5) + 2 * abs(0.995 - 1.0) + 1 * abs(0.5 - 1.0)) / 5
    assert expected_calibration_error(probability, is_forged) == pytest.approx(want)


def test_saying_the_share_of_forgeries_of_every_picture_is_calibrated_and_tells_nothing_apart():
    is_forged = np.arange(100) < 87
    assert expected_calibration_error(np.full(100, 0.87), is_forged) == pytest.approx(0.0, abs=1e-12)
    assert expected_calibration_error(np.full(100, 0.5), is_forged) == pytest.approx(0.37)


def test_of_nothing_there_is_none():
    assert np.isnan(expected_calibration_error(np.zeros(0), np.zeros(0, bool)))
