"""A training step of `configs/faces.py:cpu` on a CPU, before and after what was done for its speed, in one run.

Run:     python benchmarks/train_cpu.py --data LFW [--repeats 5] [--size 64]     (LFW: of `dfrec prepare faces`)
         taskset -c 0 before it measures one core.
Does:    each side in a process of its own, on the same first batch of the data, at random weights. Before: all rows
         looked at by the frozen networks, XLA's gradient of SqueezeNet's pooling, memory given back after each step.
         After: shares of the rows as in AFTER, as `configs/hidden.py` has them (docs/experiments.md, 40), at --size
         pixels, as where a training begins small (44).
Prints:  of each part, and of the whole step, seconds of CPU before and after (the fastest repeat) and their ratio; then
         images a second by CPU time and by the clock. Parts are compiled by themselves, so that they need not add up.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

BEFORE = {"loss.target_rows": 1.0, "loss.source_rows": 1.0}
AFTER = {"loss.target_rows": 0.5, "loss.source_rows": 0.25}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of `dfrec prepare faces`")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--size", type=int, default=80, help="of the pictures after; before they have 80 pixels")
    parser.add_argument("--side", choices=("before", "after"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        size = None if arguments.side == "before" else arguments.size
        for line in measured(arguments.data, arguments.repeats, size):
            print(json.dumps(line), flush=True)
        return
    sides = [_run(side) for side in ("before", "after")]
    print(f"{len(os.sched_getaffinity(0))} cores; seconds of CPU, a batch of 32, after of {arguments.size} pixels")
    print("| part | before | after | ratio |\n|---|---:|---:|---:|")
    for name, (before, _) in sides[0].items():
        after = sides[1][name][0]
        print(f"| {name} | {before:.3f} | {after:.3f} | {before / after:.2f} |")
    for place, clock in enumerate(("CPU time", "the clock")):
        before, after = (32 / side["whole step"][place] for side in sides)
        print(f"images/s by {clock}: before {before:.2f}, after {after:.2f}, ratio {after / before:.2f}")


def _run(side: str) -> dict[str, tuple[float, float]]:
    command = [sys.executable, *sys.argv, "--side", side]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: (cpu, wall) for name, cpu, wall in lines}


def measured(data: str, repeats: int, size: int | None) -> Iterator[tuple[str, float, float]]:
    """Name, seconds of CPU and of the clock of each part on one side: after, of so many pixels, or before (None)."""
    from dfrec_jax.training import memory

    if size is not None:
        memory.keep_freed()
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    from configs import faces
    from dfrec_jax.data import pipeline
    from dfrec_jax.examples import fields
    from dfrec_jax.frozen import squeezenet
    from dfrec_jax.frozen.network import Perceptors
    from dfrec_jax.training import step
    from dfrec_jax.training.tasks import dfrec

    config = faces.get_config("cpu")
    config.data.dir = data
    config.update_from_flattened_dict(BEFORE if size is None else AFTER)
    if size is not None:
        config.image_size = size
    else:
        squeezenet.overlapping_max_pool = lambda x: nn.max_pool(x, (3, 3), (2, 2))
    task = dfrec.DfrecTask(config)
    config, perceptors, options = task.config, task.constants, {step.LEVEL: 1}
    none = Perceptors(None, None, None)
    state = jax.jit(task.init, compiler_options={step.LEVEL: 0})()
    with task.batches(0) as batches:
        batch = jax.device_put(next(batches))
    compiled = lambda function: jax.jit(function, compiler_options=options)  # noqa: E731

    def seconds(name: str, function: Callable, *given: Any) -> tuple[str, float, float]:
        jax.block_until_ready(function(*given))
        jax.block_until_ready(function(*given))
        taken = []
        for _ in range(repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            jax.block_until_ready(function(*given))
            taken.append((time.process_time() - cpu, time.perf_counter() - wall))
        return name, min(cpu for cpu, _ in taken), min(wall for _, wall in taken)

    complete = pipeline.make_completion(config, 1)
    key = jax.random.key(0)
    forge = compiled(lambda batch: fields.to_float(complete(batch, key)))
    yield seconds("forging and augmentation", forge, batch)
    forged = forge(batch)
    loss = dfrec.make_loss(task._model, config)
    gradients = compiled(
        lambda params, perceptors: jax.grad(loss, has_aux=True)(params, state.batch_stats, perceptors, forged, key)[0]
    )
    yield seconds("the three modules, forward and backward", gradients, state.params, none)

    rows = [jnp.arange(round(share * 32)) for share in (config.loss.target_rows, config.loss.source_rows)]
    pictures = jnp.concatenate([forged["target"][rows[0]], forged["source"][rows[1]]])
    landmarks = jnp.concatenate([forged["landmarks"][rows[0]], forged["landmarks"][rows[1]]])
    for role, name in (("identity", "MobileFaceNet"), ("perceptual", "SqueezeNet")):
        alone = none.replace(**{role: getattr(perceptors, role)})

        def distance(pictures: jax.Array, alone: Perceptors, role: str = role) -> jax.Array:
            taps = getattr(alone(pictures, landmarks), role)
            references = jax.lax.stop_gradient(getattr(alone(pictures[::-1], landmarks), role))
            return sum(jnp.mean(jnp.square(tap - other)) for tap, other in zip(taps, references, strict=True))

        yield seconds(f"{name}, references and gradient", compiled(jax.grad(distance)), pictures, alone)
    update = compiled(lambda params, state: task._optimizer.update(params, state.opt_state, state.params))
    yield seconds("optimiser", update, state.params, state)
    whole = compiled(task.make_step(1))
    yield seconds("whole step", whole, state, perceptors, batch)


if __name__ == "__main__":
    main()
