"""A training step of the released DFREC: ours against PyTorch in one run.

Run:     python benchmarks/train_step.py [--size released] [--batches 2 8] [--repeats 9] [--minutes 6]
                                         [--sides ours eager channels_last compiled] [--dtype float32]
         On a GPU: --dtype bfloat16 --batches 32 --steps 10 --minutes 7 (JAX and PyTorch both take the GPU they find;
         --device cpu keeps both from it). Needs PyTorch (the `convert` extra); `compiled` a C++ compiler on a CPU.
Does:    whole steps: uint8 pictures from the host, network, frozen networks (FaceNet, VGG-19, ResNet-50 of attributes)
         on recovered faces and references, Eq. 10, gradients, AdamW; random weights. Each side in a process of its own,
         by turns. `eager` is PyTorch with NCHW, `channels_last` the same in that layout, `compiled` that through
         torch.compile. All get huge pages where the kernel gives them to those who ask, as `train.py` does.
Prints:  for each batch size and side the median of a step in ms, its fastest and slowest turn, images/s, the process's
         highest memory (the device's on a GPU), the share of the peak, and how many times as fast ours is. The peak is
         the fastest of the sides' own large products, in the same precision, in the same run; the operations are those
         of products and convolutions as `--dry_run` counts them, without remat.
"""

import argparse
import functools
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import side_by_side

SIZES = {"small": ("ti", 112), "base": ("b", 224), "released": ("l", 224)}  # ViT and pixels; the rest is the same
SIDES = ("ours", "eager", "channels_last", "compiled")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="released")
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 8])
    parser.add_argument("--sides", choices=SIDES, nargs="+", default=list(SIDES))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--steps", type=int, default=1, help="of each turn")
    parser.add_argument("--minutes", type=float, default=6.0, help="for each batch size, after which no turn begins")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of the computation")
    parser.add_argument("--device", choices=("any", "cpu"), default="any")
    parser.add_argument("--remat", action="store_true", help="ours: compute the ViT's blocks again")
    parser.add_argument("--cpu", action="store_true", help="seconds of CPU of all threads: for a busy machine")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        build = ours if arguments.side == "ours" else theirs
        side_by_side.serve(functools.partial(build, arguments))
        return
    os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if arguments.device == "cpu":
        os.environ |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    rows = []
    for batch in arguments.batches:
        given = [*sys.argv[1:], "--batches", str(batch)]
        commands = {side: [sys.executable, __file__, *given, "--side", side] for side in arguments.sides}
        rows += lines_of(batch, side_by_side.by_turns(commands, arguments.repeats, 60 * arguments.minutes))
    vit, pixels = SIZES[arguments.size]
    clock = "; CPU time" if arguments.cpu else ""
    print(f"{arguments.size}: ViT-{vit.upper()}/16, {pixels} px, {arguments.dtype}; {side_by_side.processor()}{clock}")
    print(
        "| batch | side | version, device | ms a step | turns, fastest to slowest | images/s | memory | share of peak |"
    )
    print("|---:|---|---|---:|---|---:|---:|---:|")
    print("\n".join(rows))


def lines_of(batch: int, timings: dict[str, side_by_side.Timing]) -> list[str]:
    """The rows of a batch size, and the ratio."""
    peak = max(timing.said["peak"] for timing in timings.values())
    operations = next((timing.said["operations"] for timing in timings.values() if "operations" in timing.said), None)
    lines = []
    for name, timing in timings.items():
        memory = timing.said.get("device_peak") or timing.said["host_peak"]
        share = f"{operations / timing.median / peak:.1%}" if operations else "-"
        lines.append(
            f"| {batch} | {name} | {timing.said['version']} | {1e3 * timing.median:.0f} "
            f"| {len(timing.seconds)}: {timing.spread} | {batch / timing.median:.3g} | {memory / 2**30:.2f} GiB "
            f"| {share} |"
        )
    peers = {name: timing.median for name, timing in timings.items() if name != "ours"}
    if "ours" in timings and peers:
        mine = timings["ours"].median
        ratios = ", ".join(f"{taken / mine:.2f} of {name}" for name, taken in peers.items())
        lines.append(
            f"| {batch} | ratio | {operations / 1e12:.3g} T operations a step, peak {peak / 1e12:.3g} T/s "
            f"| | | {ratios} | | |"
        )
    return lines


