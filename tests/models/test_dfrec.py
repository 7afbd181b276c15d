from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.config import defaults, rules
from dfrec_jax.models.dfrec import KnownMap, build, variable_shapes
from dfrec_jax.nets.patches import patchify, unpatchify
from tests import stand_in, tiny

BATCH = 3
IMAGE = jnp.asarray(np.random.default_rng(0).random((BATCH, tiny.SIZE, tiny.SIZE, 3), np.float32))
KEYS = jax.random.split(jax.random.key(7), BATCH)


def network(**changes):
    config = tiny.config()
    for field, value in changes.items():
        section, name = field.split("__")
        config[section][name] = value
    return build(config)


@partial(jax.jit, static_argnums=0, static_argnames="use_target_tokens")
def apply(module, variables, image, keys, **options):
    return module.apply(variables, image, keys, train=False, **options)


def run(module, image=IMAGE, keys=KEYS, **options):
    variables = stand_in.variables(module, image, keys, train=False)
    if module.ism is not None:
        variables["params"]["ism"]["segmentation_head"]["bias"] -= 2.0  # the map tells no patches: the keys do
    return apply(module, variables, image, keys, **options)


@pytest.fixture(scope="module")
def recovered():
    return run(network())


def test_outputs(recovered):
    out = recovered
    np.testing.assert_allclose(out.source_region, out.source_map * IMAGE, rtol=1e-6)
    assert 0 <= out.source_map.min() and out.source_map.max() <= 1
    for face in (out.source_face, out.target_face):
        assert face.shape == IMAGE.shape and 0 <= face.min() and face.max() <= 1
    assert out.target_tokens.min() >= 0 and out.target_tokens.shape[:2] == (BATCH, 16)
    assert out.idx_keep.shape == out.idx_mask.shape == (BATCH, 8)
    assert out.target_patches.shape == (BATCH, 8, 8 * 8 * 3) and out.logit.shape == (BATCH,)
    assert all(value.dtype in (jnp.float32, jnp.int32) for value in out)


def test_an_image_alone_gives_what_it_gives_in_a_batch(recovered):
    alone = run(network(), IMAGE[1:2], KEYS[1:2])
    for name, value in alone._asdict().items():
        whole = getattr(recovered, name)[1:2]
        if value.dtype == jnp.int32:
            np.testing.assert_array_equal(value, whole, err_msg=name)
        else:
            np.testing.assert_allclose(value, whole, rtol=1e-4, atol=1e-5, err_msg=name)


def test_another_key_masks_other_patches(recovered):
    other = run(network(), keys=jax.random.split(jax.random.key(8), BATCH))
    assert not np.array_equal(other.idx_mask, recovered.idx_mask)
    np.testing.assert_array_equal(other.source_face, recovered.source_face)


def test_plain_inpainting_is_the_same_network_without_target_tokens(recovered):
    plain = run(network(), use_target_tokens=False)
    assert plain.target_tokens.shape == recovered.target_tokens.shape and not plain.target_tokens.any()
    np.testing.assert_allclose(plain.source_face, recovered.source_face, rtol=1e-5)  # another program: it rounds
    np.testing.assert_array_equal(plain.idx_mask, recovered.idx_mask)
    assert not np.array_equal(plain.target_patches, recovered.target_patches)


