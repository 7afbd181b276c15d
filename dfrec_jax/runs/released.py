"""The published DFREC checkpoint as a workdir, and a workdir of mode 'released' as such a file."""

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import safetensors.numpy
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict
from safetensors import SafetensorError, safe_open

from dfrec_jax.config import defaults, rules
from dfrec_jax.files import json_text
from dfrec_jax.models import dfrec as models
from dfrec_jax.runs import imported_workdir, stored_config, trained
from dfrec_jax.runs.saving import CheckpointWriter
from dfrec_jax.weights import dfrec, digest
from dfrec_jax.weights.coverage import coverage
from dfrec_jax.weights.inverse import restore
from dfrec_jax.weights.published import Shapes, Sizes, published_shapes
from dfrec_jax.weights.readers import read
from dfrec_jax.weights.registry import Release
from dfrec_jax.weights.rules import WeightsError
from dfrec_jax.weights.torch_writer import write_pytorch

NAME = "dfrec-ftm"  # in the registry: the one release that is a DFREC
RETAINED = "retained.safetensors"  # in the workdir: what the file held and the network does not use

Tensors = dict[str, np.ndarray]


class Imported(NamedTuple):
    """A published checkpoint as ours: config, flat variables, unused tensors, layout of the file, counts by entry."""

    config: ConfigDict
    variables: Tensors
    unused: dict[str, Tensors]
    layout: dict[str, Shapes]
    counts: dict[str, str]


def import_checkpoint(source: Path, workdir: Path, release: Release) -> str:
    """Makes `workdir` of the file, ready for `dfrec recover` and evaluate.py; returns what there is to say of it.

    It is there whole or not at all.

    Raises:
      WeightsError: for a file that is no DFREC checkpoint, or a workdir that is there already or cannot be written.
    """
    imported_workdir.check_free(workdir)
    sha256 = digest.check(source, release)
    imported = load(source, release.name)
    unused = {f"{entry}/{name}": value for entry, values in imported.unused.items() for name, value in values.items()}
    metadata = {"source": source.name, "source_sha256": sha256, "layout": json.dumps(imported.layout)}
    with imported_workdir.filled(workdir) as unfinished:
        safetensors.numpy.save_file(unused, unfinished / RETAINED, metadata)
        with CheckpointWriter(unfinished) as checkpoints:
            # Orbax copies NumPy arrays before it writes them, but not those of a device: a gigabyte less on a CPU.
            items = {"variables": jax.tree.map(jax.device_put, unflatten_dict(imported.variables, sep="/"))}
            checkpoints.save(0, items, {"imported": {"source": source.name, "source_sha256": sha256}})
        stored_config.save(unfinished, imported.config)
    counts = "\n".join(f"  {entry}: {count}" for entry, count in imported.counts.items())
    return (
        f"{source} (SHA-256 {sha256}, licence {release.licence})\n{counts}\n"
        f"{workdir}: mode 'released', {sum(value.size for value in imported.variables.values()):,} values; "
        f"{len(unused)} unused tensors are kept in {RETAINED}"
    )


def imported_from(workdir: Path) -> dict[str, str] | None:
    """`source`, the file's name, and `source_sha256`; None of a run of one's own.

    Raises:
      WeightsError: where the file that says so is damaged.
    """
    path = workdir / RETAINED
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.metadata()[name] for name in ("source", "source_sha256")}
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: damaged ({error!r}); import the checkpoint again into another folder") from error


def load(source: Path, name: str) -> Imported:
    """The checkpoint at `source` as our variables.

    Raises:
      WeightsError: for a file that is no DFREC checkpoint, or a tensor that does not fit; names it.
    """
    checkpoint = {entry: _without_module(read(source, entry=entry)) for entry in dfrec.MODULES}
    config: Any = _config_of(_sizes_of(checkpoint, source), name)
    expected = models.variable_shapes(models.build(config), config.image_size)
    counts = {}
    for entry, module in dfrec.MODULES.items():
        own = [path for path in expected if path.split("/")[1] == module]
        counts[entry] = str(coverage(checkpoint[entry], dfrec.dfrec_rules(entry, own), own))
    try:
        variables, unused = dfrec.port_dfrec(checkpoint, expected)
    except WeightsError as error:
        raise WeightsError(f"{source}: {error}") from error
    # Nothing refers to the mapped file from here on, which lets it go: it is as large as the variables.
    variables = {path: value if value.flags.owndata else value.copy() for path, value in variables.items()}
    unused = {
        entry: {name: np.array(value, order="C") for name, value in kept.items()} for entry, kept in unused.items()
    }
    layout = {entry: {name: value.shape for name, value in values.items()} for entry, values in checkpoint.items()}
    return Imported(config, variables, unused, layout, counts)


def _without_module(tensors: Mapping[str, np.ndarray]) -> Tensors:
    return {name.removeprefix("module."): tensor for name, tensor in tensors.items()}


