"""A network packed to be passed on: a workdir with one file of variables in the place of checkpoints, and a record.

Parameters are kept in half precision and computed with in single precision; statistics of BatchNorm, whose range is
another, are kept as they are. The record names the SHA-256 of the variables and of `config.json`, and a file with
another one is refused.
"""

import hashlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict
from safetensors import SafetensorError

from dfrec_jax.config.errors import Option
from dfrec_jax.files import json_text, whole
from dfrec_jax.runs import imported_workdir, stored_config
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights.rules import WeightsError

RECORD = "network.json"
CONFIG = "config.json"
_HALVED = "params/"  # what the paths of parameters begin with
_PATHS = ("data.dir", "data.neural_network", "train.initialise", "frozen.weights_dir")  # of somebody's machine


class Record(NamedTuple):
    """What `network.json` says of a packed network.

    Attributes:
      name: by which people call it.
      version: of this network, a number that goes up when it is trained again.
      file: of its variables, beside the record.
      sha256: of that file.
      num_bytes: its size.
      config: the config's name.
      config_sha256: of `config.json` beside it.
      seed: of training.
      step: of the checkpoint.
      examples: that training had seen by then.
      averaged: whether these are the averages of parameters that `optimizer.ema` asks for.
      commit: of the code that trained it.
      data: what it was trained on, in words.
      data_digest: of the training data: of the records, or of the first drawn examples.
      losses: the networks that taught it, each with its licence.
      licence: of the variables.
      half_precision: how far its outputs are from those of the variables before they were packed.
    """

    name: str
    version: int
    file: str
    sha256: str
    num_bytes: int
    config: str
    config_sha256: str
    seed: int
    step: int
    examples: int
    averaged: bool
    commit: str
    data: str
    data_digest: str
    losses: Mapping[str, str]
    licence: str
    half_precision: Mapping[str, Any]


class Said(NamedTuple):
    """What whoever packs a network says of it; fields as those of `Record`."""

    name: str
    version: int
    commit: str
    data: str
    data_digest: str
    losses: Mapping[str, str]
    licence: str


def is_packed(workdir: str | os.PathLike[str]) -> bool:
    """Whether the folder holds a packed network."""
    return (Path(workdir) / RECORD).is_file()


def read_record(workdir: str | os.PathLike[str]) -> Record:
    """The record of a packed network.

    Raises:
      CheckpointError: where it is damaged, or `config.json` or the variables are not those that it names.
    """
    folder = Path(workdir)
    try:
        said = json_text.parsed((folder / RECORD).read_text(encoding="utf-8"))
        record = Record(**said)
        named = {folder / Path(record.file).name: record.sha256, folder / CONFIG: record.config_sha256}
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder / RECORD}: damaged ({error}); get the folder again") from error
    for path, expected in named.items():
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read ({error.strerror}); get the folder again") from error
        if found != expected:
            raise CheckpointError(
                f"{path}: SHA-256 {found}, but {RECORD} beside it says {expected}: changed or damaged, and not used; "
                "get the folder again"
            )
    return record


def choose(record: Record, which: str) -> int:
    """The step that `which` means, as `Checkpoints.choose`. Raises CheckpointError for another than the network's."""
    if which not in ("best", "newest", str(record.step)):
        raise CheckpointError(
            Option("checkpoint", which, "which"),
            f": the packed network {record.name} is of step {record.step} alone",
        )
    return record.step


def restore(workdir: str | os.PathLike[str], which: str, abstract_variables: Any) -> tuple[int, Any]:
    """Step and variables of a packed network, in single precision.

    Args:
      workdir: its folder.
      which: `best`, `newest`, or its step; there is one.
      abstract_variables: shapes, dtypes and shardings of the variables.

    Raises:
      CheckpointError: as `read_record`, for another step, and for variables of another network.
    """
    record = read_record(workdir)
    choose(record, which)
    path = Path(workdir) / Path(record.file).name
    try:
        tensors = safetensors.numpy.load_file(path)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: is no file of variables ({error})") from error
    wanted: dict[str, Any] = flatten_dict(abstract_variables, sep="/")
    for name in sorted(wanted.keys() | tensors.keys()):
        here, there = tensors.get(name), wanted.get(name)
        if here is None or there is None or here.shape != there.shape:
            raise CheckpointError(
                f"{path}: {name} is {None if here is None else here.shape} there and "
                f"{None if there is None else there.shape} in the network of {CONFIG}: of another network"
            )
    placed = {
        name: jax.device_put(tensors[name].astype(leaf.dtype), getattr(leaf, "sharding", None))
        for name, leaf in wanted.items()
    }
    return record.step, unflatten_dict(placed, sep="/")


