"""How alike two faces are, by the recogniser that measures a run: never that of its loss where there is another."""

from collections.abc import Callable, Sequence

import jax
import numpy as np
from jaxtyping import Array, Float
from ml_collections import ConfigDict

from dfrec_jax.frozen import load
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.weights.rules import WeightsError


def is_at_hand(name: str, config: ConfigDict) -> bool:
    """Whether a frozen network can be loaded without a download; those of drawn faces always can.

    Raises:
      WeightsError: where the folder of weights is not there, or two files of it compete.
    """
    return name not in load.BLUEPRINTS or load.is_at_hand(load.find_blueprint(name), config.frozen.weights_dir)


class Likeness:
    """`frozen.metric` of a run, loaded when it is first asked.

    Attributes:
      name: of the recogniser.
    """

    def __init__(self, config: ConfigDict, load_network: Callable[[str, ConfigDict], FrozenNetwork]):
        """Loads nothing yet.

        Args:
          config: of the run.
          load_network: a frozen network by its name, for a config.
        """
        self.name: str = config.frozen.metric
        self._config, self._load = config, load_network
        self._network: FrozenNetwork | None = None
        self._embed = jax.jit(lambda network, pixels, landmarks: network(pixels, landmarks)["embedding"])

    def why_not(self, landmarks: Float[np.ndarray, "5 2"]) -> str:
        """Why faces with these landmarks cannot be compared, in words; empty where they can.

        `landmarks` are NaN where they are not known.
        """
        try:
            if self._network is None and not is_at_hand(self.name, self._config):
                return f"not told: {self.name} is not at hand (`dfrec weights fetch {self.name}`)"
            self._network = self._network or self._load(self.name, self._config)
        except WeightsError as error:
            return f"not told: {error}"
        if self._network.needs_landmarks and not np.isfinite(landmarks).all():
            return f"not told: {self.name} aligns faces by landmarks, and they are not known"
        return ""

    def embeddings(
        self, pictures: Sequence[Float[np.ndarray | Array, "s s 3"]], landmarks: Float[np.ndarray, "5 2"]
    ) -> Float[np.ndarray, "n e"]:
        """Of unit length, one by one, so that each is the same in any company.

        Args:
          pictures: one or more, in [0, 1].
          landmarks: the same in all of them.

        Raises:
          ValueError: where `why_not` gives a reason.
        """
        if reason := self.why_not(landmarks):
            raise ValueError(reason)
        rows = [self._embed(self._network, np.asarray(each, np.float32)[None], landmarks[None]) for each in pictures]
        return np.concatenate([np.asarray(row, np.float32) for row in rows])
