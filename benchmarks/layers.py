"""Where the time of the released DFREC goes on this machine: each module and its kinds of layers, ours and PyTorch's.

Run:     python benchmarks/layers.py [--batch 1] [--vit l] [--repeats 9]      (needs PyTorch: the `convert` extra)
Does:    forward passes in float32 with random weights, each by itself: the three modules, and the layers that they are
         made of, at the sizes at which they stand there. Each side in a process of its own, by turns over all of them;
         PyTorch with channels last and, where that loses, in NCHW.
Prints:  the median in ms of each, the ratio of PyTorch over ours (above 1, ours is faster), and how often a layer of
         that kind and size stands in the network.
"""

import argparse
import functools
import os
import statistics
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import side_by_side

VITS = {"ti": (192, 12, 3), "s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}
SIDES = ("ours", "channels_last", "eager")


class Layer(NamedTuple):
    """One kind of layer at one size, `count` times in the network."""

    name: str
    kind: str  # conv, depthwise, doubling, dense, attention, block
    side: int  # of the grid; tokens for dense and attention
    inputs: int
    outputs: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    count: int = 1


def layers_of(vit: str) -> list[Layer]:
    """Those that take the most arithmetic, and a depthwise convolution of each kind."""
    width, depth, heads = VITS[vit]
    return [
        Layer("ISM: depthwise 3x3, 112", "depthwise", 112, 32, 32),
        Layer("ISM: depthwise 3x3 stride 2, 112", "depthwise", 112, 96, 96, stride=2),
        Layer("ISM: depthwise 5x5, 28", "depthwise", 28, 240, 240, 5),
        Layer("ISM: depthwise 5x5, 14", "depthwise", 14, 672, 672, 5, count=2),
        Layer("ISM: depthwise 5x5 dilation 2, 14", "depthwise", 14, 1152, 1152, 5, dilation=2, count=3),
        Layer("ISM: depthwise 3x3, 56", "depthwise", 56, 304, 304),
        Layer("ISM: 1x1, 16 to 96, 112", "conv", 112, 16, 96, 1),
        Layer("ISM: 1x1, 192 to 1152, 14", "conv", 14, 192, 1152, 1, count=3),
        Layer("ISM: 1x1, 304 to 256, 56", "conv", 56, 304, 256, 1),
        Layer("SIRM: 3x3, 3 to 32, 224", "conv", 224, 3, 32),
        Layer("SIRM: 3x3, 32 to 32, 224", "conv", 224, 32, 32, count=2),
        Layer("SIRM: 3x3, 64 to 32, 224", "conv", 224, 64, 32),
        Layer("SIRM: 3x3, 64 to 64, 112", "conv", 112, 64, 64, count=2),
        Layer("SIRM: 3x3, 128 to 128, 56", "conv", 56, 128, 128, count=2),
        Layer("SIRM: 3x3, 256 to 256, 28", "conv", 28, 256, 256, count=2),
        Layer("SIRM: 3x3, 256 to 1024, 14", "conv", 14, 256, 1024),
        Layer("SIRM: 3x3, 1024 to 1024, 14", "conv", 14, 1024, 1024),
        Layer("SIRM: doubling 3x3, 64 to 32, 112", "doubling", 112, 64, 32),
        Layer("SIRM: doubling 3x3, 512 to 256, 14", "doubling", 14, 512, 256),
        Layer("SIRM: block of 3x3, norms and ReLUs, 32, 224", "block", 224, 32, 32),
        Layer("TIRM: dense, width to 3 widths", "dense", 98, width, 3 * width, count=depth),
        Layer("TIRM: dense, width to 4 widths", "dense", 98, width, 4 * width, count=depth),
        Layer("TIRM: dense, 4 widths to width", "dense", 98, 4 * width, width, count=depth),
        Layer("TIRM: attention", "attention", 98, width, heads, count=depth),
        Layer("TIRM: dense, 512 to 2048, all tokens", "dense", 197, 512, 2048),
    ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vit", choices=VITS, default="l")
    parser.add_argument("--batch", type=int, default=1)
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
    print(f"batch {arguments.batch}, ViT-{arguments.vit.upper()}/16; {side_by_side.processor()}")
    print("| what | ours, ms | PyTorch channels last | NCHW | ratio of the faster | in the network |")
    print("|---|---:|---:|---:|---:|---:|")
    counts = {layer.name: layer.count for layer in layers_of(arguments.vit)}
    for name in timings["ours"].seconds[0]:
        mine, *others = (1e3 * statistics.median(turn[name] for turn in timings[side].seconds) for side in SIDES)
        sides = " | ".join(f"{taken:.3g}" for taken in (mine, *others))
        print(f"| {name} | {sides} | {min(others) / mine:.2f} | {counts.get(name, 1)} |")


def ours(arguments: argparse.Namespace) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Our modules and layers."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    from dfrec_jax.commands import startup
    from dfrec_jax.config import defaults
    from dfrec_jax.models import dfrec
    from dfrec_jax.nets.depthwise import DepthwiseConv
    from dfrec_jax.nets.unet import ConvBlock
    from dfrec_jax.nets.upsample import DoublingConv

    startup.prepare_libraries()
    config = defaults.dfrec("released")
    config.tirm.vit = arguments.vit
    model = dfrec.build(defaults.resolve(config))
    rng, batch = np.random.default_rng(0), arguments.batch
    image = jnp.asarray(rng.random((batch, 224, 224, 3), np.float32))
    key = jax.random.key(0)

    def work(module: nn.Module, *given: Any, **options: Any) -> Callable[[], object]:
        shapes: Any = jax.eval_shape(functools.partial(module.init, key, **options), *given)
        variables = jax.tree.map(lambda leaf: jnp.asarray(0.05 * rng.random(leaf.shape, np.float32)), shapes)
        run = jax.jit(functools.partial(module.apply, **options))
        return lambda: jax.block_until_ready(run(variables, *given))

    tokens = jnp.asarray(rng.random((batch, 98, 196), np.float32))
    noise = jnp.asarray(rng.random((batch, 196), np.float32))
    assert model.ism is not None
    found = {
        "ISM": work(model.ism, image, train=False),
        "SIRM": work(model.sirm, image, train=False),
        "TIRM": work(model.tirm, image, image[..., :1], tokens, noise),
    }
    for layer in layers_of(arguments.vit):
        x = jnp.asarray(rng.random((batch, layer.side, layer.side, layer.inputs), np.float32))
        if layer.kind == "attention":
            query = jnp.asarray(
                rng.random((batch, layer.side, layer.outputs, layer.inputs // layer.outputs), np.float32)
            )
            attend = jax.jit(jax.nn.dot_product_attention)
            found[layer.name] = lambda query=query, attend=attend: jax.block_until_ready(attend(query, query, query))
            continue
        strides, dilation = (layer.stride, layer.stride), (layer.dilation, layer.dilation)
        options = {}
        if layer.kind == "dense":
            x, module = x[:, :, 0], nn.Dense(layer.outputs)
        elif layer.kind == "depthwise":
            module = DepthwiseConv(layer.kernel, layer.stride, layer.dilation)
        elif layer.kind == "doubling":
            module = DoublingConv(layer.outputs)
        elif layer.kind == "block":
            module, options = ConvBlock(layer.outputs), {"train": False}
        else:
            module = nn.Conv(layer.outputs, (layer.kernel, layer.kernel), strides, kernel_dilation=dilation)
        found[layer.name] = work(module, x, **options)
    return side_by_side.each_of(found), {"version": f"jax {jax.__version__}"}


def theirs(arguments: argparse.Namespace) -> tuple[Callable[[], Any], dict[str, Any]]:
    """PyTorch's."""
    import torch
    import torch.nn.functional as F
    import torch_dfrec
    from torch import nn

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    layout = torch.contiguous_format if arguments.side == "eager" else torch.channels_last
    batch = arguments.batch
    peer = torch_dfrec.Dfrec(*VITS[arguments.vit]).eval().requires_grad_(False).to(memory_format=layout)
    image = torch.rand(batch, 3, 224, 224).contiguous(memory_format=layout)
    tokens, noise = torch.rand(batch, 98, 196), torch.rand(batch, 196)

    def work(module: Callable[..., Any], *given: torch.Tensor) -> Callable[[], object]:
        def run() -> None:
            with torch.inference_mode():
                module(*given)

        return run

    found = {
        "ISM": work(peer.ism, image),
        "SIRM": work(peer.sirm, image),
        "TIRM": work(peer.tirm, image, image[:, :1], tokens, noise),
    }
    for layer in layers_of(arguments.vit):
        if layer.kind == "attention":
            query = torch.rand(batch, layer.outputs, layer.side, layer.inputs // layer.outputs)
            found[layer.name] = work(F.scaled_dot_product_attention, query, query, query)
            continue
        if layer.kind == "dense":
            found[layer.name] = work(
                nn.Linear(layer.inputs, layer.outputs), torch.rand(batch, layer.side, layer.inputs)
            )
            continue
        x = torch.rand(batch, layer.inputs, layer.side, layer.side).contiguous(memory_format=layout)
        groups = layer.inputs if layer.kind == "depthwise" else 1
        padding = layer.kernel // 2 * layer.dilation
        module: nn.Module = nn.Conv2d(
            layer.inputs, layer.outputs, layer.kernel, layer.stride, padding, layer.dilation, groups
        )
        if layer.kind == "doubling":
            module = nn.Sequential(nn.Upsample(scale_factor=2), module)
        if layer.kind == "block":
            module = torch_dfrec._ConvBlock(layer.inputs, layer.outputs)
        found[layer.name] = work(module.eval().to(memory_format=layout), x)
    return side_by_side.each_of(found), {"version": f"torch {torch.__version__}"}


if __name__ == "__main__":
    main()
