"""Pictures of a TFDS data set with `image` and `label`, such as LFW: `<label>/<split>-<number>.jpg`."""

import functools
import os
from typing import Any

import tensorflow_datasets as tfds
from tensorflow_datasets.core.registered import DatasetNotFoundError

from dfrec_jax.preparation.plan import PreparationError

PREFIX = "tfds:"


@functools.lru_cache(maxsize=2)
def places(root: str) -> dict[str, tuple[Any, int]]:
    """Where each picture of a TFDS data set stands: the source of its split, and its number in it.

    Raises:
      PreparationError: where TFDS knows no such data set, has not prepared it, or it has other fields.
    """
    name, folder = root.removeprefix(PREFIX), os.environ.get("TFDS_DATA_DIR")
    try:
        builder: Any = tfds.builder(name, data_dir=folder, file_format="array_record")
    except (DatasetNotFoundError, ValueError) as error:
        raise PreparationError(f"{root}: TFDS knows no such data set ({str(error).splitlines()[0]})") from error
    if not builder.is_prepared():
        raise PreparationError(
            f"{root}: TFDS has not prepared it in {builder.data_dir}; run `tfds build {name} "
            "--file_format=array_record`, or set $TFDS_DATA_DIR to where it is"
        )
    features: Any = builder.info.features
    lacking = {"image", "label"} - set(features)
    if lacking:
        raise PreparationError(f"{root}: has no {' and no '.join(sorted(lacking))}; those of LFW are needed")
    found: dict[str, tuple[Any, int]] = {}
    for split in builder.info.splits:
        source: Any = builder.as_data_source(split, decoders={"image": tfds.decode.SkipDecoding()})
        for number in range(len(source)):
            label = source[number]["label"]
            person = label.decode() if isinstance(label, bytes) else features["label"].int2str(label)
            found[f"{person}/{split}-{number:06d}.jpg"] = source, number
    return found
