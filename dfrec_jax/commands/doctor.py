"""`dfrec doctor`: what this machine has for DFREC, what it lacks, and how to get it."""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COLUMNS = 100
PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy")
# What an extra brings that nothing else does, where its own requirement does not say it.
ACCELERATORS = {"cuda": "jax-cuda13-plugin", "tpu": "libtpu"}
DEVICE_FILES = {"cuda": "nvidia[0-9]*", "tpu": "accel*"}


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    words = "devices, versions, weights at hand for each config, caches, extras"
    parser = subparsers.add_parser("doctor", help=words, description=words)
    parser.add_argument("--configs", default="", help="folder of configs, *.py (default: those of the repository)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints what is there; nothing is downloaded."""
    from dfrec_jax.files.cache import CacheError
    from dfrec_jax.weights.rules import WeightsError

    sections = {
        "versions": versions(),
        "settings": settings(),
        "devices": devices(),
        "caches": caches(),
        "extras": extras(),
        "weights": weights(arguments.configs),
    }
    for title, lines in sections.items():
        print(title)
        try:
            for line in lines:
                print(_wrapped(line), flush=True)
        except (CacheError, WeightsError) as error:  # no home folder, and so no cache; a store that does not answer
            print(_wrapped(f"none: {error}"), flush=True)
    return 0


def _wrapped(line: str) -> str:
    """At most `COLUMNS` wide, but for a path or an address that is longer by itself."""
    words = line.lstrip()
    indent = " " * (2 + len(line) - len(words))
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    fits = len(indent) + len(words) <= COLUMNS  # a table's line keeps its spaces
    return (
        indent + words
        if fits
        else textwrap.fill(words, COLUMNS, initial_indent=indent, subsequent_indent=f"{indent}  ", **options)
    )


def versions() -> Iterator[str]:
    """Of this package, of Python, and of the libraries that compute."""
    own = importlib.metadata.version("dfrec-jax")
    yield f"dfrec-jax {own}, Python {platform.python_version()}, {platform.platform()}"
    yield ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)


def settings() -> Iterator[str]:
    """The variables of the environment that change what programs do."""
    prefixes = ("DFREC_", "JAX_", "XLA_", "CUDA_VISIBLE")
    found = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(prefixes)]
    yield from found or ["none of DFREC_*, JAX_*, XLA_* is set"]


def devices() -> Iterator[str]:
    """What JAX computes with, and for each other kind why not."""
    import jax

    from dfrec_jax.commands import startup
    from dfrec_jax.config.errors import ConfigError

    named = os.environ.get("JAX_PLATFORMS", "")
    try:
        startup.check_platforms(named)
        found = jax.devices()
    except (ConfigError, RuntimeError) as error:
        yield f"none: {error}"
        return
    count = f", {os.cpu_count()} processors"
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        count += f", of which this process may use {len(os.sched_getaffinity(0))}"
    yield f"{len(found)} of {found[0].platform}: {found[0].device_kind}{count if found[0].platform == 'cpu' else ''}"
    for kind, package in ACCELERATORS.items():
        if found[0].platform not in (kind, "gpu" if kind == "cuda" else kind):
            yield f"no {kind}: {_why_not(kind, package, named)}"


def _why_not(kind: str, package: str, named: str) -> str:
    has_device = any(Path("/dev").glob(DEVICE_FILES[kind]))
    if not has_device:
        return f"this machine shows none (/dev/{DEVICE_FILES[kind]})"
    if named and kind not in named.split(","):
        return f"JAX_PLATFORMS={named} leaves it out"
    if not _is_installed(package):
        return f"there is one, but {package} is not installed: pip install '.[{kind}]' in the repository"
    return "there is one, and JAX could not use it; TF_CPP_MIN_LOG_LEVEL=0 dfrec doctor shows what it says"


def caches() -> Iterator[str]:
    """Folders that programs fill by themselves, with their sizes."""
    from dfrec_jax.files import cache

    folder = cache.folder()
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    writable = "writable" if nearest.is_dir() and os.access(nearest, os.W_OK) else f"NOT WRITABLE ({nearest})"
    yield f"{folder}: {writable}; DFREC_CACHE names another"
    for name, words in (
        ("weights", "downloaded and imported"),
        ("converted", "weights in our layout"),
        ("staged", "of object stores; DFREC_STAGED_GIB limits it, and what is in use by nobody goes first"),
        ("compiled", "programs; DFREC_COMPILE_CACHE=off keeps none"),
    ):
        size = sum(path.stat().st_size for path in (folder / name).rglob("*") if path.is_file())
        yield f"  {name:<10} {size / 1e6:8.1f} MB  {words}"


def extras() -> Iterator[str]:
    """What may be installed beside, and whether it is."""
    wanted: dict[str, list[str]] = {}
    for requirement in importlib.metadata.requires("dfrec-jax") or ():
        if match := re.match(r"([\w.-]+).*extra == ['\"]([\w-]+)", requirement):
            name, extra = match.groups()
            if extra != "dev":
                wanted.setdefault(extra, []).append(ACCELERATORS.get(extra, name))
    for extra, names in wanted.items():
        missing = [name for name in names if not _is_installed(name)]
        yield f"{extra}: " + (f"no ({', '.join(missing)}); pip install '.[{extra}]'" if missing else "installed")


def weights(folder: str) -> Iterator[str]:
    """For each config of `folder`, which files of others it needs, and which of them are not at hand."""
    from dfrec_jax.weights import registry, resolution

    configs = Path(folder) if folder else Path(__file__).parent.parent.parent / "configs"
    if not configs.is_dir():
        yield f"{configs}: no such folder; configs come with the repository, name theirs with --configs"
        return
    lacking: dict[str, registry.Release] = {}
    for path in sorted(configs.glob("*.py")):
        names = _needed(path)
        missing = [release for release in map(registry.find, names) if not resolution.is_at_hand(release)]
        lacking |= {release.name: release for release in missing}
        words = ", ".join(release.name for release in missing)
        state = f"{len(missing)} of {len(names)} missing: {words}" if missing else "all at hand"
        yield f"{path.name}: {state if names else 'needs none'}"
    published = [name for name, release in lacking.items() if release.url]
    if published:
        yield f"to download them: dfrec weights fetch {' '.join(published)}"
        yield "or fetch them elsewhere (`dfrec weights list` has the addresses): dfrec weights import FILE --as NAME"
    for name, release in lacking.items():
        if not release.url:
            yield f"{name}: {resolution.remedy(release)}"


def _needed(path: Path) -> list[str]:
    """The weight files that a config names, of losses, metrics and first values, each once. Raises ConfigError."""
    from dfrec_jax import perceptors
    from dfrec_jax.config import compared, config_files
    from dfrec_jax.config.defaults import task_of
    from dfrec_jax.frozen import load
    from dfrec_jax.synthetic import encoders

    config = config_files.config_of("--configs", str(path))
    task = task_of(config)
    if task == "attributes":
        return []
    frozen = {config.frozen.metric, config.frozen.distance, config.frozen.detector}
    started_from = [config[task].initialisation] if task in compared.METHODS else []
    if task == "dfrec":
        frozen |= set(perceptors.loss_networks(config).values())
        started_from = [config.ism.initialisation, config.tirm.initialisation]
    wanted = sorted(name for name in frozen if name and name not in encoders.MODULES)
    parts = [part.release for name in wanted for part in load.find_blueprint(name).parts]
    return list(dict.fromkeys([*parts, *filter(None, started_from)]))


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
