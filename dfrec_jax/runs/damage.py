"""Why a checkpoint could not be restored: torn files, another tree than was asked for, or neither of the two."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from dfrec_jax.files import json_text
from dfrec_jax.runs.errors import CheckpointError, TornError

# How tensorstore begins its message where the bytes are wrong; with an errno it is the file system that failed.
_DAMAGED = ("DATA_LOSS", "OUT_OF_RANGE", "FAILED_PRECONDITION", "NOT_FOUND")
_NUM_SHOWN = 4  # differences


def explain(folder: Path, abstract_items: Mapping[str, Any], error: Exception) -> CheckpointError:
    """What to raise for `error`, which a restore of the items at `folder` ended with.

    The files are read again with the shapes that they have themselves, into the memory of the host: only what cannot be
    read so is torn.
    """
    try:
        for name, abstract in abstract_items.items():
            _check_item(folder, name, abstract)
        _read_json(folder / "meta" / "metadata")
    except CheckpointError as found:
        return found
    return CheckpointError(f"{folder} is whole, but could not be restored: {_words(error)}")


def _check_item(folder: Path, name: str, abstract: Any) -> None:
    path: Any = folder / name  # orbax asks for a class of paths of its own, and takes any
    if not path.is_dir():
        saved = _read_json(folder / "_CHECKPOINT_METADATA").get("item_handlers") or {}
        if name in saved:
            raise TornError(f"{folder} is damaged: its `{name}` is missing")
        reason = ": an imported network is evaluated, not trained further" if name == "training" else ""
        raise CheckpointError(f"{folder} was saved without `{name}`, with {sorted(saved)} alone{reason}")
    for file in (path / "_METADATA", *sorted((path / "array_metadatas").glob("*"))):
        _read_json(file)
    stored = _read(path, lambda: ocp.StandardCheckpointHandler().metadata(path).tree)
    if not all(hasattr(leaf, "dtype") and hasattr(leaf, "shape") for leaf in jax.tree.leaves(stored)):
        raise TornError(f"{path} is damaged: its _METADATA says of an array that it is none")
    before, now = _shapes(stored), _shapes(abstract)
    if differences := _differences(before, now):
        if name == "training" and _averaged_parameters_alone(before, now):
            raise CheckpointError(
                f"{folder} is of a version that averaged parameters alone (optimizer.ema); now BatchNorm's statistics "
                "are averaged with them. It is evaluated and recovered with as it is, but trained further only by that "
                "version; to train with this one, begin anew in another --workdir"
            )
        more = f"; and {len(differences) - _NUM_SHOWN} more" if len(differences) > _NUM_SHOWN else ""
        raise CheckpointError(
            f"{path} holds another tree than this code makes of the config ({'; '.join(differences[:_NUM_SHOWN])}"
            f"{more}): use the version of DFREC-JAX that saved it, or another --workdir"
        )
    as_arrays = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), stored)
    _read(
        path, lambda: ocp.PyTreeCheckpointHandler().restore(path, args=ocp.args.PyTreeRestore(restore_args=as_arrays))
    )


def _averaged_parameters_alone(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether `params`, which holds the latest variables where `variables` are averages, once held no statistics."""
    latest = {path.removeprefix("params/"): shape for path, shape in now.items() if path.startswith("params/params/")}
    return bool(latest) and before == {
        **{path: shape for path, shape in now.items() if not path.startswith("params/")},
        **latest,
    }


def _shapes(tree: Any) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and dtype by path, of what a checkpoint stores for each leaf."""
    shapes = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.eval_shape(jax.random.key_data, leaf)
        shapes[jax.tree_util.keystr(path, simple=True, separator="/")] = tuple(leaf.shape), np.dtype(leaf.dtype)
    return shapes


def _differences(stored: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    def describe(found: tuple[tuple[int, ...], np.dtype] | None) -> str:
        return "absent" if found is None else f"{found[1]}{list(found[0])}"

    return [
        f"{path}: {describe(stored.get(path))} in the checkpoint, {describe(wanted.get(path))} now"
        for path in sorted(stored.keys() | wanted.keys())
        if stored.get(path) != wanted.get(path)
    ]


def _read_json(path: Path) -> dict[str, Any]:
    content = _read(path, lambda: json_text.parsed(path.read_text()))
    if not isinstance(content, dict):
        raise TornError(f"{path} is damaged: it holds a {type(content).__name__}")
    return content


def _read(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:  # as in a restore
        if _is_damage(error):
            raise TornError(f"{path} is damaged: {_words(error)}") from error
        raise CheckpointError(f"{path} cannot be read now: {_words(error)}") from error


def _is_damage(error: Exception) -> bool:
    if isinstance(error, OSError):
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return True
    words = str(error)
    return words.startswith(_DAMAGED) and ("OS error" not in words or words.startswith("NOT_FOUND"))


def _words(error: Exception) -> str:
    """One line of the message: tensorstore adds pages of its settings."""
    words = " ".join(str(error).split(" [tensorstore_spec")[0].split())
    return f"{type(error).__name__}: {words[:300]}"
