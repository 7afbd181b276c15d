"""`config.json` of a workdir: what a run was started with, and whether another config would go on with the same run."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from dfrec_jax.config import tasks
from dfrec_jax.config.errors import ConfigError, Option
from dfrec_jax.files import json_text, whole
from dfrec_jax.runs.errors import CheckpointError

# Fields in which a resumed run may differ from the one that it continues: none changes what a step computes, but that
# a cosine schedule bends where train.num_steps changes.
FREE_FIELDS = (
    "name",
    "train.num_steps",
    "train.log_every",
    "train.patience",
    "train.skip_nonfinite",
    "train.profile_steps",
    "train.samples_every",
    "checkpoint.every",
    "checkpoint.keep",
    "mesh.data",
    "mesh.fsdp",
    "remat",
    "data.dir",
    "data.num_threads",
    "data.prefetch",
    "data.eval_batch_size",
    "frozen.weights_dir",
)
# Fields that a run fills in from its data where its config leaves them open: open says as much.
FILLED_FIELDS = ("data.crop", "data.margin")


def save(workdir: str | os.PathLike[str], config: ConfigDict) -> None:
    """Writes `config.json`, whole or not at all; `config` is resolved."""
    whole.write_json(Path(workdir) / "config.json", json.loads(config.to_json()), indent=2)


def load(workdir: str | os.PathLike[str]) -> ConfigDict:
    """The config that a run was started with; fields that its task has got since have their defaults.

    Raises:
      CheckpointError: where `workdir` is not the folder of a run.
    """
    path = Path(workdir) / "config.json"
    if not path.is_file():
        raise CheckpointError(
            Option("workdir", workdir), ": there is no config.json in it; name the folder of a training run"
        )
    try:
        content = json_text.parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not JSON ({error}); restore it from a copy") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a config; restore it from a copy")
    try:
        config = ConfigDict(content)
        return tasks.with_added_fields(config)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is not the config of a run ({error}); restore it from a copy") from error


def check_same_run(workdir: str | os.PathLike[str], config: ConfigDict) -> None:
    """Refuses a config that would not go on with the run that `workdir` holds.

    Raises:
      ConfigError: where it differs from `config.json` in a field that changes what is computed.
      CheckpointError: where `config.json` cannot be read.
    """
    before, after = (_flatten(json.loads(each.to_json())) for each in (load(workdir), config))
    changed = [
        f"{field}: {before.get(field)!r} -> {after.get(field)!r}"
        for field in sorted(before.keys() | after.keys())
        if before.get(field) != after.get(field)
        and field not in FREE_FIELDS
        and not (field in FILLED_FIELDS and None in (before.get(field), after.get(field)))
    ]
    if changed:
        raise ConfigError(
            f"{Path(workdir) / 'config.json'} belongs to a run with another config ({'; '.join(changed)}): use another "
            "--workdir, or set these back"
        )


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= _flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
