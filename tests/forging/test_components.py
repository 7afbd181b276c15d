"""What an inpainting draws anew: brows, eyes, nose and mouth, by 68 landmarks or by five."""

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.forging import components
from dfrec_jax.forging.landmarks import five_of_68
from tests.faces_made_up import made_up_face

SIZE = 48


@jax.jit
def hole_of(landmarks, points):
    return components.holes(components.points_of(landmarks, points, SIZE), SIZE)


def test_a_hole_covers_the_components_and_leaves_jaw_and_corners():
    _, points = made_up_face(0, SIZE)
    five = jnp.asarray(five_of_68(points))[None]
    hole = np.asarray(hole_of(five, jnp.asarray(points)[None]))[0, ..., 0]
    at = np.round(points).astype(int)
    assert set(np.unique(hole)) == {0.0, 1.0}
    assert hole[at[17:, 1], at[17:, 0]].all(), "brows, eyes, nose, mouth"
    chin = at[8] + (0, 2)
    assert not hole[min(chin[1], SIZE - 1), chin[0]] and not hole[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    assert 0.05 < hole.mean() < 0.5
    of_five = np.asarray(hole_of(five, jnp.full((1, 68, 2), jnp.nan)))[0, ..., 0]
    overlap = (hole * of_five).sum() / np.maximum(hole, of_five).sum()
    assert 0.6 < overlap < 1, "the mean face's, laid on the five"


def test_each_face_of_a_batch_has_points_of_its_own_source():
    _, points = made_up_face(0, SIZE)
    five = np.stack([five_of_68(points)] * 2)
    given = np.stack([points, np.full_like(points, np.nan)])
    given[1, :60] = 7.0  # some are known: not all
    chosen = np.asarray(components.points_of(jnp.asarray(five), jnp.asarray(given), SIZE))
    np.testing.assert_array_equal(chosen[0], points)
    np.testing.assert_array_equal(chosen[1], components.points_of(jnp.asarray(five), None, SIZE)[1])


def test_points_move_with_the_picture_by_pixel_centres():
    points = jnp.array([[[-0.5, 0.0], [1.5, 3.5]]])
    np.testing.assert_allclose(components.moved(points, 4, 8), [[[-0.5, 0.5], [3.5, 7.5]]])
