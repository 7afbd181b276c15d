"""The losses' light networks layer by layer on this machine, forward and gradient, ours and PyTorch's.

Run:     python benchmarks/light_layers.py [--batch 16] [--repeats 9]      (needs PyTorch: the `convert` extra)
Does:    the convolutions of MobileFaceNet (faces of 112x112 as recogniser B takes them; A's are 112x96) with their
         BatchNorms, but for the last, over the whole grid, its PReLUs (A has them, B has not), and the convolutions of
         SqueezeNet (96x96) with bias, in float32 with random weights, each by itself: forward, and forward with the
         gradient by what comes in, as the losses need it; no kernel is differentiated by. Each side in a process of
         its own, by turns over all of them; PyTorch with channels last and in NCHW.
Prints:  the median in ms of each, the ratio of PyTorch over ours (above 1, ours is faster), and how often a layer of
         that kind and size stands in the network; last the sum of each network's, by how often they do.
"""

import argparse
import functools
import os
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import side_by_side

SIDES = ("ours", "channels_last", "eager")
GRADIENT = ", gradient"


class Layer(NamedTuple):
    """One kind of layer at one size, `count` times in the network."""

    network: str
    kind: str  # conv and depthwise, each with its BatchNorm; biased: a convolution with bias, without BatchNorm; prelu
    side: int  # of the grid
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    count: int = 1

    @property
    def name(self) -> str:
        """What the table calls it."""
        shape = f"{self.kernel}x{self.kernel}{f' stride {self.stride}' if self.stride > 1 else ''}, "
        width = f"{self.inputs} to {self.outputs}" if self.inputs != self.outputs else f"{self.inputs}"
        words = {"conv": shape, "biased": shape, "depthwise": f"depthwise {shape}", "prelu": "PReLU, "}
        return f"{self.network}: {words[self.kind]}{width}, {self.side}"


MOBILE, SQUEEZE = "MobileFaceNet", "SqueezeNet"
LAYERS = (
    Layer(MOBILE, "conv", 112, 3, 64, 3, stride=2),
    Layer(MOBILE, "depthwise", 56, 64, 64, 3),
    Layer(MOBILE, "conv", 56, 64, 128),
    Layer(MOBILE, "depthwise", 56, 128, 128, 3, stride=2),
    Layer(MOBILE, "conv", 28, 64, 128, count=4),
    Layer(MOBILE, "depthwise", 28, 128, 128, 3, count=4),
    Layer(MOBILE, "conv", 28, 128, 64, count=5),
    Layer(MOBILE, "conv", 28, 64, 256),
    Layer(MOBILE, "depthwise", 28, 256, 256, 3, stride=2),
    Layer(MOBILE, "conv", 14, 128, 256, count=6),
    Layer(MOBILE, "depthwise", 14, 256, 256, 3, count=6),
    Layer(MOBILE, "conv", 14, 256, 128, count=7),
    Layer(MOBILE, "conv", 14, 128, 512),
    Layer(MOBILE, "depthwise", 14, 512, 512, 3, stride=2),
    Layer(MOBILE, "conv", 7, 512, 128),
    Layer(MOBILE, "conv", 7, 128, 256, count=2),
    Layer(MOBILE, "depthwise", 7, 256, 256, 3, count=2),
    Layer(MOBILE, "conv", 7, 256, 128, count=2),
    Layer(MOBILE, "conv", 7, 128, 512),
    Layer(MOBILE, "prelu", 56, 64, 64, count=2),
    Layer(MOBILE, "prelu", 56, 128, 128),
    Layer(MOBILE, "prelu", 28, 128, 128, count=9),
    Layer(MOBILE, "prelu", 28, 256, 256),
    Layer(MOBILE, "prelu", 14, 256, 256, count=13),
    Layer(MOBILE, "prelu", 14, 512, 512),
    Layer(MOBILE, "prelu", 7, 512, 512, count=2),
    Layer(MOBILE, "prelu", 7, 256, 256, count=4),
    Layer(SQUEEZE, "biased", 96, 3, 64, 3, stride=2),
    Layer(SQUEEZE, "biased", 23, 64, 16),
    Layer(SQUEEZE, "biased", 23, 128, 16),
    Layer(SQUEEZE, "biased", 23, 16, 64, count=2),
    Layer(SQUEEZE, "biased", 23, 16, 64, 3, count=2),
    Layer(SQUEEZE, "biased", 11, 128, 32),
    Layer(SQUEEZE, "biased", 11, 256, 32),
    Layer(SQUEEZE, "biased", 11, 32, 128, count=2),
    Layer(SQUEEZE, "biased", 11, 32, 128, 3, count=2),
    Layer(SQUEEZE, "biased", 5, 256, 48),
    Layer(SQUEEZE, "biased", 5, 384, 48),
    Layer(SQUEEZE, "biased", 5, 48, 192, count=2),
    Layer(SQUEEZE, "biased", 5, 48, 192, 3, count=2),
    Layer(SQUEEZE, "biased", 5, 384, 64),
    Layer(SQUEEZE, "biased", 5, 512, 64),
    Layer(SQUEEZE, "biased", 5, 64, 256, count=2),
    Layer(SQUEEZE, "biased", 5, 64, 256, 3, count=2),
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--minutes", type=float, default=5.0, help="after which no turn begins")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        build = ours if arguments.side == "ours" else theirs
        side_by_side.serve(functools.partial(build, arguments))
        return
    commands = {side: [sys.executable, __file__, *sys.argv[1:], "--side", side] for side in SIDES}
    timings = side_by_side.by_turns(commands, arguments.repeats, 60 * arguments.minutes)
    print(f"batch {arguments.batch}; {side_by_side.processor()}")
    print("| what | ours, ms | PyTorch channels last | NCHW | ratio of the faster | in the network |")
    print("|---|---:|---:|---:|---:|---:|")
    sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(SIDES)))
    for layer in LAYERS:
        for suffix in ("", GRADIENT):
            name = layer.name + suffix
            taken = np.array([1e3 * statistics.median(turn[name] for turn in timings[side].seconds) for side in SIDES])
            print_line(name, taken, layer.count)
            sums[layer.network + suffix] += layer.count * taken
    for name, taken in sums.items():
        print_line(f"{name}: all of these", taken, 1)


