"""Harmonised warped swaps: whose light and whose features they have, and what they leave alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.forging import forge
from dfrec_jax.forging.neural import harmonised
from tests.faces_made_up import made_up_face

SIZE = 64


@pytest.fixture(scope="module")
def forged():
    (source, source_points), (target, target_points) = made_up_face(1, SIZE), made_up_face(2, SIZE)
    target = np.clip(0.4 * target, 0, 1).astype(np.float32)  # in the dark
    pictures = [jnp.asarray(x) for x in (source, target, source_points, target_points)]

    @jax.jit
    def run(key, *pictures):
        draw = forge.draw_forging(key, harmonised.RECIPE)._replace(resolution=jnp.ones(2))
        return harmonised.forge_harmonised(lambda face: face, 32, draw, *pictures), harmonised.forge_harmonised(
            jnp.zeros_like, 32, draw, *pictures
        )

    return (*pictures, *run(jax.random.key(0), *pictures))


def test_outside_of_the_mask_stands_the_target(forged):
    _, target, _, _, made, _ = forged
    outside = np.asarray(made.source_mask)[..., 0] == 0
    assert 0.3 < outside.mean() < 0.95
    np.testing.assert_allclose(np.asarray(made.image)[outside], np.asarray(target)[outside], atol=1e-5)


def test_the_light_is_the_targets(forged):
    source, target, _, _, made, _ = forged
    inside = np.asarray(made.source_mask)[..., 0] > 0.9
    level = {name: float(np.asarray(x)[inside].mean()) for name, x in
             (("target", target), ("made", made.image), ("posed", made.posed_source))}  # fmt: skip
    assert abs(level["made"] - level["target"]) < 0.25 * abs(level["posed"] - level["target"])


def test_the_detail_is_the_sources(forged):
    _, target, _, _, made, _ = forged
    inside = np.asarray(made.source_mask)[..., 0] > 0.9

    def detail(picture):
        from dfrec_jax.forging import bands

        return (np.asarray(picture) - np.asarray(bands.blurred(jnp.asarray(picture), jnp.float32(3))))[inside].ravel()

    to_source, to_target = (np.corrcoef(detail(made.image), detail(x))[0, 1] for x in (made.posed_source, target))
    assert to_source > 0.5 and to_source > to_target + 0.2


def test_what_stands_in_the_mask_is_what_the_autoencoder_drew(forged):
    *_, made, dark = forged
    mask = np.asarray(made.source_mask)
    assert np.asarray(dark.image)[mask[..., 0] == 1].max() < 1e-6 < np.asarray(made.image)[mask[..., 0] == 1].mean()
