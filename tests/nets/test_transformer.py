import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import erf

from dfrec_jax.nets.transformer import SelfAttention, Transformer, TransformerBlock
from tests import stand_in

TOKENS = jnp.asarray(np.random.default_rng(1).standard_normal((2, 5, 8), np.float32))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def attend(weights, tokens):
    qkv = tokens @ weights["qkv"]["kernel"] + weights["qkv"]["bias"]
    query, key, value = (part.reshape(2, 5, 2, 4).swapaxes(1, 2) for part in np.split(qkv, 3, axis=-1))
    mixed = softmax(query @ key.swapaxes(2, 3) / np.sqrt(4)) @ value
    return mixed.swapaxes(1, 2).reshape(2, 5, 8) @ weights["out"]["kernel"] + weights["out"]["bias"]


def norm(weights, x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * weights["scale"] + weights["bias"]


def test_attention_by_hand():
    module = SelfAttention(num_heads=2)
    weights = stand_in.variables(module, TOKENS)
    want = attend(jax.tree.map(np.asarray, weights["params"]), np.asarray(TOKENS))
    np.testing.assert_allclose(module.apply(weights, TOKENS), want, rtol=1e-4, atol=1e-5)


def test_block_by_hand():
    module = TransformerBlock(num_heads=2)
    variables = stand_in.variables(module, TOKENS)
    weights, x = jax.tree.map(np.asarray, (variables["params"], TOKENS))
    x = x + attend(weights["attention"], norm(weights["attention_norm"], x))
    hidden = norm(weights["mlp_norm"], x) @ weights["mlp_in"]["kernel"] + weights["mlp_in"]["bias"]
    assert hidden.shape == (2, 5, 32)
    hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2  # the exact GELU, not its tanh approximation
    want = x + hidden @ weights["mlp_out"]["kernel"] + weights["mlp_out"]["bias"]
    np.testing.assert_allclose(module.apply(variables, TOKENS), want, rtol=1e-4, atol=1e-5)


def test_remat_changes_neither_variables_nor_gradients():
    plain, remat = (Transformer(depth=2, num_heads=2, remat=on) for on in (False, True))
    variables = stand_in.variables(plain, TOKENS)
    assert jax.tree.structure(variables) == jax.tree.structure(stand_in.variables(remat, TOKENS))

    def gradient(module):
        return jax.grad(lambda variables: jnp.mean(module.apply(variables, TOKENS) ** 3))

    want, got = jax.jit(gradient(plain))(variables), jax.jit(gradient(remat))(variables)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), got, want)
    traced = [str(jax.make_jaxpr(gradient(module))(variables)) for module in (plain, remat)]
    assert ["remat" in text for text in traced] == [False, True]


def test_bfloat16_stays_near_float32():
    variables = stand_in.variables(Transformer(2, 2), TOKENS)
    want = Transformer(2, 2).apply(variables, TOKENS)
    got = Transformer(2, 2, dtype=jnp.bfloat16).apply(variables, TOKENS)
    assert got.dtype == jnp.float32
    error = np.linalg.norm(got - want) / np.linalg.norm(want)
    assert 1e-5 < error < 0.03, "the compute type has no effect, or too much"
