"""What `dfrec weights check` says of a weight file: checksum, tensors, what the network makes of a fixed picture."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.frozen import load
from dfrec_jax.frozen.align import ARCFACE_TEMPLATE
from dfrec_jax.frozen.blueprint import Blueprint, Part, expected_shapes
from dfrec_jax.weights import conversion, digest, resolution
from dfrec_jax.weights.coverage import coverage
from dfrec_jax.weights.readers import read
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import WeightsError

SIDE = 160  # pixels of the fixed picture
TOLERANCE = 1e-3  # relative, of the recorded fingerprint


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
    yield f"tensors  {describe_tensors(release, path)}"
    blueprint = load.BLUEPRINTS.get(release.name)
    if blueprint is None:
        return
    values = fingerprint(blueprint, weights_dir)
    shown = ", ".join(f"{name} {value:.6g}" for name, value in values.items())
    yield f"forward  {shown} ({_compare(release, values)})"


def describe_tensors(release: Release, path: Path) -> str:
    """Counts of the file's tensors, matched and not; where the project has rules for them, they are applied.

    Raises:
      WeightsError: for a file that cannot be read, does not fit, or holds NaN or infinity.
    """
    tensors = read(path, entry=release.entry, prefix=release.prefix)
    for blueprint, part in _parts_of(release):
        expected = expected_shapes(blueprint)
        own = {path: shape for path, shape in expected.items() if re.fullmatch(part.paths, path)}
        counted = coverage(tensors, part.rules, own)
        if counted.unmatched or counted.unfilled:
            raise WeightsError(f"{path}: {len(tensors)} tensors: {counted}: a file of another network?")
        conversion.convert(path, release, part.rules, own)
        return f"{len(tensors)}: {counted}"
    for name, tensor in tensors.items():
        if not np.isfinite(tensor.astype(np.float32)).all():
            raise WeightsError(f"{path}: tensor {name!r} holds NaN or infinity")
    return f"{len(tensors)}, all finite; this project has no rules for them"


def fingerprint(blueprint: Blueprint, weights_dir: str = "") -> dict[str, float]:
    """Mean magnitude of each feature of the fixed picture, by name."""
    network = load.load_network(blueprint.name, weights_dir=weights_dir, allow_random=False, image_size=SIDE)
    landmarks = jnp.asarray(ARCFACE_TEMPLATE)[None] * (SIDE / 112) if network.needs_landmarks else None
    with jax.default_matmul_precision("highest"):
        features: dict[str, Any] = jax.jit(lambda network, image: network(image, landmarks))(network, picture()[None])
    return {name: float(jnp.mean(jnp.abs(value))) for name, value in sorted(features.items())}


def picture() -> jax.Array:
    """Waves of another direction in each channel, in [0, 1]: it has every grey and no licence."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    waves = [np.sin(2 * np.pi * (3 * x + y)), np.sin(2 * np.pi * (2 * y - x)), np.sin(9 * (x * x + y))]
    return jnp.asarray(np.stack(waves, axis=-1) / 2 + 0.5, jnp.float32)


def _parts_of(release: Release) -> Iterator[tuple[Blueprint, Part]]:
    for blueprint in load.BLUEPRINTS.values():
        for part in blueprint.parts:
            if part.release == release.name:
                yield blueprint, part


def _compare(release: Release, values: dict[str, float]) -> str:
    recorded = dict(release.fingerprint)
    wrong = [
        f"{name} {values.get(name, np.nan):.6g}, recorded {value:.6g}"
        for name, value in recorded.items()
        if not np.isclose(values.get(name, np.nan), value, rtol=TOLERANCE)
    ]
    if wrong:
        raise WeightsError(f"{release.name}: the forward pass gives other features: {'; '.join(wrong)}")
    return "as recorded" if recorded else "none recorded"
