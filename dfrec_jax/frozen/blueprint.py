"""What `load.py` needs to know of a network before it has weights: the module, its rules, its features."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict
from jaxtyping import Array

from dfrec_jax.frozen.network import Features, FrozenNetwork
from dfrec_jax.weights import shapes
from dfrec_jax.weights.rules import Rule, port

_PACKAGE = Path(__file__).parents[1]
CODE = tuple(_PACKAGE / part for part in ("frozen", "nets"))  # on which the shapes of variables depend
LoadPart = Callable[[str, tuple[Rule, ...], dict[str, tuple[int, ...]]], dict[str, np.ndarray]]


class Part(NamedTuple):
    """One weight file of a network.

    Attributes:
      release: its name in the weights registry.
      rules: how its tensors become the module's variables.
      paths: pattern of the variables that it fills; other files fill the others.
    """

    release: str
    rules: tuple[Rule, ...]
    paths: str = ".*"


class Blueprint(NamedTuple):
    """A network without its weights.

    Attributes:
      name: what configs and results call it; the registry's name of its weight file, or of the first of several.
      module: the Flax module, called on preprocessed input.
      parts: its weight files, one for most.
      features: the forward pass with its preprocessing, as `FrozenNetwork.apply`; a function of a module's top level,
        so that two networks of one name share a compilation.
      taps: as `FrozenNetwork.taps`.
      input_shape: height, width and channels of an input that the module takes.
      needs_landmarks: as `FrozenNetwork.needs_landmarks`.
    """

    name: str
    module: nn.Module
    parts: tuple[Part, ...]
    features: Callable[[Any, Array, Array | None], Features]
    taps: Mapping[str, tuple[str, ...]]
    input_shape: tuple[int, int, int]
    needs_landmarks: bool = False


def expected_shapes(blueprint: Blueprint) -> dict[str, tuple[int, ...]]:
    """Path ('/'-joined) and shape of every variable of the module; nothing is compiled or run."""
    image = jax.ShapeDtypeStruct((1, *blueprint.input_shape), jnp.float32)

    def trace() -> Any:
        return jax.eval_shape(blueprint.module.init, jax.random.key(0), image)

    what = f"{blueprint.name} {blueprint.module!r} {blueprint.input_shape}"
    return {path: leaf.shape for path, leaf in shapes.of_variables(what, CODE, trace).items()}


def from_parts(blueprint: Blueprint, load: LoadPart) -> FrozenNetwork:
    """The network whose variables `load(release, rules, expected)` gives for each part; see `weights.conversion`.

    Raises:
      WeightsError: as `load`.
    """
    expected = expected_shapes(blueprint)
    flat: dict[str, np.ndarray] = {}
    for part in blueprint.parts:
        own = {path: shape for path, shape in expected.items() if re.fullmatch(part.paths, path)}
        flat |= load(part.release, part.rules, own)
    assert flat.keys() == expected.keys(), f"the parts of {blueprint.name} do not cover its variables"
    return _assemble(blueprint, flat, is_random=False)


def from_tensors(blueprint: Blueprint, *tensors: Mapping[str, np.ndarray]) -> FrozenNetwork:
    """The network with the tensors of its weight files, one mapping for each part, in their own names and layout.

    Raises:
      WeightsError: as `port`.
    """
    by_release = {part.release: given for part, given in zip(blueprint.parts, tensors, strict=True)}
    return from_parts(blueprint, lambda release, rules, expected: port(by_release[release], rules, expected))


def from_random(blueprint: Blueprint, seed: int = 0) -> FrozenNetwork:
    """A stand-in of the same shapes: He-normal kernels, identity norms. For timing and compiling only."""
    rng = np.random.default_rng(seed)
    flat = {path: _random_leaf(path, shape, rng) for path, shape in expected_shapes(blueprint).items()}
    return _assemble(blueprint, flat, is_random=True)


def from_shapes(blueprint: Blueprint) -> FrozenNetwork:
    """The network with the shapes of its variables in place of them, for tracing."""
    flat = {path: jax.ShapeDtypeStruct(shape, np.float32) for path, shape in expected_shapes(blueprint).items()}
    return _network(blueprint, unflatten_dict(flat, sep="/"), is_random=False)


def _random_leaf(path: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if path.endswith(("/scale", "/var", "/std", "_head")):
        return np.ones(shape, np.float32)
    if path.endswith("/kernel"):
        return rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[:-1])))
    return np.zeros(shape, np.float32)


def _assemble(blueprint: Blueprint, flat: Mapping[str, np.ndarray], *, is_random: bool) -> FrozenNetwork:
    variables = jax.tree.map(jnp.asarray, unflatten_dict(dict(flat), sep="/"))
    return _network(blueprint, variables, is_random=is_random)


def _network(blueprint: Blueprint, variables: Any, *, is_random: bool) -> FrozenNetwork:
    return FrozenNetwork(
        variables=variables,
        name=blueprint.name,
        apply=blueprint.features,
        taps=blueprint.taps,
        needs_landmarks=blueprint.needs_landmarks,
        is_random=is_random,
    )
