"""The folder of an export: programs, weights, an example to check a host by, and a manifest; whole or not at all."""

import importlib.metadata
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import safetensors.numpy
from flax.traverse_util import flatten_dict

from dfrec_jax.config.errors import ConfigError, require
from dfrec_jax.exporting import onnx_file, stablehlo
from dfrec_jax.exporting.program import Slot, example_inputs, program_of, slots
from dfrec_jax.files import whole
from dfrec_jax.files.hashing import sha256_of_file
from dfrec_jax.runs import trained
from dfrec_jax.weights.digest import sha256_of_variables

FORMATS = ("stablehlo", "onnx")
STABLEHLO, ONNX, WEIGHTS = "recovery.stablehlo", "recovery.onnx", "weights.safetensors"
EXAMPLE, MANIFEST = "example.safetensors", "manifest.json"
VERSION = 1  # of the manifest
GREY_LEVEL = 1 / 255
LIMITS = "An investigative lead, never an identification: what stands where `generated` is 1 was drawn by a network."


def check_formats(formats: Sequence[str]) -> None:
    """Raises ConfigError for none, or one that is not written here; before anything is read."""
    require(bool(formats), "--formats", ",".join(formats), "one or more of stablehlo, onnx")
    for name in formats:
        require(name in FORMATS, "--formats", name, "one or more of stablehlo, onnx, with commas between")
    if "onnx" in formats:
        onnx_file.check_available()


def write(workdir: str | os.PathLike[str], out: Path, which: str, formats: Sequence[str]) -> list[str]:
    """Writes the program of a run's network into the new folder `out`; returns a line about each file.

    What was written is read back, run on the example and held against the network itself, ONNX where onnxruntime is
    installed.

    Args:
      workdir: of a training run or of an imported network.
      out: a folder that is not there yet, or is empty.
      which: checkpoint: `best`, `newest`, or a step.
      formats: of `FORMATS`.

    Raises:
      CheckpointError: for a workdir without the checkpoint.
      ConfigError: for an unknown format, a folder that holds something, a network that is not written as ONNX, a
        missing package, and where what was written gives another picture than the network.
      OSError: where `out` cannot be written.
    """
    check_formats(formats)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"--out={out}: is there already; name a new folder, or move it away")
    model = trained.load(workdir, which)
    flat: Mapping[str, Any] = flatten_dict(model.variables, sep="/")
    variables = {path: np.asarray(value) for path, value in flat.items()}
    inputs, outputs = slots(model.config)
    example = example_inputs(model.config)
    expected = {
        name: np.asarray(value) for name, value in jax.jit(program_of(model.config))(variables, **example).items()
    }
    lines = []
    with whole.new_folder(out) as folder:
        safetensors.numpy.save_file(variables, folder / WEIGHTS)
        safetensors.numpy.save_file(example | expected, folder / EXAMPLE)
        if "stablehlo" in formats:
            data = stablehlo.serialised(model.config, variables)
            (folder / STABLEHLO).write_bytes(data)
            lines.append(
                f"{out / STABLEHLO}: {_compared(STABLEHLO, stablehlo.run(data, variables, **example), expected)}"
            )
        if "onnx" in formats:
            data = onnx_file.serialised(model.config, variables, LIMITS)
            (folder / ONNX).write_bytes(data)
            lines.append(f"{out / ONNX}: {_checked_onnx(model.config.compute_dtype, data, example, expected)}")
        manifest = {
            "manifest": VERSION,
            "limits": LIMITS,
            "files": {path.name: _file(path) for path in sorted(folder.iterdir())},
            "inputs": {name: _slot(slot) for name, slot in inputs.items()},
            "outputs": {name: _slot(slot) for name, slot in outputs.items()},
            "config": model.config.name,
            "mode": model.config.mode,
            "checkpoint_step": model.step,
            "network_sha256": sha256_of_variables(model.variables),
            "compute_dtype": model.config.compute_dtype,
            "image_size": model.config.image_size,
            "patch_size": model.config.tirm.patch_size,
            "levels": "cut off" if model.config.mode == "released" else "rounded to the nearest",
            "framing": _framing(model.config),
            "stablehlo_platforms": list(stablehlo.PLATFORMS),
            "dfrec_jax": importlib.metadata.version("dfrec-jax"),
            "jax": jax.__version__,
        }
        whole.write_json(folder / MANIFEST, manifest, indent=1)
    return [*lines, str(out / MANIFEST)]


def _framing(config: Any) -> str:
    if config.data.dataset == "embedded":
        return "the whole picture"
    return f"crop {config.data.crop}, margin {config.data.margin}; docs/data.md"


def _file(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}


def _slot(slot: Slot) -> dict[str, Any]:
    limits = None if slot.lowest is None else [slot.lowest, slot.highest]
    return {"shape": ["b", *slot.shape], "dtype": slot.dtype, "range": limits, "what": slot.words}


def _checked_onnx(
    compute_dtype: str, data: bytes, example: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]
) -> str:
    try:
        import onnxruntime
    except ImportError:
        return "not run: onnxruntime is not installed"
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, map(np.asarray, session.run(None, dict(example))), strict=True))
    return _compared(ONNX, found, expected, is_strict=compute_dtype == "float32")


def _compared(
    name: str, found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], *, is_strict: bool = True
) -> str:
    """How far the pictures are apart on the example; raises ConfigError where it is more than a grey level."""
    furthest = max(float(np.abs(found[face] - expected[face]).max()) for face in ("source", "target"))
    words = f"{furthest / GREY_LEVEL:.4f} grey levels from the network at most, on the example"
    if is_strict and furthest > GREY_LEVEL:
        raise ConfigError(f"{name}: {words}: it is not the same picture, and nothing was written; please report it")
    return words
