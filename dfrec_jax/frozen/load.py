"""Frozen networks by their names in the weights registry."""

import functools

from dfrec_jax.frozen import (
    attributes,
    deep3d,
    facenet,
    inception,
    mobilefacenet,
    retinaface,
    squeezenet,
    threeddfa,
    vgg,
)
from dfrec_jax.frozen.blueprint import Blueprint, from_parts, from_random
from dfrec_jax.frozen.network import ROLES, FrozenNetwork, Perceptors
from dfrec_jax.weights import registry, resolution
from dfrec_jax.weights.conversion import load_variables
from dfrec_jax.weights.rules import WeightsError

BLUEPRINTS: dict[str, Blueprint] = {
    blueprint.name: blueprint
    for blueprint in (
        *facenet.VARIANTS,
        vgg.BLUEPRINT,
        attributes.BLUEPRINT_LARGE,
        attributes.BLUEPRINT_SMALL,
        inception.BLUEPRINT,
        deep3d.BLUEPRINT,
        mobilefacenet.BLUEPRINT_A,
        mobilefacenet.BLUEPRINT_B,
        squeezenet.BLUEPRINT,
        squeezenet.LPIPS_BLUEPRINT,
        threeddfa.BLUEPRINT,
        retinaface.BLUEPRINT,
    )
}
SMALLEST_IMAGE = 16  # pixels: below this VGG-19's fourth pool leaves nothing


def load_network(name: str, *, weights_dir: str, allow_random: bool, image_size: int) -> FrozenNetwork:
    """The network called `name` in the weights registry, with its published weights.

    Args:
      name: a key of `BLUEPRINTS`.
      weights_dir: the folder that is searched first; empty: `$DFREC_WEIGHTS`, the user's cache, the registry's URL.
      allow_random: whether a network whose weights are not found becomes a random stand-in (`is_random`).
      image_size: side in pixels of the images that the network will be called with.

    Raises:
      WeightsError: for an unknown name; for weights that are not found, unless `allow_random`; for a file that is not
        what it should be, whether or not `allow_random`.
      ValueError: for an image too small for the networks.
    """
    if image_size < SMALLEST_IMAGE:
        raise ValueError(f"image_size={image_size}: the frozen networks need at least {SMALLEST_IMAGE} pixels")
    blueprint = find_blueprint(name)
    if allow_random and not is_at_hand(blueprint, weights_dir):
        return from_random(blueprint)
    return from_parts(blueprint, functools.partial(load_variables, weights_dir=weights_dir))


def find_blueprint(name: str) -> Blueprint:
    """The blueprint called `name`. Raises WeightsError with the known names where there is none."""
    if name not in BLUEPRINTS:
        raise WeightsError(f"no frozen network is called {name!r}; there are: {', '.join(sorted(BLUEPRINTS))}")
    return BLUEPRINTS[name]


def is_at_hand(blueprint: Blueprint, weights_dir: str) -> bool:
    """Whether every file of the network is in a folder; nothing is downloaded.

    Raises:
      WeightsError: for a `weights_dir` that does not exist, or two different candidates in one folder.
    """
    return all(resolution.is_at_hand(registry.find(part.release), weights_dir) for part in blueprint.parts)


def perceptors(networks: dict[str, FrozenNetwork]) -> Perceptors:
    """Gives each role of the losses its network, None to those that are left out.

    Raises:
      WeightsError: for a network that lacks its role's features.
    """
    for role, network in networks.items():
        if role not in network.taps:
            raise WeightsError(
                f"frozen.{role}={network.name!r}: this network serves {' and '.join(network.taps)}, not {role}"
            )
    return Perceptors(**{role: networks.get(role) for role in ROLES})
