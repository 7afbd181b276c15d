"""The trace head starts as the visible identity taken away, and depends on all that it is given."""

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.models import residual
from dfrec_jax.models.trace import TraceHead, maps_of

HEAD = TraceHead(width=6, depth=1, hidden=8, dropout=0.5)


def _given(rng):
    maps = {"fine": rng.normal(size=(3, 4, 4, 5)), "coarse": rng.normal(size=(3, 2, 2, 7))}
    embedding, visible = (residual.unit(jnp.asarray(rng.normal(size=(3, 10)), jnp.float32)) for _ in range(2))
    return {name: jnp.asarray(value, jnp.float32) for name, value in maps.items()}, embedding, visible


def test_it_starts_as_the_visible_identity_taken_away():
    maps, embedding, visible = _given(np.random.default_rng(0))
    visible = visible.at[0].set(0.0)  # not known: the swap's own embedding
    found, variables = jax.jit(
        lambda: HEAD.init_with_output(jax.random.key(0), maps, embedding, visible, train=False)
    )()
    along = jnp.sum(embedding * visible, axis=1, keepdims=True)
    by_hand = embedding - along * visible
    np.testing.assert_allclose(found, by_hand / jnp.linalg.norm(by_hand, axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(found[0], embedding[0], atol=1e-5)
    assert variables["params"]["places"].shape == (2, 2, 6), "the fine map is folded onto the grid of the coarse one"


def test_what_it_adds_depends_on_every_map_and_on_the_visible_person():
    maps, embedding, visible = _given(np.random.default_rng(1))
    variables = jax.jit(lambda: HEAD.init(jax.random.key(0), maps, embedding, visible, train=False))()
    rng = np.random.default_rng(2)
    variables = jax.tree.map(lambda leaf: leaf + jnp.asarray(0.3 * rng.normal(size=leaf.shape), jnp.float32), variables)
    apply = jax.jit(lambda maps, embedding, visible: HEAD.apply(variables, maps, embedding, visible, train=False))
    found = apply(maps, embedding, visible)
    np.testing.assert_allclose(jnp.linalg.norm(found, axis=1), 1.0, rtol=1e-5)
    changed = {name: maps | {name: maps[name].at[:, 0, 0].add(jnp.arange(maps[name].shape[-1]))} for name in maps}
    others = [*(apply(each, embedding, visible) for each in changed.values()), apply(maps, embedding, -visible[::-1])]
    for other in others:
        assert (jnp.linalg.norm(other - found, axis=1) > 1e-3).all()


def test_maps_are_what_has_places():
    features = {"stage": jnp.zeros((1, 2, 2, 3), jnp.bfloat16), "linear": jnp.zeros((1, 4))}
    found = maps_of(features, ("stage", "linear"))
    assert set(found) == {"stage"} and found["stage"].dtype == jnp.float32