def halved(variables: Any) -> dict[str, np.ndarray]:
    """The variables as they are packed, {path: array}: parameters in half precision.

    Raises:
      WeightsError: for a parameter that half precision has no number for.
    """
    flat: dict[str, Any] = flatten_dict(variables, sep="/")
    tensors = {path: np.asarray(value) for path, value in flat.items()}
    for path, value in tensors.items():
        if not path.startswith(_HALVED):
            continue
        with np.errstate(over="ignore"):
            tensors[path] = value.astype(np.float16)
        if not np.isfinite(tensors[path]).all():
            raise WeightsError(
                f"{path}: holds {np.abs(value).max():.4g}, or no number, and half precision ends at "
                f"{np.finfo(np.float16).max:.4g}; such a network cannot be packed"
            )
    return tensors


def unpacked(tensors: Mapping[str, np.ndarray]) -> Any:
    """The variables that a packed file gives, as a tree in single precision."""
    return unflatten_dict({path: jnp.asarray(value, jnp.float32) for path, value in tensors.items()}, sep="/")


def write(
    folder: Path,
    config: ConfigDict,
    step: int,
    tensors: Mapping[str, np.ndarray],
    said: Said,
    half_precision: Mapping[str, Any],
) -> Record:
    """Makes `folder` a packed network: whole or not at all, and never over anything.

    Args:
      folder: to be made.
      config: of the run; of paths on this machine only the last name is kept.
      step: of the checkpoint.
      tensors: of `halved`.
      said: of it.
      half_precision: see `Record`.

    Raises:
      WeightsError: where the folder is there already or cannot be written.
    """
    imported_workdir.check_free(folder)
    config = without_paths(config)
    file = f"{said.name}.safetensors"
    words = (
        f"{said.name}, version {said.version}, step {step}"  # one field: several come in any order, with other bytes
    )
    data = safetensors.numpy.save(dict(tensors), {"network": words})
    with imported_workdir.filled(folder) as unfinished:
        (unfinished / file).write_bytes(data)
        stored_config.save(unfinished, config)
        record = Record(
            file=file,
            sha256=hashlib.sha256(data).hexdigest(),
            num_bytes=len(data),
            config=config.name,
            config_sha256=hashlib.sha256((unfinished / CONFIG).read_bytes()).hexdigest(),
            seed=config.seed,
            step=step,
            examples=step * config.train.batch_size,
            averaged=config.optimizer.ema > 0,
            half_precision=half_precision,
            **said._asdict(),
        )
        whole.write_json(unfinished / RECORD, record._asdict(), indent=1)
    return record


def without_paths(config: ConfigDict) -> ConfigDict:
    """The config with the last name alone of each path in it: `data.dir` of /home/me/LFW,triplets:/home/me/DFDC is
    LFW,triplets:DFDC."""
    config = config.copy_and_resolve_references()
    for field in _PATHS:
        section, _, name = field.partition(".")
        config[section][name] = ",".join(_last_name(part.strip()) for part in config[section][name].split(","))
    return config


def _last_name(part: str) -> str:
    kind, colon, path = part.partition(":")
    has_kind = bool(colon) and not path.startswith("//")  # triplets:DIR, and no address
    return f"{kind}:{Path(path).name}" if has_kind else Path(part).name


def size_in_words(num_bytes: int) -> str:
    """In MiB, to the second place, rounded up."""
    return f"{math.ceil(num_bytes / 2**20 * 100) / 100:.2f} MiB"
