"""One optimiser step, pure: no device is named in it, the caller gives the shardings."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from clu.metrics import Collection
from jax.sharding import Mesh

from dfrec_jax.data.completion import Complete, already_complete
from dfrec_jax.examples import fields
from dfrec_jax.training import sharding, step_metrics
from dfrec_jax.training.state import TrainState
from dfrec_jax.training.step_metrics import Numbers
from dfrec_jax.training.streams import stream

Batch = Mapping[str, jax.Array | np.ndarray]
Loss = Callable[[Any, Any, Any, Any, jax.Array], tuple[jax.Array, tuple[Any, Numbers]]]
TrainStep = Callable[[TrainState, Any, Batch], tuple[TrainState, Collection]]
LEVEL = "xla_backend_optimization_level"


def average_decay(ema: float, step: jax.Array) -> jax.Array:
    """The decay of the averages after `step` steps: `ema`, less at first, or they would hold to the fresh network.

    min(ema, (1 + step) / (10 + step)), as in TensorFlow's ExponentialMovingAverage.
    """
    return jnp.minimum(ema, (1.0 + step) / (10.0 + step))


def make_train_step(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    *,
    ema: float,
    complete: Complete = already_complete,
    accumulate: int = 1,
) -> TrainStep:
    """Returns `(state, constants, batch) -> (state, metrics)`; the caller jits it with its shardings.

    Args:
      loss: `(params, batch_stats, constants, batch, rng) -> (loss, (batch_stats, numbers))`, pictures in [0, 1].
      optimizer: of `state.make_optimizer`.
      ema: decay of the averages, where the state has any; see `average_decay`.
      complete: what is still to be done to a batch on the device, of `pipeline.make_completion`: forging, augmentation.
        It draws by the run's key.
      accumulate: parts of a batch that go through the network one after another, for a batch that is too large at once.
        Gradients and numbers are the means over the parts: those of the whole batch, but that BatchNorm sees a part at
        a time, that a mean over some rows alone (forgeries, known sources) weighs each part alike, and that each part
        has draws of its own. Counts are therefore those of a part, in the mean.
    """
    loss_and_gradients = jax.value_and_grad(loss, has_aux=True)
    if accumulate > 1:
        loss_and_gradients = _in_parts(loss_and_gradients, accumulate)

    def train_step(state: TrainState, constants: Any, batch: Batch) -> tuple[TrainState, Collection]:
        rng = jax.random.fold_in(stream(state.rng, "steps"), state.step)  # a resumed run repeats the draw
        fields.check(batch)
        batch = fields.to_float(complete(batch, stream(state.rng, "examples")))
        (value, (batch_stats, numbers)), gradients = loss_and_gradients(
            state.params, state.batch_stats, constants, batch, rng
        )
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        averaged = state.ema
        if averaged is not None:
            latest = {"params": params, "batch_stats": batch_stats}
            averaged = optax.incremental_update(latest, averaged, 1.0 - average_decay(ema, state.step))
        numbers = {"loss": value, **numbers, "gradient_norm": optax.tree.norm(gradients)}
        state = state.replace(
            step=state.step + 1, params=params, batch_stats=batch_stats, opt_state=opt_state, ema=averaged
        )
        return state, step_metrics.of_step(numbers)

    return train_step


def _in_parts(loss_and_gradients: Callable[..., Any], num: int) -> Callable[..., Any]:
    """The same function of a batch as the mean over `num` parts of it; the statistics go from part to part."""

    def part(value: jax.Array, place: jax.Array) -> jax.Array:
        # Every num-th row: each device's rows fall into equal parts, and nothing is sent between devices.
        return value.reshape(value.shape[0] // num, num, *value.shape[1:])[:, place]

    def mean_over_parts(params: Any, batch_stats: Any, constants: Any, batch: Batch, rng: jax.Array) -> Any:
        def one(batch_stats: Any, place: jax.Array) -> tuple[Any, Any]:
            rows = {name: part(jnp.asarray(value), place) for name, value in batch.items()}
            (value, (batch_stats, numbers)), gradients = loss_and_gradients(
                params, batch_stats, constants, rows, jax.random.fold_in(rng, place)
            )
            return batch_stats, (value, numbers, gradients)

        def add(carry: Any, place: jax.Array) -> tuple[Any, None]:
            batch_stats, total = carry
            batch_stats, found = one(batch_stats, place)
            return (batch_stats, jax.tree.map(jnp.add, total, found)), None

        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(one, batch_stats, 0)[1])
        (batch_stats, total), _ = jax.lax.scan(add, (batch_stats, zeros), jnp.arange(num))
        value, numbers, gradients = jax.tree.map(lambda leaf: leaf / num, total)
        return (value, (batch_stats, numbers)), gradients

    return mean_over_parts


def compiler_options() -> dict[str, int] | None:
    """Of what a training compiles: on a CPU LLVM's higher levels take longer, and their code is no faster.

    At level 0 the code is slower by more than its compilation is quicker. Whoever sets a level has it.
    """
    is_free = LEVEL not in os.environ.get("XLA_FLAGS", "")
    return {LEVEL: 1} if jax.default_backend() == "cpu" and is_free else None


def compile_step(step: Callable[..., Any], state_shardings: Any, mesh: Mesh) -> Callable[..., Any]:
    """The step on a mesh: the state is donated and keeps its sharding, the batch is split, the rest is replicated."""
    whole = sharding.replicated(mesh)
    return jax.jit(
        step,
        donate_argnums=0,
        in_shardings=(state_shardings, whole, sharding.batch_sharding(mesh)),
        out_shardings=(state_shardings, whole),
        compiler_options=compiler_options(),
    )
