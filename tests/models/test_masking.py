import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.models.masking import (
    Masking,
    draw_noise,
    face_ellipse,
    face_region,
    generated_region,
    patch_scores,
    semantic_guided_masking,
)


def split(scores, noise, num_keep=2, **thresholds):
    out = semantic_guided_masking(
        jnp.array([scores], jnp.float32), jnp.array([noise], jnp.float32), Masking(num_keep, **thresholds)
    )
    return out.idx_keep[0].tolist(), out.idx_mask[0].tolist()


def test_patch_scores_by_hand():
    source_map = np.zeros((1, 4, 4, 1), np.float32)
    source_map[0, 0, 2:4] = 1.0  # half of the upper right patch
    np.testing.assert_array_equal(patch_scores(jnp.asarray(source_map), 2), [[0, 0.5, 0, 0]])


def test_patches_of_the_source_are_masked_first():
    # The second and third reach 0.5 and keep their scores; the others become 0.04 and 0.03 and are kept, least first.
    assert split([0.1, 0.9, 0.5, 0.4], [0.4, 0, 0, 0.3]) == ([3, 0], [2, 1])


def test_a_full_map_tells_nothing():
    noise = [0.0, 0.3, 0.1, 0.2]
    assert split([1.0, 0.95, 0.95, 0.8], noise) == ([0, 2], [3, 1])  # mean 0.925: by noise alone
    assert split([1.0, 0.9, 0.9, 0.7], noise) == ([3, 1], [2, 0])  # mean 0.875: by score, ties by index


def test_where_few_patches_show_the_source_background_is_masked_too():
    assert split([0.9, 0.1, 0.1, 0.1], [0.5, 0.6, 0.1, 0.2]) == ([2, 3], [1, 0])


def test_where_many_do_the_least_of_them_stay_visible():
    assert split([0.9, 0.6, 0.8, 0.7], [0.0, 0.0, 0.0, 0.0]) == ([1, 3], [2, 0])


def test_ties_keep_the_order_of_the_grid():
    assert split([0.8, 0.6, 0.8, 0.8], [0.0, 0.0, 0.0, 0.0]) == ([1, 0], [2, 3])


def test_thresholds_are_arguments():
    assert split([0.3, 0.1, 0.9, 0.3], [0.0, 1.0, 0.0, 0.2], patch_threshold=0.2) == ([1, 0], [3, 2])
    assert split([0.5, 0.5, 1.0, 1.0], [0.3, 0.2, 0.1, 0.0], full_map_threshold=0.75) == ([3, 2], [1, 0])
    noisy = {"noise_scale": 1.0}  # noise beyond the scores of true source patches
    assert split([0.6, 0.1, 0.1, 0.7], [0.0, 0.9, 0.1, 0.0], **noisy) == ([2, 0], [3, 1])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_maps_that_tell_nothing_give_a_random_partition(value):
    noise = draw_noise(jax.random.split(jax.random.key(0), 400), 16)
    out = semantic_guided_masking(jnp.full((400, 16), value), noise, Masking(num_keep=8))
    both = jnp.concatenate(out, axis=1)
    np.testing.assert_array_equal(jnp.sort(both, axis=1), jnp.tile(jnp.arange(16), (400, 1)))
    share = np.bincount(np.asarray(out.idx_keep).reshape(-1), minlength=16) / 400
    np.testing.assert_allclose(share, 0.5, atol=0.1)  # four standard deviations


def test_a_face_that_fits_is_masked_whole():
    scores = jnp.zeros((1, 196)).at[0, 40:120].set(1.0)
    noise = draw_noise(jax.random.split(jax.random.key(0), 1), 196)
    out = semantic_guided_masking(scores, noise, Masking(num_keep=98))
    assert set(range(40, 120)) <= set(out.idx_mask[0].tolist())
    assert out.idx_keep.shape == out.idx_mask.shape == (1, 98)
    assert sorted([*out.idx_keep[0].tolist(), *out.idx_mask[0].tolist()]) == list(range(196))


def test_noise_belongs_to_the_key_not_to_the_batch():
    keys = jax.random.split(jax.random.key(3), 4)
    together = draw_noise(keys, 9)
    np.testing.assert_array_equal(draw_noise(keys[2:3], 9)[0], together[2])
    assert together.min() >= 0 and together.max() < 1


def test_face_ellipse_covers_less_than_half_of_the_patches():
    ellipse = face_ellipse(224, 224)
    assert ellipse.shape == (224, 224, 1) and set(np.unique(ellipse)) == {0.0, 1.0}
    np.testing.assert_allclose(ellipse.mean(), np.pi * 0.42 * 0.32, atol=2e-3)
    np.testing.assert_array_equal(ellipse, ellipse[::-1, ::-1])
    assert (patch_scores(ellipse[None], 16) >= 0.5).sum() <= 98


UPRIGHT = np.array([[24.0, 30], [40, 30], [32, 39], [25.5, 48.5], [38.8, 48.5]], np.float32)  # eyes 16 px apart


def _turned(points, degrees, scale=1.0, shift=(0.0, 0.0), centre=32.0):
    angle = np.deg2rad(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((points - centre) @ rotation.T * scale + centre + np.array(shift)).astype(np.float32)


def test_the_face_region_holds_the_face_and_goes_where_the_landmarks_go():
    upright = np.asarray(face_region(jnp.asarray(UPRIGHT[None]), 64, 64))[0, ..., 0]
    for x, y in UPRIGHT.round().astype(int):
        assert upright[y, x] == 1
    y, x = np.nonzero(upright)
    assert (x.mean(), y.mean()) == (pytest.approx(32, abs=1), pytest.approx(30 + 0.45 * 16, abs=1))
    assert np.ptp(y) == pytest.approx(2 * 1.55 * 16, abs=3) and np.ptp(x) == pytest.approx(2 * 1.15 * 16, abs=3)
    moved = _turned(UPRIGHT, 0, shift=(5, -3))
    got = np.asarray(face_region(jnp.asarray(moved[None]), 64, 64))[0, ..., 0]
    np.testing.assert_array_equal(got[:55, 5:], upright[3:58, :-5])


def test_the_face_region_turns_and_grows_with_the_face():
    upright, turned, small = np.asarray(
        face_region(jnp.asarray(np.stack([UPRIGHT, _turned(UPRIGHT, 90), _turned(UPRIGHT, 0, 0.5)])), 64, 64)
    )[..., 0]
    np.testing.assert_allclose(turned.sum(), upright.sum(), rtol=0.03)
    y, x = np.nonzero(turned)
    assert np.ptp(x) > np.ptp(y) + 8, "a lying face is wider than high"
    np.testing.assert_allclose(small.sum(), upright.sum() / 4, rtol=0.05)


def test_where_no_landmarks_are_known_the_region_is_the_ellipse_in_the_middle():
    points = np.stack([UPRIGHT, np.full((5, 2), np.nan, np.float32)])
    got = np.asarray(face_region(jnp.asarray(points), 64, 64))
    np.testing.assert_array_equal(got[1], face_ellipse(64, 64))
    assert (got[0] != got[1]).any() and np.isfinite(got).all()


def test_the_generated_region_is_the_masked_patches():
    region = generated_region(jnp.array([[2, 1]]), 4, 2)
    want = np.kron([[0, 1], [1, 0]], np.ones((2, 2)))
    np.testing.assert_array_equal(region[0, :, :, 0], want)
