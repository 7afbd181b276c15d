"""The record: what one example is on disk, and the TFDS builders that write it as ArrayRecord without TensorFlow."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import UInt8
from tensorflow_datasets.core import example_serializer
from tensorflow_datasets.proto import tf_example_pb2

from dfrec_jax.pictures.framing import ALL_INSIDE

Record = dict[str, Any]
VERSION = "1.0.0"
PRISTINE, SWAP, REENACTMENT = "pristine", "swap", "reenactment"
LABELS = (PRISTINE, SWAP, REENACTMENT)
NO_SIGNATURE = np.zeros(0, np.float32)
_ADDED = {"place": ALL_INSIDE}  # fields that records of an earlier version lack, and what they then mean


def folder_of(out: str, dataset: str) -> Path:
    """Where a prepared data set lies below `out`."""
    return Path(out) / dataset / VERSION


def features() -> tfds.features.FeaturesDict:
    """The fields of a record. Pictures that are not at hand are empty; numbers not known are NaN."""
    text, tensor = tfds.features.Text, tfds.features.Tensor
    return tfds.features.FeaturesDict({
        "image": tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg", doc="forgery or pristine face"),
        "source": text(doc="JPEG of the pristine source; empty where not at hand, or for a pristine face"),
        "target": text(doc="JPEG of the pristine target; empty where not at hand, or for a pristine face"),
        "mask": text(doc="PNG, 255 where a pixel comes from the source; empty where not known"),
        "label": tfds.features.ClassLabel(names=list(LABELS)),
        "attack": text(doc="method of the forgery"),
        "source_identity": text(),
        "target_identity": text(),
        "origin": text(doc="file, and #frame of a video, that `image` was cut from"),
        "source_origin": text(),
        "target_origin": text(),
        "box": tensor(shape=(4,), dtype=np.float32, doc="x0, y0, x1, y1 in pixels of `image`"),
        "landmarks": tensor(shape=(5, 2), dtype=np.float32, doc="eyes, nose, mouth corners in pixels of `image`"),
        "source_landmarks": tensor(shape=(5, 2), dtype=np.float32, doc="of `source`, in its pixels; NaN without it"),
        "points": tensor(shape=(68, 2), dtype=np.float32, doc="68 landmarks in pixels of `image`"),
        "crop": tensor(shape=(2, 3), dtype=np.float32, doc="affine map from pixels of the origin to those of `image`"),
        "place": tensor(shape=(2, 3), dtype=np.float32, doc="map from shares of the sides of `image` to the origin's"),
        "signature": tensor(shape=(None,), dtype=np.float32, doc="what partners are searched by; empty without points"),
        "attributes": tensor(shape=(None,), dtype=np.int8, doc="CelebA's 40 as -1 and 1; empty where not known"),
    })  # fmt: skip


def encode_jpeg(image: UInt8[np.ndarray, "h w 3"], quality: int) -> bytes:
    """JPEG of an RGB picture, chroma at full resolution."""
    how = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), how)[1].tobytes()


def encode_mask(mask: UInt8[np.ndarray, "h w 1"]) -> bytes:
    """PNG of a soft mask."""
    return cv2.imencode(".png", mask)[1].tobytes()


def decode(data: bytes) -> UInt8[np.ndarray, "h w 3"]:
    """RGB of a picture of a record."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB))


def decode_mask(data: bytes) -> UInt8[np.ndarray, "h w 1"]:
    """The soft mask of a record."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE))[..., None]


class _Prepared(tfds.core.GeneratorBasedBuilder):
    """Writes records that are already made; `source` gives them by split."""

    VERSION = tfds.core.Version(VERSION)
    # Where TFDS would look for checksums of downloads, of which there are none. Looking needs importlib_resources,
    # which TFDS 4.9.10 does not require.
    code_path = None

    def __init__(self, *, records: dict[str, Any], data_dir: str, description: str, metadata: dict[str, Any]):
        """Sets where to write to and what.

        Args:
          records: by split, an iterable of records, or a Beam transform that makes (key, record) pairs.
          data_dir: the folder under which `<name>/<version>` is made.
          description: of the data set, for its dataset_info.json.
          metadata: what can be written as JSON: the options of the preparation.
        """
        self._records, self._text, self._metadata = records, description, metadata
        super().__init__(data_dir=data_dir, file_format="array_record")

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self._text,
            features=features(),
            disable_shuffling=True,  # records keep the order of their origins; grain shuffles
            metadata=tfds.core.MetadataDict(self._metadata),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        del dl_manager  # nothing is downloaded: the files were named by the user
        return {split: self._generate_examples(split) for split in self._records}

    def _generate_examples(self, split: str) -> Any:
        records = self._records[split]
        return enumerate(records) if isinstance(records, Iterable) else records


class Faceforensics(_Prepared):
    """FaceForensics++ (Roessler et al. 2019)."""


class CelebaMegafs(_Prepared):
    """CelebA-MegaFS (Zhu et al. 2021)."""


class FfhqE4s(_Prepared):
    """Swaps by E4S (Liu et al. 2023) on FFHQ."""


class Dfdc(_Prepared):
    """The training videos of the DeepFake Detection Challenge (Dolhansky et al. 2020)."""


class CelebDf(_Prepared):
    """Celeb-DF (Li et al. 2020)."""


class Faces(_Prepared):
    """Photographs of people, for forgeries made on the fly."""


class Triplets(_Prepared):
    """Triples of swap, source and target."""


BUILDERS: dict[str, type[_Prepared]] = {
    "faceforensics": Faceforensics,
    "celeba_megafs": CelebaMegafs,
    "ffhq_e4s": FfhqE4s,
    "dfdc": Dfdc,
    "celeb_df": CelebDf,
    "faces": Faces,
    "triplets": Triplets,
}


def run(builder: _Prepared, **options: Any) -> None:
    """Writes what the builder holds, without TFDS's bars and its announcement of a download that does not happen."""
    tfds.disable_progress_bar()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        builder.download_and_prepare(download_dir=f"{builder.data_dir}-downloads", **options)


def serialise(records: Iterable[Record]) -> Iterator[bytes]:
    """What stands in ArrayRecord files."""
    fields = features()
    writer = example_serializer.ExampleSerializer(fields.get_serialized_info())  # pyright: ignore[reportArgumentType]
    for record in records:
        yield writer.serialize_example(fields.encode_example(record))


def parse(serialised: Iterable[bytes]) -> Iterator[Record]:
    """Whole records again, their pictures still as bytes; names are bytes and labels numbers.

    What an earlier version did not store has the value that says so.
    """
    fields = features()
    for data in serialised:
        message: Any = tf_example_pb2.Example  # pyright: ignore[reportAttributeAccessIssue]
        there = message.FromString(data).features.feature
        if any(name in fields and name not in there for name in _ADDED):
            fields = tfds.features.FeaturesDict({name: fields[name] for name in fields if name in there})
        record: Any = fields.deserialize_example_np(data, decoders={"image": tfds.decode.SkipDecoding()})
        yield _ADDED | record