def test_plain_inpainting_of_unet_pixels_knows_nothing_of_what_is_masked():
    module = network(tirm__pixels="unet", tirm__fusion="grid")
    variables = stand_in.variables(module, IMAGE, KEYS, train=False)
    variables["params"]["ism"]["segmentation_head"]["bias"] += 1e4  # a full map: the keys tell the patches
    out = apply(module, variables, IMAGE, KEYS, use_target_tokens=False)
    patches = patchify(IMAGE, 8)
    changed = jnp.put_along_axis(patches, out.idx_mask[..., None], 0.5, axis=1, inplace=False)
    again = apply(module, variables, unpatchify(changed, 8, tiny.SIZE // 8), KEYS, use_target_tokens=False)
    np.testing.assert_array_equal(again.idx_mask, out.idx_mask)
    np.testing.assert_allclose(again.target_patches, out.target_patches, rtol=1e-5)


def test_without_ism_the_face_region_takes_the_maps_place():
    module = network(ism__enabled=False)
    region = jnp.zeros((BATCH, tiny.SIZE, tiny.SIZE, 1)).at[:, :16, :16].set(1.0)  # the four upper left patches
    out = run(module, face_region=region)
    np.testing.assert_array_equal(out.source_map, region)
    np.testing.assert_array_equal(out.source_region, IMAGE)
    assert out.logit is None
    for masked in np.asarray(out.idx_mask):
        assert {0, 1, 4, 5} <= set(masked.tolist())
    ellipse = jax.eval_shape(lambda: run(module))
    assert ellipse.source_map.shape == region.shape
    with pytest.raises(ValueError, match="face_region"):
        jax.eval_shape(lambda: run(network(), face_region=region))


def test_a_known_map_takes_the_place_of_the_isms_for_all_but_the_ism(recovered):
    region = jnp.zeros((BATCH, tiny.SIZE, tiny.SIZE, 1)).at[:, :16, :16].set(1.0)  # the four upper left patches
    known_map = KnownMap(region, jnp.array([True, False, True]))
    out = run(network(), known_map=known_map)
    np.testing.assert_array_equal(out.source_map, recovered.source_map)  # else what was given would hide a collapse
    seen = np.where([[[[1]]], [[[0]]], [[[1]]]], region, recovered.source_map)
    np.testing.assert_allclose(out.source_region, seen * IMAGE, rtol=1e-6)
    np.testing.assert_array_equal(out.map_logits, recovered.map_logits)
    np.testing.assert_array_equal(out.target_face[1], recovered.target_face[1])
    assert {0, 1, 4, 5} <= set(np.asarray(out.idx_mask[0]).tolist())


def test_with_known_maps_the_ism_learns_from_its_map_alone():
    module = network(sirm__residual=True, sirm__features=(8,), sirm__stem=4)
    variables = stand_in.variables(module, IMAGE, KEYS, train=False)

    @jax.jit
    def slope(variables, is_known):
        known_map = KnownMap(jnp.ones((*IMAGE.shape[:3], 1)), jnp.full(BATCH, is_known))
        source = lambda variables: module.apply(variables, IMAGE, KEYS, train=False, known_map=known_map).source_face  # noqa: E731
        gradient = jax.grad(lambda variables: jnp.sum(source(variables) ** 2))(variables)["params"]
        return {part: sum(jnp.abs(leaf).sum() for leaf in jax.tree.leaves(gradient[part])) for part in ("ism", "sirm")}

    known, unknown = slope(variables, True), slope(variables, False)
    assert known["ism"] == 0 < known["sirm"]
    assert unknown["ism"] > 0


def test_without_fusion_there_are_no_target_tokens():
    module = network(tirm__fusion="none")
    out = jax.eval_shape(lambda: run(module))
    assert out.target_tokens is None
    assert not any("target_token" in path for path in variable_shapes(module, tiny.SIZE))


def test_released_sizes():
    def parameters(module):
        counts = {"ism": 0, "sirm": 0, "tirm": 0}
        for path, shape in variable_shapes(module, 224).items():
            if path.startswith("params/"):
                counts[path.split("/")[1]] += int(np.prod(shape))
        return counts

    released = build(defaults.resolve(defaults.dfrec("released")))
    assert parameters(released) == {"ism": 4_495_309, "sirm": 17_569_839, "tirm": 307_575_552}


@pytest.mark.parametrize(("vit", "width", "depth"), [("ti", 192, 12), ("s", 384, 12), ("b", 768, 12), ("l", 1024, 24)])
def test_vit_sizes(vit, width, depth):
    config = defaults.dfrec()
    config.tirm.vit = vit
    shapes = variable_shapes(build(defaults.resolve(config)), 224)
    assert shapes["params/tirm/encoder/patch_embedding/kernel"] == (768, width)
    assert f"params/tirm/encoder/transformer/block_{depth - 1}/mlp_in/kernel" in shapes
    assert f"params/tirm/encoder/transformer/block_{depth}/mlp_in/kernel" not in shapes


@pytest.mark.parametrize(
    ("size", "patch", "ratio", "fusion"), [(64, 8, 0.25, "position"), (96, 16, 0.75, "rank"), (224, 14, 0.5, "none")]
)
def test_other_sizes_and_ratios(size, patch, ratio, fusion):
    config = tiny.config()
    config.image_size, config.tirm.patch_size, config.tirm.mask_ratio = size, patch, ratio
    config.tirm.fusion = fusion
    rules.validate(config)
    module = build(config)
    image = jax.ShapeDtypeStruct((2, size, size, 3), jnp.float32)
    out = jax.eval_shape(lambda image: module.init_with_output(KEYS[0], image, KEYS[:2], train=False)[0], image)
    n = (size // patch) ** 2
    assert out.idx_mask.shape == (2, round(n * ratio)) and out.idx_keep.shape == (2, n - round(n * ratio))
    assert out.target_face.shape == image.shape


def test_the_published_threshold_includes_itself():
    released, paper = (build(defaults.resolve(defaults.dfrec(mode))).tirm.masking for mode in ("released", "paper"))
    assert not np.float32(50 / 256) >= np.float32(released.patch_threshold) and released.patch_threshold < 50.001 / 256
    assert np.float32(0.5) >= np.float32(paper.patch_threshold)


@pytest.mark.slow
def test_every_part_is_trained():
    """Each parameter gets a gradient from the two faces, but for the classifier, which has a loss of its own."""
    module = network()
    variables = stand_in.variables(module, IMAGE, KEYS, train=False)

    @jax.jit
    @jax.grad
    def gradient(params):
        out, _ = module.apply(
            {**variables, "params": params}, IMAGE, KEYS, train=True, rngs={"dropout": KEYS[0]}, mutable=["batch_stats"]
        )
        return jnp.mean(out.source_face**2) + jnp.mean(out.target_face**2)

    flat = jax.tree_util.tree_leaves_with_path(gradient(variables["params"]))
    silent = [jax.tree_util.keystr(path) for path, leaf in flat if not np.any(leaf)]
    assert all("classification_head" in path for path in silent), silent
    assert all(np.isfinite(leaf).all() for _, leaf in flat)


HALF = jnp.zeros((BATCH, tiny.SIZE, tiny.SIZE, 1)).at[:, :16].set(1.0)  # the upper half
EVERYBODY = jnp.ones(BATCH, bool)


def test_of_a_hidden_region_nothing_reaches_the_recovery():
    module, upper = network(sirm__residual=True), HALF > 0
    options = {"known_map": KnownMap(HALF, EVERYBODY), "is_hidden": jnp.array([True, True, False])}
    out = run(module, **options)
    other = run(module, jnp.where(upper, 1 - IMAGE, IMAGE), **options)
    np.testing.assert_array_equal(out.used_map, HALF)
    for name in ("source_face", "target_features", "target_tokens", "target_patches"):
        hidden, seen = (np.asarray(getattr(each, name)) for each in (out, other))
        np.testing.assert_array_equal(hidden[:2], seen[:2], err_msg=name)
        assert not np.array_equal(hidden[2], seen[2]), name


def test_a_given_verdict_lets_the_face_region_take_an_empty_maps_place(recovered):
    out = run(network(), is_swap=jnp.array([True, True, False]), face_region=HALF)
    np.testing.assert_array_equal(out.used_map, HALF.at[2].set(0.0))
    np.testing.assert_array_equal(out.source_map, recovered.source_map)


def test_a_given_verdict_may_use_the_map_in_part_for_the_target_alone(recovered):
    yes, half = jnp.ones(BATCH, bool), network(ism__given_scale=0.5)
    out = run(half, is_swap=yes)
    by_hand = run(network(), known_map=KnownMap(0.5 * recovered.source_map, yes))
    np.testing.assert_allclose(out.target_features, by_hand.target_features, atol=1e-5)
    np.testing.assert_array_equal(out.idx_mask, recovered.idx_mask)
    np.testing.assert_array_equal(out.source_face, recovered.source_face)
    np.testing.assert_array_equal(out.source_region, recovered.source_region)
    np.testing.assert_array_equal(out.used_map, recovered.source_map)
    assert not np.array_equal(out.target_face, recovered.target_face)
    np.testing.assert_array_equal(run(half).target_face, recovered.target_face)  # nobody said that it is a swap
    hidden = {"is_swap": yes, "is_hidden": yes}
    np.testing.assert_array_equal(run(half, **hidden).target_face, run(network(), **hidden).target_face)


def test_an_identity_changes_the_target_alone_and_at_the_start_nothing():
    module = network(tirm__pixels="unet", tirm__identity_width=4)
    variables = stand_in.variables(module, IMAGE, KEYS, train=False)
    identity = jnp.eye(BATCH, 4).at[2].set(0.0)
    told, untold = (apply(module, variables, IMAGE, KEYS, identity=given) for given in (identity, 0 * identity))
    np.testing.assert_array_equal(told.source_face, untold.source_face)
    is_other = [not np.array_equal(*pair) for pair in zip(told.target_patches, untold.target_patches, strict=True)]
    assert is_other == [True, True, False]
    kernels = {
        "/".join(key.key for key in path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(
            jax.eval_shape(lambda: module.init(KEYS[0], IMAGE, KEYS, train=False))["params"]["tirm"]["decoder"]
        )
    }
    assert kernels["identity/kernel"].shape == (4, 32) and "to_pixels/identity_0/kernel" in kernels
    with pytest.raises(ValueError, match="identity_width=0"):
        jax.eval_shape(lambda: run(network(), identity=identity))
