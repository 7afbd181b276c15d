"""Reading one picture from a file as a person would see it, or refusing it with a reason."""

import io
import os
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

MAX_PIXELS = 200_000_000
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")


class ImageError(ValueError):
    """A picture that cannot be used; the message names the file, what is wrong and the fix."""


def read_image(path: str | os.PathLike[str]) -> UInt8[np.ndarray, "h w 3"]:
    """RGB, turned as its EXIF orientation says; gray becomes RGB and 16 bits are scaled to 8.

    Raises:
      ImageError: for a missing or truncated file, a folder, a file that is no picture, one with an alpha channel, or
        one of more than 200 million pixels.
    """
    return decode_image(read_bytes(path), path)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a picture's file, for whoever must know that what was hashed is what was decoded.

    Raises:
      ImageError: for a missing file, a folder, and a file that may not be read.
    """
    path = Path(path)
    if path.is_dir():
        raise ImageError(f"{path} is a folder: name the pictures in it, for example {path}/*.png")
    if not path.is_file():
        raise ImageError(f"{path}: there is no such file")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from error


def decode_image(data: bytes, path: str | os.PathLike[str]) -> UInt8[np.ndarray, "h w 3"]:
    """As `read_image`, of the bytes of a file; `path` is only what messages call it."""
    path = Path(path)
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ImageError(f"{path} has {image.width}x{image.height} pixels: crop it to the face first")
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image), path)
    except ImageError:
        raise
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError and more on broken files
        raise ImageError(f"{path} cannot be read as a picture ({type(error).__name__}: {error})") from error


def resize(image: UInt8[np.ndarray, "h w 3"], size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Bicubic and antialiased to a square, as the released code does; a picture of that size is returned as it is."""
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))


def _to_rgb(image: Image.Image, path: Path) -> UInt8[np.ndarray, "h w 3"]:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        raise ImageError(
            f"{path} has an alpha channel, and what lies behind it is not known: flatten it onto a background first, "
            f"for example `convert {path.name} -background white -flatten {path.stem}-flat.png`"
        )
    if image.mode in _SIXTEEN_BIT or image.mode == "I":
        values = np.asarray(image, np.float64)
        gray = np.rint(np.clip(values, 0, 65535) / 257.0).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=-1)
    return np.asarray(image.convert("RGB"))
