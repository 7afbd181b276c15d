"""Forgeries on the device against the same in NumPy and OpenCV, and what must hold for each of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.forging import face_region, perturbing, reference
from dfrec_jax.forging import forge as forging
from dfrec_jax.preparation.stored_forgeries import BATCH, forge_batch
from tests.faces_made_up import made_up_face

SIZE = 64
RECIPES = {"bi": forging.BI, "swap": forging.SWAP}
forge = jax.jit(forging.forge, static_argnums=0)
draw_forging = jax.jit(forging.draw_forging, static_argnums=1)


def _example(seed: int, name: str, size: int = SIZE):
    source, source_landmarks = made_up_face(2 * seed, size)
    target, target_landmarks = made_up_face(2 * seed + 1, size)
    draw = draw_forging(jax.random.fold_in(jax.random.key(3), seed), RECIPES[name])
    return draw, source, target, source_landmarks, target_landmarks


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("seed", range(4))
def test_forgery_equals_its_reference(name, seed):
    draw, *faces = _example(seed, name)
    got = forge(RECIPES[name], draw, *map(jnp.asarray, faces))
    image, mask = reference.forge(RECIPES[name], jax.tree.map(np.asarray, draw), *faces)
    feather = draw.feather * face_region.region_extent(jnp.asarray(faces[-1]), draw.region)
    pixels = np.abs(np.asarray(got.source_mask) - mask) * feather
    assert pixels.max() < 1.2 and pixels.mean() < 0.15, "a drawn mask is right to about a pixel"
    difference = np.abs(np.asarray(got.image) - image)
    assert difference.mean() < 0.008 and np.quantile(difference, 0.99) < 0.1


@pytest.mark.parametrize("name", RECIPES)
def test_outside_the_mask_is_the_target(name):
    draw, source, target, *landmarks = _example(5, name)
    draw = draw._replace(resolution=jnp.ones(2))
    got = forge(RECIPES[name], draw, jnp.asarray(source), jnp.asarray(target), *map(jnp.asarray, landmarks))
    outside = np.asarray(got.source_mask[..., 0]) == 0
    assert 0.2 < outside.mean() < 0.95
    np.testing.assert_allclose(np.asarray(got.image)[outside], target[outside], atol=2e-6)
    assert np.abs(np.asarray(got.image) - target)[np.asarray(got.source_mask[..., 0]) > 0.9].mean() > 0.02


@pytest.mark.parametrize("region", range(4))
def test_brows_eyes_and_mouth_come_from_the_source(region):
    draw, *_, landmarks = _example(region, "bi")
    draw = draw._replace(region=jnp.int32(region), margin=jnp.float32(forging.MARGINS[region]))
    draw = draw._replace(growth=jnp.float32(0), deformation=jnp.zeros_like(draw.deformation), feather=jnp.float32(0.1))
    weight = np.asarray(jax.jit(forging.source_weight, static_argnums=2)(draw, jnp.asarray(landmarks), SIZE))
    x, y = np.round(landmarks[17:60]).astype(int).T  # brows, nose, eyes, outer lips
    assert weight[y, x].min() > 0.2 and weight[y, x].mean() > 0.8


def test_a_face_forged_into_itself_is_itself():
    draw, source, _, landmarks, _ = _example(6, "bi")
    draw = draw._replace(resolution=jnp.ones(2))
    face, landmarks = jnp.asarray(source), jnp.asarray(landmarks)
    np.testing.assert_allclose(forge(forging.BI, draw, face, face, landmarks, landmarks).image, face, atol=1e-3)
    smoothed = forge(forging.SWAP, draw, face, face, landmarks, landmarks).image  # the warp smooths, by little
    np.testing.assert_allclose(smoothed, face, atol=0.05)


@pytest.mark.parametrize("name", RECIPES)
def test_the_posed_source_is_the_source_in_the_targets_place_without_the_target(name):
    draw, source, target, *landmarks = _example(8, name)
    run = lambda draw, target: forge(RECIPES[name], draw, *map(jnp.asarray, (source, target, *landmarks)))  # noqa: E731
    got = run(draw, target)
    inside = np.asarray(got.source_mask[..., 0]) > 0.9
    distance = lambda a, b: np.abs(np.asarray(a) - b)[inside].mean()  # noqa: E731
    changed = run(draw._replace(leak=jnp.float32(0.9)), 1 - target)
    np.testing.assert_array_equal(changed.posed_source, got.posed_source)  # neither leak nor the target's colours
    coloured = np.asarray(got.posed_source)[inside].mean(axis=0)
    assert np.abs(coloured - source[inside].mean(axis=0)).max() < 0.1
    assert distance(got.posed_source, target) > 0.02


def test_leak_lets_the_target_through():
    draw, *faces = _example(7, "swap")
    draw, faces = draw._replace(resolution=jnp.ones(2)), [jnp.asarray(face) for face in faces]
    distance = [
        float(jnp.abs(forge(forging.SWAP, draw._replace(leak=jnp.float32(leak)), *faces).image - faces[1]).mean())
        for leak in (0.0, 0.4, 1.0)
    ]
    assert distance[0] > 1.3 * distance[1] and distance[2] < 1e-4


def test_the_same_key_forges_the_same_and_another_does_not():
    draw = lambda seed: draw_forging(jax.random.key(seed), forging.BI)  # noqa: E731
    same = jax.tree.map(lambda a, b: bool(jnp.all(a == b)), draw(1), draw(1))
    assert all(jax.tree.leaves(same))
    assert not bool(jnp.all(draw(1).deformation == draw(2).deformation))


def test_draws_keep_to_their_ranges():
    keys = jax.random.split(jax.random.key(0), 2000)
    draws = jax.jit(jax.vmap(lambda key: forging.draw_forging(key, forging.BI)))(keys)
    assert set(np.unique(draws.region)) == {0, 1, 2, 3}
    growth = np.round(np.unique(np.asarray(draws.growth) * perturbing.RECIPE_SIZE)).astype(int)
    assert set(growth) == set(range(-10, 3)), "erosion by kernels 1, 3, .. 21 and dilation by 1, 3, 5"
    assert (draws.resolution.min() >= 128 / 317) and (draws.resolution.max() <= 1)
    assert np.all(draws.leak == 0) and 0.1 <= draws.feather.min() < 0.105 and 0.195 < draws.feather.max() <= 0.2
    spread = np.asarray(draws.deformation).reshape(2000, -1).std(axis=1)
    assert 0.04 < spread.max() < 0.06 and spread.min() < 0.015


def test_what_a_row_of_a_batch_becomes_depends_on_nothing_but_the_row():
    examples = (_example(seed, "swap", size=48)[1:] for seed in range(BATCH))  # the shapes of the fixtures: compiled
    faces = [np.stack(role) for role in zip(*examples, strict=True)]
    faces[:2] = [np.round(pictures * 255).astype(np.uint8) for pictures in faces[:2]]
    keys = jax.random.split(jax.random.key(1), BATCH)
    images, masks = forge_batch(forging.SWAP, keys, *faces)
    turned = forge_batch(forging.SWAP, keys[::-1], *(role[::-1] for role in faces))
    np.testing.assert_array_equal(turned[0][::-1], images)
    np.testing.assert_array_equal(turned[1][::-1], masks)
    assert len({mask.tobytes() for mask in np.asarray(masks)}) == BATCH
