"""Pictures that stay encoded until the batch is laid out."""

import cv2
import numpy as np
import pytest

from dfrec_jax.examples import encoded
from dfrec_jax.examples.encoded import COLOURS, GRAY, DamagedPicture, Encoded
from dfrec_jax.records import schema
from tests.preparation import trees

JPEG = schema.encode_jpeg(trees.picture(1, 48), 95)
MASK = schema.encode_mask(np.arange(48 * 48, dtype=np.uint16).astype(np.uint8).reshape(48, 48, 1))


def test_pictures_and_masks_are_decoded():
    np.testing.assert_array_equal(Encoded(JPEG, COLOURS, 48).decode(), schema.decode(JPEG))
    np.testing.assert_array_equal(Encoded(MASK, GRAY, 48).decode(), schema.decode_mask(MASK))
    assert not Encoded(b"", GRAY, 16).decode().any()


@pytest.mark.parametrize(("size", "how"), [(32, cv2.INTER_AREA), (96, cv2.INTER_LINEAR)])
def test_another_size_is_resized(size, how):
    want = cv2.resize(schema.decode(JPEG), (size, size), interpolation=how)
    np.testing.assert_array_equal(Encoded(JPEG, COLOURS, size).decode(), want)
    want = cv2.resize(schema.decode_mask(MASK), (size, size), interpolation=how)
    np.testing.assert_array_equal(Encoded(MASK, GRAY, size).decode()[..., 0], want)


def test_fields_that_hold_the_same_pictures_are_one_array():
    pictures = [Encoded(JPEG, COLOURS, 48), Encoded(JPEG, COLOURS, 48)]
    batch = encoded.collate([{"image": picture, "target": picture, "source": pictures[0]} for picture in pictures])
    assert batch["image"] is batch["target"] and batch["source"] is not batch["target"]


def test_a_batch_is_what_stacking_decoded_examples_gives(monkeypatch):
    picture, other = Encoded(JPEG, COLOURS, 48), Encoded(schema.encode_jpeg(trees.picture(2, 48), 95), COLOURS, 48)
    black = Encoded(b"", COLOURS, 48)
    examples = [
        {"image": picture, "source": picture, "number": np.int32(1), "points": np.ones((5, 2), np.float32)},
        {"image": black, "source": other, "number": np.int32(2), "points": np.zeros((5, 2), np.float32)},
    ]
    whole = [encoded.decoded(example) for example in examples]
    assert whole[0]["image"] is whole[0]["source"], "decoded once"
    calls, imdecode = [], cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *given: calls.append(1) or imdecode(*given))
    batch = encoded.collate(examples)
    assert len(calls) == 2
    for name in whole[0]:
        np.testing.assert_array_equal(batch[name], np.stack([example[name] for example in whole]))
        assert batch[name].dtype == whole[0][name].dtype


@pytest.mark.parametrize("side", [16, 48, 300])
def test_the_side_stands_in_the_header(side):
    image = np.zeros((side, side + 8, 3), np.uint8)
    for how in ([], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 4]):
        data = cv2.imencode(".jpg", image, how)[1].tobytes()
        assert encoded.jpeg_side(data) == side
        filled = data[:2] + b"\xff\xff" + data[2:]
        assert encoded.jpeg_side(filled) == side
    for broken in (b"", data[:40], MASK):
        with pytest.raises(ValueError, match="is no JPEG file"):
            encoded.jpeg_side(broken)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no picture", "cannot be decoded"),
        (JPEG[:300], "cannot be decoded"),
        (cv2.imencode(".jpg", np.zeros((16, 24, 3), np.uint8))[1].tobytes(), "is not square"),
    ],
)
def test_what_is_no_square_picture_is_named(data, words):
    with pytest.raises(DamagedPicture, match=f"train: record 5: its picture {words}; .*dfrec prepare"):
        Encoded(data, COLOURS, 48, "train: record 5").decode()
