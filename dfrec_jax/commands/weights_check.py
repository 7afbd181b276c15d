"""What `dfrec weights check` says of a weight file: checksum, tensors, what the network makes of a fixed picture."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from dfrec_jax.baselines import published
from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.frozen import load
from dfrec_jax.frozen.align import ARCFACE_TEMPLATE
from dfrec_jax.frozen.blueprint import Blueprint, expected_shapes
from dfrec_jax.models import dfrec as models
from dfrec_jax.models.efficientnet import EfficientNet
from dfrec_jax.models.mae import MaskedEncoder
from dfrec_jax.nets.patches import patchify
from dfrec_jax.nets.transformer import VitSize
from dfrec_jax.runs import released, shipped, trained
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights import conversion, digest, pretrained, resolution
from dfrec_jax.weights.coverage import coverage
from dfrec_jax.weights.dfrec import imagenet_backbone, mae_encoder
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import Rule, WeightsError

SIDE = 160  # pixels of the fixed picture; 224 where the network takes no other
TOLERANCE = 1e-3  # relative, of the recorded fingerprint

Values = Mapping[str, np.ndarray]
Features = Mapping[str, Any]


class Port(NamedTuple):
    """How one weight file becomes variables; `forward` is None where the file is only a part of a network."""

    rules: tuple[Rule, ...]
    expected: dict[str, tuple[int, ...]]
    forward: Callable[[Values], Features] | None


def report(release: Release, weights_dir: str = "") -> Iterator[str]:
    """The lines of one release, each as soon as it is known.

    Raises:
      WeightsMissing: where the file is not found; nothing is downloaded.
      WeightsError: for the first thing that is wrong with it.
    """
    path = resolution.locate(release, weights_dir, may_download=False)
    yield f"file     {path}"
    sha256 = digest.check(path, release)
    yield f"sha256   {sha256} ({'as the registry says' if release.sha256 else 'the registry knows none'})"
    described, variables, forward = examine(release, path, weights_dir)
    yield f"tensors  {described}"
    if forward is not None:
        with jax.default_matmul_precision("highest"):
            features = forward(variables)
        magnitudes = {name: float(jnp.mean(jnp.abs(value))) for name, value in sorted(features.items())}
        shown = ", ".join(f"{name} {value:.6g}" for name, value in magnitudes.items())
        yield f"forward  {shown} ({_compare(release, magnitudes)})"


def examine(release: Release, path: Path, weights_dir: str = "") -> tuple[str, Values, Callable | None]:
    """Counts of the file's tensors, matched and not; our variables; and the forward pass, where there is one.

    Raises:
      WeightsError: for a file that cannot be read, does not fit, or holds NaN or infinity.
    """
    if release.name == released.NAME:
        imported = released.load(path, release.name)
        counts = "; ".join(f"{entry}: {count}" for entry, count in imported.counts.items())
        return counts, imported.variables, lambda variables: _recover(imported.config, variables)
    if release.comes_with:
        return _of_the_package(release)
    tensors = conversion.read_release(path, release)
    port = _port_of(release, weights_dir)
    if port is None:
        for name, tensor in tensors.items():
            if not np.isfinite(tensor.astype(np.float32)).all():
                raise WeightsError(f"{path}: tensor {name!r} holds NaN or infinity")
        return f"{len(tensors)}, all finite; this project has no rules for them", {}, None
    counted = coverage(tensors, port.rules, port.expected)
    if counted.unmatched or counted.unfilled:
        raise WeightsError(f"{path}: {len(tensors)} tensors: {counted}: a file of another network?")
    variables = conversion.convert(path, release, port.rules, port.expected)
    return f"{len(tensors)}: {counted}", variables, port.forward


def _of_the_package(release: Release) -> tuple[str, Values, Callable | None]:
    try:
        network = trained.load(shipped.folder(release.name))
    except (CheckpointError, ConfigError) as error:
        raise WeightsError(str(error)) from error
    flat: dict[str, Any] = flatten_dict(network.variables, sep="/")
    variables = {name: np.asarray(value) for name, value in flat.items()}
    described = f"{len(variables)}, all of them of the network of step {network.step}"
    return described, variables, lambda variables: _recover(network.config, variables)


def picture(side: int = SIDE) -> jax.Array:
    """Waves of another direction in each channel, in [0, 1]: it has every grey and no licence."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    waves = [np.sin(2 * np.pi * (3 * x + y)), np.sin(2 * np.pi * (2 * y - x)), np.sin(9 * (x * x + y))]
    return jnp.asarray(np.stack(waves, axis=-1) / 2 + 0.5, jnp.float32)[None]


