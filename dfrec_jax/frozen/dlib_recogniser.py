"""dlib's face recogniser, for reporting alone: it took part in no loss, in no choice of data and in no other metric.

dlib (Boost licence) with its ResNet of 2017 and its predictor of five landmarks (King; both CC0), from the packages
`dlib-bin` and `face_recognition_models`. Of the second only the files are read; it is not imported. Its predictor of 68
landmarks, whose training pictures are for research alone, is not used.
"""

import hashlib
import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.frozen.align import ARCFACE_TEMPLATE, similarity
from dfrec_jax.weights.rules import WeightsError

NAME = "dlib-resnet-v1"
SAME = 0.6  # distance below which dlib takes two faces for one person
SIDE = 256  # pixels that smaller pictures are enlarged to
# The box that dlib's own detector gives, in pixels of the ArcFace template: medians over 148 faces of LFW.
BOX_CENTRE, BOX_SIDE = (55.2, 70.3), 83.7
FILES = {  # of face_recognition_models 0.3.0, by SHA-256
    "shape_predictor_5_face_landmarks.dat": "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    "dlib_face_recognition_resnet_model_v1.dat": "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
}


class DlibMissing(ImportError):
    """dlib or its files are not installed."""


class DlibRecogniser:
    """From pictures and five landmarks to descriptors of 128 numbers, whose distances are compared with `SAME`."""

    def __init__(self) -> None:
        """Finds and loads dlib and its two files.

        Raises:
          DlibMissing: where one of the two packages is not installed.
          WeightsError: for a file that is not what it should be.
        """
        try:
            self._dlib: Any = importlib.import_module("dlib")
        except ImportError as error:
            raise DlibMissing(f"{NAME} runs by dlib: pip install 'dfrec-jax[report]'") from error
        package = importlib.util.find_spec("face_recognition_models")
        if package is None or not package.submodule_search_locations:
            raise DlibMissing(f"{NAME}: face_recognition_models holds its files: pip install 'dfrec-jax[report]'")
        folder = Path(package.submodule_search_locations[0]) / "models"
        predictor, network = (str(_checked(folder / name, digest)) for name, digest in FILES.items())
        self._predict = self._dlib.shape_predictor(predictor)
        self._network = self._dlib.face_recognition_model_v1(network)

    def find(self, pictures: UInt8[np.ndarray, "b h w 3"], landmarks: Float[np.ndarray, "b 5 2"]) -> list[Any]:
        """dlib's own five landmarks of each face, as `embed` takes them; None where `landmarks` are not known.

        Args:
          pictures: RGB.
          landmarks: by which the box is placed that dlib's detector would give.
        """
        places: list[Any] = []
        for picture, points in zip(pictures, landmarks, strict=True):
            if not np.isfinite(points).all() or np.ptp(points[:, 0]) == 0:
                places.append(None)
                continue
            enlarged, scale = _enlarged(picture)
            left, top, side = _box((points + 0.5) * scale - 0.5)
            box = self._dlib.rectangle(round(left), round(top), round(left + side), round(top + side))
            places.append(self._predict(enlarged, box))
        return places

    def embed(self, pictures: UInt8[np.ndarray, "b h w 3"], places: Sequence[Any]) -> Float[np.ndarray, "b 128"]:
        """Descriptors, not of unit length; NaN where there is no place.

        Args:
          pictures: RGB, of the size of those that `places` were found in.
          places: of `find`.
        """
        found = np.full((len(pictures), 128), np.nan)
        for row, picture, place in zip(found, pictures, places, strict=True):
            if place is not None:
                row[:] = np.array(self._network.compute_face_descriptor(_enlarged(picture)[0], place))
        return found


def sha256() -> str:
    """Of the files that make a descriptor what it is."""
    return hashlib.sha256("".join(FILES.values()).encode()).hexdigest()


def _box(landmarks: np.ndarray) -> tuple[float, float, float]:
    """Left, top and side of the box that dlib's detector gives a face with these landmarks."""
    transform = np.asarray(similarity(jnp.asarray(landmarks, jnp.float32)[None], jnp.asarray(ARCFACE_TEMPLATE)))[0]
    linear, shift = transform[:, :2], transform[:, 2]
    x, y = np.linalg.solve(linear, np.array(BOX_CENTRE) - shift)
    side = float(BOX_SIDE / np.hypot(*linear[0]))
    return float(x) - side / 2, float(y) - side / 2, side


def _enlarged(picture: np.ndarray) -> tuple[np.ndarray, float]:
    scale = max(1.0, SIDE / picture.shape[0])
    if scale == 1:
        return np.ascontiguousarray(picture), scale
    size = tuple(round(side * scale) for side in picture.shape[1::-1])
    return cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), scale


def _checked(path: Path, digest: str) -> Path:
    if not path.is_file():
        raise DlibMissing(f"{path}: is not there; pip install --force-reinstall face_recognition_models")
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise WeightsError(f"{path}: is not the published file; pip install --force-reinstall face_recognition_models")
    return path
