import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.synthetic import sampling
from dfrec_jax.synthetic.dataset import identity_of
from dfrec_jax.synthetic.renderer import render
from dfrec_jax.synthetic.swap import pristine, put_on, swap

SIZE = 48


@pytest.fixture(scope="module")
def scene():
    attributes = sampling.sample_attributes(jax.random.key(5))
    elsewhere = sampling.sample_attributes(jax.random.key(6)).surroundings
    return identity_of(0, 1), identity_of(0, 2), attributes, elsewhere


def test_without_leak_nothing_of_the_targets_features_is_inside_the_mask(scene):
    source, target, attributes, elsewhere = scene
    other = identity_of(0, 3)
    # Another person under the same head, hair and skin: only the inner features differ.
    twin = other._replace(face=target.face, hair=target.hair, skin=target.skin)
    first = swap(source, target, attributes, elsewhere, 0.0, 0.5, SIZE)
    second = swap(source, twin, attributes, elsewhere, 0.0, 0.5, SIZE)
    inside = np.asarray(first.source_mask[..., 0]) == 1.0
    assert inside.mean() > 0.08
    assert np.abs(first.target - second.target)[inside].mean() > 0.02  # the two targets do differ there
    np.testing.assert_array_equal(first.forgery[inside], second.forgery[inside])


def test_the_leak_is_the_share_of_the_targets_picture(scene):
    source, target, attributes, elsewhere = scene
    none = swap(source, target, attributes, elsewhere, 0.0, 0.5, SIZE)
    third = swap(source, target, attributes, elsewhere, 0.3, 0.5, SIZE)
    everything = swap(source, target, attributes, elsewhere, 1.0, 0.5, SIZE)
    mask = none.source_mask
    want = none.target * (1 - mask) + mask * (0.3 * none.target + 0.7 * swapped_face(scene))
    np.testing.assert_allclose(third.forgery, want, atol=1e-5)
    np.testing.assert_allclose(everything.forgery, everything.target, atol=1e-5)


def swapped_face(scene):
    source, target, attributes, _ = scene
    return render(put_on(source, target, 0.5), attributes, SIZE).image


def test_put_on_takes_features_from_the_source_and_the_head_from_the_target(scene):
    source, target, *_ = scene
    mixed = put_on(source, target, 0.25)
    for part in ("eyes", "brows", "nose", "mouth", "marks"):
        jax.tree.map(np.testing.assert_array_equal, getattr(mixed, part), getattr(source, part))
    for part in ("face", "hair"):
        jax.tree.map(np.testing.assert_array_equal, getattr(mixed, part), getattr(target, part))
    np.testing.assert_allclose(mixed.skin.tone, 0.75 * source.skin.tone + 0.25 * target.skin.tone, rtol=1e-5)


def test_the_sources_picture_has_its_own_hair_and_the_forgerys_pose(scene):
    source, target, attributes, elsewhere = scene
    drawn = swap(source, target, attributes, elsewhere, 0.3, 0.5, SIZE)
    want = render(source, attributes._replace(surroundings=elsewhere), SIZE)
    np.testing.assert_array_equal(drawn.source, want.image)
    assert np.abs(want.landmarks - drawn.landmarks).max() < 0.1 * SIZE


def test_pristine_has_no_mask(scene):
    source, _, attributes, _ = scene
    drawn = pristine(source, attributes, SIZE)
    np.testing.assert_array_equal(drawn.forgery, drawn.target)
    np.testing.assert_array_equal(drawn.source_mask, jnp.zeros((SIZE, SIZE, 1)))
