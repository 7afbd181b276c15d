"""What several draws have in common: by hand, with a recogniser that reads the mean colour."""

import numpy as np
import pytest

from dfrec_jax.forensics import seeds
from dfrec_jax.forensics.likeness import Likeness
from dfrec_jax.weights.rules import WeightsError
from tests import tiny

LANDMARKS = np.zeros((5, 2), np.float32)


class MeanColour:
    needs_landmarks = False

    def __call__(self, pixels, landmarks):
        mean = pixels.mean(axis=(1, 2))
        return {"embedding": mean / np.linalg.norm(mean)}


class Plain(Likeness):
    """Without compiling."""

    def __init__(self, network=None):
        super().__init__(tiny.config(), lambda name, config: network or MeanColour())
        self._embed = lambda network, pixels, landmarks: network(pixels, landmarks)["embedding"]


def _flat(*colour):
    return np.broadcast_to(np.array(colour, np.float32), (8, 8, 3))


def test_mean_spread_and_cosines_of_two_draws():
    found = seeds.of_targets((3, 4), [_flat(1, 0, 0), _flat(0.6, 0.8, 0)], LANDMARKS, Plain())
    np.testing.assert_allclose(found.mean[0, 0], (0.8, 0.4, 0), atol=1e-6)
    np.testing.assert_allclose(found.spread, (0.2 + 0.4 + 0) / 3, atol=1e-6)
    np.testing.assert_allclose((found.least, found.average), 0.6, atol=1e-6)
    record = found.record(Plain())
    assert record["seeds"] == [3, 4] and record["stability"] == "unstable"
    assert record["stability_words"] == "unstable: the least cosine between the targets of two draws is less than 0.7"
    np.testing.assert_allclose(seeds.drawn_spread(found), 0.8, atol=1e-6)


@pytest.mark.parametrize(
    ("least", "name"), [(1.0, "stable"), (0.9, "stable"), (0.89, "fair"), (0.7, "fair"), (-1.0, "unstable")]
)
def test_grades(least, name):
    assert seeds.grade(least) == name and seeds.words(least).startswith(name)


def test_where_nothing_compares_faces_that_is_said():
    def missing(name, config):
        raise WeightsError("its weights are not at hand")

    likeness = Plain()
    likeness._load = missing
    found = seeds.of_targets((0, 1), [_flat(1, 0, 0)] * 2, LANDMARKS, likeness)
    assert (found.least, found.spread.max()) == (None, 0)
    record = found.record(likeness)
    assert record["stability"] is None and record["stability_words"] == "not told: its weights are not at hand"
    aligned = MeanColour()
    aligned.needs_landmarks = True
    assert "landmarks, and they are not known" in Plain(aligned).why_not(LANDMARKS * np.nan)
    assert not Plain(aligned).why_not(LANDMARKS)
