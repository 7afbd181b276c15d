"""Reading a data set that `dfrec prepare` wrote: its index, and single records as examples."""

import hashlib
from pathlib import Path
from typing import Any

import grain
import numpy as np
from tensorflow_datasets.proto import tf_example_pb2

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.examples.encoded import COLOURS, GRAY, Encoded, decoded
from dfrec_jax.files import json_text
from dfrec_jax.pictures.framing import ALL_INSIDE, CROPS, EARLIER, Frame, inside_mask
from dfrec_jax.records import index as index_lib
from dfrec_jax.records import staged
from dfrec_jax.records.schema import LABELS, PRISTINE, SWAP, VERSION

Example = dict[str, Any]  # arrays, and scalars of NumPy
NUM_POINTS = {"landmarks": 5, "source_landmarks": 5, "points": 68}


class PreparedSplit:
    """One split of a prepared data set.

    Attributes:
      folder: where it lies; an address is given as it is, though its files are read from the cache.
      index: what is known of each record.
      names: of its attacks and people.
      pristine: numbers of the pristine records.
      forgeries: numbers of the swaps of the chosen attack; reenactments are none.
      faces: numbers of the pristine records from which forgeries can be made.
      frame: how its faces are cut out.
    """

    def __init__(self, folder: str, dataset: str, split: str, attack: str = ""):
        """Opens the files.

        Args:
          folder: `config.data.dir`, or one of its entries: a folder, or an address of an object store.
          dataset: `config.data.dataset`.
          split: train, validation or test.
          attack: the method that forgeries are limited to; empty: all.

        Raises:
          ConfigError: where the data set, the split or the attack is not there, or a file of it is damaged; where what
            an address holds cannot be had.
        """
        self.folder, self._dataset = staged.place_of(folder, dataset), dataset
        self._files = staged.files_of(folder, dataset, split)
        try:
            self.index, self.names = index_lib.read(self._files, split)
        except FileNotFoundError as error:
            there = sorted(path.parent.parent.name for path in Path(folder).glob(f"*/{VERSION}/names.json"))
            splits = sorted(path.stem.removeprefix("index-") for path in self._files.glob("index-*.npz"))
            raise ConfigError(
                f"data.dir={folder!r}: {dataset!r} has the splits {', '.join(splits)}, and not {split}"
                if splits
                else f"data.dir={folder!r}: holds no prepared {dataset!r}, it holds {', '.join(there) or 'none'}; "
                f"run `dfrec prepare {dataset} --source DIR --out {folder}`"
            ) from error
        except index_lib.DamagedIndex as error:
            raise self._damaged(str(error)) from error
        paths = sorted(map(str, self._files.glob(f"*-{split}.array_record-*")))
        try:
            self._source: Any = grain.sources.ArrayRecordDataSource(paths)
        except (RuntimeError, ValueError) as error:  # of the C++ below: which file, it does not say
            raise self._damaged(f"the records of {split} are damaged ({_first_line(error)})") from error
        if len(self._source) != len(self.index.label):
            raise ConfigError(
                f"{self.folder}: {split} holds {len(self._source)} records and its index {len(self.index.label)}: "
                f"a file was lost or added; run `dfrec prepare {dataset}` again"
            )
        is_swap = self.index.label == LABELS.index(SWAP)
        if attack:
            if attack not in self.names.attacks:
                raise ConfigError(f"data.attack={attack!r}: {self.folder} has {', '.join(self.names.attacks)}")
            is_swap &= self.index.attack == self.names.attacks.index(attack)
        self.pristine = np.flatnonzero(self.index.label == LABELS.index(PRISTINE))
        self.forgeries = np.flatnonzero(is_swap)
        self.faces = self.index.faces
        try:
            self.frame = _frame_of(self._files / "metadata.json")
        except (AttributeError, OverflowError, TypeError, ValueError) as error:
            raise self._damaged(f"metadata.json is damaged ({_first_line(error)})") from error

    def _damaged(self, words: str) -> ConfigError:
        mend = f"delete the folder and run `dfrec prepare {self._dataset}` again"
        if self._files != self.folder:
            mend = f"delete its copy {self._files} and run it again; if that does not help, {mend}, and copy it there"
        return ConfigError(f"{self.folder}: {words}; {mend}")

    def digest(self) -> str:
        """A hash of the index: another data set, or another preparation of it, has another one."""
        everything = hashlib.sha256()
        for name, array in self.index._asdict().items():
            everything.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return everything.hexdigest()[:16]

    def example(self, number: int, size: int) -> Example:
        """As `encoded_example`, its pictures decoded."""
        return decoded(self.encoded_example(number, size))

    def encoded_example(self, number: int, size: int) -> Example:
        """Record `number` as it stands, without forging: one row of `examples/fields.py`, with `Encoded`.

        Raises:
          ConfigError: for a damaged record. Pictures raise DamagedPicture when they are decoded.
        """
        fields = self._fields(number)
        image = self._picture(fields, "image", number, size)
        is_pristine = self.index.label[number] == LABELS.index(PRISTINE)
        landmarks, points = self._points(fields, ("landmarks", "points"), image, number)
        if is_pristine:
            source = target = image
            source_landmarks, mask = landmarks, Encoded(b"", GRAY, size)
        else:
            source, target = (self._picture(fields, name, number, size) for name in ("source", "target"))
            source_landmarks = self._points(fields, ("source_landmarks",), source, number)[0]
            mask = self._picture(fields, "mask", number, size, GRAY)
        return {
            "image": image,
            "source": source,
            "target": target,
            "source_mask": mask,
            "inside_mask": self._inside(fields, number, size),
            "landmarks": landmarks,
            "source_landmarks": source_landmarks,
            "points": points,
            "is_forgery": np.bool_(not is_pristine),
            "has_source": self.index.has_source[number],
            "has_target": self.index.has_target[number],
            "has_mask": self.index.has_mask[number],
            "source_id": self.index.source_id[number],
            "target_id": self.index.target_id[number],
            "attack": self.index.attack[number],
        }

    def encoded_original(self, number: int, size: int) -> Example:
        """The target of swap `number` as a pristine face: the very frame that the swap was made of."""
        example = self.encoded_example(number, size)
        return example | {
            "image": example["target"],
            "source": example["target"],
            "source_mask": Encoded(b"", GRAY, size),
            "source_landmarks": example["landmarks"],
            "is_forgery": np.bool_(False),
            "has_source": np.bool_(True),
            "has_mask": np.bool_(True),
            "source_id": example["target_id"],
        }

    def labelled(self, number: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The picture of record `number`, and its attributes as `attributes` gives them."""
        fields = self._fields(number)
        return self._picture(fields, "image", number, size).decode(), self._attributes(fields, number)

    def attributes(self, number: int) -> np.ndarray:
        """CelebA's 40 as -1 and 1; empty where not known."""
        return self._attributes(self._fields(number), number)

    def encoded(self, number: int, name: str) -> bytes:
        """Picture `name` of record `number` as it is stored: JPEG, or PNG of the mask; empty where not at hand."""
        return _bytes(self._fields(number), name)

    def unforged(self, place: int, choice: int, size: int) -> Example:
        """As `encoded_pair`, its pictures decoded."""
        return decoded(self.encoded_pair(place, choice, size))

    def encoded_pair(self, place: int, choice: int, size: int) -> Example:
        """The pair that a forgery is to be made of: face `place` of `faces` as target, and one of its partners.

        `image` (until then the target) and `source_mask` (black) are the device's to make; `source_points` and
        `target_points` hold the landmarks.

        Args:
          place: in `faces`.
          choice: any number; the partner is the one at `choice` modulo their number.
          size: of the pictures, in pixels.
        """
        partner = self.index.partners[place, choice % self.index.partners.shape[1]]
        pair = self._encoded_pair(place, int(partner), size)
        return {**pair, "is_forgery": np.bool_(True), "has_source": np.bool_(True), "has_mask": np.bool_(True)}

    def encoded_photograph(self, place: int, choice: int, size: int) -> Example:
        """Face `place` of `faces` as it is, and in the place of a source another picture of the same person, which is
        none: `has_source` is False. Of a person with one picture that picture.

        Args:
          place: in `faces`.
          choice: any number; the other picture is the one at `choice` modulo their number.
          size: of the pictures, in pixels.
        """
        people = self.index.source_id[self.faces]
        others = np.flatnonzero(people == people[place])
        others = others[others != place] if len(others) > 1 else others
        pair = self._encoded_pair(place, int(others[choice % len(others)]), size)
        return {**pair, "is_forgery": np.bool_(False), "has_source": np.bool_(False), "has_mask": np.bool_(False)}

    def _encoded_pair(self, place: int, partner: int, size: int) -> Example:
        numbers = self.faces[place], self.faces[partner]
        fields, of_source = (self._fields(int(number)) for number in numbers)
        target, landmarks, points = self._face(fields, int(numbers[0]), size)
        source, source_landmarks, source_points = self._face(of_source, int(numbers[1]), size)
        return {
            "image": target,
            "source": source,
            "target": target,
            "source_mask": Encoded(b"", GRAY, size),
            "inside_mask": self._inside(fields, int(numbers[0]), size),
            "landmarks": landmarks,
            "source_landmarks": source_landmarks,
            "points": points,
            "has_target": np.bool_(True),
            "source_id": self.index.source_id[numbers[1]],
            "target_id": self.index.target_id[numbers[0]],
            "attack": np.int32(len(self.names.attacks)),
            "source_points": source_points,
            "target_points": points,
        }

    def _face(self, fields: Any, number: int, size: int) -> tuple[Encoded, np.ndarray, np.ndarray]:
        image = self._picture(fields, "image", number, size)
        landmarks, points = self._points(fields, ("landmarks", "points"), image, number)
        return image, landmarks, points

    def _fields(self, number: int) -> Any:
        message = tf_example_pb2.Example  # pyright: ignore[reportAttributeAccessIssue]
        try:
            return message.FromString(self._source[int(number)]).features.feature
        except Exception as error:  # ArrayRecord's and protobuf's own
            raise self._damaged(f"record {number} is damaged ({_first_line(error)})") from error

    def _picture(self, fields: Any, name: str, number: int, size: int, channels: int = COLOURS) -> Encoded:
        return Encoded(_bytes(fields, name), channels, size, f"{self.folder}: record {number}")

    def _attributes(self, fields: Any, number: int) -> np.ndarray:
        values = np.array(fields["attributes"].int64_list.value, np.int64)
        if len(values) not in (0, 40) or np.any(np.abs(values) != 1):
            raise self._damaged(f"record {number} is damaged: its attributes are not 40 of -1 and 1")
        return values.astype(np.int8)

    def _inside(self, fields: Any, number: int, size: int) -> np.ndarray:
        """See `framing.inside_mask`; a record of an earlier version says nothing, and counts as whole."""
        place = np.array(fields["place"].float_list.value, np.float32)
        if place.size not in (0, 6):
            raise self._damaged(f"record {number} is damaged: its place has {place.size} numbers, not 6")
        return inside_mask(place.reshape(2, 3) if place.size else ALL_INSIDE, size)

    def _points(self, fields: Any, names: tuple[str, ...], picture: Encoded, number: int) -> list[np.ndarray]:
        """Points (x, y) of a stored picture in pixels of its wanted size; pixel centres are whole numbers."""
        scale = picture.size / picture.side() if picture.data else 1.0
        found = []
        for name in names:
            values = fields[name].float_list
            # On the wire they stand in a row, behind a tag and their length; one by one they would take ten times as
            # long.
            count = len(values.value)
            if count != 2 * NUM_POINTS[name]:
                raise self._damaged(f"record {number} is damaged: its {name} has {count} numbers")
            points = np.frombuffer(values.SerializeToString()[-4 * count :], "<f4").reshape(-1, 2)
            found.append(points if scale == 1 else ((points + 0.5) * scale - 0.5).astype(np.float32))
        return found


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _frame_of(path: Path) -> Frame:
    """What a preparation wrote down of its crops."""
    said = json_text.parsed(path.read_text(encoding="utf-8")) if path.is_file() else {}
    frame = Frame(str(said.get("crop", EARLIER.crop)), float(said.get("margin", EARLIER.margin)))
    if frame.crop not in CROPS or not 0 <= frame.margin < float("inf"):
        raise ValueError(f"crop {frame.crop!r:.80}, margin {frame.margin}")
    return frame


def _bytes(fields, name: str) -> bytes:
    values = fields[name].bytes_list.value
    return values[0] if values else b""
