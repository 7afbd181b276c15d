import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import logit

from dfrec_jax.models.mae import IdentityFusionDecoder, MaskedEncoder, TokenPositions, UNetPixels
from dfrec_jax.nets.transformer import VitSize
from tests import stand_in

RNG = np.random.default_rng(0)
PATCHES = jnp.asarray(RNG.random((2, 9, 12), np.float32))
KEEP = jnp.array([[0, 3, 4, 9], [0, 1, 2, 8]])  # tokens: the class token, then patches 2, 3 and 8, or 0, 1 and 7
MASK = jnp.array([[1, 2, 5, 6, 7, 8], [3, 4, 5, 6, 7, 9]])


def test_the_encoder_reads_its_selection_and_nothing_else():
    module = MaskedEncoder(VitSize(8, 1, 2))
    variables = stand_in.variables(module, PATCHES, KEEP)
    encode = jax.jit(lambda patches: module.apply(variables, patches, KEEP))
    before, rest = encode(PATCHES), PATCHES.at[0, jnp.array([0, 1, 4, 5, 6, 7])].set(9.0)
    assert before.shape == (2, 4, 8)
    np.testing.assert_array_equal(encode(rest), before)
    assert not np.array_equal(encode(PATCHES.at[0, 2].set(9.0))[0], before[0])
    with_all = jax.jit(lambda: module.apply(variables, PATCHES))()
    assert with_all.shape == (2, 10, 8)


def test_masked_places_are_told_apart_by_their_position_alone():
    module = IdentityFusionDecoder(patch_size=2, size=VitSize(8, 1, 2))
    inputs = (jnp.ones((2, 4, 5)), KEEP, MASK, 10)
    patches, _ = jax.jit(lambda: module.init_with_output(jax.random.key(0), *inputs))()
    patches = np.asarray(patches)
    assert patches.shape == (2, 6, 12) and 0 < patches.min() and patches.max() < 1
    assert len(np.unique(patches[0].round(6), axis=0)) == 6


def test_fixed_positions_want_a_square_grid():
    with pytest.raises(ValueError, match="8 patches: fixed positions are those of a square grid"):
        TokenPositions().init(jax.random.key(0), jnp.zeros((1, 9, 8)))
    learned = TokenPositions(learned=True).init(jax.random.key(0), jnp.zeros((1, 9, 8)))
    assert learned["params"]["table"].shape == (1, 9, 8)


def test_the_class_token_stands_at_zero():
    moved = TokenPositions().apply({}, jnp.zeros((1, 10, 8)))[0]
    np.testing.assert_array_equal(moved[0], np.zeros(8))
    assert len(np.unique(np.asarray(moved).round(5), axis=0)) == 10


def test_pixels_move_by_the_map_and_by_nothing_where_it_is_empty():
    image = jnp.asarray(RNG.random((1, 8, 8, 3), np.float32)).clip(0.03, 0.97)
    levels = (
        image,
        jnp.asarray(RNG.random((1, 8, 8, 4), np.float32)),
        jnp.asarray(RNG.random((1, 4, 4, 5), np.float32)),
    )
    half = jnp.zeros((1, 8, 8, 1)).at[:, :4].set(0.5)
    module, grid = UNetPixels(), jnp.ones((1, 4, 4, 6))
    drawn, variables = module.init_with_output(jax.random.key(0), grid, levels, half, train=False)
    np.testing.assert_allclose(drawn, image, atol=1e-6)
    variables["params"]["to_rgb"]["bias"] += 2.0
    change = logit(module.apply(variables, grid, levels, half, train=False)) - logit(image)
    np.testing.assert_allclose(change[:, :4], 1.0, rtol=1e-4)
    np.testing.assert_allclose(change[:, 4:], 0.0, atol=1e-5)