def print_line(name: str, taken: np.ndarray, count: int) -> None:
    """One row: milliseconds of each side."""
    mine, *others = taken
    print(f"| {name} | {' | '.join(f'{each:.3g}' for each in taken)} | {min(others) / mine:.2f} | {count} |")


def ours(arguments: argparse.Namespace) -> tuple[Callable[[], Any], dict[str, Any]]:
    """The layers that our frozen networks are made of."""
    import jax
    import jax.numpy as jnp

    from dfrec_jax.commands import startup
    from dfrec_jax.frozen.blocks import ConvNorm
    from dfrec_jax.frozen.mobilefacenet import PRelu
    from dfrec_jax.nets.convolution import Conv

    startup.prepare_libraries()
    rng = np.random.default_rng(0)

    def with_gradient(apply: Any, variables: Any, x: jax.Array, given: jax.Array) -> tuple[jax.Array, jax.Array]:
        made, pull_back = jax.vjp(functools.partial(apply, variables), x)
        return made, pull_back(given)[0]

    def run(work: Callable[..., Any], *given: Any) -> None:
        jax.block_until_ready(work(*given))

    found: dict[str, Callable[[], object]] = {}
    for layer in LAYERS:
        kernel, padding = (layer.kernel, layer.kernel), layer.kernel // 2
        if layer.kind == "prelu":
            module: Any = PRelu()
        elif layer.kind == "biased":
            padding = 0 if layer.stride > 1 else padding  # SqueezeNet's first is not padded
            module = Conv(layer.outputs, kernel, (layer.stride, layer.stride), padding=padding)
        else:
            is_depthwise = layer.kind == "depthwise"
            module = ConvNorm(layer.outputs, kernel, layer.stride, (padding, padding), is_depthwise, activation=None)
        x = jnp.asarray(rng.random((arguments.batch, layer.side, layer.side, layer.inputs), np.float32))
        shapes: Any = jax.eval_shape(module.init, jax.random.key(0), x)
        variables = jax.tree.map(lambda leaf: jnp.asarray(0.05 * rng.random(leaf.shape, np.float32)), shapes)
        forward, backward = jax.jit(module.apply), jax.jit(functools.partial(with_gradient, module.apply))
        given = jnp.ones_like(forward(variables, x))
        found[layer.name] = functools.partial(run, forward, variables, x)
        found[layer.name + GRADIENT] = functools.partial(run, backward, variables, x, given)
    return side_by_side.each_of(found), {"version": f"jax {jax.__version__}"}


def theirs(arguments: argparse.Namespace) -> tuple[Callable[[], Any], dict[str, Any]]:
    """PyTorch's."""
    import torch
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layout = torch.contiguous_format if arguments.side == "eager" else torch.channels_last

    def forward(module: nn.Module, x: torch.Tensor) -> None:
        with torch.inference_mode():
            module(x)

    def backward(module: nn.Module, x: torch.Tensor, given: torch.Tensor) -> None:
        torch.autograd.grad(module(x), x, given)

    found: dict[str, Callable[[], object]] = {}
    for layer in LAYERS:
        padding = layer.kernel // 2
        if layer.kind == "prelu":
            module: nn.Module = nn.PReLU(layer.outputs)
        elif layer.kind == "biased":
            padding = 0 if layer.stride > 1 else padding
            module = nn.Conv2d(layer.inputs, layer.outputs, layer.kernel, layer.stride, padding)
        else:
            groups = layer.inputs if layer.kind == "depthwise" else 1
            conv = nn.Conv2d(
                layer.inputs, layer.outputs, layer.kernel, layer.stride, padding, groups=groups, bias=False
            )
            module = nn.Sequential(conv, nn.BatchNorm2d(layer.outputs))
        module = module.eval().requires_grad_(False).to(memory_format=layout)
        x = torch.rand(arguments.batch, layer.inputs, layer.side, layer.side).contiguous(memory_format=layout)
        found[layer.name] = functools.partial(forward, module, x)
        given = torch.ones_like(module(x))
        found[layer.name + GRADIENT] = functools.partial(backward, module, x.clone().requires_grad_(), given)
    return side_by_side.each_of(found), {"version": f"torch {torch.__version__}"}


if __name__ == "__main__":
    main()
