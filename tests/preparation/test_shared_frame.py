"""A forgery, its target and its mask in three sizes: the crops show one place of the frame."""

import cv2
import numpy as np
import pytest

from dfrec_jax.preparation.cut_records import find
from dfrec_jax.preparation.job_to_records import records_of
from dfrec_jax.preparation.plan import Item, Job, Picture, Rejected, VideoPair
from dfrec_jax.preparation.shared_frame import carried_over
from dfrec_jax.records import schema
from dfrec_jax.records.schema import PRISTINE, SWAP
from tests.preparation import trees

SIDE = 96


def frame():
    image = trees.picture(3, SIDE)
    image[60:66, 44:52] = (0, 0, 255)  # a mark, right of the middle and below it
    return image


def in_size(image, scale, shape=(1.0, 1.0)):
    width, height = (round(image.shape[i] * scale * shape[1 - i]) for i in (1, 0))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=how)


def white_mark(scale):
    mask = np.zeros((SIDE, SIDE, 3), np.uint8)
    mask[60:66, 44:52] = 255
    return in_size(mask, scale)


def mark_of(image):
    """The middle of the blue mark."""
    return np.argwhere((image[..., 2] > 150) & (image[..., 0] < 90)).mean(axis=0)


def check(record):
    image, target = schema.decode(record["image"]), schema.decode(record["target"])
    assert np.abs(image.astype(int) - target).mean() < 12
    np.testing.assert_allclose(mark_of(image), mark_of(target), atol=1)
    mask = schema.decode_mask(record["mask"])[..., 0]
    np.testing.assert_allclose(np.argwhere(mask > 128).mean(axis=0), mark_of(target), atol=1)


@pytest.mark.parametrize("forged", [0.5, 2.0])
@pytest.mark.parametrize("masked", [0.5, 1.0, 2.0])
def test_pictures_of_one_frame_in_three_sizes(tmp_path, forged, masked):
    pictures = {"swap": in_size(frame(), forged), "target": frame(), "mask": white_mark(masked)}
    for name, image in pictures.items():
        trees.save(tmp_path / f"{name}.png", image)
    swap, target, mask = (Picture(str(tmp_path), f"{name}.png") for name in pictures)
    item = Item("train", SWAP, "x", swap, None, target, mask, "b", "a")
    (record,) = records_of(Job("j", "train", (item,)), trees.make_tools(), trees.OPTIONS)
    check(record)


def test_videos_of_one_frame_in_three_sizes(tmp_path):
    trees.save_video(tmp_path / "swap.mp4", [in_size(frame(), 0.5)] * 3)
    trees.save_video(tmp_path / "target.mp4", [frame()] * 3)
    trees.save_video(tmp_path / "mask.mp4", [white_mark(2.0)] * 3)
    swap, target, mask = (Picture(str(tmp_path), f"{name}.mp4") for name in ("swap", "target", "mask"))
    work = VideoPair("train", SWAP, "x", swap, None, target, mask, "b", "a", 2)
    records = list(records_of(Job("j", "train", work), trees.make_tools(), trees.OPTIONS))
    assert len(records) == 2
    for record in records:
        check(record)


def test_pictures_of_other_shapes_are_refused_with_both_sizes(tmp_path):
    tall = in_size(frame(), 1.0, (1.25, 1.0))
    trees.save(tmp_path / "swap.png", tall)
    trees.save(tmp_path / "target.png", frame())
    trees.save_video(tmp_path / "swap.mp4", [tall] * 2)
    trees.save_video(tmp_path / "target.mp4", [frame()] * 2)
    swap, target = (Picture(str(tmp_path), f"{name}.png") for name in ("swap", "target"))
    film, target_film = (Picture(str(tmp_path), f"{name}.mp4") for name in ("swap", "target"))
    for work in (
        (Item("test", SWAP, "x", swap, None, target, None, "b", "a"),),
        (Item("test", PRISTINE, PRISTINE, target, None, None, swap, "a", "a"),),
        VideoPair("test", SWAP, "x", film, None, target_film, None, "b", "a", 1),
    ):
        (row,) = records_of(Job("j", "test", work), trees.make_tools(), trees.OPTIONS)
        assert isinstance(row, Rejected) and "they cannot be one frame" in row.reason
        assert "120x96 and 96x96 pixels" in row.detail


def test_the_crop_of_a_picture_of_another_size_is_the_same_crop():
    image = frame()
    placed = find(image, trees.make_tools(), trees.OPTIONS, "a")
    double = carried_over(placed, in_size(image, 2.0), "b", "its target")
    corners = np.array([[0.0, 0.0], [10.0, 20.0]])
    doubled = (corners + 0.5) * 2 - 0.5
    here, there = (points @ m[:, :2].T + m[:, 2] for points, m in ((corners, placed.matrix), (doubled, double.matrix)))
    np.testing.assert_allclose(here, there, atol=1e-4)
    np.testing.assert_allclose(double.face.box, placed.face.box * 2)
