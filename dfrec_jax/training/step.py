"""One optimiser step, pure: no device is named in it, the caller gives the shardings."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from ml_collections import ConfigDict

from dfrec_jax.frozen.network import Perceptors
from dfrec_jax.losses.total import LossTerms, LossWeights, loss_terms, weighted_sum
from dfrec_jax.models.dfrec import Dfrec, DfrecOutput
from dfrec_jax.training import sharding
from dfrec_jax.training.state import TrainState

Batch = Mapping[str, jax.Array | np.ndarray]
Metrics = dict[str, jax.Array]
TrainStep = Callable[[TrainState, Perceptors, Batch], tuple[TrainState, Metrics]]
IMAGES = ("image", "source", "target", "source_mask")


def to_float(batch: Batch) -> dict[str, jax.Array]:
    """The pictures of a batch, which travel as uint8, become float32 in [0, 1]; the rest is kept."""
    return {name: value.astype(jnp.float32) / 255.0 if name in IMAGES else value for name, value in batch.items()}


def make_loss(model: Dfrec, config: ConfigDict):
    """`(params, batch_stats, perceptors, batch, rng) -> (loss, (batch_stats, terms, output))`."""
    weights = LossWeights.from_config(config.loss)

    def loss(
        params: Any, batch_stats: Any, perceptors: Perceptors, batch: Batch, rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, LossTerms, DfrecOutput]]:
        mask_key, dropout_key = jax.random.split(rng)
        mask_keys = jax.random.split(mask_key, batch["image"].shape[0])
        output, updated = model.apply(
            {"params": params, "batch_stats": batch_stats},
            batch["image"],
            mask_keys,
            train=True,
            rngs={"dropout": dropout_key},
            mutable=["batch_stats"],
        )
        terms = loss_terms(
            output,
            batch,
            perceptors,
            weights,
            patch_size=config.tirm.patch_size,
            reduction=config.loss.reduction,
        )
        return weighted_sum(terms, weights), (updated["batch_stats"], terms, output)

    return loss


def make_train_step(
    model: Dfrec,
    optimizer: optax.GradientTransformation,
    config: ConfigDict,
    complete: Callable[[Batch], dict[str, jax.Array]] = dict,
) -> TrainStep:
    """Returns `(state, perceptors, batch) -> (state, metrics)`; the caller jits it with its shardings.

    Args:
      model: the modules.
      optimizer: of `state.make_optimizer`.
      config: a resolved config.
      complete: what is still to be done to a batch on the device, of `pipeline.make_completion`: forging, augmentation.
    """
    loss_and_gradients = jax.value_and_grad(make_loss(model, config), has_aux=True)

    def train_step(state: TrainState, perceptors: Perceptors, batch: Batch) -> tuple[TrainState, Metrics]:
        rng = jax.random.fold_in(state.rng, state.step)  # a resumed run repeats the draw
        (loss, (batch_stats, terms, output)), gradients = loss_and_gradients(
            state.params, state.batch_stats, perceptors, to_float(complete(batch)), rng
        )
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        ema = state.ema
        if ema is not None:
            ema = optax.incremental_update(params, ema, 1.0 - config.optimizer.ema)
        metrics = {
            "loss": loss,
            **{f"loss_{name}": value for name, value in terms._asdict().items()},
            "gradient_norm": optax.tree.norm(gradients),
            "mean_map": jnp.mean(output.source_map),  # near 0 or 1: the map has collapsed
        }
        state = state.replace(step=state.step + 1, params=params, batch_stats=batch_stats, opt_state=opt_state, ema=ema)
        return state, metrics

    return train_step


def compile_step(step: TrainStep, state_shardings: Any, mesh: Mesh) -> TrainStep:
    """The step on a mesh: the state is donated and keeps its sharding, the batch is split, the rest is replicated."""
    whole = sharding.replicated(mesh)
    return jax.jit(
        step,
        donate_argnums=0,
        in_shardings=(state_shardings, whole, sharding.batch_sharding(mesh)),
        out_shardings=(state_shardings, whole),
    )
