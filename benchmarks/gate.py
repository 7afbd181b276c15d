"""What the gate of `dfrec recover` stops, and why, on data that its limits were not chosen on.

Run:     DFREC_DATA=... DFREC_WEIGHTS=... python benchmarks/gate.py --workdir RUN --lfw PREPARED [--pictures DIR]
Prints:  for pristine faces, our own swaps and real swaps, and for pictures without a face, the share that is stopped,
         by check. PREPARED is LFW of `dfrec prepare faces`; its test people serve, their swaps put back into the whole
         photographs. RUN is read as `dfrec recover --assume swap` reads it: the verdict is given.
         Pictures without a face: scikit-image's and matplotlib's, less those that show a person; scenes of
         rectangles, discs, lines and triangles; backgrounds: both upper corners of LFW's photographs, in which others'
         faces may stand; and all below --pictures (artwork: it must show no faces).
         --list prints the pictures without a face that pass, to be looked at.
"""

import argparse
import csv
import os
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import grain
import matplotlib
import numpy as np
import skimage

from dfrec_jax.forensics.framed import Framed
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.forensics.recovery import Recovery
from dfrec_jax.pictures import framing
from dfrec_jax.pictures.reading import ImageError, decode_image
from dfrec_jax.records import schema
from dfrec_jax.records.prepared import PreparedSplit

Pictures = Iterator[tuple[str, np.ndarray]]
PEOPLE = {"astronaut.png", "camera.png", "grace_hopper.jpg", "multipage.tif", "multipage_rgb.tif"}
DRAWN = 100
CORNER = 80  # pixels of 250, in whose middle the face stands


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--lfw", required=True)
    parser.add_argument("--pictures", help="folder of pictures without a face")
    parser.add_argument("--count", type=int, default=300, help="of LFW's pictures and swaps, drawn with seed 0")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", default="", metavar="WORDS", help="of the sets, those whose name holds them")
    arguments = parser.parse_args()
    recoverer = Recoverer(arguments.workdir, assume="swap")
    data = Path(os.environ["DFREC_DATA"])
    sets = {
        "LFW, pristine, test people": (_lfw(data, arguments.lfw, arguments.count, swaps=False), False),
        "LFW, own swaps, test people": (_lfw(data, arguments.lfw, arguments.count, swaps=True), False),
        "real swaps": (_real_swaps(data), False),
        "no face: scikit-image, matplotlib": (_samples(), True),
        "no face: drawn scenes": (_drawn(), True),
        "no face: backgrounds of LFW": (_corners(data, arguments.lfw, arguments.count), True),
    }
    if arguments.pictures:
        sets["no face: artwork"] = (_below(Path(arguments.pictures)), True)
    print("| pictures | n | stopped | by |\n|---|---:|---:|---|")
    for name, (pictures, is_listed) in ((name, of) for name, of in sets.items() if arguments.only in name):
        count, stopped, by, passed = 0, 0, Counter(), []
        for picture_name, pixels in pictures:
            failed = _failed(recoverer, pixels)
            count += 1
            stopped += bool(failed)
            by.update(failed)
            passed += [] if failed else [picture_name]
        reasons = ", ".join(f"{check} {number}" for check, number in by.most_common()) or "-"
        print(f"| {name} | {count} | {stopped / max(count, 1):.3f} | {reasons} |", flush=True)
        if arguments.list and is_listed:
            print("\n".join(f"  passed: {each}" for each in passed))


def _failed(recoverer: Recoverer, pixels: np.ndarray) -> list[str]:
    (found,) = recoverer.look(pixels)
    if isinstance(found, Framed):
        (made,) = recoverer.make([found])
        found = recoverer.recovery(pixels, found, made)
    assert isinstance(found, Recovery)
    return [check.name for check in found.checks if not check.is_passed]


def _lfw(data: Path, prepared: str, count: int, *, swaps: bool) -> Pictures:
    read = _reader(data)
    for fields in _records(prepared, count, swaps=swaps):
        origin = (fields["target_origin"] if swaps else fields["origin"]).decode()
        photograph = read(origin)
        if swaps:
            crop = schema.decode(fields["image"])
            inside = framing.inside_mask(fields["place"], len(crop)).astype(np.float32) / 255
            photograph = framing.put_back(photograph, crop, fields["crop"], inside)
        yield origin, photograph


def _records(prepared: str, count: int, *, swaps: bool) -> Iterator[schema.Record]:
    split = PreparedSplit(prepared, "faces", "test")
    numbers = np.random.default_rng(0).permutation(split.forgeries if swaps else split.pristine)[:count]
    files = grain.sources.ArrayRecordDataSource(sorted(map(str, split.folder.glob("*-test.array_record-*"))))
    return schema.parse(files[int(number)] for number in numbers)


def _reader(data: Path):
    tar = tarfile.open(data / "lfw-deepfunneled-2plus.tar")
    members = {member.name: member for member in tar.getmembers()}

    def read(origin: str) -> np.ndarray:
        file = tar.extractfile(members[origin])
        assert file is not None
        return decode_image(file.read(), origin).pixels

    return read


def _corners(data: Path, prepared: str, count: int) -> Pictures:
    for name, photograph in _lfw(data, prepared, count, swaps=False):
        yield f"{name}, left", photograph[:CORNER, :CORNER]
        yield f"{name}, right", photograph[:CORNER, -CORNER:]


def _real_swaps(data: Path) -> Pictures:
    for row in csv.DictReader((data / "real_swaps" / "index.csv").open()):
        path = data / "real_swaps" / f"{row['id']}_swap.jpg"
        yield path.name, decode_image(path.read_bytes(), path).pixels


def _samples() -> Pictures:
    yield from _below(Path(skimage.__file__).parent / "data")
    yield from _below(Path(matplotlib.get_data_path()) / "sample_data")


def _below(folder: Path) -> Pictures:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in {".png", ".jpg", ".jpeg", ".gif", ".tif", ".webp"} or path.name in PEOPLE:
            continue
        try:
            yield str(path), decode_image(path.read_bytes(), path).pixels
        except ImageError:  # transparent, which `dfrec recover` refuses: here on white
            bgra = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
            if bgra is None or bgra.ndim != 3 or bgra.shape[2] != 4:
                continue
            alpha = bgra[..., 3:] / 255
            yield str(path), np.round(bgra[..., 2::-1] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def _drawn() -> Pictures:
    """Rectangles, discs, lines and triangles in colours of chance."""
    for number in range(DRAWN):
        rng = np.random.default_rng(number)
        side = int(rng.integers(160, 640))
        picture = np.empty((side, side, 3), np.uint8)
        picture[:] = rng.integers(0, 256, 3)
        for _ in range(int(rng.integers(4, 40))):
            colour = tuple(int(level) for level in rng.integers(0, 256, 3))
            a, b = (tuple(int(value) for value in rng.integers(0, side, 2)) for _ in range(2))
            kind = rng.integers(4)
            if kind == 0:
                cv2.rectangle(picture, a, b, colour, -1)
            elif kind == 1:
                cv2.circle(picture, a, int(rng.integers(4, side // 4)), colour, -1)
            elif kind == 2:
                cv2.line(picture, a, b, colour, int(rng.integers(1, 12)))
            else:
                cv2.fillPoly(picture, [rng.integers(0, side, (3, 2)).astype(np.int32)], colour)
        yield f"drawn {number}", picture


if __name__ == "__main__":
    main()
