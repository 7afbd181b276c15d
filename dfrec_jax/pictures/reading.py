"""Reading one picture from a file as a person would see it, or refusing it with a reason."""

import io
import os
import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from dfrec_jax.files.hashing import sha256_of_file
from dfrec_jax.pictures import colour_profiles

MAX_PIXELS = 200_000_000
MAX_PIXELS_PER_BYTE = 20_000  # of the file: an even grey takes a hundredth of it in PNG, and no face is so even
Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit is lower and says nothing of faces; MAX_PIXELS is the one that holds
# Damaged EXIF data are no reason to refuse a picture, which is then taken as it lies; what else Pillow warns of is
# refused below.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# Pillow knows 40 kinds of files more, and runs Ghostscript on one of them (EPS), whatever the file is called.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM")
PICTURE_ENDINGS = tuple(
    """.jpg .jpeg .jpe .jfif .png .apng .bmp .webp .tif .tiff .gif .avif .jp2 .j2k .jpx .ppm .pgm .pnm .pfm
    .heic .heif""".split()
)
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis")
_INTEGERS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_BITS_PER_SAMPLE, _MAX_SAMPLE_VALUE = 258, 281  # tags of TIFF
_TWELVE_BITS, _FOURTEEN_BITS = 4095, 16383
# What Pillow's messages hold of one file alone: addresses of objects, and counts of bytes.
_PARTICULARS = re.compile(r"\s*(<[^<>]* at 0x[0-9a-fA-F]+>|\(\d+ bytes not processed\))")


class ImageError(ValueError):
    """A picture that cannot be used; the message names the file, what is wrong and the fix.

    Attributes:
      name: what the message calls the file; empty where it is about none, or several.
      reason: the words that are the same for all files with this fault, so that they can be counted.
      detail: what is not.
    """

    def __init__(self, message: str, *, name: str = "", reason: str = "", detail: str = ""):
        """For one file, `refusal` makes the message."""
        super().__init__(message)
        self.name, self.reason, self.detail = name, reason or message, detail


def refusal(name: str | os.PathLike[str], reason: str, detail: str = "") -> ImageError:
    """The error for one file: `name: reason (detail)`."""
    message = f"{name}: {reason}" + (f" ({detail})" if detail else "")
    return ImageError(message, name=str(name), reason=reason, detail=detail)


