"""The released DFREC on one image and on a batch: ours against PyTorch in one run.

Run:     python benchmarks/inference.py [--vit l] [--batches 1 4] [--repeats 9] [--threads N]
Does:    image to map, source face and target face, float32, in the released mode; random weights, equal on both sides
         (they go through the rules of the published checkpoint). The repeats alternate, so that a busy machine slows
         both. PyTorch runs eager under inference_mode, once as published (NCHW) and once with channels last.
Prints:  for each batch ms a batch and images/s (the fastest repeat), and the ratio of the faster PyTorch over ours:
         above 1, we are faster. Outputs of both sides are compared first; a difference above 1e-3 ends the run. Without
         PyTorch (the `convert` extra) ours alone, and it says so.
"""

import argparse
import copy
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from flax.traverse_util import unflatten_dict

from dfrec_jax.config import defaults
from dfrec_jax.models.dfrec import build, variable_shapes
from dfrec_jax.weights.dfrec import port_dfrec

IMAGE_SIZE = 224
Run = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, ...]]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vit", choices=defaults.VIT_SIZES, default="l", help="l is the released size")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="PyTorch's; ours takes all")
    arguments = parser.parse_args()
    config = defaults.dfrec("released")
    config.tirm.vit = arguments.vit
    config = defaults.resolve(config)
    machine = f"{jax.devices()[0].platform}, jax {jax.__version__}"
    print(f"released DFREC, ViT-{arguments.vit.upper()}/16, {IMAGE_SIZE} px, {machine}")

    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed: ours alone, no ratio. pip install 'dfrec-jax[convert]' brings it")
        sides = {"ours": ours(config, None)}
    else:
        checkpoint, sides = torch_sides(config, arguments.threads)
        sides = {"ours": ours(config, checkpoint), **sides}
    rng = np.random.default_rng(0)
    for batch in arguments.batches:
        image = rng.random((batch, IMAGE_SIZE, IMAGE_SIZE, 3), np.float32)
        noise = rng.random((batch, defaults.num_patches(config)), np.float32)
        check_equal({name: run(image, noise) for name, run in sides.items()})  # compiles and warms up as well
        times = {name: [] for name in sides}
        for _ in range(arguments.repeats):
            for name, run in sides.items():
                times[name].append(seconds(run, image, noise))
        report(batch, {name: min(taken) for name, taken in times.items()})


def ours(config: Any, checkpoint: dict[str, dict[str, np.ndarray]] | None) -> Run:
    """Our network, with the weights of a checkpoint, or random ones."""
    network = build(config)
    shapes = variable_shapes(network, IMAGE_SIZE)
    if checkpoint is None:
        rng = np.random.default_rng(0)
        flat = {path: 0.02 * rng.standard_normal(shape, np.float32) for path, shape in shapes.items()}
        flat = {path: value**2 if path.endswith("/var") else value for path, value in flat.items()}
    else:
        flat, _ = port_dfrec(checkpoint, shapes)
    variables = jax.device_put(unflatten_dict(flat, sep="/"))

    @jax.jit
    def recover(variables: Any, image: jax.Array, noise: jax.Array) -> tuple[jax.Array, ...]:
        out = network.apply(variables, image, None, train=False, noise=noise)
        return out.source_map, out.source_face, out.target_face

    return lambda image, noise: tuple(np.asarray(face) for face in recover(variables, image, noise))


def torch_sides(config: Any, num_threads: int) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, Run]]:
    """A random checkpoint and PyTorch's ways to run it."""
    import torch
    import torch_dfrec

    torch.manual_seed(0)
    torch.set_num_threads(num_threads)
    print(f"torch {torch.__version__} on {torch.get_num_threads()} threads")
    peer = torch_dfrec.Dfrec(config.tirm.width, config.tirm.depth, config.tirm.heads).eval().requires_grad_(False)
    peer.ism.segmentation_head[0].bias.fill_(-4)  # no patch reaches the threshold: rounding cannot flip the split
    checkpoint = {
        entry: {name: tensor.numpy() for name, tensor in module.state_dict().items()}
        for entry, module in peer.entries().items()
    }

    def runner(peer: torch.nn.Module, memory_format: torch.memory_format) -> Run:
        peer = peer.to(memory_format=memory_format)

        def run(image: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, ...]:
            pixels = torch.from_numpy(image).permute(0, 3, 1, 2).contiguous(memory_format=memory_format)
            with torch.inference_mode():
                faces = peer(pixels, torch.from_numpy(noise))
            return tuple(face.permute(0, 2, 3, 1).numpy() for face in faces)

        return run

    return checkpoint, {
        "torch": runner(peer, torch.contiguous_format),
        "torch, channels last": runner(copy.deepcopy(peer), torch.channels_last),
    }


def check_equal(outputs: dict[str, tuple[np.ndarray, ...]]) -> None:
    """Ends the run where a side computes something else than ours."""
    for name, faces in outputs.items():
        for what, got, want in zip(("map", "source", "target"), faces, outputs["ours"], strict=True):
            error = np.linalg.norm(got - want) / np.linalg.norm(want)
            if not error < 1e-3:
                sys.exit(f"{name}: its {what} differs from ours by {error:.1e}")


def seconds(run: Run, image: np.ndarray, noise: np.ndarray) -> float:
    """Of one run, outputs back on the host."""
    start = time.perf_counter()
    run(image, noise)
    return time.perf_counter() - start


def report(batch: int, best: dict[str, float]) -> None:
    """One line a batch size."""
    sides = (f"{name} {1e3 * taken:.0f} ms ({batch / taken:.2f} images/s)" for name, taken in best.items())
    peers = [taken for name, taken in best.items() if name != "ours"]
    ratio = f", ratio {min(peers) / best['ours']:.2f}" if peers else ""
    print(f"batch {batch}: {', '.join(sides)}{ratio}", flush=True)


if __name__ == "__main__":
    main()
