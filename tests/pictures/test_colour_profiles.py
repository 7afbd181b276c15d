"""Colour profiles: what they mean is kept, what cannot be used is said, and sRGB is left alone."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from dfrec_jax.pictures.reading import decode_image


def fixed(number: float) -> bytes:
    return struct.pack(">i", round(number * 65536))


def display_p3() -> bytes:
    """A profile of three primaries and sRGB's curve, written by hand: the whitepoint and primaries are Display P3's."""

    def text(words):
        return (
            b"mluc"
            + bytes(4)
            + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 2 * len(words), 28)
            + words.encode("utf-16-be")
        )

    def xyz(*values):
        return b"XYZ " + bytes(4) + b"".join(map(fixed, values))

    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0)
    curve += b"".join(map(fixed, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)))
    tags = {
        b"desc": text("Display P3"), b"cprt": text("none"), b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.5151, 0.2412, -0.0011), b"gXYZ": xyz(0.2920, 0.6922, 0.0419),
        b"bXYZ": xyz(0.1571, 0.0666, 0.7841), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12s4s", start + len(body), b"", 0x04300000, b"mntr", b"RGB ", b"XYZ ", bytes(12), b"acsp"
    )
    head += bytes(28) + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + table + body


def png(image, profile):
    file = io.BytesIO()
    image.save(file, "PNG", icc_profile=profile)
    return file.getvalue()


# Linear light by P3's and sRGB's matrices, worked out apart from any colour management.
P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])


def by_hand(colours):
    encoded = np.asarray(colours, float) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ P3_TO_SRGB.T, 0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_display_p3_becomes_srgb():
    colours = np.array([[[200, 150, 130], [120, 120, 120], [90, 60, 50], [255, 255, 255]]], np.uint8)
    found = decode_image(png(Image.fromarray(colours), display_p3()), "a.png")
    np.testing.assert_allclose(found.pixels, by_hand(colours), atol=1.5)
    assert abs(int(found.pixels[0, 0, 0]) - 200) > 4, "what a picture read without its profile is off by"
    assert found.remarks == ("its colours were converted from its profile 'Display P3' to sRGB",)


def test_srgb_is_left_as_it_is():
    colours = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = decode_image(png(Image.fromarray(colours), profile), "a.png")
    np.testing.assert_array_equal(found.pixels, colours)
    assert found.remarks == ()


def test_a_gray_picture_may_have_a_profile_of_colours():
    gray = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    found = decode_image(png(gray, display_p3()), "a.png")
    np.testing.assert_allclose(found.pixels[..., 1], np.asarray(gray), atol=1.5)


@pytest.mark.parametrize("profile", [b"nonsense", display_p3()[:200]])
def test_a_broken_profile_is_said_and_stops_nothing(profile):
    colours = np.full((4, 4, 3), 77, np.uint8)
    found = decode_image(png(Image.fromarray(colours), profile), "a.png")
    np.testing.assert_array_equal(found.pixels, colours)
    assert found.remarks == ("its colour profile cannot be used: its samples were taken for sRGB",)
