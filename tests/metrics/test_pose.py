import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dfrec_jax.metrics.pose import geodesic_degrees


@pytest.mark.parametrize("angle", [0.0, 1e-4, 1.0, 90.0, 179.0, 180.0])
def test_a_turn_by_an_angle_is_that_angle(angle):
    start = Rotation.random(5, rng=0)
    axis = np.array([1.0, 2.0, -2.0]) / 3
    turned = start * Rotation.from_rotvec(np.deg2rad(angle) * axis)
    np.testing.assert_allclose(geodesic_degrees(start.as_matrix(), turned.as_matrix()), angle, atol=2e-6)


def test_it_is_the_paper_s_trace():
    a, b = (Rotation.random(50, rng=seed).as_matrix() for seed in (1, 2))
    trace = np.einsum("nij,nij->n", a, b)
    np.testing.assert_allclose(geodesic_degrees(a, b), np.rad2deg(np.arccos((trace - 1) / 2)), rtol=1e-9)


def test_random_rotations_are_far_apart():
    a, b = (Rotation.random(4000, rng=seed).as_matrix() for seed in (1, 2))
    assert geodesic_degrees(a, b).mean() == pytest.approx(126.5, abs=1)
