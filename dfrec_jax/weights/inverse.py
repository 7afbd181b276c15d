"""The way back: foreign tensors from our variables, by the same rules that brought them here."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from dfrec_jax.weights.rules import Rule, WeightsError


def restore(
    variables: Mapping[str, np.ndarray],
    rules: Iterable[Rule],
    shapes: Mapping[str, tuple[int, ...]],
    unused: Callable[[str], np.ndarray],
) -> Iterator[tuple[str, np.ndarray]]:
    """The inverse of `rules.port` for rules that move values and change none.

    What a rule does to the values is found by sending their positions through it, so no rule needs a second form.

    Args:
      variables: our flat {path: array}.
      rules: as for `port`.
      shapes: name and shape of every foreign tensor that is wanted, in their order.
      unused: gives the values of a tensor that the rules drop, by its name.

    Yields:
      Name and values, in the foreign layout, of each tensor; one at a time, since a checkpoint may be gigabytes.

    Raises:
      WeightsError: for a name without a rule, a tensor that our variables do not determine, or a variable that no
        tensor takes up. The message names it.
    """
    rules, used = tuple(rules), set()
    for name, shape in shapes.items():
        rule, match = _first_match(rules, name)
        if rule.target is None:
            yield name, unused(name)
            continue
        path = match.expand(rule.target)
        positions = np.arange(math.prod(shape)).reshape(shape)
        parts = {"": rule.layout(positions)} if rule.split is None else rule.split(positions)
        used |= {path + suffix for suffix in parts}
        yield name, _gather(name, shape, {path + suffix: part for suffix, part in parts.items()}, variables)
    left_over = sorted(set(variables) - used)
    if left_over:
        raise WeightsError(
            f"{len(left_over)} of our variables have no place in the foreign file, first: {left_over[:3]}"
        )


def _first_match(rules: tuple[Rule, ...], name: str) -> tuple[Rule, re.Match[str]]:
    for rule in rules:
        match = re.fullmatch(rule.source, name)
        if match:
            return rule, match
    raise WeightsError(f"tensor {name!r} matches no rule, so our variables cannot give it")


def _gather(
    name: str, shape: tuple[int, ...], parts: Mapping[str, np.ndarray], variables: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Puts each value of the variables back to the position that the rule took it from."""
    missing = [path for path in parts if path not in variables]
    if missing:
        raise WeightsError(f"tensor {name!r} is made of {missing[0]!r}, which our network lacks")
    wrong = [path for path, part in parts.items() if variables[path].shape != part.shape]
    if wrong:
        raise WeightsError(
            f"tensor {name!r} of shape {shape} is made of {wrong[0]!r} of shape {parts[wrong[0]].shape}; "
            f"ours has {variables[wrong[0]].shape}"
        )
    positions = np.concatenate([part.reshape(-1) for part in parts.values()])
    size = math.prod(shape)
    if positions.size != size or (np.bincount(positions, minlength=size) != 1).any():
        raise WeightsError(f"tensor {name!r}: its rule loses values or repeats them, so there is no way back")
    flat = np.empty(size, next(iter(variables[path].dtype for path in parts)))
    flat[positions] = np.concatenate([np.asarray(variables[path]).reshape(-1) for path in parts])
    return flat.reshape(shape)