class Decoded(NamedTuple):
    """A picture as it was read.

    Attributes:
      pixels: RGB.
      remarks: what a person should know of how it was read, such as that it is the first frame of an animation.
    """

    pixels: UInt8[np.ndarray, "h w 3"]
    remarks: tuple[str, ...]


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a picture's file, for whoever must know that what was hashed is what was decoded.

    Raises:
      ImageError: for a missing file, a folder, and a file that may not be read.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder: name the pictures in it, for example {path}/*.png")
        check_is_file(path)
        return path.read_bytes()
    except OSError as error:
        raise refusal(path, "cannot be read", error.strerror or str(error)) from error


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of the bytes of a picture or a video, which is not held in memory. Raises ImageError as `read_bytes`."""
    path = Path(path)
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder: name a file in it")
        check_is_file(path)
        return sha256_of_file(path)
    except OSError as error:
        raise refusal(path, "cannot be read", error.strerror or str(error)) from error


def check_is_file(path: Path) -> None:
    """Raises ImageError where there is none, or a pipe or a device, of which nobody knows when, or whether, it ends."""
    if not path.is_file():
        raise refusal(path, "is a pipe or a device, and no file" if path.exists() else "there is no such file")


def check_size(size: tuple[int, int], num_bytes: int, path: str | os.PathLike[str]) -> None:
    """Raises ImageError for a picture that is not to be decoded: width and height of it, as its file of so many bytes
    says, are more than a face needs, or than the file could hold."""
    width, height = size
    if width * height > MAX_PIXELS:
        reason = f"has more than {MAX_PIXELS // 10**6} million pixels: crop it to the face first"
        raise refusal(path, reason, f"{width}x{height}")
    if width * height > MAX_PIXELS_PER_BYTE * num_bytes:
        reason = "says that it is far larger than its file could hold: it is damaged, or made to fill the memory"
        raise refusal(path, reason, f"{width}x{height} in {num_bytes} bytes")


def decode_image(data: bytes, path: str | os.PathLike[str]) -> Decoded:
    """RGB of the bytes of a file, turned as its EXIF orientation says.

    Gray becomes RGB. An embedded colour profile is applied (see `colour_profiles`); without one the samples are taken
    for sRGB. An alpha channel that is opaque everywhere is dropped. Of several frames or pages the first is read, and
    `remarks` say so. Samples of more than 8 bits are scaled to 8: floating point from 0..1, integers from 0..65535 or
    from 0 to the largest value that a TIFF's tags name. 12 bits in the lower end of 16, without a tag that says so,
    would come out black: they are refused, not guessed at, since what is dark is not always 12 bits.

    Args:
      data: the whole file.
      path: what messages call it.

    Raises:
      ImageError: for what is truncated or no picture of the kinds in FORMATS, has transparent pixels, floating-point
        samples beyond 0..1, more than 200 million pixels, or more than 20,000 for each byte of the file.
    """
    if is_heic(data) and not _heic_decoder():
        raise refusal(path, "no decoder for HEIC is installed: pip install 'dfrec-jax[heic]', or convert it to PNG")
    formats = FORMATS + (("HEIF",) if is_heic(data) else ())
    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            check_size(image.size, len(data), path)
            remarks = _frames_left_out(image)
            depth = _depth(image)
            image.load()
            turned = _in_eight_bits(_opaque(ImageOps.exif_transpose(image), path), depth, path, remarks)
            rgb = colour_profiles.to_srgb(turned, image.info.get("icc_profile") or b"", remarks)
            return Decoded(np.asarray(rgb), tuple(remarks))
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        kinds = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise refusal(path, f"cannot be read as a picture: it is no {kinds} file") from error
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError and more on broken files
        words = _PARTICULARS.sub("", f"{type(error).__name__}: {error}")
        raise refusal(path, f"cannot be read as a picture ({words})") from error


def resize(image: UInt8[np.ndarray, "h w 3"], size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Bicubic and antialiased to a square, as the released code does; a picture of that size is returned as it is."""
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))


def is_heic(data: bytes) -> bool:
    """By the brands in its first box; AVIF shares the container, and Pillow reads it."""
    brands = data[8 : int.from_bytes(data[:4], "big")][:256] if data[4:8] == b"ftyp" else b""
    return any(brand in brands for brand in _HEIC_BRANDS) and b"avif" not in brands


def _heic_decoder() -> bool:
    """Gives Pillow its decoder for HEIC; False where that is not installed."""
    try:
        import pillow_heif  # pyright: ignore[reportMissingImports]
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _frames_left_out(image: Image.Image) -> list[str]:
    count = getattr(image, "n_frames", 1)
    if count > 1:
        image.seek(0)
    return [f"the first of its {count} frames or pages was taken"] if count > 1 else []


class _Depth(NamedTuple):
    """Whether samples have 16 bits in the file, and the largest value: 65535, unless tags name a smaller one."""

    has_16_bits: bool
    top: int


def _depth(image: Image.Image) -> _Depth:
    """Of a picture that is not loaded yet: afterwards it no longer knows what was in the file."""
    tags: Any = getattr(image, "tag_v2", {})
    bits, most = (np.max(tags.get(tag) or 0) for tag in (_BITS_PER_SAMPLE, _MAX_SAMPLE_VALUE))
    top = next((int(top) for top in (most, 2**bits - 1) if 255 < top < 65535), 65535)
    tile: Any = getattr(image, "tile", None)
    how = str(tile[0].args) if tile else ""  # a name such as RGB;16B, or of PPM the largest value
    return _Depth("16" in how or "65535" in how, top)


def _opaque(image: Image.Image, path: str | os.PathLike[str]) -> Image.Image:
    """Without its alpha channel, or colour that is to be transparent, where every pixel is opaque."""
    if not image.has_transparency_data:
        return image
    opaque = image
    if image.mode in _INTEGERS:
        is_opaque = bool(np.all(np.asarray(image) != image.info["transparency"]))
    else:
        whole = image.convert("RGBA")  # of a palette too, which Pillow converts to nothing else without a warning
        is_opaque = whole.getchannel("A").getextrema() == (255, 255)
        opaque = whole.convert("L" if image.mode in ("LA", "La") else "RGB")
    if not is_opaque:
        reason = "has transparent pixels, and what lies behind them is not known: flatten it onto a background first"
        raise refusal(path, f"{reason}, for example `convert IN -background white -flatten OUT`")
    return opaque


def _in_eight_bits(image: Image.Image, depth: _Depth, path: str | os.PathLike[str], remarks: list[str]) -> Image.Image:
    if image.mode == "F":
        values = np.asarray(image, np.float64)
        low, high = float(values.min()), float(values.max())
        if not 0 <= low <= high <= 1:  # NaN neither
            raise refusal(path, "has floating-point samples beyond 0..1: scale them to it", f"{low:g} to {high:g}")
        return Image.fromarray(np.rint(values * 255).astype(np.uint8))
    is_gray = image.mode in _INTEGERS
    if not is_gray and not depth.has_16_bits:
        return image
    values = np.asarray(image).astype(np.int64) * (1 if is_gray else 257)  # Pillow keeps the upper 8 of 16 bits
    low, high, top = int(values.min()), int(values.max()), depth.top if is_gray else 65535
    if not 0 <= low <= high <= top:
        raise refusal(path, "has samples beyond what their number of bits allows", f"{low} to {high}, not 0 to {top}")
    if top == 65535 and high <= _TWELVE_BITS:
        reason = "has 16 bits a sample and uses the lowest 12 of them at most, so that it would come out black"
        detail = f"its brightest is {high} of 65535"
        raise refusal(path, f"{reason}: scale it up first, for example `convert IN -auto-level OUT`", detail)
    if top == 65535 and high <= _FOURTEEN_BITS:
        remarks.append("its samples use 14 of 16 bits at most: if it was taken with 14, it is read four times too dark")
    return Image.fromarray(np.rint(values * (255 / top)).astype(np.uint8)) if is_gray else image
