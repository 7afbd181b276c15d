"""Loss of resolution against OpenCV's resizing, and JPEG on the device against libjpeg."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.forging import perturbing, reference
from dfrec_jax.forging.jpeg import CHROMA_TABLE, LUMA_TABLE, jpeg, quantisation_table
from tests.faces_made_up import made_up_face

lose_resolution, code, perturb = (jax.jit(f) for f in (perturbing.lose_resolution, jpeg, perturbing.perturb))


@pytest.mark.parametrize("share", [64 / 317, 0.37, 0.9, 1.0])
@pytest.mark.parametrize("is_nearest", [False, True])
def test_lost_resolution_equals_opencv(share, is_nearest):
    image = np.random.default_rng(0).uniform(0, 1, (64, 64, 3)).astype(np.float32)
    got = lose_resolution(jnp.asarray(image), jnp.float32(share), jnp.bool_(is_nearest))
    np.testing.assert_allclose(got, reference.lose_resolution(image, share, is_nearest), atol=1e-4)


@pytest.mark.parametrize("quality", [5, 30, 60, 75, 95, 100])
def test_jpeg_equals_libjpeg_within_a_level(quality):
    image, _ = made_up_face(3, 96)
    levels = np.round(image * 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", levels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    want = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1].astype(np.float32)
    got = np.asarray(code(jnp.asarray(levels, jnp.float32) / 255, jnp.float32(quality))) * 255
    error, loss = np.abs(got - want).mean(), np.abs(want - levels).mean()
    assert error < 0.75, "levels; libjpeg works in integers"
    assert error < (0.15 if quality < 80 else 0.4) * loss, "small beside what JPEG itself loses"


def test_jpeg_tables_at_quality_50_are_the_standard_ones():
    np.testing.assert_array_equal(quantisation_table(LUMA_TABLE, jnp.float32(50)), LUMA_TABLE)
    np.testing.assert_array_equal(quantisation_table(CHROMA_TABLE, jnp.float32(100)), np.ones((8, 8)))
    assert quantisation_table(LUMA_TABLE, jnp.float32(75))[0, 0] == 8


def test_jpeg_takes_sides_that_are_no_multiple_of_16():
    image, _ = made_up_face(4, 50)
    coded = code(jnp.asarray(image), jnp.float32(90))
    assert coded.shape == (50, 50, 3) and np.abs(np.asarray(coded) - image).mean() < 0.03


def test_perturb_does_nothing_where_nothing_was_drawn():
    image = jnp.asarray(made_up_face(4, 48)[0])
    draw = perturbing.draw_perturbation(jax.random.key(0))
    draw = draw._replace(is_reduced=jnp.bool_(False), is_coded=jnp.bool_(False))
    np.testing.assert_array_equal(perturb(image, draw), image)


@pytest.mark.parametrize("seed", range(4))
def test_perturb_equals_its_reference(seed):
    image, _ = made_up_face(seed, 64)
    draw = perturbing.draw_perturbation(jax.random.key(seed))._replace(is_coded=jnp.bool_(True))
    want = reference.perturb(image, jax.tree.map(np.asarray, draw))
    assert np.abs(np.asarray(perturb(jnp.asarray(image), draw)) - want).mean() < 1.2 / 255


def test_perturbation_draws_keep_to_their_ranges():
    draws = jax.jit(jax.vmap(perturbing.draw_perturbation))(jax.random.split(jax.random.key(0), 4000))
    assert 0.45 < float(draws.is_reduced.mean()) < 0.55 and 0.45 < float(draws.is_coded.mean()) < 0.55
    assert set(np.unique(draws.quality)) == set(range(60, 101))
    assert draws.share.min() >= np.float32(64 / 317) and draws.share.max() < 1


@pytest.mark.parametrize("size", [40, 96])
def test_blur_equals_opencv(size):
    image = np.random.default_rng(0).uniform(0, 1, (size, size, 3)).astype(np.float32)
    spread = 0.7 * perturbing.MOST_BLUR
    got = jax.jit(perturbing.blur)(jnp.asarray(image), jnp.float32(spread))
    taps = 2 * int(np.ceil(3 * perturbing.MOST_BLUR * size)) + 1
    want = cv2.GaussianBlur(image, (taps, taps), spread * size, borderType=cv2.BORDER_REPLICATE)
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_damage_has_its_probabilities_and_ranges():
    keys = jax.random.split(jax.random.key(0), 400)
    drawn = jax.jit(jax.vmap(lambda key: perturbing.draw_damage(key, 0.5, 0.25)))(keys)
    for values, share, most in ((drawn.blur, 0.5, perturbing.MOST_BLUR), (drawn.noise, 0.25, perturbing.MOST_NOISE)):
        assert abs(float((values > 0).mean()) - share) < 0.08 and float(values.max()) <= most
    noisy = jax.jit(perturbing.grain)(keys[0], jnp.full((64, 64, 3), 0.5), jnp.float32(0.03))
    assert abs(float(noisy.std()) - 0.03) < 0.002 and abs(float(noisy.mean()) - 0.5) < 0.002


def test_a_tightened_picture_ends_where_it_is_said_to():
    image = jnp.asarray(np.random.default_rng(0).integers(0, 255, (20, 20, 3)).astype(np.uint8))
    border = jnp.array([0.1, 0.2, 0.0, 0.15])  # 2 on the left, 4 above, none on the right, 3 below
    made, inside = (
        np.asarray(x) for x in jax.jit(lambda b: (perturbing.tighten(image, b), perturbing.within(b, 20, 20)))(border)
    )
    assert inside[4:17, 2:, 0].all() and inside.sum() == 13 * 18
    np.testing.assert_array_equal(made[4:17, 2:], image[4:17, 2:])
    np.testing.assert_array_equal(made[0, 2:], image[4, 2:])
    np.testing.assert_array_equal(made[5, :2], np.broadcast_to(image[5, 2], (2, 3)))