def _sizes_of(checkpoint: Mapping[str, Tensors], source: Path) -> Sizes:
    """The sizes of the network in the file, by the shapes of a few tensors."""
    _, sirm, tirm = (checkpoint[entry] for entry in dfrec.MODULES)
    try:
        convolutions = [sirm[f"Conv{index}.conv.0.weight"] for index in range(1, dfrec.NUM_LEVELS + 2)]
        return Sizes(
            vit_width=tirm["backbone.class_token"].shape[-1],
            vit_depth=_num_blocks(tirm, "backbone.encoder.layers."),
            decoder_width=tirm["mask_token"].shape[-1],
            decoder_depth=_num_blocks(tirm, "decoder.layers."),
            sirm_features=tuple(kernel.shape[0] for kernel in convolutions[:-1]),
            sirm_bottleneck=convolutions[-1].shape[0],
        )
    except KeyError as error:
        raise WeightsError(f"{source}: lacks the tensor {error}, so it is no DFREC checkpoint") from error


def _num_blocks(tensors: Tensors, prefix: str) -> int:
    return len({name.removeprefix(prefix).split(".")[0] for name in tensors if name.startswith(prefix)})


def _config_of(sizes: Sizes, name: str) -> ConfigDict:
    vits = {width: vit for vit, (width, _, _) in defaults.VIT_SIZES.items()}
    if sizes.vit_width not in vits:
        raise WeightsError(
            f"backbone.class_token is {sizes.vit_width} wide; the ViTs of this project are {sorted(vits)}"
        )
    config: Any = defaults.dfrec("released")
    config.name = name
    config.tirm.vit = vits[sizes.vit_width]
    config.tirm.depth = sizes.vit_depth
    config.tirm.decoder_width, config.tirm.decoder_depth = sizes.decoder_width, sizes.decoder_depth
    config.sirm.features, config.sirm.bottleneck = sizes.sirm_features, sizes.sirm_bottleneck
    config.data.bi_share = 0.0  # evaluated on the embedded faces until a data set is named, and these need no BI
    config = defaults.resolve(config)
    rules.validate(config)
    return config


def export_checkpoint(workdir: str | Path, target: Path, which: str = "best") -> str:
    """Writes a workdir of mode 'released' as the authors' file; returns what there is to say of it.

    Raises:
      CheckpointError: where the workdir or the checkpoint is missing.
      WeightsError: for another mode, whose network differs; a size that the published network does not have; a file
        that cannot be written.
    """
    run = trained.load(workdir, which)
    if run.config.mode != "released":
        raise WeightsError(
            f"--workdir={workdir} has mode={run.config.mode!r}, whose network PyTorch's released code cannot hold "
            "(depth, tokens, positions); only mode='released' is exported"
        )
    flat: dict[str, Any] = flatten_dict(run.variables, sep="/")
    variables = {path: np.asarray(value) for path, value in flat.items()}
    retained = _read_retained(Path(workdir))
    layout = retained.layout if retained else published_shapes(_sizes_of_config(run.config))
    write_pytorch(target, _tensors(variables, layout, retained))
    counts = ", ".join(f"{len(shapes)} in {entry}" for entry, shapes in layout.items())
    return f"{target}: step {run.step} of {workdir}: tensors {counts}"


def _tensors(
    variables: Mapping[str, np.ndarray], layout: Mapping[str, Shapes], retained: "_Retained | None"
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Entry, name and values of every tensor of the file, one at a time."""
    for entry, module in dfrec.MODULES.items():
        own = {path: value for path, value in variables.items() if path.split("/")[1] == module}
        if retained:
            unused = retained.unused[entry].__getitem__
        else:
            unused = functools.partial(_unused_values, layout[entry])
        for name, tensor in restore(own, dfrec.dfrec_rules(entry, own), layout[entry], unused):
            yield entry, name, tensor


class _Retained(NamedTuple):
    """What an import kept beside the weights: names and shapes of the file, and its unused tensors."""

    layout: dict[str, Shapes]
    unused: dict[str, Tensors]


def _read_retained(workdir: Path) -> _Retained | None:
    path = workdir / RETAINED
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as file:
            listed = json_text.parsed(file.metadata()["layout"])
        values = safetensors.numpy.load_file(path)
        layout = {entry: {name: tuple(shape) for name, shape in listed[entry].items()} for entry in dfrec.MODULES}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: damaged ({error!r}); import the checkpoint again into another folder") from error
    unused = {
        entry: {name.removeprefix(f"{entry}/"): value for name, value in values.items() if name.startswith(f"{entry}/")}
        for entry in dfrec.MODULES
    }
    return _Retained(layout, unused)


def _sizes_of_config(config: Any) -> Sizes:
    return Sizes(
        vit_width=config.tirm.width,
        vit_depth=config.tirm.depth,
        decoder_width=config.tirm.decoder_width,
        decoder_depth=config.tirm.decoder_depth,
        sirm_features=tuple(config.sirm.features),
        sirm_bottleneck=config.sirm.bottleneck,
        num_patches=defaults.num_patches(config),
        num_kept=defaults.num_kept(config),
        ism_features=config.ism.decoder_features,
        has_classifier=config.ism.classifier,
    )


def _unused_values(shapes: Shapes, name: str) -> np.ndarray:
    """Values for a tensor that nothing uses, of a network that never had any: 0, and 1 where a norm divides."""
    if name.endswith("num_batches_tracked"):
        return np.zeros(shapes[name], np.int64)
    is_scale = name.endswith("running_var") or (name.endswith("weight") and len(shapes[name]) == 1)
    return np.full(shapes[name], 1 if is_scale else 0, np.float32)
