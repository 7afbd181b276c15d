"""Where the time of a training step goes: its parts by themselves, ours and PyTorch's.

Run:     python benchmarks/step_parts.py [--size small] [--batch 4] [--repeats 5]      (needs PyTorch: `convert`)
Does:    float32, random weights, as in `benchmarks/train_step.py`: each module forward and backward to its parameters,
         each frozen network on the references (forward) and on recovered faces (forward, and the gradient by the
         picture), and AdamW. Each side in a process of its own, by turns; PyTorch eager, with channels last. Parts are
         compiled by themselves, so that they need not add up to the step.
Prints:  the median in ms of each part, ours and PyTorch's, and PyTorch / ours: above 1, ours is faster.
"""

import argparse
import functools
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import side_by_side
import train_step

SIDES = ("ours", "torch")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=train_step.SIZES, default="small")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=5.0, help="after which no turn begins")
    parser.add_argument("--cpu", action="store_true", help="seconds of CPU of all threads: for a busy machine")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side_by_side.serve(functools.partial(ours if arguments.side == "ours" else theirs, arguments))
        return
    os.environ.setdefault("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")
    commands = {side: [sys.executable, __file__, *sys.argv[1:], "--side", side] for side in SIDES}
    timings = side_by_side.by_turns(commands, arguments.repeats, 60 * arguments.minutes)
    clock = "; CPU time" if arguments.cpu else ""
    print(f"{arguments.size}, batch {arguments.batch}; {side_by_side.processor()}{clock}")
    print("| part | ours, ms | PyTorch | PyTorch / ours |\n|---|---:|---:|---:|")
    for name in timings["ours"].seconds[0]:
        mine, other = (1e3 * statistics.median(turn[name] for turn in timings[side].seconds) for side in SIDES)
        print(f"| {name} | {mine:.0f} | {other:.0f} | {other / mine:.2f} |")


