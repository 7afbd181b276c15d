"""What the frozen networks of the metrics say of a picture: embedding, attributes, pose, features of the distance."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.frozen import deep3d
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.synthetic.encoders import sines_of_angles
from dfrec_jax.weights.rules import WeightsError

FID_NETWORK = "inception-fid"  # with another the distance is no FID
ROLES = ("identity", "frechet", "attributes", "pose")


class Networks(NamedTuple):
    """Those that are at hand, and why the others are not.

    Attributes:
      by_role: of `ROLES`; a network that plays two is there twice.
      reasons: of the roles that are missing.
    """

    by_role: dict[str, FrozenNetwork]
    reasons: dict[str, str]

    def names(self) -> dict[str, str]:
        """Of those that are there."""
        return {role: network.name for role, network in self.by_role.items()}


def load(config: ConfigDict, roles: tuple[str, ...] = ROLES) -> Networks:
    """Loads the networks of `perceptors.table_networks`; of one that is not at hand there is a reason."""
    networks: dict[str, FrozenNetwork] = {}
    loaded: dict[str, FrozenNetwork] = {}
    reasons: dict[str, str] = {}
    for role, name in perceptors.table_networks(config).items():
        if role not in roles:
            continue
        try:
            loaded[name] = networks[role] = loaded.get(name) or perceptors.load_network(name, config)
        except WeightsError as error:
            reasons[role] = str(error)
    return Networks(networks, reasons)


def describe(
    networks: Mapping[str, FrozenNetwork], pictures: Float[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"]
) -> dict[str, Array]:
    """By role: `identity` of unit length [b, d], `frechet` [b, d], `attributes` [b, a], `pose` a rotation [b, 3, 3].

    Args:
      networks: by role.
      pictures: RGB in [0, 1].
      landmarks: of the pictures, for networks that align faces.
    """
    features = {network.name: network for network in networks.values()}
    found = {name: network(pictures, landmarks) for name, network in features.items()}
    read = {"identity": _embedding, "frechet": _of_distance, "attributes": _attributes, "pose": _rotation}
    return {role: read[role](network, found[network.name]) for role, network in networks.items()}


def _embedding(network: FrozenNetwork, features: Mapping[str, Array]) -> Array:
    return _named(network, features, "embedding", "IDSIM")


def _attributes(network: FrozenNetwork, features: Mapping[str, Array]) -> Array:
    return _named(network, features, "attributes", "Attr")


def _of_distance(network: FrozenNetwork, features: Mapping[str, Array]) -> Array:
    """Inception's pool3; of another network the last perceptual tap, averaged over places, or its embedding."""
    if "pool3" in features:
        return features["pool3"]
    taps = network.taps.get("perceptual", ("embedding",))
    last = _named(network, features, taps[-1], "the Frechet distance")
    return jnp.mean(last, axis=tuple(range(1, last.ndim - 1)), dtype=jnp.float32) if last.ndim > 2 else last


def _rotation(network: FrozenNetwork, features: Mapping[str, Array]) -> Array:
    """The rotation that a network of heads gives, or that of the angles among a drawn face's attributes."""
    if "rotation" in features:
        return features["rotation"]
    if not network.name.startswith("embedded-"):
        return _named(network, features, "rotation", "Pose")
    yaw, pitch, roll = jnp.arcsin(jnp.clip(sines_of_angles(features["attributes"]), -1, 1)).T
    return deep3d.rotation(jnp.stack([pitch, yaw, roll], axis=-1))


def _named(network: FrozenNetwork, features: Mapping[str, Array], name: str, metric: str) -> Array:
    if name not in features:
        raise WeightsError(
            f"{network.name} gives no {name!r}, which {metric} is measured by: it has {sorted(features)}"
        )
    return features[name]
