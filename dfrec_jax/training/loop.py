"""The training loop: step, log, validate, checkpoint. Nothing else loops over batches in training."""

import json
import sys
from pathlib import Path
from typing import Any

import jax

from dfrec_jax.data import pipeline
from dfrec_jax.runs import ending, goodput, hosts, training_run
from dfrec_jax.runs.checkpoint import Restored
from dfrec_jax.training import hooks, parameters, sharding, state, step_metrics, stopping
from dfrec_jax.training.ledger import Ledger
from dfrec_jax.training.log import Progress, RunLog
from dfrec_jax.training.nonfinite import Flagged, NonFiniteSteps, flagging, leaving_out
from dfrec_jax.training.slow_hosts import SlowHosts
from dfrec_jax.training.step import compile_step
from dfrec_jax.training.task import Task
from dfrec_jax.training.waiting import Waiting


def train(task: Task, workdir: str | Path, *, start_over: bool = False, ledger: Ledger | None = None) -> bool:
    """Trains `task` and leaves everything under `workdir`; resumes where checkpoints are there.

    Args:
      task: what to train.
      workdir: of the run.
      start_over: whether to begin at step 0 where a run has lost its checkpoints.
      ledger: of the process's time, where some of it has passed already.

    Returns:
      Whether it is at its end: every step was taken, or `train.patience` has run out; False after SIGTERM, Ctrl-C or a
      preemption, with a checkpoint to resume from.

    Raises:
      ConfigError: for a config that does not fit the devices, or is not the workdir's.
      CheckpointError: for a workdir that cannot be gone on with (`training_run.opened`), or a save that failed.
      NonFiniteLossError: at a loss or gradients that are not finite, or more of them than `train.skip_nonfinite`.
    """
    workdir, config, ledger = Path(workdir), task.config, ledger or Ledger()
    mesh = sharding.make_mesh(config.mesh)
    sharding.check_batch_size(config.train.batch_size, mesh, parts=config.train.accumulate)
    sharding.check_batch_size(config.data.eval_batch_size, mesh, "data.eval_batch_size")
    validator = task.make_validator(mesh)  # opens the validation split: one that is not there is missed before step 1
    abstract_state, shardings = state.abstract(task.init, mesh)
    marked = leaving_out if config.train.skip_nonfinite else flagging
    step_function = marked(task.make_step(mesh.size))
    train_step = compile_step(step_function, shardings, mesh)
    merge = step_metrics.make_merge(mesh)
    constants = jax.device_put(task.constants, sharding.replicated(mesh))

    with (
        stopping.stop_signal() as stop,  # outside: a second signal must not end the wait for the last save
        training_run.opened(
            workdir,
            config,
            task.score_name,
            state.to_items(abstract_state),
            lambda meta: pipeline.check_fingerprint(meta["data"], task.fingerprint()),
            start_over=start_over,
        ) as (checkpoints, found),
    ):
        meta = {} if found is None else found.meta
        waited, is_owed = meta.get(ending.WAITED, 0), bool(meta.get(ending.PENDING))
        if found is not None and not is_owed and _is_out_of_patience(found.step, waited, task):
            return True
        train_state, start_step = _resumed(found, config.train.num_steps)
        if train_state is None:
            train_state = task.initialise(state.create(task.init, mesh)[0])
        is_told_to_stop = stopping.make_agreement(stop, mesh)
        is_first = jax.process_index() == 0
        if is_first:
            parameters.keep_overview(abstract_state.params, workdir)
        progress = Progress(start_step, config.train.num_steps, config.train.batch_size, is_shown=is_first)
        nonfinite = NonFiniteSteps(config.train.skip_nonfinite, meta, is_shown=is_first)
        slow_hosts, waiting = SlowHosts(), Waiting()
        is_left = start_step < config.train.num_steps or is_owed  # a run at its end is not down since then
        with (
            ledger.opened(workdir / goodput.TIMING, start_step, is_writer=is_first and is_left),
            RunLog(workdir, start_step, is_writer=is_first, is_owed=is_owed) as log,
            task.batches(start_step) as batches,
            waiting.watched(_name_of_this_host(), lambda: pipeline.at_work(batches)),
            hooks.opened(config, workdir, start_step) as called,
            ledger.doing("stepping"),
        ):

            def look(step: int, variables: Any) -> tuple[float | None, bool]:
                """Draws samples and validates where that is due after `step`; True where it was told to stop before
                all of it was done, which the next start then does."""
                is_last = step == config.train.num_steps
                if step % config.train.samples_every == 0 or is_last:
                    if is_told_to_stop():
                        return None, True
                    with ledger.doing("sampling"):
                        log.picture(step, validator.sample_grid(variables))
                if step % config.train.validate_every == 0 or is_last:
                    with ledger.doing("validating"):
                        score = validator.score(variables, is_told_to_stop)
                    return score, score is None
                return None, False

            def told(step: int, score: float, is_best: bool) -> bool:
                """Logs a score; whether `train.patience` ends the run."""
                nonlocal waited
                waited = 0 if is_best else waited + 1
                said = {ending.WAITED: float(waited)} if config.train.patience else {}
                log.scalars(step, {f"validation_{task.score_name}": score, **said})
                return _is_out_of_patience(step, waited, task)

            if is_owed:
                score, is_stopped = look(start_step, train_state.variables)
                if is_stopped:
                    return _stopped(start_step)
                if score is not None:
                    is_over = told(start_step, score, score > checkpoints.best_score(but=start_step))
                    checkpoints.add_score(start_step, _meta(start_step, task, waited, nonfinite), score)
                    if is_over:
                        return True
            pending: tuple[int, Flagged] | None = None
            merged = None  # metrics since the last line of the log
            for step in range(start_step + 1, config.train.num_steps + 1):
                ledger.begin(step)
                with ledger.doing("input"), waiting.input(step):
                    batch = sharding.to_global(mesh, next(batches))
                with progress.compiling(step), ledger.doing("compiling" if step == start_step + 1 else "stepping"):
                    train_state, of_step = train_step(train_state, constants, batch)
                for hook in called:
                    hook(step)
                checkpoints.check()
                if pending:
                    nonfinite.check(*pending)  # of the step before: the devices are never left waiting
                pending, merged = (step, of_step), merge(merged, of_step.metrics)
                is_last = step == config.train.num_steps
                is_stopped = is_told_to_stop()

                if step % config.train.log_every == 0 or is_last:
                    nonfinite.check(step, of_step)
                    values, merged = step_metrics.computed(merged), None
                    rates = progress.rates(step)
                    log.scalars(step, nonfinite.logged(values))
                    ledger.write(rates | slow_hosts.compare(step, ledger.total("input")))
                    progress.show(step, values, rates)
                score, is_owed = (None, _is_looked_at(step, task)) if is_stopped else look(step, train_state.variables)
                is_stopped |= is_owed
                is_best = score is not None and score > checkpoints.best_score()
                is_over = score is not None and told(step, score, is_best)
                if step % config.checkpoint.every == 0 or is_last or is_best or is_stopped or is_over:
                    nonfinite.check(step, of_step)
                    with ledger.doing("saving"):
                        meta = _meta(step, task, waited, nonfinite) | ({ending.PENDING: True} if is_owed else {})
                        checkpoints.save(step, state.to_items(train_state), meta, score)
                        if is_last or is_stopped or is_over:
                            checkpoints.wait()
                    ledger.write()  # of this step alone: what comes after it may have to be done again
                if is_over:
                    return True
                if is_owed or (is_stopped and not is_last):
                    return _stopped(step)
    return True


