"""What each module of a DFREC costs in a forward pass, counted three ways, and the floors of its time on four devices.

Run:     python benchmarks/modules.py [--config configs/megafs.py] [--rows 8]
Does:    traces the ISM, SIRM, TIRM and the frozen networks of the losses on shapes; nothing is compiled or run, but for
         a second in which this CPU's limits are measured.
Prints:  of each module G operations and MB read and written for an example, as `--dry_run` counts them
         (`training/program_cost.py`); G operations by XLA's cost analysis, which has those on single elements too; of
         the ViT's blocks and VGG-19 what the shapes say by hand; and floors in ms for all rows on H100, H200, TPU v5e
         and this CPU, each the sum of the slower of arithmetic and memory over all that is done.
"""

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import side_by_side
from ml_collections import ConfigDict

from dfrec_jax.config import config_files, defaults
from dfrec_jax.frozen import vgg
from dfrec_jax.frozen.network import ROLES
from dfrec_jax.models import dfrec
from dfrec_jax.training import abstract_step, device_limits, program_cost, will_it_fit

DEVICES = (*device_limits.DEVICES, device_limits.THIS_CPU)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="configs/megafs.py")
    parser.add_argument("--rows", type=int, default=8)
    arguments = parser.parse_args()
    config = defaults.resolve(config_files.config_of("--config", arguments.config))
    limits = {name: device_limits.device_of(name) for name in DEVICES}
    print(f"{arguments.config}, {config.compute_dtype}, {arguments.rows} rows; cpu: {side_by_side.processor()}")
    floors = " | ".join(f"{name}, ms" for name in limits)
    print(f"| module | G operations | by XLA | by hand | MB moved | {floors} |")
    print("|---|" + "---:|" * (4 + len(limits)))
    hand = by_hand(config)
    for name, function, inputs in pieces(config, arguments.rows):
        cost = program_cost.cost_of(jax.make_jaxpr(function)(*inputs))
        said: Any = jax.jit(function).lower(*inputs).cost_analysis()
        fit = will_it_fit.Fit({}, {}, cost, arguments.rows)
        cells = [f"{count / arguments.rows / 1e9:.1f}" for count in (sum(cost.products.values()), said["flops"])]
        cells += [f"{hand[name] / 1e9:.1f}" if name in hand else "-", f"{cost.moved / arguments.rows / 1e6:.0f}"]
        cells += [f"{1e3 * will_it_fit.seconds_of(fit, device)[2]:.2f}" for device in limits.values()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def pieces(config: ConfigDict, rows: int) -> Iterator[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    """Name, function and the shapes that it takes, of each module and frozen network of the losses."""
    model, size, parts = dfrec.build(config), config.image_size, abstract_step.of_config(config)
    variables = parts.state.variables
    image, source_map = (jax.ShapeDtypeStruct((rows, size, size, channels), jnp.float32) for channels in (3, 1))
    noise = jax.ShapeDtypeStruct((rows, (size // config.tirm.patch_size) ** 2), jnp.float32)

    def ism(variables: Any, image: Any) -> Any:
        return model.apply(variables, image, method=lambda network, image: network.ism(image, train=False))

    def sirm(variables: Any, image: Any, source_map: Any) -> Any:
        of = lambda network, *inputs: network.sirm(*inputs, train=False)  # noqa: E731
        return model.apply(variables, source_map * image, image, source_map, method=of)

    def tirm(variables: Any, *inputs: Any) -> Any:
        return model.apply(variables, *inputs, method=lambda network, *inputs: network.tirm(*inputs, None, train=False))

    source = jax.eval_shape(sirm, variables, image, source_map)
    if model.ism is not None:
        yield "ISM", ism, (variables, image)
    yield "SIRM", sirm, (variables, image, source_map)
    yield "TIRM", tirm, (variables, image, source_map, source.target_tokens, noise, source.target_levels)
    landmarks = jax.ShapeDtypeStruct((rows, 5, 2), jnp.float32)
    networks = [getattr(parts.constants, role) for role in ROLES]
    for name, network in {network.name: network for network in networks if network}.items():
        yield name, lambda network, image, landmarks: network(image, landmarks), (network, image, landmarks)


def by_hand(config: ConfigDict) -> dict[str, float]:
    """Operations of an example where the shapes are a line of arithmetic: two for each product that is added up.

    A ViT block multiplies each token by 12 d^2 weights (4 d^2 of attention, 8 d^2 of the MLP) and compares each with
    each twice (2 n^2 d); the encoder has the visible tokens. Patches, tokens of f_t and the way to pixels are not in
    it. Of VGG-19 the zeros about each picture are, which the others leave out.
    """
    tokens, seen = (config.image_size // config.tirm.patch_size) ** 2, defaults.num_kept(config)
    blocks = lambda n, d, depth: depth * 2 * (12 * n * d**2 + 2 * n**2 * d)  # noqa: E731
    vit = blocks(seen, config.tirm.width, config.tirm.depth)
    vit += blocks(tokens, config.tirm.decoder_width, config.tirm.decoder_depth)
    products, before = 0, 3
    for stage, (width, depth) in enumerate(vgg.STAGES):
        products += 9 * (config.image_size // 2**stage) ** 2 * (before + (depth - 1) * width) * width
        before = width
    return {"TIRM": vit, vgg.BLUEPRINT.name: 2 * products}


if __name__ == "__main__":
    main()
