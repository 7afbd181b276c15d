"""Recovered pictures on disk, so that a second table costs no second inference.

They stand in `<workdir>/recovered_pictures/<key>/`, a file for each batch, and `key.json` says in words what the key is
a digest of: the weights, the config, the data and the perturbation. A file counts only where it was made of the very
pictures that it is asked for.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, UInt8
from PIL import Image

from dfrec_jax.evaluation import spread
from dfrec_jax.evaluation.recoverers import Recovered, Recoverer, Seen, in_8_bits
from dfrec_jax.evaluation.spread import Spread
from dfrec_jax.files import npz, whole
from dfrec_jax.paper import pictures_of_others
from dfrec_jax.weights.digest import sha256_of_variables

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
      recoverer: what makes those that are not there, its variables on the devices.
      seed: of its keys, the same for every example.
      devices: that share the rows of a batch.
    """

    folder: Path
    recoverer: Recoverer
    seed: int
    devices: Spread


def store(workdir: Path, recoverer: Recoverer, made_of: Mapping[str, Any], seed: int, devices: Spread) -> Store:
    """The store for what `recoverer` makes of something.

    Args:
      workdir: of the run.
      recoverer: whose weights the key holds.
      made_of: whatever else the pictures depend on, as JSON: config, data, perturbation.
      seed: of the masking noise.
      devices: that share the rows of a batch.
    """
    words = {**made_of, "row": recoverer.name, "seed": seed, "weights": sha256_of_variables(recoverer.variables)}
    if recoverer.made:
        words["made"] = recoverer.made
    key = hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]
    folder = workdir / FOLDER / key
    if spread.is_first_host() and not (folder / "key.json").exists():
        whole.write_json(folder / "key.json", words, indent=1)
    placed = recoverer._replace(variables=devices.everywhere(recoverer.variables))
    return Store(folder, placed, seed, devices)


def recovered(
    kept_in: Store,
    number: int,
    image: Picture,
    landmarks: Float[np.ndarray, "b 5 2"],
    run: Callable,
    points: Float[np.ndarray, "b 68 2"] | None = None,
) -> Kept:
    """What was recovered of this host's rows of a batch: from disk where it is there, otherwise now, and then kept.

    Args:
      kept_in: of `store`.
      number: of the batch.
      image: this host's rows, as the recoverer gets them, perturbed where that is asked for.
      landmarks: of it.
      run: of `jitted(kept_in.recoverer)`, which one caller makes once.
      points: 68 landmarks, as in `Seen`.

    Raises:
      OSError: where it cannot be kept.
    """
    path = kept_in.folder / f"{number:06d}.npz"
    inputs = _digests_of_inputs(image, landmarks, points)
    there = _read(path, inputs)
    if spread.on_all_hosts(there is not None):
        assert there is not None
        return there
    rows, five, sixty_eight = kept_in.devices.rows((image, np.asarray(landmarks, np.float32), points))
    given = Seen(_floats(rows), five, _keys(kept_in.seed, len(rows), kept_in.devices), points=sixty_eight)
    kept = Kept(**kept_in.devices.fetch(run(kept_in.recoverer.variables, given)))
    all_inputs = spread.together(inputs)
    if spread.is_first_host():
        _write(path, kept, all_inputs)
    return jax.tree.map(spread.own_of, kept)


def jitted(recoverer: Recoverer) -> Callable[[Any, Seen], dict[str, Any]]:
    """Its function, compiled once for all batches; gives the fields of `Kept`, on the devices."""

    def run(variables: Any, given: Seen) -> dict[str, Any]:
        found: Recovered = recoverer.recover(variables, given)
        pictures = {
            name: None if value is None else in_8_bits(value)
            for name, value in found._asdict().items()
            if name in ("target", "source", "source_map", "masked_image")
        }
        generated = None if found.generated is None else found.generated > 0.5
        logit = None if found.logit is None else jnp.float32(found.logit)
        return {**pictures, "generated": generated, "logit": logit}

    return jax.jit(run)


@jax.jit
def _floats(pictures: UInt8[Array, "b h w 3"]) -> Float[Array, "b h w 3"]:
    return jnp.float32(pictures) / 255


def _keys(seed: int, num_rows: int, devices: Spread) -> Key[Array, " b"]:
    """The same key for every row."""
    make = jax.jit(lambda: jnp.broadcast_to(jax.random.key(seed), (num_rows,)), out_shardings=devices.split)
    return make()


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


def _digests_of_inputs(
    image: Picture, landmarks: Float[np.ndarray, "b 5 2"], points: Float[np.ndarray, "b 68 2"] | None
) -> UInt8[np.ndarray, "b 32"]:
    """Of each row, so that a host can tell its own."""
    known = [image, *(np.asarray(one, np.float32) for one in (landmarks, points) if one is not None)]
    digests = [hashlib.sha256(b"".join(one.tobytes() for one in row)).digest() for row in zip(*known, strict=True)]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(len(image), 32)


def _read(path: Path, inputs: UInt8[np.ndarray, "b 32"]) -> Kept | None:
    """This host's rows; None where there is no such file, or it is torn, or of other pictures."""
    try:
        with open(path, "rb") as opened, np.load(opened) as file:
            if not np.array_equal(spread.own_of(file["inputs"]), inputs):
                return None
            arrays = {name: spread.own_of(_unpacked(file, name)) for name in Kept._fields if name in file}
            return Kept(**arrays)
    except npz.ERRORS:
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
