"""The training loop: step, log, validate, checkpoint. Nothing else loops over batches in training."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax import checkpoint, perceptors
from dfrec_jax import config as config_lib
from dfrec_jax.data import pipeline
from dfrec_jax.models import dfrec
from dfrec_jax.training import initialisation, sharding, state, validation
from dfrec_jax.training.log import Progress, RunLog
from dfrec_jax.training.step import compile_step, make_train_step


class NonFiniteLossError(RuntimeError):
    """A loss term became NaN or infinite; the message names the step and the term."""


def train(config: ConfigDict, workdir: str | Path) -> bool:
    """Trains DFREC as `config` says and leaves everything under `workdir`; resumes where checkpoints are there.

    Returns:
      Whether every step was taken; False after SIGTERM, Ctrl-C or a preemption, with a checkpoint to resume from.

    Raises:
      ConfigError: for a config that cannot be run, before a device is touched, or one that is not the workdir's.
      WeightsError: for frozen weights that are not at hand.
      NonFiniteLossError: at the first loss that is not finite.
    """
    workdir = Path(workdir)
    config = config_lib.resolve(config)
    config_lib.validate(config)
    mesh = sharding.make_mesh(config.mesh)
    sharding.check_batch_size(config.train.batch_size, mesh)
    frozen = perceptors.load_perceptors(config)
    metric = perceptors.load_metric_network(config)

    model, optimizer = dfrec.build(config), state.make_optimizer(config)
    abstract_state, shardings = state.abstract(model, optimizer, config, mesh)
    complete = pipeline.make_completion(config, mesh.size)
    train_step = compile_step(make_train_step(model, optimizer, config, complete), shardings, mesh)
    frozen, metric = jax.device_put((frozen, metric), sharding.replicated(mesh))

    with checkpoint.Checkpoints(workdir, config.checkpoint.keep) as checkpoints, _stop_signal() as stop:
        checkpoint.save_config(workdir, config, is_begun=bool(checkpoints.steps()))
        train_state, start_step = _restore(checkpoints, abstract_state, config)
        if train_state is None:
            train_state, _ = state.create(model, optimizer, config, mesh)
            train_state = initialisation.initialise(train_state, config)
        validator = validation.Validator(model, metric, config, mesh)
        is_first = jax.process_index() == 0
        progress = Progress(start_step, config.train.num_steps, config.train.batch_size, is_shown=is_first)
        with (
            RunLog(workdir, start_step, is_writer=is_first) as log,
            pipeline.TrainBatches(
                config,
                start_step=start_step,
                process_index=jax.process_index(),
                process_count=jax.process_count(),
            ) as batches,
        ):
            pending: tuple[int, dict[str, jax.Array]] | None = None
            for step in range(start_step + 1, config.train.num_steps + 1):
                train_state, metrics = train_step(train_state, frozen, sharding.to_global(mesh, next(batches)))
                if pending:
                    _check_finite(*pending)  # of the step before: the devices are never left waiting
                pending = step, metrics
                is_last = step == config.train.num_steps
                is_stopped = stop.is_set or checkpoints.reached_preemption(step)

                if step % config.train.log_every == 0 or is_last:
                    values = {name: float(value) for name, value in metrics.items()}
                    rates = progress.rates(step)
                    log.scalars(step, values)
                    log.timing(step, rates)
                    progress.show(step, values, rates)
                if step % config.train.samples_every == 0 or is_last:
                    log.picture(step, validator.sample_grid(train_state.variables))
                idsim = None
                if step % config.train.validate_every == 0 or is_last:
                    idsim = validator.idsim(train_state.variables)
                    log.scalars(step, {"validation_idsim": idsim})
                is_best = idsim is not None and idsim > checkpoints.best_idsim()
                if step % config.checkpoint.every == 0 or is_last or is_best or is_stopped:
                    _check_finite(step, metrics)
                    checkpoints.save(step, state.to_items(train_state), _meta(step, config), idsim)
                if is_stopped and not is_last:
                    print(f"stopped after step {step}; the same command resumes from there", file=sys.stderr)
                    return False
    return True


def _restore(
    checkpoints: checkpoint.Checkpoints, abstract_state: state.TrainState, config: ConfigDict
) -> tuple[state.TrainState | None, int]:
    def report(step: int, error: Exception) -> None:
        print(
            f"checkpoint {step} cannot be read ({type(error).__name__}); moved to torn_checkpoints, trying the one "
            "before",
            file=sys.stderr,
        )

    found = checkpoints.restore_newest(state.to_items(abstract_state), report)
    if found is None:
        return None, 0
    step, items, meta = found
    pipeline.check_fingerprint(meta["data"], config)
    print(f"resuming from step {step}", file=sys.stderr)
    return state.from_items(items), step


def _meta(step: int, config: ConfigDict) -> dict[str, Any]:
    return {"position": step, "data": pipeline.fingerprint(config), "config": json.loads(config.to_json())}


def _check_finite(step: int, metrics: dict[str, jax.Array]) -> None:
    bad = [name for name, value in metrics.items() if not np.isfinite(value)]
    if bad:
        raise NonFiniteLossError(
            f"step {step}: {', '.join(bad)} not finite; the last checkpoint is from before. Lower "
            "optimizer.learning_rate, set optimizer.clip_norm, or use compute_dtype='float32'"
        )


class _Stop:
    is_set = False


@contextmanager
def _stop_signal() -> Iterator[_Stop]:
    """SIGTERM and Ctrl-C end the run after the step under way, with a checkpoint; a second Ctrl-C ends it at once."""
    stop = _Stop()

    def request(number: int, _: object) -> None:
        if stop.is_set:
            raise KeyboardInterrupt
        stop.is_set = True

    handled = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, request) for number in handled]
    try:
        yield stop
    finally:
        for number, handler in zip(handled, before, strict=True):
            signal.signal(number, handler)
