"""The attribute classifier as a task of the loop: cross-entropy of 40 labels on augmented faces.

With `loss.balanced` the logits get the log-odds of each attribute among the training pictures added before the loss
(Menon et al. 2021). What the network itself then gives is the evidence without the prior: 0 is the threshold at which
balanced accuracy is best, and an attribute that few have is not answered with no.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.sharding import Mesh
from ml_collections import ConfigDict
from PIL import Image

from dfrec_jax.config import attributes
from dfrec_jax.data import labelled_faces, pipeline
from dfrec_jax.data.augmentation import augment
from dfrec_jax.examples import fields
from dfrec_jax.frozen.blueprint import Blueprint
from dfrec_jax.frozen.load import find_blueprint
from dfrec_jax.metrics.attributes import balanced_accuracy
from dfrec_jax.nets.normalisation import imagenet_normalise
from dfrec_jax.pictures import grid
from dfrec_jax.runs import compiling
from dfrec_jax.training import sharding, state
from dfrec_jax.training.step import Batch, Loss, TrainStep, make_train_step
from dfrec_jax.training.step_metrics import Numbers
from dfrec_jax.training.stopping import never
from dfrec_jax.training.streams import stream

NUM_COUNTED = 20_000  # training pictures that the log-odds are counted on, at most
NUM_SAMPLES, NUM_DRAWS = 8, 5  # faces of the sample grid, and how often each is augmented


class AttributesTask:
    """See `task.Task`."""

    score_name = attributes.SCORE

    def __init__(self, config: ConfigDict):
        """Opens the data and counts how frequent each attribute is.

        Raises:
          ConfigError: for a config that cannot be run, or data that are not there.
        """
        self.config = config.copy_and_resolve_references()
        attributes.validate(self.config)
        self._blueprint = find_blueprint(self.config.network)
        self._faces = labelled_faces.open_split(self.config, "train")
        self._validation = labelled_faces.open_split(self.config, "validation")
        self.constants = log_odds(self._faces) if self.config.loss.balanced else np.zeros(40, np.float32)
        self._optimizer = state.make_optimizer(self.config)
        data, size = self.config.data, self._blueprint.input_shape[0]
        self._draw = partial(
            augment, size=size, flip=data.flip, jitter=data.jitter, zoom=tuple(data.zoom), shift=data.shift
        )

    def init(self) -> state.TrainState:
        """Fresh parameters of the classifier."""

        def init_variables(key: jax.Array) -> dict[str, Any]:
            return dict(self._blueprint.module.init(key, jnp.zeros((1, *self._blueprint.input_shape))))

        return state.init_function(init_variables, self._optimizer, self.config)()

    def initialise(self, fresh: state.TrainState) -> state.TrainState:
        """Nothing: it is trained from scratch."""
        return fresh

    def make_step(self, num_devices: int) -> TrainStep:
        """Augmentation and cross-entropy."""
        del num_devices  # every row is worked on by itself
        loss = make_loss(self._blueprint.module, self._draw)
        return make_train_step(
            loss, self._optimizer, ema=self.config.optimizer.ema, accumulate=self.config.train.accumulate
        )

    def batches(self, start_step: int) -> pipeline.TrainBatches:
        """Every picture once, then all again in another order."""
        example = labelled_faces.TrainRows(self._faces, self.config.train.batch_size, self.config.seed)
        return pipeline.batches_of_this_host(self.config, start_step, example)

    def fingerprint(self) -> dict[str, Any]:
        """Of the pictures and their order."""
        config = self.config
        stream = {"dataset": config.data.dataset, "seed": config.seed, "batch_size": config.train.batch_size}
        return json.loads(json.dumps({**stream, "records": self._faces.digest()}))

    def make_validator(self, mesh: Mesh) -> "AttributesValidator":
        """Balanced accuracy on the validation split."""
        return AttributesValidator(self._blueprint, self._validation, self._draw, self.config, mesh)


def log_odds(faces: labelled_faces.LabelledFaces) -> np.ndarray:
    """Of each attribute among the pictures of which it is known; float32, finite even where all or none have it."""
    chosen = np.unique(np.linspace(0, len(faces) - 1, min(len(faces), NUM_COUNTED)).astype(int))
    labels = np.stack([faces.attributes(int(number)) for number in chosen])
    num_with, num_without = (labels > 0).sum(axis=0), (labels < 0).sum(axis=0)
    return np.log((num_with + 1) / (num_without + 1)).astype(np.float32)


def make_loss(module: nn.Module, draw: Callable[[jax.Array, jax.Array], jax.Array]) -> Loss:
    """The loss of `make_train_step`; its constants are the log-odds that are added to the logits.

    Args:
      module: the classifier, on ImageNet-normalised pictures.
      draw: `(key, picture) -> picture` of the module's size: the augmentation of one.
    """

    def loss(
        params: Any, batch_stats: Any, log_odds: jax.Array, batch: Batch, rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        keys = jax.random.split(stream(rng, "augmentation"), batch["image"].shape[0])
        images = jax.vmap(draw)(keys, jnp.asarray(batch["image"]))
        logits, updated = module.apply(
            {"params": params, "batch_stats": batch_stats},
            imagenet_normalise(images),
            train=True,
            mutable=["batch_stats"],
        )
        labels = jnp.asarray(batch["attributes"], jnp.float32)
        value = cross_entropy(logits + log_odds[None], labels)
        return value, (updated["batch_stats"], {"accuracy": _share_right(logits, labels)})

    return loss


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean over all labels that are known: 1 and -1; 0 counts for nothing."""
    is_known = jnp.abs(labels)
    return jnp.sum(is_known * jax.nn.softplus(-labels * logits)) / jnp.maximum(jnp.sum(is_known), 1)


