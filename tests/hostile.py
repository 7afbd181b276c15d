"""Files that somebody made to do harm, or that a disk has ruined: valid ones, changed at random, and what comes of it.

`benchmarks/hostile.py` runs thousands of each kind in processes of their own, `tests/test_hostile.py` a few.
"""

import io
import json
import os
import pickle
import random
import resource
import signal
import struct
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dfrec_jax.cli import _refusals
from dfrec_jax.files import cache

Files = dict[str, bytes]
SECONDS = 60  # that one file may take, on a machine that has much else to do
MEMORY = 1 << 30  # by which the process may grow for one file; all of them are of a few kilobytes
_INTERESTING = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


class Case(NamedTuple):
    """A valid input: its files, those that are changed, and what reads them."""

    name: str
    files: Files
    changed: tuple[str, ...]
    read: Callable[[Path], Any]  # takes the folder of the files


class Outcome(NamedTuple):
    """What became of one changed input; `words` of the refusal, or of what nobody handled."""

    kind: str  # accepted, refused, unhandled
    words: str


class _TooLong(BaseException):
    """Past any `except Exception`."""


# Where a program may open files while it reads a case, besides the case's own folder: code, and what the system says.
_OF_THE_SYSTEM = tuple(
    f"{os.path.realpath(path)}/"
    for path in (sys.prefix, sys.base_prefix, Path(__file__).parents[1], "/usr", "/lib", "/proc", "/sys", "/dev")
)
_opened: list[str] | None = None  # what Python opens while a case is read


def _note_opening(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _opened is not None and isinstance(arguments[0], str | bytes | os.PathLike):
        _opened.append(os.path.realpath(os.fsdecode(arguments[0])))


sys.addaudithook(_note_opening)


def _escaped(opened: list[str], folder: Path) -> str:
    """The first of the files that lies neither in the folder nor in the system; empty where there is none."""
    shapes = cache.folder() / "shapes"  # of networks, as the package keeps them
    inside = tuple(f"{os.path.realpath(path)}/" for path in (folder, shapes))
    return next((path for path in opened if not f"{path}/".startswith((*inside, *_OF_THE_SYSTEM))), "")


def outcome(case: Case, seed: int, folder: Path) -> Outcome:
    """Changes one file of the case, by `seed`, has it read in an empty `folder`, and says what came of it."""
    rng = random.Random(f"{case.name} {seed}")
    name = rng.choice(case.changed)
    files = case.files | {name: changed(case.files[name], name, rng)}
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    before = _resident()

    def stop(*_):
        raise _TooLong

    global _opened
    handler = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    opened = _opened = []
    try:
        case.read(folder)
        found = Outcome("accepted", "")
    except _refusals() as error:
        found = Outcome("refused", str(error))
    except OSError as error:  # which every program says in one line, where it is of the system
        found = Outcome("refused" if error.errno else "unhandled", _where(error))
    except _TooLong:
        found = Outcome("unhandled", f"took more than {SECONDS} s")
    except BaseException as error:
        found = Outcome("unhandled", _where(error))
    finally:
        _opened = None
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    if path := _escaped(opened, folder):
        return Outcome("unhandled", f"{path} was opened, which lies outside the folder")
    if (grown := _resident() - before) > MEMORY:
        return Outcome("unhandled", f"the process grew by {grown >> 20} MiB")
    return found


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _where(error: BaseException) -> str:
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "dfrec_jax" in frame.filename]
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {place}: {str(error)[:200]}"


def changed(data: bytes, name: str, rng: random.Random) -> bytes:
    """The bytes of a file, changed: as bytes, or as the JSON, npy header or checked chunks that they hold."""
    ways = [_bytes_changed]
    if name.endswith(".json") or data[:1] == b"{":
        ways += [_json_changed] * 3
    if data[8:9] == b"{":
        ways += [_safetensors_changed] * 2
    if data.startswith(b"\x89PNG"):
        ways += [_png_changed]
    if b"NUMPY" in data and data.startswith(b"PK"):
        ways += [_npz_changed] * 2
    return rng.choice(ways)(data, rng)


