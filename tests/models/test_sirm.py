from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.models.sirm import AttentionGate, Sirm, TargetTokens
from tests import stand_in

IMAGE = jnp.asarray(np.random.default_rng(0).random((2, 16, 16, 3), np.float32))

SMALL = Sirm(features=(4, 8), bottleneck=16, tokens=TargetTokens(5))


@partial(jax.jit, static_argnums=0)
def apply(module, variables):
    return module.apply(variables, IMAGE, train=False)


@pytest.fixture(scope="module")
def recovered():
    return apply(SMALL, stand_in.variables(SMALL, IMAGE, train=False))


def test_shapes_and_ranges(recovered):
    assert recovered.source_face.shape == IMAGE.shape
    assert 0 < recovered.source_face.min() and recovered.source_face.max() < 1
    assert recovered.source_features.shape == recovered.target_features.shape == (2, 8)
    assert recovered.target_tokens.shape == (2, 16, 5)  # a row for each place of the bottleneck's 4 x 4 grid
    assert recovered.target_tokens.min() >= 0


def test_as_released_a_token_is_a_channel(recovered):
    variables = stand_in.variables(SMALL, IMAGE, train=False)
    released = apply(SMALL.clone(tokens=TargetTokens(5, "channel")), variables)
    np.testing.assert_allclose(released.target_tokens.swapaxes(1, 2), recovered.target_tokens, rtol=1e-5, atol=1e-6)


def test_only_f_s_reaches_the_source_face_and_only_f_t_the_tokens():
    variables = stand_in.variables(SMALL, IMAGE, train=False)

    def outputs(half):
        changed = jax.tree.map(jnp.copy, variables)
        norm = changed["params"]["bottleneck"]["norm_1"]
        norm["bias"] = norm["bias"].at[half].add(1.0)
        return apply(SMALL, changed)

    before = apply(SMALL, variables)
    source, target = outputs(slice(0, 8)), outputs(slice(8, 16))
    np.testing.assert_array_equal(target.source_face, before.source_face)
    np.testing.assert_array_equal(source.target_tokens, before.target_tokens)
    assert np.abs(source.source_face - before.source_face).max() > 1e-4
    assert np.abs(target.target_tokens - before.target_tokens).max() > 1e-4


def test_a_stem_halves_every_grid_and_still_draws_every_pixel():
    module = SMALL.clone(stem=2)
    recovered = apply(module, stand_in.variables(module, IMAGE, train=False))
    assert recovered.source_face.shape == IMAGE.shape
    assert [level.shape[1] for level in recovered.target_levels] == [16, 8, 4, 2]  # the image, two levels, f_t
    assert recovered.target_tokens.shape == (2, 4, 5)
    squares = np.asarray(recovered.source_face).reshape(2, 8, 2, 8, 2, 3)
    assert np.ptp(squares, axis=(2, 4)).min() > 1e-4  # the pixels of a square are not copies of one


def test_a_residual_source_starts_as_the_image_and_changes_where_the_map_says():
    image = IMAGE.clip(0.03, 0.97)
    source_map = jnp.zeros((2, 16, 16, 1)).at[:, :8].set(1.0)
    inputs = (source_map * image, image, source_map)
    module = SMALL.clone(residual=True)
    out, variables = jax.jit(lambda: module.init_with_output(jax.random.key(0), *inputs, train=False))()
    np.testing.assert_allclose(out.source_face, image, atol=1e-6)
    variables["params"]["to_rgb"]["bias"] += 1.0
    changed = jax.jit(lambda: module.apply(variables, *inputs, train=False))().source_face
    assert (changed[:, :8] > image[:, :8]).all()
    np.testing.assert_allclose(changed[:, 8:], image[:, 8:], atol=1e-6)


def test_levels_lead_from_the_image_to_f_t(recovered):
    assert [level.shape[1:] for level in recovered.target_levels] == [(16, 16, 3), (16, 16, 4), (8, 8, 8), (4, 4, 8)]
    np.testing.assert_array_equal(recovered.target_levels[0], IMAGE)
    np.testing.assert_allclose(recovered.target_levels[-1].mean((1, 2)), recovered.target_features, rtol=1e-5)


def test_without_fusion_there_are_no_tokens():
    module = SMALL.clone(tokens=None)
    key = jax.random.key(0)
    out, variables = jax.eval_shape(lambda image: module.init_with_output(key, image, train=False), IMAGE)
    assert out.target_tokens is None and "target_tokens" not in variables["params"]


def test_gate_scales_each_pixel_by_the_sum_of_two_sigmoids():
    rng = np.random.default_rng(0)
    gate, skip = jnp.asarray(rng.standard_normal((2, 2, 4, 4, 6), np.float32) + 3)
    module = AttentionGate(3)
    variables = stand_in.variables(module, gate, skip, train=False)
    factor = np.asarray(module.apply(variables, gate, skip, train=False)) / skip
    np.testing.assert_allclose(factor, np.broadcast_to(factor[..., :1], factor.shape), rtol=1e-4)
    assert 0 < factor.min() and factor.max() < 2

    for name in ("psi_norm", "own_norm"):
        variables["params"][name] = jax.tree.map(jnp.zeros_like, variables["params"][name])
    np.testing.assert_allclose(module.apply(variables, gate, skip, train=False), skip, rtol=1e-6)  # 1/2 + 1/2