def _port_of(release: Release, weights_dir: str) -> Port | None:
    parts = ((network, part) for network in load.BLUEPRINTS.values() for part in network.parts)
    blueprint, part = next((found for found in parts if found[1].release == release.name), (None, None))
    if blueprint is not None and part is not None:
        expected = expected_shapes(blueprint)
        own = {path: shape for path, shape in expected.items() if re.fullmatch(part.paths, path)}
        is_whole = release.name == blueprint.name
        return Port(part.rules, own, (lambda _: run_frozen(blueprint, weights_dir)) if is_whole else None)
    if release.name in pretrained.BACKBONES:
        return _pretrained_port("ism.initialisation", imagenet_backbone(), EfficientNet(), picture(), train=False)
    if release.name in pretrained.ENCODERS:
        encoder = MaskedEncoder(VitSize(*defaults.VIT_SIZES[release.name.split("-")[2]]))
        return _pretrained_port(
            "tirm.initialisation", mae_encoder(learned_positions=False), encoder, patchify(picture(224), 16)
        )
    if release.name in published.NETWORKS:
        network = published.NETWORKS[release.name]
        return Port(
            network.rules, published.expected_shapes(network), lambda variables: _run_published(network, variables)
        )
    return None


def run_frozen(blueprint: Blueprint, weights_dir: str = "") -> Features:
    """Features of the fixed picture; a network that aligns faces gets landmarks as if one filled the picture."""
    network = load.load_network(blueprint.name, weights_dir=weights_dir, allow_random=False, image_size=SIDE)
    landmarks = jnp.asarray(ARCFACE_TEMPLATE)[None] * (SIDE / 112) if network.needs_landmarks else None
    return jax.jit(lambda network, image: network(image, landmarks))(network, picture())


def _pretrained_port(field: str, rules: tuple[Rule, ...], module: Any, image: jax.Array, **options: Any) -> Port:
    """A part of DFREC by itself, under the paths that it has there."""
    scope = pretrained.SCOPES[field]
    shapes = jax.eval_shape(lambda: module.init(jax.random.key(0), image, **options))
    leaves: dict[str, Any] = flatten_dict(shapes, sep="/")
    expected = {path.replace("/", f"/{scope}", 1): leaf.shape for path, leaf in leaves.items()}

    def forward(variables: Values) -> Features:
        own = unflatten_dict({path.replace(f"/{scope}", "/", 1): value for path, value in variables.items()}, sep="/")
        features = jax.jit(lambda own, image: module.apply(own, image, **options))(own, image)
        return features._asdict() if hasattr(features, "_asdict") else {"tokens": features}

    return Port(rules, expected, forward)


def _run_published(network: published.Published, variables: Values) -> Features:
    """What a compared method's network returns for the fixed picture; of several results under one name, none."""
    run = jax.jit(lambda variables, inputs: network.module.apply(variables, *inputs, train=False))
    output = run(unflatten_dict(dict(variables), sep="/"), network.inputs(picture(network.image_size)))
    return {name: value for name, value in output._asdict().items() if not isinstance(value, tuple)}


def _recover(config: Any, variables: Values) -> Features:
    network = models.build(config)
    keys = jax.random.split(jax.random.key(0), 1)
    output = jax.jit(lambda variables, image: network.apply(variables, image, keys, train=False))(
        unflatten_dict(dict(variables), sep="/"), picture(config.image_size)
    )
    names = ("source_map", "source_face", "target_face", "source_features", "target_features")
    return {name: getattr(output, name) for name in names}


def _compare(release: Release, magnitudes: dict[str, float]) -> str:
    recorded = dict(release.fingerprint)
    wrong = [
        f"{name} {magnitudes.get(name, np.nan):.6g}, recorded {value:.6g}"
        for name, value in recorded.items()
        if not np.isclose(magnitudes.get(name, np.nan), value, rtol=TOLERANCE)
    ]
    if wrong:
        raise WeightsError(f"{release.name}: the forward pass gives other features: {'; '.join(wrong)}")
    return "as recorded" if recorded else "none recorded"
