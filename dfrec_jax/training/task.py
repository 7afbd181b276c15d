"""What the loop asks of that which is trained; the modules in `tasks/` answer."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.training.state import TrainState
from dfrec_jax.training.step import TrainStep
from dfrec_jax.training.stopping import never


@runtime_checkable
class Validator(Protocol):
    """What training may see of held-out people."""

    def score(self, variables: Any, is_told_to_stop: Callable[[], bool] = never) -> float | None:
        """How good the network is on the validation split; higher is better. None where it was told to stop before its
        end, which it asks after each batch."""
        ...

    def sample_grid(self, variables: Any) -> Image.Image:
        """A picture for a person to look at."""
        ...


@runtime_checkable
class Task(Protocol):
    """A network, its loss and its data.

    Attributes:
      config: resolved and valid; of its sections the loop reads `train`, `checkpoint` and `mesh`.
      score_name: of the validation score, which the best checkpoint is kept by.
      constants: what every step takes and none changes: frozen networks, statistics of the data.
    """

    config: ConfigDict
    score_name: str
    constants: Any

    def init(self) -> TrainState:
        """A fresh state: a pure function of `config.seed`, for a jitted caller."""
        ...

    def initialise(self, fresh: TrainState) -> TrainState:
        """The fresh state with starting weights of others, where the config names some."""
        ...

    def make_step(self, num_devices: int) -> TrainStep:
        """The optimiser step, pure; `num_devices` are those that the rows of a batch are split over."""
        ...

    def batches(self, start_step: int) -> AbstractContextManager[Iterator[Mapping[str, np.ndarray]]]:
        """This host's rows of the training batches from the one numbered `start_step` on."""
        ...

    def fingerprint(self) -> dict[str, Any]:
        """What makes a stream of batches the same stream, as JSON would give it back; stands in every checkpoint."""
        ...

    def make_validator(self, mesh: Mesh) -> Validator:
        """The validator of the fresh or restored run."""
        ...
