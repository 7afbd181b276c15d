"""The face's region by landmarks, and the mask of what a swap changed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.forging import candidate_region, face_region
from dfrec_jax.forging.landmarks import five_of_68
from tests.faces_made_up import made_up_face

SIZE = 48
regions = jax.jit(candidate_region.face_regions, static_argnums=1)
changed = jax.jit(candidate_region.changed_mask)


def test_five_landmarks_bring_the_mean_face_to_the_face():
    turned = np.array([[0.0, -1], [1, 0]]) * 0.4
    five = (candidate_region.MEAN_FIVE @ turned.T + [70, 3]).astype(np.float32)
    points = candidate_region.points_of_five(jnp.asarray(five), 100)
    np.testing.assert_allclose(points, candidate_region.MEAN_FACE @ turned.T + [70, 3], atol=1e-2)


def test_the_region_covers_the_face_and_leaves_the_corners():
    _, landmarks = made_up_face(0, SIZE)
    region = np.asarray(regions(jnp.asarray(five_of_68(landmarks))[None], SIZE))[0, ..., 0]
    inner = np.round(landmarks[17:]).astype(int)
    assert region[inner[:, 1], inner[:, 0]].min() > 0.3 and region[[0, 0, -1, -1], [0, -1, 0, -1]].max() == 0


def test_a_face_that_was_not_found_is_taken_to_fill_the_middle():
    region = np.asarray(regions(jnp.full((1, 5, 2), jnp.nan), SIZE))[0, ..., 0]
    assert np.isfinite(region).all() and region[SIZE // 2, SIZE // 2] == 1 and region[0].max() == region[-1].max() == 0
    assert 0.2 < region.mean() < 0.5


@pytest.fixture(scope="module")
def compressed():
    """A face, its landmarks, and itself with the noise of another compression."""
    image, landmarks = made_up_face(1, SIZE)
    image = np.asarray(image, np.float32)
    noise = np.random.default_rng(0).normal(0, 0.01, image.shape).astype(np.float32)
    return jnp.asarray(image), jnp.asarray(landmarks), jnp.asarray(np.clip(image + noise, 0, 1))


def test_a_mask_lies_where_the_swap_was_changed_and_not_where_it_was_compressed(compressed):
    original, points, swap = compressed
    lower = face_region.pixel_grid(SIZE, SIZE)[..., 1] > points[30, 1]
    face = candidate_region.region_mask(points, SIZE)[..., 0] > 0.9
    swap = jnp.where((face & lower)[..., None], 1 - swap, swap)  # of the face the part below the nose
    mask = changed(swap, original, points)[..., 0]
    assert mask[face & lower].mean() > 0.8 and mask[face & ~lower].mean() < 0.35
    assert mask[:4].max() == 0 and 0 <= mask.min() and mask.max() <= 1


def test_what_was_changed_outside_the_face_is_in_no_mask(compressed):
    original, points, swap = compressed
    mask = changed(swap.at[:6].set(0.0), original, points)[..., 0]
    assert mask[:4].max() == 0