def _share_right(logits: jax.Array, labels: jax.Array) -> jax.Array:
    is_known = jnp.abs(labels)
    return jnp.sum(is_known * (labels * logits > 0)) / jnp.maximum(jnp.sum(is_known), 1)


class AttributesValidator:
    """Runs the classifier, with the preprocessing that it has wherever it serves, on the validation split."""

    def __init__(
        self, blueprint: Blueprint, faces: labelled_faces.LabelledFaces, draw: Any, config: ConfigDict, mesh: Mesh
    ):
        self._faces, self._config, self._mesh = faces, config, mesh
        self._num_measured = min(len(faces), config.data.validation_examples or len(faces))
        labelled_faces.check_measurable(faces, "validation", self._num_measured, config)

        def run(variables: Any, batch: Batch) -> tuple[Any, ...]:
            logits = blueprint.features(variables, fields.to_float(batch)["image"], None)["logits"]
            return logits, batch["attributes"], batch["identity"], batch["is_valid"]

        jitted = jax.jit(run, out_shardings=sharding.replicated(mesh))
        self._run = compiling.announced(jitted, "the validation", jax.process_index() == 0)
        self._draw = jax.jit(jax.vmap(draw))

    def score(self, variables: Any, is_told_to_stop: Callable[[], bool] = never) -> float | None:
        """Mean balanced accuracy over the attributes of which both values occur; see `task`."""
        parts = []
        for batch in self._batches():
            if is_told_to_stop():
                return None
            parts.append(self._run(variables, sharding.to_global(self._mesh, batch)))
        logits, labels, people, is_valid = (np.concatenate(part) for part in zip(*parts, strict=True))
        return balanced_accuracy(logits[is_valid], labels[is_valid], people[is_valid]).mean

    def sample_grid(self, variables: Any) -> Image.Image:
        """The first faces of the validation split as they are, and as training would see them."""
        del variables  # the same at every step: it shows what goes in
        batch = fields.to_float(next(self._batches()))
        images = jnp.asarray(batch["image"][:NUM_SAMPLES])
        columns = [np.asarray(images, np.float32)]
        for number in range(NUM_DRAWS):
            keys = jax.random.split(jax.random.key(number), len(images))
            columns.append(np.asarray(self._draw(keys, images)))
        return grid.grid(list(zip(*columns, strict=True)), ("input", *["as in training"] * NUM_DRAWS))

    def _batches(self) -> Iterator[pipeline.Batch]:
        rows = labelled_faces.EvaluationRows(self._faces)
        return pipeline.batches_of(
            rows, self._num_measured, self._config, process_index=jax.process_index(), process_count=jax.process_count()
        )
