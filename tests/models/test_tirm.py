from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logit

from dfrec_jax.models.masking import Masking
from dfrec_jax.models.tirm import Tirm
from dfrec_jax.nets.patches import patchify
from dfrec_jax.nets.transformer import VitSize
from tests import stand_in

SIZE, PATCH, NUM_PATCHES, NUM_KEEP, WIDTH = 32, 8, 16, 8, 6
RNG = np.random.default_rng(0)
IMAGE = jnp.asarray(RNG.random((2, SIZE, SIZE, 3), np.float32))
NOISE = jnp.asarray(RNG.random((2, NUM_PATCHES), np.float32))
NO_MAP = jnp.zeros((2, SIZE, SIZE, 1), np.float32)  # the split is that of the noise alone
NUM_TOKENS = {"position": NUM_PATCHES, "grid": NUM_PATCHES, "rank": NUM_KEEP}


def tirm(fusion="position", **fields):
    size = VitSize(16, 1, 2)
    return Tirm(Masking(NUM_KEEP), PATCH, encoder_size=size, decoder_size=size, fusion=fusion, **fields)


def tokens(fusion="position"):
    if fusion == "none":
        return None
    return jnp.asarray(np.random.default_rng(1).random((2, NUM_TOKENS[fusion], WIDTH), np.float32))


def recover(module, *, image=IMAGE, source_map=NO_MAP, target_tokens=None, noise=NOISE):
    target_tokens = tokens(module.fusion) if target_tokens is None else target_tokens
    variables = stand_in.variables(module, image, source_map, target_tokens, noise)
    return apply(module, variables, image, source_map, target_tokens, noise)


@partial(jax.jit, static_argnums=0)
def apply(module, variables, *inputs):
    return module.apply(variables, *inputs)


def patch_changes(a, b):
    """Which patches of two images differ at all."""
    return np.any(patchify(jnp.asarray(a), PATCH) != patchify(jnp.asarray(b), PATCH), axis=-1)


@pytest.mark.parametrize("as_released", [False, True])
def test_exactly_the_masked_patches_are_generated(as_released):
    out = recover(tirm("rank", as_released=as_released))
    both = np.sort(np.concatenate(out.split, axis=1), axis=1)
    np.testing.assert_array_equal(both, np.tile(np.arange(NUM_PATCHES), (2, 1)))
    is_masked = np.zeros((2, NUM_PATCHES), bool)
    np.put_along_axis(is_masked, np.asarray(out.split.idx_mask), True, axis=1)
    np.testing.assert_array_equal(patch_changes(out.target_face, IMAGE), is_masked)
    np.testing.assert_array_equal(patch_changes(out.masked_image, IMAGE), is_masked)
    assert patchify(out.masked_image, PATCH)[is_masked].max() == 0
    assert 0 <= out.target_face.min() and out.target_face.max() <= 1
    np.testing.assert_array_equal(  # the predictions stand where idx_mask says
        np.take_along_axis(np.asarray(patchify(out.target_face, PATCH)), np.asarray(out.split.idx_mask)[..., None], 1),
        out.target_patches,
    )


