"""Whether a result explains its exhibit: the recovered source put onto the recovered target, against the exhibit.

By the generator of warped swaps that training forges with (`forging/forge.py`), in the middle of its ranges. Source and
target stand where the exhibit's face does, so that the 68 landmarks of all three are those of the exhibit, by 3DDFA-V2.
A high figure says that the two faces fit together, not that they are true: the recovered target is half the exhibit.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from dfrec_jax.forensics.face_output import FaceOutput
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.likeness import Likeness, is_at_hand
from dfrec_jax.forging.forge import DEFORMATION_NODES, SWAP, ForgingDraw, forge
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.metrics.image import ssim_gaussian
from dfrec_jax.weights.rules import WeightsError

POINTS = "3ddfa-v2"


class Consistency(NamedTuple):
    """How alike the exhibit and the swap made anew are.

    Attributes:
      identity: cosine of the two by `frozen.metric`; None where not told.
      ssim: of the region that was swapped, weighted by the swap's soft mask; None where not told.
      why_not: in words; else empty.
      swap: the swap made anew, in [0, 1]; None where there is none.
    """

    identity: float | None
    ssim: float | None
    why_not: str
    swap: Float[np.ndarray, "s s 3"] | None


class Swapper:
    """What puts a recovered source onto a recovered target, loaded when it is first asked."""

    def __init__(self, config: ConfigDict, load_network: Callable[[str, ConfigDict], FrozenNetwork]):
        """Loads nothing yet.

        Args:
          config: of the run.
          load_network: a frozen network by its name, for a config.
        """
        self._config, self._load = config, load_network
        self._network: FrozenNetwork | None = None
        self._swap = jax.jit(_swap)

    def consistency(self, found: Framed, made: FaceOutput, likeness: Likeness) -> Consistency:
        """Of a result.

        Args:
          found: the face.
          made: what the network made of it.
          likeness: compares faces.
        """
        if reason := self._why_not(found):
            return Consistency(None, None, reason, None)
        exhibit = found.pixels.astype(np.float32) / 255
        output = made.output
        swap, ssim = jax.device_get(
            self._swap(self._network, exhibit, output.source_face, output.target_face, found.landmarks)
        )
        reason = likeness.why_not(found.landmarks)
        identity = None
        if not reason:
            a, b = likeness.embeddings([exhibit, swap], found.landmarks)
            identity = float(a @ b)
        return Consistency(identity, float(ssim), reason, swap)

    def _why_not(self, found: Framed) -> str:
        if self._config.data.dataset == "embedded":
            return "not told: drawn faces are swapped by their renderer, which needs to know who they are"
        if not np.isfinite(found.landmarks).all():
            return "not told: the landmarks of the face are not known"
        try:
            if self._network is None and not is_at_hand(POINTS, self._config):
                return f"not told: {POINTS} is not at hand (`dfrec weights fetch {POINTS}`)"
            self._network = self._network or self._load(POINTS, self._config)
        except WeightsError as error:
            return f"not told: {error}"
        return ""


def record(consistency: Consistency) -> dict[str, Any]:
    """The fields of result.json."""
    return {
        "consistency_identity": _rounded(consistency.identity),
        "consistency_ssim": _rounded(consistency.ssim),
        "consistency_words": consistency.why_not,
    }


def middle_draw() -> ForgingDraw:
    """The middle of a warped swap's ranges: the whole face's region, undeformed, nothing lost."""
    feather, leak = (sum(bounds) / 2 for bounds in (SWAP.feather, SWAP.leak))
    return ForgingDraw(
        region=jnp.asarray(SWAP.regions[0]),
        margin=jnp.asarray(SWAP.margins[SWAP.regions[0]], jnp.float32),
        resolution=jnp.ones(2),
        deformation=jnp.zeros((DEFORMATION_NODES, DEFORMATION_NODES, 2)),
        growth=jnp.asarray(0.0),
        feather=jnp.asarray(feather),
        leak=jnp.asarray(leak),
    )


def _swap(
    network: FrozenNetwork,
    exhibit: Float[Array, "s s 3"],
    source: Float[Array, "s s 3"],
    target: Float[Array, "s s 3"],
    landmarks: Float[Array, "5 2"],
) -> tuple[Float[Array, "s s 3"], Float[Array, ""]]:
    points = network(exhibit[None], landmarks[None])["points"][0]
    forgery = forge(SWAP, middle_draw(), source, target, points, points)
    ssim = ssim_gaussian(forgery.image[None], exhibit[None], forgery.source_mask[None])[0]
    return forgery.image, ssim


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
