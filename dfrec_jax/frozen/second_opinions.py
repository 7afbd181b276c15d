"""Pose and landmarks by networks that we do not port: second opinions, run by onnxruntime where it is installed.

FSA-Net (Yang et al. 2019; omasaht/headpose-fsanet-pytorch, MIT) and PFLD (Guo et al. 2019; cunjian/
pytorch_face_landmark). Nothing that this project reports depends on them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from dfrec_jax.weights import digest, registry
from dfrec_jax.weights.resolution import locate

FSANET_MARGIN = 0.3  # of the box's sides, added on each; by it FSA-Net agrees best with the mirror image
PFLD_MARGIN = 0.1


class OnnxruntimeMissing(ImportError):
    """onnxruntime is not installed."""


class FsaNet:
    """Head pose from a face box; the mean of the two published networks."""

    def __init__(self, weights_dir: str = "") -> None:
        """Finds and loads the two files.

        Raises:
          OnnxruntimeMissing: where it is not installed.
          WeightsError: for files that are missing or not what they should be.
        """
        self._sessions = [_session(name, weights_dir) for name in ("fsanet-1x1", "fsanet-var")]

    def pose(self, image: UInt8[np.ndarray, "_ _ 3"], box: Float[np.ndarray, "4"]) -> Float[np.ndarray, "3"]:
        """Yaw, pitch and roll in degrees, signed as `threeddfa.pose_angles`, of the face in `box` of an RGB image."""
        crop = cv2.resize(_crop(image, box, FSANET_MARGIN), (64, 64))[..., ::-1]
        pixels = ((crop.astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)[None]
        yaw, pitch, roll = np.mean([_run(session, pixels)[0] for session in self._sessions], axis=0)
        return np.array([yaw, -pitch, -roll])


class Pfld:
    """68 landmarks from a face box."""

    def __init__(self, weights_dir: str = "") -> None:
        """Finds and loads the file. Raises as `FsaNet`."""
        self._network = _session("pfld", weights_dir)

    def points(self, image: UInt8[np.ndarray, "_ _ 3"], box: Float[np.ndarray, "4"]) -> Float[np.ndarray, "68 2"]:
        """(x, y) in pixels of the RGB image, of the face in `box`."""
        x0, y0, x1, y1 = _square(box, PFLD_MARGIN)
        crop = cv2.resize(_pixels(image, x0, y0, x1, y1), (112, 112))
        points = _run(self._network, (crop.astype(np.float32) / 255).transpose(2, 0, 1)[None])[0].reshape(68, 2)
        return points * (x1 - x0, y1 - y0) + (x0, y0)


def _session(name: str, weights_dir: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise OnnxruntimeMissing(f"{name} runs by onnxruntime: pip install 'dfrec-jax[dev]', or onnxruntime") from error
    release = registry.find(name)
    path: Path = locate(release, weights_dir)
    digest.check(path, release)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _run(session: Any, pixels: np.ndarray) -> np.ndarray:
    return session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(pixels)})[0]


def _crop(image: np.ndarray, box: Sequence[float] | np.ndarray, margin: float) -> np.ndarray:
    x0, y0, x1, y1 = box
    grow_x, grow_y = margin * (x1 - x0), margin * (y1 - y0)
    height, width = image.shape[:2]
    left, top = max(0, round(x0 - grow_x)), max(0, round(y0 - grow_y))
    return image[top : min(height, round(y1 + grow_y) + 1), left : min(width, round(x1 + grow_x) + 1)]


def _square(box: np.ndarray, margin: float) -> tuple[int, int, int, int]:
    """The square around the box's centre whose side is its longer side, grown by `margin` on each side."""
    side = max(box[2] - box[0], box[3] - box[1]) * (1 + 2 * margin)
    x, y = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    return round(x), round(y), round(x + side), round(y + side)


def _pixels(image: np.ndarray, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """The part of the image, black where it reaches beyond."""
    height, width = image.shape[:2]
    part = np.zeros((y1 - y0, x1 - x0, 3), image.dtype)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    part[top - y0 : bottom - y0, left - x0 : right - x0] = image[top:bottom, left:right]
    return part
