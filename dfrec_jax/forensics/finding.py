"""Where the faces of a picture are: by RetinaFace, by the detector inside dlib, or as somebody says in a file.

A network of photographs sees faces framed as its training data were, so that a face must be found first.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError, Option
from dfrec_jax.files import json_text
from dfrec_jax.frozen import load
from dfrec_jax.frozen.detection import CANDIDATE_SCORE, Face, detect_faces
from dfrec_jax.pictures import framing
from dfrec_jax.pictures.framing import Frame
from dfrec_jax.weights.rules import WeightsError

RETINAFACE = "retinaface-mobile025"
DLIB = "dlib's frontal face detector"
SIDES = (320, 640)  # that RetinaFace sees: a face that fills a large picture is beyond its largest anchor at 640
SURE = 0.95  # RetinaFace's score of a face, `gate.py`
SURE_BY_DLIB = 0.25  # dlib's, a distance: 98 % of LFW's validation faces have it, and no place of a wallpaper has 0
AGAIN, SIDE_AGAIN = Frame("box", 1.0), 256  # how a face is looked at again, mirrored
DLIB_SIDE = 1024  # pixels; larger pictures are reduced to it: the faces that are sought fill a part of the picture

# Medians over 150 pictures of LFW. Landmarks from the middle of RetinaFace's box, in its longer side (deviation 0.05):
LANDMARKS_IN_BOX = np.array([[-0.18, -0.11], [0.16, -0.11], [-0.01, 0.09], [-0.15, 0.24], [0.15, 0.24]], np.float32)
# RetinaFace's box from dlib's square, in its side: shift of the middle (deviation 0.06), width, height (0.1).
SHIFT_OF_DLIB, SIDES_OF_DLIB = np.array([-0.01, -0.09]), np.array([0.91, 1.25])

Picture = UInt8[np.ndarray, "h w 3"]
Find = Callable[[Picture], Sequence[Face]]


class Detector(NamedTuple):
    """What finds faces.

    Attributes:
      name: on the screen and in a record.
      find: proposes places that may be faces.
      least_score: from which on one is a face for the gate; what is below it may be anything.
      look_again: the score of a face when it is looked at by itself, `AGAIN`; None where the detector has none.
    """

    name: str
    find: Find
    least_score: float
    look_again: Callable[[Picture, Face], float] | None = None

    def sure(self, pixels: Picture) -> list[Face]:
        """The places that count as faces."""
        return [face for face in self.find(pixels) if face.score >= self.least_score]


def detector_for(config: ConfigDict) -> tuple[Detector | None, str]:
    """What finds the faces of pictures for a run of `config`, or None and the reason, in words.

    RetinaFace where its weights are at hand, else dlib where it is installed. Nothing is downloaded. A network of drawn
    faces gets none: the detectors were made for photographs.
    """
    if config.data.dataset == "embedded":
        return None, "not looked for: the network was trained on drawn faces, and the detectors are for photographs"
    weights_dir, reason = config.frozen.weights_dir, "is not at hand"
    try:
        if load.is_at_hand(load.find_blueprint(RETINAFACE), weights_dir):
            detector = Detector(RETINAFACE, *_retinaface(weights_dir))
            return detector, f"looked for with {detector.name}"
    except WeightsError as error:
        reason = f"cannot be used: {error}"
    try:
        detector = Detector(DLIB, _dlib(), SURE_BY_DLIB)
    except ImportError:
        return None, (
            f"not looked for: {RETINAFACE} {reason} (`dfrec weights fetch {RETINAFACE}`), nor is dlib (`pip install "
            "dlib-bin`)"
        )
    return detector, f"looked for with {detector.name}, since {RETINAFACE} {reason}"


def _retinaface(weights_dir: str) -> tuple[Find, float, Callable[[Picture, Face], float]]:
    network = load.load_network(RETINAFACE, weights_dir=weights_dir, allow_random=False, image_size=SIDES[0])

    def find(pixels: Picture) -> Sequence[Face]:
        proposed: list[Sequence[Face]] = []
        for side in SIDES:
            proposed.append(detect_faces(network, [pixels], side=side)[0])
            if any(face.score >= SURE for face in proposed[-1]):
                return proposed[-1]
        return next(filter(None, proposed), [])

    def look_again(pixels: Picture, face: Face) -> float:
        height, width = pixels.shape[:2]
        matrix = framing.crop_matrix(AGAIN, face.box, face.landmarks, height, width, SIDE_AGAIN)
        mirrored = np.ascontiguousarray(framing.cut_out(pixels, matrix, SIDE_AGAIN)[:, ::-1])
        found = detect_faces(network, [mirrored], side=SIDES[0], min_score=CANDIDATE_SCORE)[0]
        middles = [np.abs((each.box[:2] + each.box[2:]) / 2 - SIDE_AGAIN / 2).max() for each in found]
        near = [each.score for each, off in zip(found, middles, strict=True) if off < SIDE_AGAIN / 8]
        return max(near, default=0.0)

    return find, SURE, look_again


def _dlib() -> Find:
    """Histograms of gradients in a sliding window, compiled into the package: no weights. Boxes are brought to what
    RetinaFace's are; landmarks stand where they are on average in such a box."""
    import dlib  # an extra: ImportError where it is not installed

    detector: Any = dlib.get_frontal_face_detector()  # type: ignore[attr-defined]

    def find(pixels: Picture) -> Sequence[Face]:
        scale = min(1.0, DLIB_SIDE / max(pixels.shape[:2]))
        if scale < 1:
            pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        squares, scores, _ = detector.run(np.ascontiguousarray(pixels), 1, 0.0)
        corners = [np.array([each.left(), each.top(), each.right() + 1, each.bottom() + 1]) for each in squares]
        boxes = [_as_retinaface(square.astype(np.float32) / scale) for square in corners]
        return [Face(box, score, landmarks_of_box(box)) for box, score in zip(boxes, scores, strict=True)]

    return find


