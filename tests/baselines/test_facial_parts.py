import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines.facial_parts import part_masks, part_shares
from dfrec_jax.forging import components
from dfrec_jax.forging.candidate_region import MEAN_FIVE, points_of_five
from dfrec_jax.forging.landmarks import JAW, OUTER_LIPS
from dfrec_jax.synthetic import dataset
from tests import tiny

SIZE = 64
FIVE = jnp.asarray(MEAN_FIVE)[None] * (SIZE / 128)


def laid_on(landmarks):
    """The mean face's 68."""
    return components.points_of(landmarks, None, SIZE)


@pytest.fixture(scope="module")
def masks():
    return jax.jit(lambda points: part_masks(points, SIZE))


def test_the_parts_are_the_face_from_the_brows_to_the_chin(masks):
    eyes, nose, mouth = np.asarray(masks(laid_on(FIVE))[0])
    points = np.round(np.asarray(points_of_five(FIVE[0], SIZE))).astype(int)
    inside = lambda mask, index: mask[points[index, 1], points[index, 0]] == 1  # noqa: E731
    assert all(inside(eyes, index) for index in (19, 24, 37, 44)) and not inside(eyes, 33)
    assert inside(nose, 30) and not inside(nose, 57) and not inside(nose, 19)
    assert inside(mouth, 57) and inside(mouth, 62) and not inside(mouth, 30)
    rows = [np.nonzero(part)[0].mean() for part in (eyes, nose, mouth)]
    assert rows == sorted(rows)
    whole = (eyes + nose + mouth) > 0
    first, last = whole.argmax(axis=1), SIZE - 1 - whole[:, ::-1].argmax(axis=1)
    assert all(whole[row, first[row] : last[row] + 1].all() for row in np.nonzero(whole.any(axis=1))[0])  # no gap


@pytest.mark.slow  # draws faces
def test_what_a_swap_of_drawn_faces_changes_lies_on_the_patches_of_the_parts():
    examples = [
        dataset.example(index, "test", size=tiny.SIZE, leak_range=(0.1, 0.4), real_share=0.0, scene="usual")
        for index in range(8)
    ]
    landmarks = jnp.stack([example["landmarks"] for example in examples])
    points = components.points_of(landmarks, None, tiny.SIZE)
    shares = jax.jit(part_shares, static_argnums=(1, 2))(points, tiny.SIZE, 4)
    is_face = np.asarray(shares > 0).any(axis=1).reshape(8, 8, 8).repeat(4, axis=1).repeat(4, axis=2)
    is_changed = np.stack([example["source_mask"][..., 0] for example in examples]) > 127
    assert (is_changed & is_face).sum() > 0.97 * is_changed.sum() > 0
    assert is_face.mean() < 0.6


def test_without_landmarks_the_face_is_in_the_middle(masks):
    found = np.asarray(masks(laid_on(jnp.full((1, 5, 2), jnp.nan)))[0]).any(axis=0)
    rows, columns = np.nonzero(found)
    assert found.any() and abs(columns.mean() - (SIZE - 1) / 2) < 1 and abs(rows.mean() - SIZE / 2) < SIZE / 8


def test_an_open_mouth_that_five_landmarks_do_not_tell_opens_the_part(masks):
    points = laid_on(FIVE)
    lower = jnp.array([*JAW[4:-4], *OUTER_LIPS[7:]])
    opened = points.at[:, lower, 1].add(4)
    closed, wide = (np.asarray(masks(of))[0] for of in (points, opened))
    lowest = [int(np.nonzero(of[2])[0].max()) for of in (closed, wide)]
    assert lowest[1] == lowest[0] + 4 and (wide[0] == closed[0]).all()