def _is_looked_at(step: int, task: Task) -> bool:
    """Whether samples or a validation are due after `step`."""
    train = task.config.train
    return step == train.num_steps or step % train.samples_every == 0 or step % train.validate_every == 0


def _stopped(step: int) -> bool:
    print(f"stopped after step {step}; the same command resumes from there", file=sys.stderr)
    return False


def _name_of_this_host() -> str:
    return hosts.called(jax.process_index()) if jax.process_count() > 1 else ""


def _resumed(found: Restored | None, num_steps: int) -> tuple[state.TrainState | None, int]:
    if found is None:
        return None, 0
    if found.step < num_steps:
        print(f"resuming from step {found.step}", file=sys.stderr)
    return state.from_items(found.items), found.step


def _is_out_of_patience(step: int, waited: int, task: Task) -> bool:
    """Whether `train.patience` ends the run after `step`, which the first host then says."""
    config = task.config
    is_over = step < config.train.num_steps and ending.is_out_of_patience(waited, config)
    if is_over and jax.process_index() == 0:
        print(
            f"ended after step {step} of {config.train.num_steps}: {task.score_name} of the validation split has not "
            f"risen for {waited} validations (train.patience={config.train.patience}; with more, or 0, it goes on)",
            file=sys.stderr,
        )
    return is_over


def _meta(step: int, task: Task, waited: int, nonfinite: NonFiniteSteps) -> dict[str, Any]:
    config = json.loads(task.config.to_json())
    return {"position": step, "data": task.fingerprint(), "config": config, ending.WAITED: waited, **nonfinite.meta()}