def batch_of(rows: int, pixels: int) -> dict[str, np.ndarray]:
    """Random pictures; a fifth of the rows, the last, are pristine faces."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, rows, pixels, pixels, 3), dtype=np.uint8)
    points = np.full((rows, 5, 2), pixels / 2, np.float32)
    return {
        **dict(zip(("image", "source", "target"), pictures, strict=True)),
        "source_mask": rng.integers(0, 256, (rows, pixels, pixels, 1), dtype=np.uint8),
        "is_forgery": np.arange(rows) < rows - rows // 5,
        "has_source": np.ones(rows, bool),
        "has_target": np.ones(rows, bool),
        "has_mask": np.ones(rows, bool),
        "landmarks": points,
        "source_landmarks": points,
    }


def config_of(size: str, batch: int, dtype: str, *, remat: bool) -> Any:
    """The released mode; its rules fix 224 px for the sake of the checkpoint, of which nothing is read here."""
    from dfrec_jax.config import defaults

    config = defaults.dfrec("released")
    config.tirm.vit, config.image_size = SIZES[size]
    config.compute_dtype, config.remat, config.train.batch_size = dtype, remat, batch
    return defaults.resolve(config)


def ours(arguments: argparse.Namespace) -> tuple[Callable[[], float], dict[str, Any]]:
    """Our step, as `training.loop` compiles it, on one device."""
    config = config_of(arguments.size, arguments.batches[0], arguments.dtype, remat=arguments.remat)
    return our_step(config, arguments.steps, clock_of(arguments))


def clock_of(arguments: argparse.Namespace) -> Callable[[], float]:
    """What turns are timed by."""
    return time.process_time if arguments.cpu else time.perf_counter


def our_step(
    config: Any, steps: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[Callable[[], float], dict[str, Any]]:
    """What a turn of so many steps of a resolved `config` is, random weights everywhere, and what there is to say."""
    import jax
    import jax.numpy as jnp

    from dfrec_jax import perceptors
    from dfrec_jax.commands import startup
    from dfrec_jax.frozen import blueprint, load
    from dfrec_jax.models import dfrec
    from dfrec_jax.training import memory, sharding, state, step_metrics, will_it_fit
    from dfrec_jax.training.nonfinite import flagging
    from dfrec_jax.training.step import compile_step, make_train_step
    from dfrec_jax.training.tasks.dfrec import init_function, make_loss

    memory.keep_freed()
    startup.prepare_libraries()
    networks = {
        role: blueprint.from_random(load.find_blueprint(name)).astype(config.compute_dtype)
        for role, name in perceptors.loss_networks(config).items()
    }
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]).reshape(1, 1), sharding.AXES)
    model, optimizer = dfrec.build(config), state.make_optimizer(config)
    init = init_function(model, optimizer, config)
    function = make_train_step(make_loss(model, config), optimizer, ema=0.0, accumulate=config.train.accumulate)
    step = compile_step(flagging(function), state.abstract(init, mesh)[1], mesh)
    train_state = state.create(init, mesh)[0]
    constants = jax.device_put(load.perceptors(networks), sharding.replicated(mesh))
    pictures = batch_of(config.train.batch_size, config.image_size)

    def turn() -> None:
        nonlocal train_state
        for _ in range(steps):
            train_state, of_step = step(train_state, constants, sharding.to_global(mesh, pictures))
        if not of_step.is_finite:
            sys.exit(f"ours: not finite: {step_metrics.computed(of_step.metrics)}")

    print(f"ours: compiled, and a first turn, in {side_by_side.seconds_of(turn):.0f} s", file=sys.stderr)
    turn()
    assert step._cache_size() == 1, "the step was compiled more than once"
    counted = config.copy_and_resolve_references()
    counted.remat = False
    device = jax.devices()[0]
    side = 2048 if device.platform == "cpu" else 8192
    matrix = jnp.ones((side, side), config.compute_dtype)
    product = jax.jit(jnp.matmul)
    said = {
        "version": f"jax {jax.__version__}, {device.device_kind}",
        "operations": sum(will_it_fit.measured(counted, 1).cost.products.values()),
        "peak": 2 * side**3 / fastest(lambda: jax.block_until_ready(product(matrix, matrix))),
    }
    if stats := device.memory_stats():
        said["device_peak"] = stats["peak_bytes_in_use"]
    return lambda: side_by_side.seconds_of(turn, clock) / steps, said


def theirs(arguments: argparse.Namespace) -> tuple[Callable[[], float], dict[str, Any]]:
    """PyTorch's step."""
    import torch
    import torch_peer

    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True  # as JAX multiplies float32 there
    torch.backends.cudnn.benchmark = True
    config = config_of(arguments.size, arguments.batches[0], arguments.dtype, remat=False)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    peer = torch_peer.Peer(config.tirm.width, config.tirm.depth, config.tirm.heads, config.image_size).to(device)
    if arguments.side != "eager":
        peer = peer.to(memory_format=torch.channels_last)
    step = torch_peer.Step(peer, is_compiled=arguments.side == "compiled", is_bfloat16=arguments.dtype == "bfloat16")
    pictures = {
        name: torch.from_numpy(value) for name, value in batch_of(arguments.batches[0], config.image_size).items()
    }
    if device.type == "cuda":
        pictures = {name: value.pin_memory() for name, value in pictures.items()}

    def turn() -> None:
        for _ in range(arguments.steps):
            loss = step(pictures)
        if not np.isfinite(loss.item()):
            sys.exit(f"{arguments.side}: the loss is {loss.item()}")

    print(f"{arguments.side}: a first turn in {side_by_side.seconds_of(turn):.0f} s", file=sys.stderr)
    turn()
    side = 2048 if device.type == "cpu" else 8192
    matrix = torch.ones((side, side), dtype=getattr(torch, arguments.dtype), device=device)
    said = {
        "version": f"torch {torch.__version__}, {device.type}",
        "peak": 2 * side**3 / fastest(lambda: (matrix @ matrix)[0, 0].item()),
    }
    if device.type == "cuda":
        said["device_peak"] = torch.cuda.max_memory_allocated()
    return (lambda: side_by_side.seconds_of(turn, clock_of(arguments)) / arguments.steps), said


def fastest(run: Callable[[], object]) -> float:
    """Seconds of the fastest of five runs after one that warms up."""
    return min([side_by_side.seconds_of(run) for _ in range(6)][1:])


if __name__ == "__main__":
    main()
