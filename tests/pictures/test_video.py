"""Frames of a video file."""

import cv2
import numpy as np
import pytest

from dfrec_jax.pictures import video
from dfrec_jax.pictures.reading import ImageError


def test_evenly_spaced_keeps_first_and_last():
    assert video.evenly_spaced(list(range(10)), 4) == [0, 3, 6, 9]
    assert video.evenly_spaced([4, 5], 3) == [4, 5] == video.evenly_spaced([4, 5], 0)
    np.testing.assert_array_equal(video.evenly_spaced(list(range(100)), 1), [0])


def test_frames_come_by_number_in_any_order(tmp_path):
    path = tmp_path / "v.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 32))
    for level in (0, 80, 160, 240):
        writer.write(np.full((32, 32, 3), level, np.uint8))
    writer.release()
    opened = video.VideoFile(path, "v.avi")
    assert (opened.count, opened.rate) == (4, 10)
    for number in (2, 0, 3):
        np.testing.assert_allclose(opened.read(number), 80 * number, atol=4)
    with pytest.raises(ImageError, match="v.avi#4: cannot be decoded .the video ends after frame 3"):
        opened.read(4)
    opened.close()


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "v.mp4").write_bytes(b"no video")
    with pytest.raises(ImageError, match="v.mp4: cannot be read as a video"):
        video.VideoFile(tmp_path / "v.mp4", "v.mp4")
