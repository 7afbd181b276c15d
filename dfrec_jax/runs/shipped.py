"""The networks that come with the package, by name: `dfrec-small` for photographs, `drawn` for drawn faces."""

import os
from pathlib import Path

from dfrec_jax import networks
from dfrec_jax.config.errors import ConfigError, Option
from dfrec_jax.runs import packed
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights import registry

DRAWN, PHOTOGRAPHS = "drawn", "dfrec-small"
NAMES = (DRAWN, PHOTOGRAPHS)
FOLDER = Path(networks.__file__).parent


def chosen(workdir: str | os.PathLike[str] | None, network: str = "") -> Path:
    """The folder of the network that is meant: of a run, or of one that comes with the package.

    Args:
      workdir: of a run; empty or None for none.
      network: one of `NAMES`; empty with no workdir: `PHOTOGRAPHS`.

    Raises:
      ConfigError: for both, an unknown name, a network that is not there.
      CheckpointError: for one that is not the file of the registry.
    """
    if workdir and network:
        raise ConfigError(Option("network", network), " and ", Option("workdir", workdir), ": name one of the two")
    return Path(workdir) if workdir else folder(network or PHOTOGRAPHS)


def folder(name: str) -> Path:
    """The folder of a network that comes with the package. Raises as `chosen`."""
    if name not in NAMES:
        raise ConfigError(
            Option("network", name), f": must be one of {NAMES}; the folder of a run is named by ", Option("workdir")
        )
    path = FOLDER / name
    if not packed.is_packed(path):
        raise ConfigError(
            f"{name}: its files are missing from this installation: install the package again, or name a ",
            Option("workdir"),
        )
    known, found = registry.find(name).sha256, packed.read_record(path).sha256
    if found != known:
        raise CheckpointError(
            f"{path}: SHA-256 {found}, but the registry says {known}: changed, and not used; install the package again"
        )
    return path


def name_of(workdir: str | os.PathLike[str]) -> str:
    """The name of the network that comes with the package where `workdir` is its folder; else empty."""
    path = Path(workdir)
    return path.name if path.name in NAMES and path.parent == FOLDER else ""