def _as_retinaface(square: Float[np.ndarray, "4"]) -> Float[np.ndarray, "4"]:
    side = square[2] - square[0]
    middle = (square[:2] + square[2:]) / 2 + SHIFT_OF_DLIB * side
    half = SIDES_OF_DLIB * side / 2
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def landmarks_of_box(box: Float[np.ndarray, "4"]) -> Float[np.ndarray, "5 2"]:
    """Where the five landmarks are in such a box on average."""
    side = np.max(box[2:] - box[:2])
    return ((box[:2] + box[2:]) / 2 + LANDMARKS_IN_BOX * side).astype(np.float32)


def box_of_landmarks(landmarks: Float[np.ndarray, "5 2"]) -> Float[np.ndarray, "4"]:
    """The square that has the landmarks where they are in a box on average: least squares over its place and side."""
    of_middle = landmarks - landmarks.mean(axis=0)
    template = LANDMARKS_IN_BOX - LANDMARKS_IN_BOX.mean(axis=0)
    side = float(np.sqrt(np.sum(of_middle**2) / np.sum(template**2)))
    middle = landmarks.mean(axis=0) - LANDMARKS_IN_BOX.mean(axis=0) * side
    return np.concatenate([middle - side / 2, middle + side / 2]).astype(np.float32)


def faces_of_file(path: str | os.PathLike[str]) -> Mapping[str, Sequence[Face]]:
    """The faces that a JSON file names: `{"photo.jpg": {"box": [x0, y0, x1, y1], "landmarks": [[x, y], ...]}}`.

    In pixels of the picture, its upper left corner 0, 0. Either of the two may be left out: it is then taken to be
    where it is on average. Several faces stand in a list. Landmarks are the eyes, the nose and the corners of the
    mouth, the left ones as seen in the picture first.

    Raises:
      ConfigError: for a file that cannot be read or says something else; names the picture.
    """
    try:
        said = json_text.parsed(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(Option("faces", os.fspath(path)), f": cannot be read as JSON ({error})") from error
    if not isinstance(said, dict) or not said:
        raise ConfigError(Option("faces", os.fspath(path)), ": must be an object with a name of a picture for each key")
    return {name: [_said(path, name, each) for each in _listed(faces)] for name, faces in said.items()}


def _listed(faces: Any) -> list[Any]:
    return faces if isinstance(faces, list) else [faces]


def _said(path: str | os.PathLike[str], name: str, face: Any) -> Face:
    try:
        given = {key: np.array(face[key], np.float32) for key in ("box", "landmarks") if key in face}
        is_right = bool(given) and set(face) <= {"box", "landmarks"}
        is_right &= all(np.isfinite(value).all() for value in given.values())
        is_right &= given.get("landmarks", LANDMARKS_IN_BOX).shape == (5, 2)
        box = given.get("box", np.array([0, 0, 1, 1]))
        is_right &= box.shape == (4,) and bool(np.all(box[2:] > box[:2]))
    except (TypeError, ValueError, KeyError, AttributeError):
        is_right = False
    if not is_right:
        raise ConfigError(
            Option("faces", os.fspath(path)),
            f": {name}: {json.dumps(face)[:80]}: must be an object with `box`, [x0, y0, x1, "
            "y1] with x1 > x0 and y1 > y0, or `landmarks`, five pairs [x, y], or both, in pixels",
        )
    if "landmarks" not in given:
        return Face(given["box"], 1.0, landmarks_of_box(given["box"]))
    if "box" not in given:
        return Face(box_of_landmarks(given["landmarks"]), 1.0, given["landmarks"])
    return Face(given["box"], 1.0, given["landmarks"])
