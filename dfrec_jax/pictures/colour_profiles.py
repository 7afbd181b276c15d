"""Embedded colour profiles (ICC): the colours that a picture means, in sRGB, as networks have seen in training."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

_OWN_MODES = ("RGB", "CMYK", "L")  # what profiles are made for; other modes are written out as RGB first
_UNSEEN = 1  # of 255: an sRGB profile comes to this by rounding, and then the samples are left as they are


def to_srgb(image: Image.Image, profile: bytes, remarks: list[str]) -> Image.Image:
    """`image` as RGB, its colours brought from `profile` to sRGB.

    By relative colorimetric intent with black point compensation: colours that both spaces have stay what they are,
    white stays white, and what sRGB cannot show is clipped. A profile that changes nothing is not applied, and one that
    cannot be used leaves the samples as they are.

    Args:
      image: in 8 bits a sample.
      profile: as embedded; empty: none, the samples are taken for sRGB.
      remarks: where to say what was done to the colours, or could not be.
    """
    own = image if image.mode in _OWN_MODES else image.convert("RGB")
    if not profile:
        return own.convert("RGB")
    try:
        try:
            return _applied(own, profile, remarks)
        except ImageCms.PyCMSError:
            if own.mode == "RGB":
                raise
            return _applied(own.convert("RGB"), profile, remarks)  # a gray picture, say, with a profile of colours
    except (ImageCms.PyCMSError, OSError):
        remarks.append("its colour profile cannot be used: its samples were taken for sRGB")
        return own.convert("RGB")


def _applied(image: Image.Image, profile: bytes, remarks: list[str]) -> Image.Image:
    transform, name = _transform(profile, image.mode)
    if transform is None:
        return image.convert("RGB")
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # only a transform in place returns none
    remarks.append(f"its colours were converted from its profile {name!r} to sRGB")
    return converted


@functools.lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform | None, str]:
    """The transform, None where it changes nothing that is seen, and the name of the profile."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    transform = ImageCms.buildTransform(
        opened,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    name = " ".join(ImageCms.getProfileDescription(opened).split())
    if mode == "CMYK":
        return transform, name
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    probe = Image.fromarray(colours if mode == "RGB" else levels[None])
    plain, converted = probe.convert("RGB"), ImageCms.applyTransform(probe, transform)
    moved = np.abs(np.asarray(plain, np.int16) - np.asarray(converted, np.int16)).max()
    return (None if moved <= _UNSEEN else transform), name
