"""Explicit rules by which a foreign checkpoint's tensors become ours; nothing is skipped in silence."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np

Layout = Callable[[np.ndarray], np.ndarray]


class WeightsError(ValueError):
    """A weight file that is not what it should be; the message names the file or tensor and the fix."""


def same(tensor: np.ndarray) -> np.ndarray:
    """Vectors and tables that need no change."""
    return tensor


def conv(tensor: np.ndarray) -> np.ndarray:
    """PyTorch OIHW -> Flax HWIO; a depthwise kernel (C, 1, H, W) becomes (H, W, 1, C) by the same transpose."""
    return tensor.transpose(2, 3, 1, 0)


def linear(tensor: np.ndarray) -> np.ndarray:
    """PyTorch (out, in) -> Flax (in, out)."""
    return tensor.T


class Rule(NamedTuple):
    """One kind of tensor.

    `source` is a regular expression that must match the whole foreign name, `target` the path of ours with groups
    filled in (`params/conv_\\1/kernel`), `layout` the change of axes. `target=None` drops the tensor: `reason` says
    why. A rule whose `split` is set turns one tensor into several (a fused q, k, v): it maps the tensor to
    {suffix: part}, and each suffix is appended to the target path.
    """

    source: str
    target: str | None
    layout: Layout = same
    split: Callable[[np.ndarray], dict[str, np.ndarray]] | None = None
    reason: str = ""


def port(
    tensors: Mapping[str, np.ndarray], rules: Iterable[Rule], expected: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """Maps foreign `tensors` to our flat {path: array}, each float32 and of the expected shape.

    Args:
      tensors: the foreign state dict, in its own names and layout.
      rules: the first rule that matches a name decides.
      expected: path and shape of every variable of our module ('/'-joined, from `jax.eval_shape` of its `init`).

    Raises:
      WeightsError: for a tensor without a rule, two tensors for one path, a path that is not expected, an expected
        path that no tensor filled, a wrong shape, or a value that is not finite. The message names it.
    """
    rules = tuple(rules)
    ported: dict[str, np.ndarray] = {}
    for name, tensor in tensors.items():
        rule, match = _first_match(rules, name)
        if rule.target is None:
            continue
        path = match.expand(rule.target)
        parts = {"": rule.layout(tensor)} if rule.split is None else rule.split(tensor)
        for suffix, part in parts.items():
            _place(ported, path + suffix, np.ascontiguousarray(part, np.float32), name, expected)
    missing = sorted(set(expected) - set(ported))
    if missing:
        raise WeightsError(f"{len(missing)} of our variables were not filled, the first: {missing[:3]}")
    return ported


def _first_match(rules: tuple[Rule, ...], name: str) -> tuple[Rule, re.Match[str]]:
    for rule in rules:
        match = re.fullmatch(rule.source, name)
        if match:
            return rule, match
    raise WeightsError(f"tensor {name!r} matches no rule: is this file of another network?")


def _place(
    ported: dict[str, np.ndarray], path: str, value: np.ndarray, name: str, expected: Mapping[str, tuple[int, ...]]
) -> None:
    if path not in expected:
        raise WeightsError(f"tensor {name!r} would fill {path!r}, which our network lacks")
    if path in ported:
        raise WeightsError(f"tensor {name!r} would fill {path!r} a second time")
    if value.shape != tuple(expected[path]):
        raise WeightsError(f"tensor {name!r} gives {path!r} the shape {value.shape}, expected {tuple(expected[path])}")
    if not np.isfinite(value).all():
        raise WeightsError(f"tensor {name!r} holds NaN or infinity")
    ported[path] = value
