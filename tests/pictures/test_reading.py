"""Reading pictures: what is mended, and what is refused with a reason."""

import io
import os
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.pictures import reading
from dfrec_jax.pictures.reading import ImageError, decode_image, read_bytes, resize


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)


def read_image(path):
    return decode_image(read_bytes(path), path)


def pixels(path):
    """Of a picture that is read without a remark."""
    found = read_image(path)
    assert found.remarks == ()
    return found.pixels


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_rgb_is_read_as_it_is(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), picture)


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PPM", "PNG"])
def test_other_kinds_are_read_as_they_are(picture, kind):
    np.testing.assert_array_equal(decode_image(saved(Image.fromarray(picture), kind), "a").pixels, picture)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "JPEG2000", "GIF"])
def test_kinds_that_lose_a_little(kind):
    smooth = np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None] * np.ones((32, 1, 3), np.uint8)
    found = decode_image(saved(Image.fromarray(smooth), kind), "a")
    assert found.remarks == () and np.abs(found.pixels.astype(int) - smooth).max() < 12


def test_exif_rotation_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), np.rot90(picture, -1))


def test_gray_becomes_rgb(tmp_path, picture):
    Image.fromarray(picture[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), np.repeat(picture[..., :1], 3, axis=-1))


def test_sixteen_bits_are_scaled(tmp_path):
    values = np.array([[0, 257, 65535], [32896, 514, 65278]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(pixels(tmp_path / "a.png")[..., 1], [[0, 1, 255], [128, 2, 254]])


def test_floating_point_from_0_to_1_is_scaled():
    values = np.array([[0.0, 0.5], [0.25, 1.0]], np.float32)
    found = decode_image(saved(Image.fromarray(values), "TIFF"), "a.tif")
    np.testing.assert_array_equal(found.pixels[..., 2], [[0, 128], [64, 255]])


@pytest.mark.parametrize(
    ("values", "words"), [([0, 128.5], "0 to 128.5"), ([-0.5, 1], "-0.5 to 1"), ([np.nan, 1], "nan")]
)
def test_other_floating_point_is_refused_with_its_range(values, words):
    data = saved(Image.fromarray(np.array([values], np.float32)), "TIFF")
    with pytest.raises(ImageError, match=f"a.tif: has floating-point samples beyond 0..1: scale them to it .*{words}"):
        decode_image(data, "a.tif")


def test_twelve_bits_in_sixteen_need_a_tag_that_says_so():
    image = Image.fromarray(np.array([[0, 2048, 4095]], np.uint16))
    found = decode_image(saved(image, "TIFF", tiffinfo={281: 4095}), "a.tif")
    np.testing.assert_array_equal(found.pixels[0, :, 0], [0, 128, 255])
    for kind in ("TIFF", "PNG"):
        with pytest.raises(
            ImageError, match=r"would come out black: scale it up first.*its brightest is 4095 of 65535"
        ):
            decode_image(saved(image, kind), "a.tif")


def test_twelve_bits_of_three_colours_are_refused_too():
    values = np.random.default_rng(0).integers(0, 4096, (4, 4, 3)).astype(">u2")
    data = b"P6 4 4 65535\n" + values.tobytes()
    with pytest.raises(ImageError, match="would come out black"):
        decode_image(_png_of_16_bits(values), "a.png")
    with pytest.raises(ImageError, match="would come out black"):
        decode_image(data, "a.ppm")
    brighter = decode_image(_png_of_16_bits((values * 15).astype(">u2")), "a.png")
    assert brighter.pixels.max() > 200 and brighter.remarks == ()


def _png_of_16_bits(values):
    """Pillow writes none."""
    import zlib

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"".join(b"\0" + row.tobytes() for row in values)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_fourteen_bits_in_sixteen_are_read_with_a_remark():
    found = decode_image(saved(Image.fromarray(np.array([[0, 16383]], np.uint16)), "PNG"), "a.png")
    assert found.pixels.max() == 64 and "four times too dark" in found.remarks[0]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_refused_with_the_fix(tmp_path, mode):
    Image.new(mode, (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a.png: has transparent pixels.*-flatten"):
        read_image(tmp_path / "a.png")


def test_alpha_that_is_opaque_everywhere_is_dropped(picture):
    image = Image.fromarray(picture)
    image.putalpha(255)
    np.testing.assert_array_equal(decode_image(saved(image, "PNG"), "a.png").pixels, picture)
    image.putpixel((3, 4), (1, 2, 3, 254))
    with pytest.raises(ImageError, match="transparent pixels"):
        decode_image(saved(image, "PNG"), "a.png")


def test_what_pillow_warns_of_is_not_on_the_screen(tmp_path):
    """A palette whose entries are all opaque, and EXIF data that end too soon; pytest sets filters of its own."""
    palette = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).convert("P")
    palette.save(tmp_path / "palette.png", transparency=bytes([255] * 256))
    exif = Image.Exif()
    exif[0x010E] = "x" * 99
    Image.new("RGB", (8, 8)).save(tmp_path / "exif.jpg", exif=exif.tobytes()[:-60])
    program = (
        "import sys\nfrom dfrec_jax.pictures.reading import decode_image\n"
        "for path in sys.argv[1:]: print(decode_image(open(path, 'rb').read(), path).pixels.shape)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "palette.png"), str(tmp_path / "exif.jpg")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("(8, 8, 3)\n(8, 8, 3)\n", "")


def test_a_transparent_colour_counts_only_where_it_is_used():
    image = Image.new("RGB", (4, 4), (9, 9, 9))
    assert decode_image(saved(image, "PNG", transparency=(1, 2, 3)), "a.png").pixels.max() == 9
    with pytest.raises(ImageError, match="transparent pixels"):
        decode_image(saved(image, "PNG", transparency=(9, 9, 9)), "a.png")


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_of_several_frames_the_first_is_read_and_said(kind):
    frames = [Image.new("RGB", (8, 8), (level, level, level)) for level in (40, 120, 200)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    found = decode_image(data, "a")
    assert found.remarks == ("the first of its 3 frames or pages was taken",)
    assert abs(int(found.pixels[0, 0, 0]) - 40) < 4


def test_a_truncated_file_is_refused_in_the_same_words_whatever_is_missing(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(tmp_path / "a.jpg")
    data, reasons = (tmp_path / "a.jpg").read_bytes(), set()
    for share in (2, 3):
        (tmp_path / "a.jpg").write_bytes(data[: len(data) * share // 4])
        with pytest.raises(ImageError, match="a.jpg: cannot be read as a picture.*(?i:truncated)") as refused:
            read_image(tmp_path / "a.jpg")
        reasons.add(refused.value.reason)
    assert len(reasons) == 1


def test_what_is_no_picture_is_refused_without_addresses_of_memory(tmp_path):
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(ImageError, match="cannot be read as a picture") as refused:
        read_image(tmp_path / "a.png")
    assert "0x" not in str(refused.value) and "BytesIO" not in str(refused.value)
    with pytest.raises(ImageError, match="is a folder: name the pictures in it"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="there is no such file"):
        read_image(tmp_path / "b.png")
    os.mkfifo(tmp_path / "p.png")
    with pytest.raises(ImageError, match="p.png: is a pipe or a device, and no file"):
        read_image(tmp_path / "p.png")
    with pytest.raises(ImageError, match="aaa: cannot be read .*too long"):
        read_image(tmp_path / ("a" * 4000))


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"")

    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(reading.Path, "read_bytes", refused)
    with pytest.raises(ImageError, match=r"a.png: cannot be read \(Permission denied\)"):
        read_image(tmp_path / "a.png")


def test_postscript_by_the_name_of_png_runs_no_ghostscript(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    ran = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: ran.append(1))
    (tmp_path / "a.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    )
    with pytest.raises(ImageError, match="it is no JPEG, "):
        read_image(tmp_path / "a.png")
    assert not ran


def test_too_many_pixels_are_refused_by_our_own_limit():
    data = bytearray(saved(Image.new("L", (8, 8)), "PPM"))
    for size, reason in ((b"20000 10001", "has more than 200 million pixels"), (b"14000 14000", "truncated")):
        with pytest.raises(ImageError, match=reason):
            decode_image(bytes(data).replace(b"8 8", size, 1) + bytes(10_000), "a.pgm")


def test_heic_without_its_decoder_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    data = struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + b"\0" * 40
    with pytest.raises(ImageError, match=r"no decoder for HEIC is installed: pip install 'dfrec-jax\[heic\]'"):
        decode_image(data, "a.heic")


def test_heic_is_read_where_its_decoder_is_installed():
    heif = pytest.importorskip("pillow_heif", reason="the `heic` extra is not installed")
    file = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (64, 64), (200, 100, 50))).save(file)
    found = decode_image(file.getvalue(), "a.heic")
    assert found.pixels.shape == (64, 64, 3) and abs(int(found.pixels[9, 9, 0]) - 200) < 6


def test_resizing_is_bicubic_and_antialiased(picture):
    small = resize(picture, 8)
    want = np.asarray(Image.fromarray(picture).resize((8, 8), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(small, want)
    assert resize(small, 8) is small
