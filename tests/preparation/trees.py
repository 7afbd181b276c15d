"""Tiny trees in the layout of each data set, with faces that show no person, and a face finder for them."""

import io
import tarfile
import time
from pathlib import Path

import cv2
import numpy as np

from dfrec_jax.preparation.cut_records import Options
from dfrec_jax.preparation.face_crops import Face, FaceTools
from dfrec_jax.preparation.prepare import Request
from tests.faces_made_up import made_up_face

OPTIONS = Options(crop="box", margin=0.3, size=48, quality=95)
_POINTS = made_up_face(0, 100)[1]
_POINTS = (_POINTS - _POINTS.min(axis=0)) / np.ptp(_POINTS, axis=0)


def request(out: Path, dataset: str = "faces", **changes) -> Request:
    """A preparation in this process, of small crops."""
    fields = {"num_forgeries": 100, "processes": 1, "seed": 0, "settings": {}, "beam": None, "options": OPTIONS}
    return Request(dataset=dataset, out=str(out), **{**fields, **changes})


class Found(Face):
    """A detection."""

    score = 0.99


def detect(images):
    """One face in the middle of each picture that is not black."""
    return [_detect(image) for image in images]


def _detect(image):
    if image.mean() < 5:
        return []
    height, width = image.shape[:2]
    side = min(height, width)
    box = np.array([width / 2 - 0.3 * side, height / 2 - 0.35 * side, width / 2 + 0.3 * side, height / 2 + 0.35 * side])
    box = box.astype(np.float32)
    points = find_points(image, box)
    five = np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[30], points[48], points[54]])
    return [Found(box, five, points)]


def find_points(image, box):
    """68 landmarks spread over the box."""
    del image
    return (box[:2] + _POINTS * (box[2:] - box[:2])).astype(np.float32)


def make_tools() -> FaceTools:
    """A detector and landmarker of made-up faces; at the top of a module, so that processes can be sent it."""
    return FaceTools(detect, find_points)


def make_slow_tools() -> FaceTools:
    """The same at a picture in a tenth of a second, so that there is time to stop them."""

    def slowly(images):
        time.sleep(0.1)
        return detect(images)

    return FaceTools(slowly, find_points)


def picture(seed: int, size: int = 64) -> np.ndarray:
    """An RGB face, uint8."""
    return np.round(made_up_face(seed, size)[0] * 255).astype(np.uint8)


def black(size: int = 64) -> np.ndarray:
    """A picture without a face."""
    return np.zeros((size, size, 3), np.uint8)


def save(path: Path, image: np.ndarray, quality: int = 92) -> None:
    """Writes a picture, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coded = cv2.imencode(path.suffix, image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    path.write_bytes(coded.tobytes())


def truncate(path: Path) -> None:
    """Cuts a file to its first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def save_video(path: Path, frames: list[np.ndarray]) -> None:
    """Writes a video, mp4v, which every OpenCV can write and read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, frames[0].shape[1::-1])
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()


def people(root: Path, counts: dict[str, int], first_seed: int = 0) -> None:
    """`<identity>/<picture>` with so many pictures of each."""
    for number, (name, count) in enumerate(counts.items()):
        for i in range(count):
            save(root / name / f"{i:02d}.jpg", picture(first_seed + 100 * number + i))


def tar_of(folder: Path, path: Path, mode: str = "w") -> None:
    """Packs a folder."""
    with tarfile.open(path, mode) as tar:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                data = file.read_bytes()
                member = tarfile.TarInfo(f"top/{file.relative_to(folder).as_posix()}")
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
