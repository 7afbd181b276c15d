"""Foreign weight files as our variables, converted once and then read from the cache.

A converted file is named by the SHA-256 of its source and by a fingerprint of the rules and of our shapes, so a change
of either is a new conversion, never a stale one.
"""

import functools
import hashlib
import inspect
import logging
import marshal
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from dfrec_jax.files import cache
from dfrec_jax.weights import digest, registry
from dfrec_jax.weights.readers import read
from dfrec_jax.weights.resolution import locate
from dfrec_jax.weights.rules import Rule, WeightsError, port


def load_variables(
    name: str, rules: Iterable[Rule], expected: Mapping[str, tuple[int, ...]], *, weights_dir: str = ""
) -> dict[str, np.ndarray]:
    """The variables of the network called `name` in the registry, from its published file.

    Args:
      name: a key of `registry.RELEASES`.
      rules: how its tensors become ours (`rules.port`).
      expected: path and shape of each of our variables (`rules.port`).
      weights_dir: the folder that is searched first (`resolution.locate`).

    Returns:
      {path: float32 array}, exactly the paths of `expected`.

    Raises:
      WeightsMissing: where the file is nowhere and cannot be downloaded.
      WeightsError: for an unknown name; a file of another checksum than the registry's; a file that cannot be read; a
        tensor that does not fit, is not finite or is left over. The message names the file and the tensor.
    """
    release = registry.find(name)
    return convert(locate(release, weights_dir), release, tuple(rules), expected)


def convert(
    path: Path, release: registry.Release, rules: tuple[Rule, ...], expected: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """As `load_variables`, from the file at `path`."""
    source = digest.check(path, release)
    key = f"{release.name}-{source[:16]}-{fingerprint(rules, expected)}"
    cached = cache.folder() / "converted" / f"{key}.safetensors"
    if cached.is_file():
        try:
            variables = safetensors.numpy.load_file(cached)
            if {key: value.shape for key, value in variables.items()} == {k: tuple(v) for k, v in expected.items()}:
                return variables
        except (SafetensorError, OSError) as error:
            logging.warning("%s is damaged and is made again: %s", cached, error)
    try:
        variables = port(read_release(path, release), rules, expected)
    except WeightsError as error:
        raise WeightsError(f"{release.name}: {error}" if str(path) in str(error) else f"{path}: {error}") from error
    metadata = {"source_sha256": source}
    digest.write_to_cache(cached, lambda file: safetensors.numpy.save_file(variables, file, metadata))
    return variables


def read_release(path: Path, release: registry.Release) -> dict[str, np.ndarray]:
    """The tensors of the release's file at `path`, by their foreign names.

    Raises:
      WeightsError: as `readers.read`.
    """
    try:
        return read(path, entry=release.entry, prefix=release.prefix)
    except WeightsError:
        if not release.may_be_bare:
            raise
        return read(path, prefix=release.prefix)


def fingerprint(rules: Iterable[Rule], expected: Mapping[str, tuple[int, ...]]) -> str:
    """Sixteen hex digits that change with any rule, its functions' code, or any of our shapes."""
    parts = [
        (rule.source, rule.target, _describe(rule.layout), None if rule.split is None else _describe(rule.split))
        for rule in rules
    ]
    shapes = sorted((path, tuple(shape)) for path, shape in expected.items())
    return hashlib.sha256(repr((parts, shapes)).encode()).hexdigest()[:16]


def _describe(function: Callable[..., Any]) -> str:
    if isinstance(function, functools.partial):
        return f"{_describe(function.func)} {function.args} {function.keywords}"
    function = inspect.unwrap(function)
    code = marshal.dumps(function.__code__, 2) if hasattr(function, "__code__") else b""
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    captured = [_describe(cell) if callable(cell) else repr(cell) for cell in cells]
    return f"{getattr(function, '__qualname__', function)} {hashlib.sha256(code).hexdigest()} {captured}"
