"""Starting weights: pretrained encoders of others where the config names them, or a whole network of this project."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.runs import released, shipped, trained
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.training.state import TrainState, started_from
from dfrec_jax.weights.pretrained import load_pretrained
from dfrec_jax.weights.rules import WeightsError

MODULES = ("ism", "tirm")
# Fields that decide what the variables mean and do not show in their shapes; all others may differ where shapes agree.
SAME_FIELDS = (
    "mode",
    "ism.rates",
    "ism.imagenet_norm",
    "tirm.fusion",
    "tirm.heads",
    "tirm.decoder_heads",
    "tirm.imagenet_norm",
)
SHOWN = 5  # differences that a message lists


def initialise(state: TrainState, config: ConfigDict) -> TrainState:
    """A fresh state with starting weights in place of random ones: step 0, and nothing else is changed.

    Those of `train.initialise`, parameters and BatchNorm statistics, or of `ism.initialisation` and
    `tirm.initialisation`.

    Raises:
      ConfigError: for a network of `train.initialise` that cannot be read or does not fit; names the difference.
      WeightsError: for a name that does not fit, a file that is not at hand, or one of another size than the network.
    """
    variables = {"params": state.params, "batch_stats": state.batch_stats}
    flat: dict[str, Any] = flatten_dict(variables, sep="/")
    shapes = {path: leaf.shape for path, leaf in flat.items()}
    loaded = variables_of_network(config, shapes) if config.train.initialise else {}
    for module in MODULES:
        if name := config[module].initialisation:
            field = f"{module}.initialisation"
            loaded |= load_pretrained(field, name, shapes, weights_dir=config.frozen.weights_dir)
    flat |= {path: jax.device_put(value, flat[path].sharding) for path, value in loaded.items()}
    return started_from(state, unflatten_dict(flat, sep="/"))


def variables_of_network(config: ConfigDict, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The variables of the network `train.initialise`, less those of `train.initialise_fresh`.

    Args:
      config: of the run that is to start; resolved.
      shapes: path and shape of every variable of its network.

    Returns:
      {path: array}, a value for each path of `shapes` that does not begin anew.

    Raises:
      ConfigError: where the network cannot be read, or differs; the message names what differs.
    """
    given, given_config = _read(config.train.initialise)
    prefix = f"train.initialise={config.train.initialise}"
    scopes = tuple(scope.strip() for scope in config.train.initialise_fresh.split(",") if scope.strip())
    for scope in scopes:
        if not any(_is_within(path, (scope,)) for path in shapes):
            parts = sorted({"/".join(path.split("/")[1:3]) for path in shapes})
            raise ConfigError(f"train.initialise_fresh: {scope!r} is no part of the network; parts are {parts}")
    differences = [
        f"{field}={config_value!r} here and {given_value!r} there"
        for field in SAME_FIELDS
        if (config_value := _value(config, field)) != (given_value := _value(given_config, field))
    ]
    for path in sorted(shapes.keys() | given.keys()):
        if _is_within(path, scopes):
            continue
        if path not in given or path not in shapes:
            differences.append(f"{path} is only {'here' if path in shapes else 'there'}")
        elif tuple(given[path].shape) != tuple(shapes[path]):
            differences.append(f"{path} is {tuple(shapes[path])} here and {tuple(given[path].shape)} there")
    if differences:
        more = f"; and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
        raise ConfigError(
            f"{prefix}: that network is another one: {'; '.join(differences[:SHOWN])}{more}. Set the config to it; a "
            "part that is to begin anew, such as a new head, is named by "
            "--config.train.initialise_fresh=ism/classification_head"
        )
    return {path: given[path] for path in shapes if not _is_within(path, scopes)}


def _read(name: str) -> tuple[dict[str, np.ndarray], ConfigDict]:
    """Variables by their paths, and the config, of a workdir (its best checkpoint, or `WORKDIR/checkpoints/STEP`), of
    a file that `dfrec weights export` wrote, or of a network that comes with the package."""
    path = Path(name)
    if name in shipped.NAMES:
        if path.exists():
            raise ConfigError(
                f"train.initialise={name}: is a network that comes with the package, and something here too; for that "
                f"write ./{name}, for the network run it elsewhere"
            )
        path = _shipped_folder(name)
    which, workdir = "best", path
    if path.parent.name == "checkpoints":
        which, workdir = path.name, path.parent.parent
    try:
        if path.is_file():
            imported = released.load(path, path.stem)
            return imported.variables, imported.config
        if not path.is_dir():
            raise ConfigError(
                f"train.initialise={name}: is not there; name a workdir, WORKDIR/checkpoints/STEP, a file that "
                f"`dfrec weights export` wrote, or a network that comes with the package, one of {shipped.NAMES}"
            )
        network = trained.load(workdir, which)
    except (CheckpointError, WeightsError) as error:
        raise ConfigError(f"train.initialise={name}: {error}") from error
    flat: dict[str, Any] = flatten_dict(network.variables, sep="/")
    return {key: np.asarray(value) for key, value in flat.items()}, network.config


def _shipped_folder(name: str) -> Path:
    try:
        return shipped.folder(name)
    except (CheckpointError, ConfigError) as error:
        raise ConfigError(f"train.initialise={name}: {error}") from error


def _is_within(path: str, scopes: tuple[str, ...]) -> bool:
    """Whether a variable (`params/ism/...`) belongs to one of the parts `scopes` (`ism/...`)."""
    inner = path.split("/", 1)[1]
    return any(inner == scope or inner.startswith(f"{scope}/") for scope in scopes)


def _value(config: ConfigDict, field: str) -> Any:
    section, _, name = field.rpartition(".")
    value = config[section][name] if section else config[name]
    return list(value) if isinstance(value, tuple) else value
