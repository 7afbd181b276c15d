"""What happens to a forgery on its way to the examiner (Table V): blur, JPEG and noise on 8-bit pictures.

One draw an example: the picture depends on the seed and on the example's number alone, so that it is the same in any
batch and on any number of hosts. The parameters are those that the paper gives; kernels and their deviations are
OpenCV's, which albumentations takes over.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Int, UInt8

Picture = UInt8[np.ndarray, "h w 3"]
KERNELS = (3, 5, 7)  # pixels; a kernel has a middle
QUALITIES = (50, 99)  # both included
VARIANCES = (10.0, 50.0)  # of levels 0..255


class Perturbation(NamedTuple):
    """One of them.

    Attributes:
      name: in keys and records.
      stream: its number, which parts its draws from those of the others.
      apply: an RGB picture and a generator of its own -> the picture as it arrives.
    """

    name: str
    stream: int
    apply: Callable[[Picture, np.random.Generator], Picture]


def blurred(picture: Picture, draws: np.random.Generator) -> Picture:
    """Gaussian blur with a kernel of 3, 5 or 7 pixels and a deviation of 0.8, 1.1 or 1.4; mirrored at the border."""
    return _with_kernel(picture, int(draws.choice(KERNELS)))


def compressed(picture: Picture, draws: np.random.Generator) -> Picture:
    """JPEG at a quality of 50 to 99, colours at half the resolution, and back."""
    return _at_quality(picture, int(draws.integers(QUALITIES[0], QUALITIES[1] + 1)))


def noisy(picture: Picture, draws: np.random.Generator) -> Picture:
    """Gaussian noise of a variance of 10 to 50, of each channel by itself; rounded, cut off at 0 and 255."""
    return _with_variance(picture, draws.uniform(*VARIANCES), draws)


BLUR = Perturbation("blur", 1, blurred)
JPEG = Perturbation("jpeg", 2, compressed)
NOISE = Perturbation("noise", 3, noisy)
PERTURBATIONS: Mapping[str, Perturbation] = {one.name: one for one in (BLUR, JPEG, NOISE)}


def perturb(
    perturbation: Perturbation,
    pictures: UInt8[np.ndarray, "b h w 3"],
    numbers: Int[np.ndarray, " b"],
    is_forgery: Bool[np.ndarray, " b"],
    seed: int,
) -> UInt8[np.ndarray, "b h w 3"]:
    """The pictures, the forgeries among them perturbed; a pristine face stays as it is.

    Args:
      perturbation: which.
      pictures: RGB.
      numbers: of the examples, in the order of their split.
      is_forgery: of each.
      seed: of the draws.
    """
    result = pictures.copy()
    for row in np.flatnonzero(is_forgery):
        draws = np.random.default_rng([seed, perturbation.stream, int(numbers[row])])
        result[row] = perturbation.apply(pictures[row], draws)
    return result


def _with_kernel(picture: Picture, kernel: int) -> Picture:
    deviation = 0.3 * ((kernel - 1) / 2 - 1) + 0.8
    return cv2.GaussianBlur(picture, (kernel, kernel), deviation, borderType=cv2.BORDER_REFLECT_101)  # type: ignore[return-value]


def _at_quality(picture: Picture, quality: int) -> Picture:
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])  # type: ignore[index]


def _with_variance(picture: Picture, variance: float, draws: np.random.Generator) -> Picture:
    noise = draws.normal(0.0, np.sqrt(variance), picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)
