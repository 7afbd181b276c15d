"""Frames of a video file by number, through OpenCV's decoder."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from dfrec_jax.pictures.reading import refusal

VIDEO_ENDINGS = (".mp4", ".avi", ".mkv", ".mov", ".webm")
MOST_FRAMES = 10**7  # more are not in a video, but in the broken header of one


class VideoFile:
    """A video that is open; cheapest in rising order of frames.

    Attributes:
      count: of frames, as the file says.
      rate: frames a second, as the file says; 0 where it does not.
      codec: its four letters; empty where the file does not say.
    """

    def __init__(self, path: Path, name: str):
        """Opens it.

        Args:
          path: of the file.
          name: what messages call it.

        Raises:
          ImageError: where it cannot be opened or holds no frame.
        """
        self._name, self._path, self._next = name, str(path), 0
        self._video = cv2.VideoCapture(self._path)
        count = self._video.get(cv2.CAP_PROP_FRAME_COUNT) if self._video.isOpened() else 0
        self.count = int(count) if 0 < count <= MOST_FRAMES else 0
        self.rate = max(0.0, float(self._video.get(cv2.CAP_PROP_FPS))) if self.count else 0.0
        number = int(self._video.get(cv2.CAP_PROP_FOURCC)) if self.count else 0
        self.codec = (number & 0xFFFFFFFF).to_bytes(4, "little").decode("ascii", errors="replace").strip("\0 ")
        if not self.count:
            self.close()
            raise refusal(name, "cannot be read as a video (missing, truncated, or of an unknown codec)")

    def read(self, number: int) -> UInt8[np.ndarray, "h w 3"]:
        """RGB of a frame. Raises ImageError where it cannot be decoded."""
        if number < self._next:
            self._video.release()  # seeking in H.264 lands near the frame and not always on it
            self._video, self._next = cv2.VideoCapture(self._path), 0
        while self._next < number and self._video.grab():
            self._next += 1
        is_read, frame = self._video.read()
        if not is_read:
            detail = f"the video ends after frame {self._next - 1}"
            raise refusal(f"{self._name}#{number}", "cannot be decoded", detail)
        self._next += 1
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))

    def close(self) -> None:
        """Closes the file."""
        self._video.release()


def evenly_spaced(numbers: list[int], count: int) -> list[int]:
    """`count` of the numbers (all, where there are fewer or `count` is 0), evenly spaced, first and last included."""
    if count <= 0 or count >= len(numbers):
        return list(numbers)
    return [numbers[i] for i in np.round(np.linspace(0, len(numbers) - 1, count)).astype(int)]
