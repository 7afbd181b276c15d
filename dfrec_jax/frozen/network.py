"""What a frozen network is to the rest of the project: variables that are passed in, and named features of images."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from flax import struct
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float

Features = dict[str, Array]
ROLES = ("identity", "perceptual", "attributes")


@struct.dataclass
class FrozenNetwork:
    """A network that others (or `synthetic/train_encoders.py`) trained and that we never do.

    The variables are leaves of the pytree, so that a jitted step takes them as an argument; a closure would bake them
    into the program. `apply(variables, images, landmarks)` holds the preprocessing that belongs to the network: it
    takes RGB in [0, 1] of any size and, for networks that align the face first, five landmarks in pixels of `images`.

    Attributes:
      variables: the Flax variables.
      name: the name in the weights registry, which results carry.
      apply: the forward pass, with its preprocessing; returns features by name. Where the network tells identities,
        `"embedding"` is among them and has unit length.
      taps: for each role that the network can play, the features that the loss of that role compares, in the order
        of the paper (Eq. 2: FaceNet's mixed_6a, repeat_3, block8, last_bn; Eq. 5: VGG-19's five relu layers).
      needs_landmarks: whether `apply` aligns the face by landmarks.
      is_random: whether the variables are a random stand-in (`frozen.allow_random`), of which results must warn.
    """

    variables: Any
    name: str = struct.field(pytree_node=False)
    apply: Callable[[Any, Array, Array | None], Features] = struct.field(pytree_node=False)
    taps: Mapping[str, tuple[str, ...]] = struct.field(pytree_node=False)
    needs_landmarks: bool = struct.field(pytree_node=False, default=False)
    is_random: bool = struct.field(pytree_node=False, default=False)

    def astype(self, dtype: Any) -> "FrozenNetwork":
        """The network with kernels, and the biases of their layers, of `dtype`, in which a network of the losses then
        computes.

        What scales a channel by itself stays float32: statistics, scales and biases of norms, slopes of PReLUs, heads.
        Its rounding does not average out as that of a kernel does. The embedded faces' encoders, and networks that
        serve metrics alone, keep float32 activations.
        """
        leaves: dict[tuple[str, ...], Any] = flatten_dict(self.variables)
        cast = {path: leaf.astype(dtype) if (*path[:-1], "kernel") in leaves else leaf for path, leaf in leaves.items()}
        return replace(self, variables=unflatten_dict(cast))

    def __call__(self, images: Float[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"] | None = None) -> Features:
        """Features by name. Raises ValueError where the network needs landmarks and got none."""
        if self.needs_landmarks and landmarks is None:
            raise ValueError(f"{self.name} aligns faces by five landmarks and the batch has none")
        return self.apply(self.variables, images, landmarks)


class FaceFeatures(NamedTuple):
    """What the losses compare: a tuple of features for each role, the batch first in each."""

    identity: tuple[Array, ...]
    perceptual: tuple[Array, ...]
    attributes: tuple[Array, ...]


@struct.dataclass
class Perceptors:
    """The frozen networks of the losses, one for each role; one network may play several and is then run once.

    A role whose loss has weight 0 may be None: its features are an empty tuple.
    """

    identity: FrozenNetwork | None
    perceptual: FrozenNetwork | None
    attributes: FrozenNetwork | None

    def __call__(
        self,
        images: Float[Array, "b h w 3"],
        landmarks: Float[Array, "b 5 2"] | None = None,
        *,
        of_attributes: Callable[[Array], Array] = lambda value: value,
    ) -> FaceFeatures:
        """The taps of each role on `images` (RGB in [0, 1]); attributes of the rows that `of_attributes` picks."""
        computed: dict[str, Features] = {}
        taps = []
        for role in ROLES:  # attributes last: what sees all rows is there by then
            network: FrozenNetwork | None = getattr(self, role)
            if network is None:
                taps.append(())
                continue
            pick = of_attributes if role == "attributes" else lambda value: value
            if network.name in computed:
                found = {tap: pick(computed[network.name][tap]) for tap in network.taps[role]}
            else:
                found = network(pick(images), None if landmarks is None else pick(landmarks))
                computed[network.name] = found
            taps.append(tuple(found[tap] for tap in network.taps[role]))
        return FaceFeatures(*taps)
