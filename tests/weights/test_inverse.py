import numpy as np
import pytest

from dfrec_jax.weights.inverse import restore
from dfrec_jax.weights.rules import Rule, WeightsError, conv, linear, port


def heads(weight):
    """A fused (3 d, d) projection as three (d, 2, d / 2) kernels."""
    parts = weight.reshape(3, 2, -1, weight.shape[1])
    return {f"/{name}": part.transpose(2, 0, 1) for name, part in zip("qkv", parts, strict=True)}


RULES = (
    Rule(r"conv(\d)\.weight", r"params/conv_\1/kernel", conv),
    Rule(r"fc\.weight", "params/fc/kernel", linear),
    Rule(r"in_proj", "params/attention", split=heads),
    Rule(r"unused\..*", None, reason="not used"),
)
SHAPES = {"conv1.weight": (5, 2, 3, 3), "fc.weight": (4, 6), "unused.weight": (9,), "in_proj": (12, 4)}
EXPECTED = {
    "params/conv_1/kernel": (3, 3, 2, 5),
    "params/fc/kernel": (6, 4),
    **{f"params/attention/{name}": (4, 2, 2) for name in "qkv"},
}


@pytest.fixture
def tensors():
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


def test_there_and_back_is_the_same_to_the_last_bit(tensors):
    restored = dict(restore(port(tensors, RULES, EXPECTED), RULES, SHAPES, tensors.__getitem__))
    assert list(restored) == list(SHAPES)
    for name, tensor in restored.items():
        assert tensor.tobytes() == tensors[name].tobytes(), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, s: s.update(other=(1,)), "'other' matches no rule"),
        (lambda v, s: s.pop("fc.weight"), r"1 of our variables have no place .*params/fc/kernel"),
        (lambda v, s: v.pop("params/fc/kernel"), "'fc.weight' is made of 'params/fc/kernel', which our network lacks"),
        (lambda v, s: s.update({"fc.weight": (4, 5)}), r"'fc.weight' of shape \(4, 5\) .*ours has \(6, 4\)"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(tensors, change, message):
    variables, shapes = port(tensors, RULES, EXPECTED), dict(SHAPES)
    change(variables, shapes)
    with pytest.raises(WeightsError, match=message):
        dict(restore(variables, RULES, shapes, tensors.__getitem__))


def test_a_rule_that_loses_values_has_no_way_back():
    rules = (Rule("w", "params/w", lambda tensor: tensor[:2]),)
    with pytest.raises(WeightsError, match="'w': its rule loses values"):
        dict(restore({"params/w": np.ones((2, 3), np.float32)}, rules, {"w": (4, 3)}, {}.__getitem__))