def ours(arguments: argparse.Namespace) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Our parts."""
    import jax
    import jax.numpy as jnp
    import optax

    from dfrec_jax.commands import startup
    from dfrec_jax.frozen import blueprint, load
    from dfrec_jax.models import dfrec
    from dfrec_jax.training import memory, state
    from dfrec_jax.training.step import compiler_options

    memory.keep_freed()
    startup.prepare_libraries()
    config = train_step.config_of(arguments.size, arguments.batch, "float32", remat=False)
    model, rng, key = dfrec.build(config), np.random.default_rng(0), jax.random.key(0)
    pixels, batch = config.image_size, arguments.batch
    patches = (pixels // 16) ** 2
    image = jnp.asarray(rng.random((batch, pixels, pixels, 3), np.float32))
    compiled = functools.partial(jax.jit, compiler_options=compiler_options())

    def random_like(shapes: Any) -> Any:
        return jax.tree.map(lambda leaf: jnp.asarray(0.05 * rng.random(leaf.shape, np.float32)), shapes)

    found: dict[str, Callable[[], object]] = {}

    def add(name: str, function: Callable[..., Any], *given: Any) -> None:
        run = compiled(function)
        found[name] = lambda: jax.block_until_ready(run(*given))

    parts = {
        "ISM": (model.ism, (image,), {"train": True}, lambda out: out.source_map),
        "SIRM": (model.sirm, (image,), {"train": True}, lambda out: (out.source_face, out.target_tokens)),
        "TIRM": (
            model.tirm,
            (image, image[..., :1], jnp.asarray(rng.random((batch, (patches + 1) // 2, patches), np.float32)),
             jnp.asarray(rng.random((batch, patches), np.float32))),
            {},
            lambda out: out.target_face,
        ),
    }  # fmt: skip
    everything = {}
    for name, (module, given, options, outputs) in parts.items():
        shapes: Any = jax.eval_shape(
            lambda *given, module=module, options=options: module.init(
                {"params": key, "dropout": key}, *given, **options
            ),
            *given,
        )
        variables = random_like(shapes)
        everything[name] = variables["params"]

        def loss(params, statistics, given, module=module, options=options, outputs=outputs):  # noqa: ANN001, ANN202
            out, updated = module.apply(
                {"params": params, **statistics}, *given, rngs={"dropout": key}, mutable=["batch_stats"], **options
            )
            return sum(jnp.mean(jnp.square(leaf)) for leaf in jax.tree.leaves(outputs(out))), updated

        rest = {kind: value for kind, value in variables.items() if kind != "params"}
        add(f"{name}, forward and backward", jax.grad(loss, has_aux=True), variables["params"], rest, given)

    faces = jnp.concatenate([image, image])
    names = {"FaceNet": "facenet-vggface2", "VGG-19": "vgg19-imagenet", "attributes": "attributes-resnet50"}
    for name, release in names.items():
        network = blueprint.from_random(load.find_blueprint(release))
        seen = image if name == "attributes" else faces

        def taps(variables, images, network=network):  # noqa: ANN001, ANN202
            outputs = network.apply(variables, images, None)
            return [outputs[tap] for role in network.taps.values() for tap in role]

        def distance(images, variables, taps=taps):  # noqa: ANN001, ANN202
            return sum(jnp.mean(jnp.square(tap)) for tap in taps(variables, images))

        add(f"{name}, references", taps, network.variables, seen)
        add(f"{name}, recovered faces with gradient", jax.grad(distance), seen, network.variables)
    optimizer = state.make_optimizer(config)

    def update(params, opt_state):  # noqa: ANN001, ANN202
        updates, opt_state = optimizer.update(params, opt_state, params)
        return optax.apply_updates(params, updates), opt_state

    own = jax.tree.map(jnp.copy, everything)  # the step takes what it is given, and the parts above keep theirs
    step, kept = compiled(update, donate_argnums=(0, 1)), [own, optimizer.init(own)]

    def optimise() -> None:
        kept[:] = jax.block_until_ready(step(*kept))

    found["AdamW"] = optimise
    return side_by_side.each_of(found, time.process_time if arguments.cpu else time.perf_counter), {}


def theirs(arguments: argparse.Namespace) -> tuple[Callable[[], Any], dict[str, Any]]:
    """PyTorch's."""
    import torch
    import torch_peer
    from torch import nn

    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    config = train_step.config_of(arguments.size, arguments.batch, "float32", remat=False)
    peer = torch_peer.Peer(config.tirm.width, config.tirm.depth, config.tirm.heads, config.image_size)
    peer = peer.to(memory_format=torch.channels_last).train()
    network, frozen, pixels, batch = peer.network, peer.frozen, config.image_size, arguments.batch
    patches = (pixels // 16) ** 2
    image = torch.rand(batch, 3, pixels, pixels).contiguous(memory_format=torch.channels_last)
    tokens, noise = torch.rand(batch, (patches + 1) // 2, patches), torch.rand(batch, patches)

    def backward(module: nn.Module, *given: torch.Tensor) -> Callable[[], None]:
        def run() -> None:
            out = module(*given)
            leaves = [out] if isinstance(out, torch.Tensor) else [leaf for leaf in out if leaf.requires_grad]
            sum(leaf.square().mean() for leaf in leaves).backward()
            module.zero_grad(set_to_none=True)

        return run

    found = {
        "ISM, forward and backward": backward(network.ism, image),
        "SIRM, forward and backward": backward(network.sirm, image),
        "TIRM, forward and backward": backward(network.tirm, image, image[:, :1], tokens, noise),
    }
    faces = torch.cat([image, image])
    normalised = (faces - frozen.mean) / frozen.std
    inputs = {
        "FaceNet": (frozen.identity, lambda: torch_peer._resized(faces, torch_peer.FACENET_SIZE)),
        "VGG-19": (frozen.perceptual, lambda: normalised),
        "attributes": (frozen.attributes, lambda: torch_peer._resized(normalised[:batch], torch_peer.ATTRIBUTES_SIZE)),
    }
    for name, (module, given) in inputs.items():

        def references(module=module, given=given) -> None:  # noqa: ANN001
            with torch.no_grad():
                module(given())

        def gradient(module=module, given=given) -> None:  # noqa: ANN001
            seen = given().detach().requires_grad_()
            out = module(seen)
            sum(tap.square().mean() for tap in ([out] if isinstance(out, torch.Tensor) else out)).backward()

        found[f"{name}, references"] = references
        found[f"{name}, recovered faces with gradient"] = gradient
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=1e-5, fused=True)

    def optimise() -> None:
        for parameter in network.parameters():
            parameter.grad = parameter.data
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    found["AdamW"] = optimise
    return side_by_side.each_of(found, time.process_time if arguments.cpu else time.perf_counter), {}


if __name__ == "__main__":
    main()
