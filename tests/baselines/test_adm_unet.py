import json
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines import adm_unet, published
from dfrec_jax.baselines.adm_blocks import time_features
from dfrec_jax.weights.coverage import coverage
from tests import stand_in

TINY = adm_unet.AdmUnet(
    image_size=8, features=8, multipliers=(1, 2), num_blocks=1, attention_sides=(4,), head_features=8
)
INPUTS = (jnp.asarray(np.random.default_rng(0).random((2, 8, 8, 3), np.float32)), jnp.array([3, 700]))


def test_the_rules_cover_the_network_of_celeba(fixtures):
    """By shapes alone: it holds 552,814,086 values."""
    listing = json.loads((fixtures / "parity" / "adm_unet_celeba256_keys.json").read_text())
    expected = published.expected_shapes(published.find("adm-celeba256"))
    found = coverage({name: np.empty(0) for name in listing}, adm_unet.RULES, expected)
    assert not found.unmatched and not found.unfilled and not found.dropped
    assert found.num_matched == len(expected) == 566
    assert sum(math.prod(shape) for shape in expected.values()) == 552_814_086
    for name, shape in listing.items():
        rule, match = next((rule, match) for rule in adm_unet.RULES if (match := re.fullmatch(rule.source, name)))
        laid_out = rule.layout(np.broadcast_to(np.float32(0), shape))  # a view, of one value
        assert laid_out.shape == expected[match.expand(rule.target)], name


def test_noise_and_variance_depend_on_the_time():
    variables = stand_in.variables(TINY, *INPUTS)
    run = jax.jit(TINY.apply)
    said = run(variables, *INPUTS)
    assert said.noise.shape == said.variance.shape == (2, 8, 8, 3)
    later = run(variables, INPUTS[0], INPUTS[1] + 100)
    assert (np.abs(later.noise - said.noise).max((1, 2, 3)) > 1e-3).all()


def test_what_ends_a_block_or_the_network_starts_at_zero():
    ends = (("to_rgb",), ("input_1", "conv_out"), ("middle_attention", "out"))

    @jax.jit
    def start():
        params = TINY.init(jax.random.key(0), *INPUTS)["params"]
        return [
            params[path[0]] if len(path) == 1 else params[path[0]][path[1]] for path in (*ends, ("input_1", "conv_in"))
        ]

    *zero, drawn = start()
    assert all((layer["kernel"] == 0).all() for layer in zero) and (drawn["kernel"] != 0).all()


def test_a_picture_of_another_size_is_refused():
    with pytest.raises(ValueError, match="8 px a side, not .16, 16."):
        jax.eval_shape(TINY.init, jax.random.key(0), jnp.zeros((1, 16, 16, 3)), jnp.zeros(1, int))


def test_levels_attend_where_their_side_is_named():
    names = {path.split("/")[1] for path in published.variable_shapes(TINY, *INPUTS)}
    assert {name for name in names if "attention" in name} == {
        "input_3_attention", "middle_attention", "output_0_attention", "output_1_attention",
    }  # fmt: skip
    assert "input_2" in names and "output_1_up" in names and "output_3_up" not in names


def test_time_features_by_hand():
    features = time_features(jnp.array([0.0, 2.0]), 4)
    np.testing.assert_allclose(features[0], [1, 1, 0, 0])
    np.testing.assert_allclose(features[1], [np.cos(2), np.cos(0.02), np.sin(2), np.sin(0.02)], rtol=1e-5)
