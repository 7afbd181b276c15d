from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.models.tirm import Tirm
from dfrec_jax.nets.patches import patchify
from tests import stand_in

SIZE, PATCH, NUM_PATCHES, NUM_KEEP, WIDTH = 32, 8, 16, 8, 6
RNG = np.random.default_rng(0)
IMAGE = jnp.asarray(RNG.random((2, SIZE, SIZE, 3), np.float32))
NOISE = jnp.asarray(RNG.random((2, NUM_PATCHES), np.float32))
NO_MAP = jnp.zeros((2, SIZE, SIZE, 1), np.float32)  # the split is that of the noise alone
NUM_TOKENS = {"position": NUM_PATCHES, "grid": NUM_PATCHES, "rank": NUM_KEEP}


def tirm(fusion="position", token_index="shifted", **fields):
    sizes = {"width": 16, "depth": 1, "heads": 2, "decoder_width": 16, "decoder_depth": 1, "decoder_heads": 2}
    return Tirm(num_keep=NUM_KEEP, patch_size=PATCH, fusion=fusion, token_index=token_index, **{**sizes, **fields})


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


@pytest.mark.parametrize("token_index", ["shifted", "patch"])
def test_exactly_the_masked_patches_are_generated(token_index):
    out = recover(tirm("rank", token_index))
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


@pytest.mark.parametrize(("token_index", "fusion"), [("shifted", "position"), ("shifted", "rank"), ("patch", "rank")])
def test_what_the_encoder_sees(token_index, fusion):
    """As released, token i is patch i - 1: the last patch is never seen, the one left of each kept patch is."""
    module = tirm(fusion, token_index)
    noise = NOISE[:1]
    keep = set(np.argsort(noise[0], kind="stable")[:NUM_KEEP].tolist())
    assert NUM_PATCHES - 1 in keep, "this noise does not show what the test is about"
    visible = keep if token_index == "shifted" else {index - 1 for index in keep}
    inputs = (NO_MAP[:1], tokens(fusion)[:1], noise)
    variables = stand_in.variables(module, IMAGE[:1], *inputs)
    apply = jax.jit(lambda image: module.apply(variables, image, *inputs).target_patches)
    want = apply(IMAGE[:1])
    for index in range(NUM_PATCHES):
        is_same = np.array_equal(apply(with_changed_patch(index)[:1]), want)
        assert is_same == (index not in visible), f"patch {index}"


def test_noise_decides_and_the_same_noise_repeats():
    module = tirm()
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


def test_pixel_hints_reach_the_patch_of_their_own_token_only():
    module = tirm("grid", pixel_hints=True)
    given = tokens("grid")
    variables = stand_in.variables(module, IMAGE, NO_MAP, given, NOISE)
    for name in ("fusion", "masked_fusion"):  # the way through the blocks is closed
        variables["params"]["decoder"][name] = jax.tree.map(jnp.zeros_like, variables["params"]["decoder"][name])
    before = apply(module, variables, IMAGE, NO_MAP, given, NOISE)
    changed = given.at[0, before.split.idx_mask[0, 0]].add(0.1)
    moved = jnp.abs(apply(module, variables, IMAGE, NO_MAP, changed, NOISE).target_patches - before.target_patches)
    assert moved[0, 0].max() > 1e-4 and moved[0, 1:].max() == 0 and moved[1].max() == 0


@pytest.mark.parametrize("is_source", [0.0, 0.3, 1.0])
def test_with_pixel_hints_training_starts_from_the_input(is_source):
    module = tirm("grid", pixel_hints=True)
    patches = jnp.clip(patchify(IMAGE, PATCH), 0.03, 0.97)
    image = IMAGE.clip(0.03, 0.97)
    given = jnp.concatenate([jnp.ones_like(patches), is_source * patches], axis=-1)  # f_t, then the source region
    source_map = jnp.full_like(NO_MAP, is_source)
    out, _ = module.init_with_output(jax.random.key(0), image, source_map, given, NOISE)
    want = jnp.take_along_axis(patches, out.split.idx_mask[..., None], axis=1)
    np.testing.assert_allclose(out.target_patches, want, atol=1e-5)


@pytest.mark.parametrize(("fusion", "given"), [("none", tokens()), ("rank", tokens()), ("position", tokens("rank"))])
def test_tokens_that_do_not_fit_the_fusion_are_refused(fusion, given):
    module = tirm(fusion)
    with pytest.raises(ValueError, match=f"fusion='{fusion}'.*target tokens and got"):
        jax.eval_shape(lambda: module.init(jax.random.key(0), IMAGE, NO_MAP, given, NOISE))


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
    assert paths(fusion="rank", token_index="patch", learned_positions=True) == (16 + WIDTH, False, True)


def test_positions_distinguish_patches_that_look_alike():
    grey = jnp.full_like(IMAGE, 0.5)
    out = recover(tirm("none"), image=grey)
    assert np.unique(np.asarray(out.target_patches[0]).round(6), axis=0).shape[0] == NUM_PATCHES - NUM_KEEP