def _bytes_changed(data: bytes, rng: random.Random) -> bytes:
    """One to eight changes of the kinds that fuzzers make."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(changed) + 1)
        if rng.random() < 0.3:
            at = rng.randrange(min(64, len(changed)) + 1)  # headers
        kind = rng.randrange(8)
        if kind == 0 and changed:
            changed[at % len(changed)] ^= 1 << rng.randrange(8)
        elif kind == 1 and changed:
            changed[at % len(changed)] = rng.randrange(256)
        elif kind == 2:
            width, order = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big"))
            value = rng.choice(_INTERESTING) & ((1 << 8 * width) - 1)
            changed[at : at + width] = value.to_bytes(width, order)
        elif kind == 3:
            del changed[at:]
        elif kind == 4:
            del changed[at : at + rng.randrange(1, 32)]
        elif kind == 5:
            changed[at:at] = rng.randbytes(rng.randrange(1, 32))
        elif kind == 6:
            start = rng.randrange(len(changed) + 1)
            changed[at:at] = changed[start : start + rng.randrange(1, 64)]
        else:
            changed[at : at + rng.randrange(1, 16)] = bytes(rng.randrange(1, 16))
    return bytes(changed)


def _hostile_value(rng: random.Random) -> Any:
    nested: Any = []
    for _ in range(rng.choice((3, 200))):
        nested = [nested]
    return rng.choice(
        [
            None, True, False, -1, 0, 1, 2**31, 2**63, 2**70, 10**30, -(2**63), 0.5, -0.5, 1e308, float("nan"),
            float("inf"), "", "x", "x" * 5000, "../../etc/passwd", "/etc/passwd", "..", "a\0b", "\ud800", "float32", [],
            {}, [1] * 1000, [2**62, 2**62], [-1], ["a"], {"a": 1}, nested,
        ]
    )  # fmt: skip


def _json_changed(data: bytes, rng: random.Random) -> bytes:
    """One to three values of the tree replaced, dropped or added; or a tree too deep to be read."""
    if rng.random() < 0.02:
        return b'{"a":' * 100_000
    if rng.random() < 0.02:
        return b"[" * 1_000_000
    tree = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            tree = _hostile_value(rng)
            continue
        parent, key = rng.choice(places)
        kind = rng.random()
        if kind < 0.7:
            parent[key] = _hostile_value(rng)
        elif kind < 0.85:
            del parent[key]
        elif isinstance(parent, dict):
            parent[rng.choice(("new", "__class__", "update", "", "../x"))] = _hostile_value(rng)
        else:
            parent += [parent[key]] * rng.choice((1, 1000))
    return json.dumps(tree).encode()


def _places(tree: Any):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(items):
        yield tree, key
        yield from _places(value)


def _safetensors_changed(data: bytes, rng: random.Random) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = _json_changed(data[8 : 8 + size], rng)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def _png_changed(data: bytes, rng: random.Random) -> bytes:
    """The content of one chunk changed, with the checksum that it then has."""
    chunks, at = [], 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    chosen = rng.randrange(len(chunks))
    chunks[chosen] = chunks[chosen][0], _bytes_changed(chunks[chosen][1], rng)
    whole = data[:8]
    for kind, content in chunks:
        whole += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return whole


def _npz_changed(data: bytes, rng: random.Random) -> bytes:
    """The header of one array names another shape or type; the zip around it is whole."""
    import zipfile

    whole = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as after:
        names = before.namelist()
        chosen = rng.choice(names)
        for name in names:
            content = before.read(name)
            if name == chosen:
                shape = rng.choice(
                    ("(4, 1000000000000)", "(99999999999,)", "(-1,)", "(0, 9223372036854775807)", "2", "()")
                )
                kind = rng.choice(("<f4", "<f8", "|O", "|V99999", "<U999999", "<i8"))
                header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
                header = rng.choice((header, header[:20], "[" * 5000, "__import__('os').abort()"))
                padded = header.ljust(118) + "\n"
                content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded.encode() + content[128:]
            after.writestr(name, content)
    return whole.getvalue()


def pictures() -> list[Case]:
    """A small picture in every form that is read."""
    from PIL import Image, ImageCms

    from dfrec_jax.pictures.reading import decode_image

    rng = np.random.default_rng(0)
    levels = np.clip(np.kron(rng.integers(0, 256, (4, 4, 3)), np.ones((6, 6, 1))), 0, 255).astype(np.uint8)
    colour, gray = Image.fromarray(levels), Image.fromarray(levels[..., 0])
    deep = Image.fromarray(levels[..., 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    forms = {
        "jpeg": (colour, {"format": "JPEG", "exif": exif, "icc_profile": profile}),
        "progressive": (colour, {"format": "JPEG", "progressive": True}),
        "png": (colour, {"format": "PNG", "icc_profile": profile, "exif": exif}),
        "png palette": (colour.quantize(16), {"format": "PNG"}),
        "png 16": (deep, {"format": "PNG"}),
        "apng": (colour, {"format": "PNG", "save_all": True, "append_images": [colour.rotate(90)]}),
        "bmp": (colour, {"format": "BMP"}),
        "webp": (colour, {"format": "WEBP", "exif": exif, "icc_profile": profile}),
        "tiff": (colour, {"format": "TIFF", "exif": exif}),
        "tiff lzw": (colour, {"format": "TIFF", "compression": "tiff_lzw"}),
        "tiff deflate": (deep, {"format": "TIFF", "compression": "tiff_adobe_deflate"}),
        "tiff jpeg": (colour, {"format": "TIFF", "compression": "jpeg"}),
        "gif": (gray, {"format": "GIF", "save_all": True, "append_images": [gray.rotate(90)]}),
        "avif": (colour, {"format": "AVIF"}),
        "jpeg 2000": (colour, {"format": "JPEG2000"}),
        "ppm": (colour, {"format": "PPM"}),
    }
    cases = []
    for name, (image, options) in forms.items():
        data = io.BytesIO()
        image.save(data, **options)
        read = lambda folder: decode_image((folder / "picture").read_bytes(), "picture")  # noqa: E731
        cases.append(Case(name, {"picture": data.getvalue()}, ("picture",), read))
    return cases


def weights() -> list[Case]:
    """A small weight file in every form that is read."""
    import tempfile

    import h5py

    from dfrec_jax.weights.readers import read
    from tests.weights.readers import test_formats

    files: dict[str, Files] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, write in test_formats.FORMATS.items():
            (folder / file).mkdir()
            write(folder / file / file)
            files[file] = {path.name: path.read_bytes() for path in (folder / file).iterdir()}
        np.savez(folder / "plain.npz", **test_formats.TENSORS)
        with h5py.File(folder / "chunked.h5", "w") as file:
            file.create_dataset("a", data=np.zeros((8, 8), np.float32), chunks=(4, 4), compression="gzip", shuffle=True)
            file.create_dataset("group/b", data=np.arange(5), maxshape=(None,))
        with (folder / "arrays.pkl").open("wb") as file:
            pickle.dump({"a": np.arange(4.0), "b": np.ones((2, 2), np.float32, order="F")}, file, protocol=2)
        for file in ("plain.npz", "chunked.h5", "arrays.pkl"):
            files[file] = {file: (folder / file).read_bytes()}
    torch_files = Path(__file__).parent / "fixtures" / "weights"
    for path in sorted(torch_files.glob("torch_*.pth")):
        files[path.name] = {path.name: path.read_bytes()}
    return [
        Case(name, contents, tuple(contents), lambda folder, name=name: _touched(read(folder / name)))
        for name, contents in files.items()
    ]


def _touched(tensors: Mapping[str, np.ndarray]) -> None:
    """Arrays may be views of a mapped file: each value is read."""
    for value in tensors.values():
        np.sum(np.asarray(value).astype(np.float64, copy=False), initial=0) if value.dtype.kind != "c" else value.sum()


def records(folder: Path) -> list[Case]:
    """The data sets under `folder`, as `dfrec prepare` wrote them: their records, their index and what lies beside."""
    from dfrec_jax.examples.encoded import decoded
    from dfrec_jax.records.prepared import PreparedSplit

    def read(root: Path, dataset: str) -> None:
        for split in ("train", "validation"):
            opened = PreparedSplit(str(root), dataset, split)
            opened.digest()
            for number in range(min(3, len(opened.index.label))):
                decoded(opened.encoded_example(number, 32))
                opened.attributes(number)
            if opened.index.partners.size:
                opened.unforged(0, 1, 32)
                decoded(opened.encoded_photograph(0, 1, 32))
            if len(opened.forgeries):
                decoded(opened.encoded_original(int(opened.forgeries[0]), 32))

    cases = []
    for dataset in ("faces", "triplets"):
        paths = [path for path in (folder / dataset).rglob("*") if path.is_file()]
        files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        stored = tuple(name for name in files if "array_record" in name and "test" not in name)
        beside = tuple(
            name for name in files if "index-train" in name or name.endswith(("names.json", "metadata.json"))
        )
        wrapped = {name: data for name, data in files.items() if name not in stored}
        cases.append(Case(f"{dataset}, files of records", files, stored, lambda root, d=dataset: read(root, d)))
        cases.append(Case(f"{dataset}, beside", files, beside, lambda root, d=dataset: read(root, d)))
        cases.append(_inner_records(dataset, files, wrapped, stored, read))
    return cases


def _inner_records(dataset: str, files: Files, others: Files, stored: tuple[str, ...], read) -> Case:
    """Records that are changed inside an ArrayRecord file that is whole: what its checksums cannot see."""
    import tempfile

    from array_record.python import array_record_module

    def unpacked(data: bytes) -> list[bytes]:
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            reader = array_record_module.ArrayRecordReader(file.name)
            found = list(reader.read_all())
            reader.close()
        return found

    lists = {name: unpacked(files[name]) for name in stored}
    loose = {f"{name}/{i}": data for name, rows in lists.items() for i, data in enumerate(rows)}

    def packed(root: Path) -> None:
        for name, rows in lists.items():
            contents = [(root / name / str(i)).read_bytes() for i in range(len(rows))]
            for i in range(len(rows)):
                (root / name / str(i)).unlink()
            (root / name).rmdir()
            writer = array_record_module.ArrayRecordWriter(str(root / name), "group_size:1")
            for content in contents:
                writer.write(content)
            writer.close()
        read(root, dataset)

    seen = tuple(name for name in loose if int(name.rpartition("/")[2]) < 3)
    return Case(f"{dataset}, records", others | loose, seen, packed)


def configs(folder: Path, *, is_built: bool = True) -> list[Case]:
    """A run's folder: its config, read, checked and built; and the JSON of its checkpoint, chosen and restored."""
    from dfrec_jax.config import tasks
    from dfrec_jax.models import dfrec
    from dfrec_jax.runs import stored_config, trained
    from dfrec_jax.runs.checkpoint import Checkpoints

    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    config = {"config.json": files["config.json"]}

    def read(root: Path) -> None:
        found = stored_config.load(root)
        tasks.validate(found)
        if is_built and tasks.task_of(found) == "dfrec":
            dfrec.variable_shapes(dfrec.build(found), found.image_size)

    def restore(root: Path) -> None:
        checkpoints = Checkpoints(root)
        step = checkpoints.choose("best")
        checkpoints.meta(step)
        trained.load(root, "best")

    def look(root: Path) -> None:
        checkpoints = Checkpoints(root)
        checkpoints.meta(checkpoints.choose("best"))

    said = tuple(name for name in files if name.endswith(("/metadata", "/metrics")))
    orbax = tuple(
        name
        for name in files
        if name.endswith(("METADATA", ".zarray", "zarr.json", "manifest.ocdbt")) or "array_metadatas" in name
    )
    cases = [Case("config", config, ("config.json",), read)] * 6
    cases += [Case("checkpoint, ours", {name: files[name] for name in said}, said, look)] if said else []
    return [*cases, Case("checkpoint, orbax's", files, orbax, restore)] if is_built else cases


def run(cases: list[Case], count: int, folder: Path, *, start: int = 0, report=None) -> dict[str, int]:
    """Counts by kind of `count` changed inputs, over the cases in turn; `report` hears of each, and its seconds."""
    import shutil

    counts = {"accepted": 0, "refused": 0, "unhandled": 0}
    for number in range(start, start + count):
        case = cases[number % len(cases)]
        own = folder / "case"
        shutil.rmtree(own, ignore_errors=True)
        own.mkdir(parents=True)
        began = time.monotonic()
        found = outcome(case, number, own)
        counts[found.kind] += 1
        if report is not None:
            report(number, case, found, time.monotonic() - began)
    return counts
