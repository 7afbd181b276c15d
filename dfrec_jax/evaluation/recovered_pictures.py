"""Recovered pictures on disk, so that a second table costs no second inference.

They stand in `<workdir>/recovered_pictures/<key>/`, a file for each batch, and `key.json` says in words what the key is
a digest of: the weights, the config, the data and the perturbation. A file counts only where it was made of the very
pictures that it is asked for.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image

from dfrec_jax.evaluation import pictures_of_others
from dfrec_jax.evaluation.recoverers import Recovered, Recoverer, Seen
from dfrec_jax.files import whole
from dfrec_jax.pictures.grid import to_uint8
from dfrec_jax.runs import trained

FOLDER = "recovered_pictures"
Picture = UInt8[np.ndarray, "b h w 3"]


class Kept(NamedTuple):
    """`Recovered` of a batch as it is kept: 8-bit pictures; None is what the method lacks."""

    target: Picture
    source: Picture | None = None
    source_map: UInt8[np.ndarray, "b h w 1"] | None = None
    generated: Bool[np.ndarray, "b h w 1"] | None = None
    masked_image: Picture | None = None
    logit: Float[np.ndarray, " b"] | None = None


class Store(NamedTuple):
    """Where one recoverer's pictures of one data set stand.

    Attributes:
      folder: of the key.
      recoverer: what makes those that are not there.
      seed: of its keys, the same for every example.
    """

    folder: Path
    recoverer: Recoverer
    seed: int


def store(workdir: Path, recoverer: Recoverer, made_of: Mapping[str, Any], seed: int) -> Store:
    """The store for what `recoverer` makes of something.

    Args:
      workdir: of the run.
      recoverer: whose weights the key holds.
      made_of: whatever else the pictures depend on, as JSON: config, data, perturbation.
      seed: of the masking noise.
    """
    words = {**made_of, "row": recoverer.name, "seed": seed, "weights": trained.sha256_of(recoverer.variables)}
    key = hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]
    folder = workdir / FOLDER / key
    if not (folder / "key.json").exists():
        whole.write_json(folder / "key.json", words, indent=1)
    return Store(folder, recoverer, seed)


def recovered(
    kept_in: Store,
    number: int,
    image: Picture,
    landmarks: Float[np.ndarray, "b 5 2"],
    run: Callable,
    points: Float[np.ndarray, "b 68 2"] | None = None,
) -> Kept:
    """What was recovered of a batch: from disk where it is there, otherwise now, and then kept.

    Args:
      kept_in: of `store`.
      number: of the batch.
      image: as the recoverer gets it, perturbed where that is asked for.
      landmarks: of it.
      run: of `jitted(kept_in.recoverer)`, which one caller makes once.
      points: 68 landmarks, as in `Seen`.

    Raises:
      OSError: where it cannot be kept.
    """
    path = kept_in.folder / f"{number:06d}.npz"
    inputs = _digest_of_inputs(image, landmarks, points)
    there = _read(path, inputs)
    if there is not None:
        return there
    keys = jnp.broadcast_to(jax.random.key(kept_in.seed), image.shape[:1])
    given = Seen(
        jnp.float32(image) / 255,
        jnp.asarray(landmarks),
        keys,
        points=None if points is None else jnp.asarray(points),
    )
    on_host: Any = jax.device_get(run(kept_in.recoverer.variables, given))
    kept = in_8_bits(on_host)
    _write(path, kept, inputs)
    return kept


def jitted(recoverer: Recoverer) -> Callable[[Any, Seen], Recovered]:
    """Its function, compiled once for all batches."""
    return jax.jit(recoverer.recover)


def in_8_bits(found: Recovered) -> Kept:
    """Rounded to the nearest level."""
    pictures: dict[str, Any] = {
        name: None if value is None else to_uint8(np.asarray(value))
        for name, value in found._asdict().items()
        if name in ("target", "source", "source_map", "masked_image")
    }
    generated = None if found.generated is None else np.asarray(found.generated) > 0.5
    logit = None if found.logit is None else np.asarray(found.logit, np.float32)
    return Kept(**pictures, generated=generated, logit=logit)


def read_example(folder: Path, batch_size: int, number: int) -> dict[str, np.ndarray]:
    """What is kept of one example, by its number in the order of its split: `target`, and what else there is.

    Of a row that another program made (`pictures_of_others`), its picture.

    Raises:
      FileNotFoundError: where it is not kept.
    """
    if (path := folder / pictures_of_others.file_name(number)).exists():
        with Image.open(path) as picture:
            return {"target": np.asarray(picture)}
    with np.load(folder / f"{number // batch_size:06d}.npz") as file:
        return {name: _unpacked(file, name)[number % batch_size] for name in Kept._fields if name in file}


def _digest_of_inputs(
    image: Picture, landmarks: Float[np.ndarray, "b 5 2"], points: Float[np.ndarray, "b 68 2"] | None
) -> np.ndarray:
    digest = hashlib.sha256(np.ascontiguousarray(image).tobytes())
    for known in (landmarks, points):
        if known is not None:
            digest.update(np.ascontiguousarray(known, np.float32).tobytes())
    return np.frombuffer(digest.digest(), np.uint8)


def _read(path: Path, inputs: np.ndarray) -> Kept | None:
    """None where there is no such file, or it is torn, or of other pictures."""
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            if not np.array_equal(file["inputs"], inputs):
                return None
            arrays: dict[str, Any] = {name: _unpacked(file, name) for name in Kept._fields if name in file}
            return Kept(**arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _unpacked(file: Any, name: str) -> np.ndarray:
    if name != "generated":
        return file[name]
    shape: Int[np.ndarray, "4"] = file["generated_shape"]
    return np.unpackbits(file[name], count=int(np.prod(shape))).reshape(shape).astype(bool)


def _write(path: Path, kept: Kept, inputs: np.ndarray) -> None:
    arrays = {name: value for name, value in kept._asdict().items() if value is not None}
    if kept.generated is not None:
        arrays |= {"generated": np.packbits(kept.generated), "generated_shape": np.array(kept.generated.shape)}
    with whole.replacing(path) as unfinished, open(unfinished, "wb") as file:
        np.savez(file, inputs=inputs, **arrays)
