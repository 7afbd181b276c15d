"""Convex hulls and signed distances against OpenCV's."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.forging import face_region
from tests.faces_made_up import made_up_face


def _distinct(vertices):
    return {tuple(vertex) for vertex in np.round(np.asarray(vertices), 3).tolist()}


@pytest.mark.parametrize("seed", range(5))
def test_convex_hull_has_the_vertices_of_opencv(seed):
    points = np.random.default_rng(seed).normal(50, 20, (40, 2)).astype(np.float32)
    assert _distinct(face_region.convex_hull(jnp.asarray(points))) == _distinct(cv2.convexHull(points)[:, 0])


def test_convex_hull_of_a_square_with_repeats_and_points_on_its_sides():
    square = jnp.array([[0, 0], [4, 0], [4, 4], [0, 4], [2, 0], [4, 2], [2, 2], [0, 0], [4, 4]], jnp.float32)
    assert _distinct(face_region.convex_hull(square)) == {(0, 0), (4, 0), (4, 4), (0, 4)}


def test_distance_inside_a_square_by_hand():
    square = face_region.convex_hull(jnp.array([[2, 2], [8, 2], [8, 8], [2, 8]], jnp.float32))
    distance = face_region.distance_inside(square, face_region.pixel_grid(11, 11))
    assert distance[5, 5] == 3 and distance[5, 3] == 1 and distance[2, 5] == 0 and distance[5, 0] == -2
    assert distance[0, 0] == pytest.approx(-np.sqrt(8)), "from a corner"


@pytest.mark.parametrize("region", range(4))
def test_region_distance_equals_pointwise_distance_to_the_polygons(region):
    _, landmarks = made_up_face(region, 48)
    distance = jax.jit(face_region.region_distance)(
        jnp.asarray(landmarks), jnp.int32(region), face_region.pixel_grid(48, 48)
    )
    extended = np.asarray(face_region.with_forehead(jnp.asarray(landmarks)))
    hulls = [cv2.convexHull(extended[list(part)]) for part in face_region.PARTS[face_region.REGIONS[region]]]
    for y in range(0, 48, 3):
        for x in range(0, 48, 3):
            want = max(cv2.pointPolygonTest(hull, (x, y), True) for hull in hulls)
            assert distance[y, x] == pytest.approx(want, abs=1e-3)


def test_forehead_raises_the_brows_away_from_the_nose():
    _, landmarks = made_up_face(1, 100)
    raised = np.asarray(face_region.with_forehead(jnp.asarray(landmarks)))
    near, far = raised[list(face_region.ABOVE_BROWS)], raised[list(face_region.FOREHEAD)]
    assert np.all(near[:, 1] < landmarks[17:27, 1]) and np.all(far[:, 1] < near[:, 1])
