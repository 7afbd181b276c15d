"""The training state: one pytree of arrays, created already sharded."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax.sharding import Mesh
from ml_collections import ConfigDict
from optax.contrib import MuonDimensionNumbers, muon

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.models.dfrec import Dfrec
from dfrec_jax.training import sharding


class TrainState(struct.PyTreeNode):
    """Everything that a step changes.

    Attributes:
      step: optimiser steps taken.
      params: of everything that is trained.
      batch_stats: BatchNorm's running statistics of the global batch.
      opt_state: of the optimiser.
      ema: averages of `params` and `batch_stats`, as `variables` holds them, or None where `optimizer.ema` is 0.
      rng: the key that each step folds its number into.
    """

    step: Any
    params: Any
    batch_stats: Any
    opt_state: Any
    ema: Any
    rng: Any

    @property
    def variables(self) -> dict[str, Any]:
        """What evaluation applies: the averages where there are any, of parameters and statistics alike.

        Statistics of the latest parameters are those of other activations than the averaged ones have.
        """
        return {"params": self.params, "batch_stats": self.batch_stats} if self.ema is None else self.ema


def started_from(fresh: TrainState, variables: Mapping[str, Any]) -> TrainState:
    """The fresh state with other `params` and `batch_stats`, of which its averages, if it has any, are then a copy."""
    ema = None if fresh.ema is None else jax.tree.map(jnp.copy, dict(variables))  # a donated state holds no array twice
    return fresh.replace(params=variables["params"], batch_stats=variables["batch_stats"], ema=ema)


def to_items(state: TrainState) -> dict[str, Any]:
    """The state as a checkpoint holds it: `variables` for evaluation, and all else for training."""
    latest = None if state.ema is None else {"params": state.params, "batch_stats": state.batch_stats}
    # `params`: the key under which earlier versions kept their None, so that their checkpoints go on.
    rest = {"step": state.step, "params": latest, "opt_state": state.opt_state, "rng": state.rng}
    return {"variables": state.variables, "training": rest}


def from_items(items: Mapping[str, Any]) -> TrainState:
    """The inverse of `to_items`."""
    variables, rest = items["variables"], items["training"]
    has_ema = rest["params"] is not None
    latest = rest["params"] if has_ema else variables
    return TrainState(
        step=rest["step"],
        params=latest["params"],
        batch_stats=latest["batch_stats"],
        opt_state=rest["opt_state"],
        ema=variables if has_ema else None,
        rng=rest["rng"],
    )


def make_schedule(config: ConfigDict) -> optax.Schedule:
    """The learning rate by step: linear warm-up, then constant (Sec. IV-A4) or a cosine to 0."""
    optimizer, num_steps = config.optimizer, config.train.num_steps
    rest: optax.Schedule = optax.constant_schedule(optimizer.learning_rate)
    if optimizer.schedule == "cosine":
        rest = optax.cosine_decay_schedule(optimizer.learning_rate, num_steps - optimizer.warmup_steps)
    warmup = optax.linear_schedule(0.0, optimizer.learning_rate, optimizer.warmup_steps)
    return optax.join_schedules([warmup, rest], [optimizer.warmup_steps]) if optimizer.warmup_steps else rest


def make_optimizer(config: ConfigDict) -> optax.GradientTransformation:
    """`optimizer.name` after clipping by global norm if asked for.

    AdamW, 1e-4 and weight decay 1e-5 by default (Sec. IV-A4). Muon (Jordan et al. 2024) steps along the orthogonalised
    momentum of each kernel, scaled to the length of one of Adam's steps; all that is no kernel, and the last maps, to
    pixels, take AdamW with Nesterov's momentum and the same schedule. With `train.ism_alone` the other modules' stay.
    """
    optimizer, schedule = config.optimizer, make_schedule(config)
    if optimizer.name == "adamw":
        rule = optax.adamw(schedule, b2=optimizer.beta2, weight_decay=optimizer.weight_decay)
    else:
        rule = muon(
            schedule,
            adam_b2=optimizer.beta2,
            weight_decay=optimizer.weight_decay,
            adam_weight_decay=optimizer.weight_decay,
            consistent_rms=ADAM_RMS,
            muon_weight_dimension_numbers=_kernel_axes,
        )
    if optimizer.clip_norm:
        rule = optax.chain(optax.clip_by_global_norm(optimizer.clip_norm), rule)
    return optax.partition({True: rule, False: optax.set_to_zero()}, _is_ism) if config.train.ism_alone else rule


def _is_ism(params: Any) -> Any:
    """Of each parameter of a DFREC."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[0].key == "ism", params)


