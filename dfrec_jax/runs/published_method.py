"""A compared method's published network as a workdir: a run like any other, at step 0."""

from pathlib import Path

import jax
from flax.traverse_util import unflatten_dict
from ml_collections import ConfigDict

from dfrec_jax.baselines import published
from dfrec_jax.config import compared
from dfrec_jax.files import json_text, whole
from dfrec_jax.runs import imported_workdir, stored_config
from dfrec_jax.runs.saving import CheckpointWriter
from dfrec_jax.weights import conversion, digest
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import WeightsError

TASKS = {"recce-ffpp-c23": "recce", "adm-celeba256": "repaint"}  # by name in the registry
IMPORTED = "imported.json"  # in the workdir: which file it was made of, with its SHA-256
_SIZES = {
    "recce": ("width",),
    "repaint": ("features", "multipliers", "num_blocks", "attention_sides", "head_features"),
}


def make_workdir(source: Path, workdir: Path, release: Release, like: str) -> str:
    """Makes `workdir` of the file, ready for tables; returns what there is to say of it.

    It is there whole or not at all.

    Args:
      source: the published file.
      workdir: to be made.
      release: of the registry, one of `TASKS`.
      like: the workdir of a run beside which it is to stand in tables: its data and the networks of its metrics are
        those of this one too.

    Raises:
      WeightsError: for a file that is not the release's, a workdir that is there already or cannot be written, and
        where `like` is not given.
      CheckpointError: where `like` is no run.
    """
    if not like:
        raise WeightsError(
            f"--workdir={workdir}: say by --like=RUN beside which run {release.name} is to stand in tables; the data "
            "and the networks of metrics are that one's"
        )
    imported_workdir.check_free(workdir)
    sha256 = digest.check(source, release)
    network = published.find(release.name)
    config = _config(release.name, network, stored_config.load(like))
    compared.validate(config)
    variables = conversion.convert(source, release, network.rules, published.expected_shapes(network))
    items = {"variables": {"batch_stats": {}, **jax.tree.map(jax.device_put, unflatten_dict(variables, sep="/"))}}
    said = {"name": release.name, "source": source.name, "source_sha256": sha256}
    with imported_workdir.filled(workdir) as unfinished:
        with CheckpointWriter(unfinished) as checkpoints:
            checkpoints.save(0, items, {"imported": said})
        whole.write_json(unfinished / IMPORTED, said, indent=1)
        stored_config.save(unfinished, config)
    count = sum(value.size for value in variables.values())
    return f"{source} (SHA-256 {sha256}, licence {release.licence})\n{workdir}: task {config.task!r}, {count:,} values"


def imported_from(workdir: Path) -> dict[str, str] | None:
    """`source`, the file's name, and `source_sha256`, which earlier versions did not keep; None of a run of one's own.

    Raises:
      WeightsError: where the note is damaged.
    """
    path = workdir / IMPORTED
    if not path.exists():
        return None
    try:
        said = json_text.parsed(path.read_text(encoding="utf-8"))
        return {"source": str(said["source"])} | {name: str(said[name]) for name in ("source_sha256",) if name in said}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: damaged ({error}); import the network again into another folder") from error


def _config(name: str, network: published.Published, like: ConfigDict) -> ConfigDict:
    config = compared.compared(TASKS[name], like)
    config.name = name
    own = config[config.task]
    own.image_size = network.image_size
    own.update({field: getattr(network.module, field) for field in _SIZES[config.task]})
    return config
