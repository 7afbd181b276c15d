"""The released DFREC on one image and on a batch: ours against PyTorch in one run.

Run:     python benchmarks/inference.py [--vit l] [--batches 1 8] [--repeats 9] [--threads N] [--compiled]
Does:    image to map, source face and target face, float32, in the released mode; random weights, equal on all sides
         (they go through the rules of the published checkpoint). Each side in a process of its own, by turns, so that a
         busy machine slows all. PyTorch runs eager under inference_mode, once as published (NCHW) and once with
         channels last; with --compiled also through torch.compile, which wants a C++ compiler.
Prints:  for each batch and side the median in ms, the fastest and slowest turn, images/s, and the ratio of each PyTorch
         over ours: above 1, we are faster. Outputs of all sides are compared first; a difference above 1e-3 ends the
         run. Without PyTorch (the `convert` extra) ours alone, and it says so.
"""

import argparse
import functools
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import side_by_side

IMAGE_SIZE = 224
VITS = {"ti": (192, 12, 3), "s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}
SIDES = ("ours", "eager", "channels_last", "compiled")
FACES = ("map", "source", "target")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vit", choices=VITS, default="l", help="l is the released size")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--minutes", type=float, default=6.0, help="for each batch size, after which no turn begins")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="PyTorch's; ours takes all")
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        build = ours if arguments.side == "ours" else theirs
        side_by_side.serve(functools.partial(build, arguments))
        return
    sides = [side for side in SIDES if side != "compiled" or arguments.compiled]
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed: ours alone, no ratio. pip install 'dfrec-jax[convert]' brings it")
        sides = ["ours"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sides) > 1:
            save_checkpoint(arguments.vit, folder)
        print(f"released DFREC, ViT-{arguments.vit.upper()}/16, {IMAGE_SIZE} px; {side_by_side.processor()}")
        for batch in arguments.batches:
            given = [*sys.argv[1:], "--batches", str(batch), "--folder", str(folder)]
            commands = {side: [sys.executable, __file__, *given, "--side", side] for side in sides}
            timings = side_by_side.by_turns(commands, arguments.repeats, 60 * arguments.minutes)
            check_equal({side: folder / f"{side}.npz" for side in sides})
            report(batch, timings)


def given_images(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Images, and the noise of Algorithm 1."""
    rng = np.random.default_rng(0)
    patches = (IMAGE_SIZE // 16) ** 2
    return rng.random((batch, IMAGE_SIZE, IMAGE_SIZE, 3), np.float32), rng.random((batch, patches), np.float32)


def ours(arguments: argparse.Namespace) -> tuple[Callable[[], float], dict[str, Any]]:
    """Our network, with the weights of a checkpoint, or random ones."""
    import jax
    from flax.traverse_util import unflatten_dict

    from dfrec_jax.commands import startup
    from dfrec_jax.config import defaults
    from dfrec_jax.models.dfrec import build, variable_shapes
    from dfrec_jax.weights.dfrec import port_dfrec

    startup.prepare_libraries()
    config = defaults.dfrec("released")
    config.tirm.vit = arguments.vit
    network = build(defaults.resolve(config))
    shapes = variable_shapes(network, IMAGE_SIZE)
    if files := sorted(arguments.folder.glob("checkpoint-*.npz")):
        flat, _ = port_dfrec({file.stem.partition("-")[2]: dict(np.load(file)) for file in files}, shapes)
    else:
        rng = np.random.default_rng(0)
        flat = {path: 0.02 * rng.standard_normal(shape, np.float32) for path, shape in shapes.items()}
        flat = {path: value**2 if path.endswith("/var") else value for path, value in flat.items()}
    variables = jax.device_put(unflatten_dict(flat, sep="/"))

    @jax.jit
    def recover(variables: Any, image: jax.Array, noise: jax.Array) -> tuple[jax.Array, ...]:
        out = network.apply(variables, image, None, train=False, noise=noise)
        return out.source_map, out.source_face, out.target_face

    image, noise = given_images(arguments.batches[0])
    return _timed(
        lambda: tuple(np.asarray(face) for face in recover(variables, image, noise)),
        arguments,
        f"jax {jax.__version__}, {jax.devices()[0].platform}",
    )


def theirs(arguments: argparse.Namespace) -> tuple[Callable[[], float], dict[str, Any]]:
    """PyTorch's."""
    import torch
    import torch_dfrec

    torch.set_num_threads(arguments.threads)
    peer = torch_dfrec.Dfrec(*VITS[arguments.vit]).eval().requires_grad_(False)
    for entry, module in peer.entries().items():
        tensors = np.load(arguments.folder / f"checkpoint-{entry}.npz")
        module.load_state_dict({name: torch.from_numpy(tensors[name]) for name in tensors.files})
    layout = torch.contiguous_format if arguments.side == "eager" else torch.channels_last
    peer = peer.to(memory_format=layout)
    forward = torch.compile(peer) if arguments.side == "compiled" else peer
    image, noise = given_images(arguments.batches[0])

    def run() -> tuple[np.ndarray, ...]:
        pixels = torch.from_numpy(image).permute(0, 3, 1, 2).contiguous(memory_format=layout)
        with torch.inference_mode():
            faces = forward(pixels, torch.from_numpy(noise))[:3]
        return tuple(face.permute(0, 2, 3, 1).numpy() for face in faces)

    return _timed(run, arguments, f"torch {torch.__version__} on {torch.get_num_threads()} threads")


def _timed(
    run: Callable[[], tuple[np.ndarray, ...]], arguments: argparse.Namespace, version: str
) -> tuple[Callable[[], float], dict[str, Any]]:
    np.savez(arguments.folder / f"{arguments.side}.npz", **dict(zip(FACES, run(), strict=True)))
    run()
    return lambda: side_by_side.seconds_of(run), {"version": version}


def save_checkpoint(vit: str, folder: Path) -> None:
    """A random one, in the names of the published: a file for each of its entries."""
    import torch
    import torch_dfrec

    torch.manual_seed(0)
    peer = torch_dfrec.Dfrec(*VITS[vit]).requires_grad_(False)
    peer.ism.segmentation_head[0].bias.fill_(-4)  # no patch reaches the threshold: rounding cannot flip the split
    for entry, module in peer.entries().items():
        tensors = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
        np.savez(folder / f"checkpoint-{entry}.npz", **tensors)


def check_equal(files: dict[str, Path]) -> None:
    """Ends the run where a side computes something else than ours."""
    outputs = {side: np.load(file) for side, file in files.items()}
    for side, faces in outputs.items():
        for what in FACES:
            got, want = faces[what], outputs["ours"][what]
            error = np.linalg.norm(got - want) / np.linalg.norm(want)
            if not error < 1e-3:
                sys.exit(f"{side}: its {what} differs from ours by {error:.1e}")


def report(batch: int, timings: dict[str, side_by_side.Timing]) -> None:
    """A line a side, and the ratios."""
    for side, timing in timings.items():
        ratio = "" if side == "ours" else f", ratio {timing.median / timings['ours'].median:.2f}"
        print(
            f"batch {batch}, {side} ({timing.said['version']}): {1e3 * timing.median:.0f} ms ({timing.spread}; "
            f"{len(timing.seconds)} turns), {batch / timing.median:.2f} images/s{ratio}",
            flush=True,
        )


if __name__ == "__main__":
    main()