def with_changed_patch(index):
    row, column = divmod(index, SIZE // PATCH)
    return IMAGE.at[:, row * PATCH : (row + 1) * PATCH, column * PATCH : (column + 1) * PATCH].set(0.5)


@pytest.mark.parametrize(("as_released", "fusion"), [(False, "position"), (False, "rank"), (True, "rank")])
def test_what_the_encoder_sees(as_released, fusion):
    """As released, token i is patch i - 1: the last patch is never seen, the one left of each kept patch is.

    FIDELITY 5.4, 3 and 4.
    """
    module = tirm(fusion, as_released=as_released)
    noise = NOISE[:1]
    keep = set(np.argsort(noise[0], kind="stable")[:NUM_KEEP].tolist())
    assert NUM_PATCHES - 1 in keep, "this noise does not show what the test is about"
    visible = {index - 1 for index in keep} if as_released else keep
    inputs = (NO_MAP[:1], tokens(fusion)[:1], noise)
    variables = stand_in.variables(module, IMAGE[:1], *inputs)
    apply = jax.jit(lambda image: module.apply(variables, image, *inputs).target_patches)
    want = apply(IMAGE[:1])
    for index in range(NUM_PATCHES):
        is_same = np.array_equal(apply(with_changed_patch(index)[:1]), want)
        assert is_same == (index not in visible), f"patch {index}"


@pytest.mark.parametrize(("as_released", "fusion"), [(False, "position"), (True, "rank")])
def test_noise_decides_and_the_same_noise_repeats(as_released, fusion):
    """FIDELITY 5.4, 5."""
    module = tirm(fusion, as_released=as_released)
    first, again = recover(module), recover(module)
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert not np.array_equal(recover(module, noise=NOISE[:, ::-1]).target_face, first.target_face)


def test_fusion_binds_tokens_by_position_or_by_rank():
    keep = np.argsort(NOISE, axis=1, kind="stable")[:, :NUM_KEEP]
    by_position = tokens("position")
    by_rank = jnp.take_along_axis(by_position, keep[..., None], axis=1)  # row j for the j-th kept patch
    out = {"position": recover(tirm("position")), "rank": recover(tirm("rank"), target_tokens=by_rank)}
    np.testing.assert_array_equal(out["position"].target_patches, out["rank"].target_patches)
    shuffled = recover(tirm("rank"), target_tokens=by_rank[:, ::-1])
    assert not np.array_equal(shuffled.target_patches, out["rank"].target_patches)
    masked_changed = jnp.where(jnp.isin(jnp.arange(NUM_PATCHES), keep[0])[None, :, None], by_position, 9.0)
    np.testing.assert_array_equal(  # rows of masked patches are not read
        recover(tirm("position"), target_tokens=masked_changed).target_patches[0], out["position"].target_patches[0]
    )


def test_on_the_grid_masked_patches_have_tokens_too():
    module = tirm("grid")
    before = recover(module)
    changed = recover(module, target_tokens=tokens("grid").at[0, before.split.idx_mask[0, 0]].add(1.0))
    moved = jnp.abs(changed.target_patches - before.target_patches).max(axis=-1)
    assert moved[0, 0] == moved.max() > 1e-4 and (moved[1] == 0).all()


def levels(image=IMAGE):
    """What a SIRM of three levels would hand over."""
    rng = np.random.default_rng(2)
    features = (rng.random((2, SIZE // 2**level, SIZE // 2**level, 4 + level), np.float32) for level in range(4))
    return (image, *map(jnp.asarray, features))


HALF_MAP = NO_MAP.at[:, : SIZE // 2, PATCH // 2 :].set(1.0)  # not the left half of the first patches


def test_unet_pixels_start_as_the_image_and_change_where_map_and_mask_say():
    module, image = tirm("grid", pixels="unet"), IMAGE.clip(0.03, 0.97)
    inputs = (image, HALF_MAP, tokens("grid"), NOISE, levels(image))
    out, variables = jax.jit(module.init_with_output)(jax.random.key(0), *inputs)
    np.testing.assert_allclose(out.target_face, image, atol=1e-6)
    bias = variables["params"]["decoder"]["to_pixels"]["to_rgb"]["bias"]
    variables["params"]["decoder"]["to_pixels"]["to_rgb"]["bias"] = bias + 1.0
    moved = np.abs(apply(module, variables, *inputs).target_face - image).max(axis=-1)
    is_masked = np.zeros((2, NUM_PATCHES, 1), bool)
    np.put_along_axis(is_masked, np.asarray(out.split.idx_mask)[..., None], True, axis=1)
    may_change = np.kron(is_masked.reshape(2, 4, 4), np.ones((PATCH, PATCH))) * HALF_MAP[..., 0]
    np.testing.assert_array_equal(moved > 1e-3, may_change > 0)


@pytest.mark.parametrize("index", range(5))
def test_unet_pixels_read_every_level_at_its_own_place(index):
    module = tirm("grid", pixels="unet")
    given = levels()
    variables = stand_in.variables(module, IMAGE, HALF_MAP, tokens("grid"), NOISE, given)
    recover = partial(apply, module, variables, IMAGE, HALF_MAP, tokens("grid"), NOISE)
    before = recover(given)
    side = given[index].shape[1] // 4  # a level's share of one patch
    row, column = divmod(int(before.split.idx_mask[0, 0]), 4)
    here = np.s_[0, row * side : (row + 1) * side, column * side : (column + 1) * side]
    after = recover((*given[:index], given[index].at[here].add(1.0), *given[index + 1 :]))
    moved = jnp.abs(after.target_patches - before.target_patches).mean(axis=-1)
    most = divmod(int(before.split.idx_mask[0, moved[0].argmax()]), 4)
    assert moved[0].max() > 1e-4 and (moved[1] == 0).all()
    assert abs(most[0] - row) <= 1 and abs(most[1] - column) <= 1  # convolutions reach a place further


def test_unet_pixels_of_folded_levels_draw_every_pixel():
    module, image = tirm("grid", pixels="unet"), IMAGE.clip(0.03, 0.97)
    picture, _, *halved = levels(image)
    folded = (picture, *halved)  # of a stem of 2: the first level has half of the picture's side
    inputs = (image, HALF_MAP, tokens("grid"), NOISE, folded)
    out, variables = jax.jit(module.init_with_output)(jax.random.key(0), *inputs)
    np.testing.assert_allclose(out.target_face, image, atol=1e-6)
    bias = variables["params"]["decoder"]["to_pixels"]["to_rgb"]["bias"]
    assert bias.shape == (12,)
    variables["params"]["decoder"]["to_pixels"]["to_rgb"]["bias"] = bias.at[3:6].add(1.0)  # upper right of each square
    odds = logit(apply(module, variables, *inputs).target_face) - logit(image)
    inside = np.asarray(odds[:, 1:, 1:])  # at an edge the mean takes its pixels twice
    moved = inside > 1e-3
    assert moved.any() and inside[moved] == pytest.approx(0.25, abs=1e-3)  # all pixels of a square alike: no grid


@pytest.mark.parametrize(("fusion", "given"), [("none", tokens()), ("rank", tokens()), ("position", tokens("rank"))])
def test_tokens_that_do_not_fit_the_fusion_are_refused(fusion, given):
    module = tirm(fusion)
    with pytest.raises(ValueError, match=f"fusion='{fusion}'.*target tokens and got"):
        jax.eval_shape(lambda: module.init(jax.random.key(0), IMAGE, NO_MAP, given, NOISE))


def test_unet_pixels_without_levels_are_refused():
    with pytest.raises(ValueError, match="pixels='unet' takes the levels"):
        module = tirm("grid", pixels="unet")
        jax.eval_shape(lambda: module.init(jax.random.key(0), IMAGE, NO_MAP, tokens("grid"), NOISE))


def test_variables_of_each_choice():
    def paths(**fields):
        module = tirm(**fields)
        inputs = (IMAGE, NO_MAP, tokens(module.fusion), NOISE)
        params = stand_in.variables(module, *inputs)["params"]
        return (
            params["decoder"]["fusion"]["kernel"].shape[0],
            "class_target_token" in params,
            "positions" in params["encoder"],
        )

    assert paths() == (16 + WIDTH, True, False)
    assert paths(fusion="none") == (16, False, False)
    assert paths(fusion="rank", as_released=True) == (16 + WIDTH, False, True)


def test_positions_distinguish_patches_that_look_alike():
    grey = jnp.full_like(IMAGE, 0.5)
    out = recover(tirm("none"), image=grey)
    assert np.unique(np.asarray(out.target_patches[0]).round(6), axis=0).shape[0] == NUM_PATCHES - NUM_KEEP