ADAM_RMS = 0.2  # root mean square of a typical update of Adam's, in learning rates (Liu et al. 2025)


def _kernel_axes(params: Any) -> Any:
    """For each parameter the axes that Muon takes as the inputs and outputs of a matrix; None for what is no matrix.

    Depthwise kernels (one input channel) are none, nor are maps to the three colours or to one number.
    """

    def axes(path: tuple, value: jax.Array) -> MuonDimensionNumbers | None:
        is_kernel = path[-1].key == "kernel" and value.ndim in (2, 4)
        if not is_kernel or value.shape[-1] <= 3 or value.shape[-2] == 1:
            return None
        return MuonDimensionNumbers(tuple(range(value.ndim - 1)), (value.ndim - 1,))

    return jax.tree_util.tree_map_with_path(axes, params)


def init_variables(model: Dfrec, image_size: int, key: jax.Array) -> dict[str, Any]:
    """Fresh parameters and BatchNorm statistics for images of `image_size` pixels."""
    image = jnp.zeros((1, image_size, image_size, 3))
    return dict(model.init(key, image, jax.random.split(key, 1), train=False))


def create(init: Callable[[], TrainState], mesh: Mesh) -> tuple[TrainState, TrainState]:
    """A fresh state, and the sharding of each of its leaves; no array is ever whole on an accelerator.

    It is made on the host: the draws of a thousand parameters, run once, take a GPU minutes to compile.

    Raises:
      ConfigError: where JAX was told to leave the host's processor alone.
    """
    shardings = sharding.state_sharding(mesh, jax.eval_shape(init))
    try:
        host = jax.local_devices(backend="cpu")[0]
    except RuntimeError as error:
        platforms = os.environ.get("JAX_PLATFORMS", "")
        raise ConfigError(
            f"JAX_PLATFORMS={platforms!r}: must name cpu as well, where parameters are drawn; use {platforms},cpu"
        ) from error
    with jax.default_device(host):
        state = jax.jit(init, compiler_options={"xla_backend_optimization_level": 0})()  # it runs once

    def split(leaf: jax.Array, where: jax.sharding.Sharding) -> jax.Array:
        # Each host makes the shards of its own devices; device_put would refuse those of others.
        return jax.make_array_from_callback(leaf.shape, where, leaf.__getitem__)

    return jax.tree.map(split, state, shardings), shardings


def abstract(init: Callable[[], TrainState], mesh: Mesh) -> tuple[TrainState, TrainState]:
    """Shapes with shardings, as a restore wants them, and the shardings alone."""
    shapes = jax.eval_shape(init)
    shardings = sharding.state_sharding(mesh, shapes)
    with_sharding = jax.tree.map(
        lambda leaf, where: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where), shapes, shardings
    )
    return with_sharding, shardings


def init_function(
    init_variables: Callable[[jax.Array], Mapping[str, Any]],
    optimizer: optax.GradientTransformation,
    config: ConfigDict,
) -> Callable[[], TrainState]:
    """`() -> TrainState`, a pure function of `config.seed`; `init_variables` makes params and batch_stats of a key."""

    def init() -> TrainState:
        init_key, train_key = jax.random.split(jax.random.key(config.seed))
        variables = init_variables(init_key)
        params = variables["params"]
        return TrainState(
            step=jnp.zeros((), jnp.int32),
            params=params,
            batch_stats=variables["batch_stats"],
            opt_state=optimizer.init(params),
            ema={"params": params, "batch_stats": variables["batch_stats"]} if config.optimizer.ema else None,
            rng=train_key,
        )

    return init
