"""Finding the same picture twice although its bytes differ: a perceptual hash, and a look at the pixels to be sure."""

import cv2
import numpy as np
from jaxtyping import Bool, Int, Int8, UInt8, UInt64

THUMBNAIL = 32  # pixels a side
BANDS = np.array_split(np.arange(64), 5)  # two hashes that differ in 4 bits agree in one of five bands
MAX_BITS = 4
MAX_DIFFERENCE = 9.0  # root mean square, between thumbnails of one brightness and contrast (spread 48)


def thumbnail(image: UInt8[np.ndarray, "h w 3"]) -> Int8[np.ndarray, "32 32"]:
    """Gray, reduced by area, brought to a mean of 0 and a standard deviation of 48 grey levels; clipped."""
    gray = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    gray = gray.astype(np.float32)
    level = (gray - gray.mean()) * np.float32(48 / max(float(gray.std()), 1.0))
    return np.clip(np.round(level), -127, 127).astype(np.int8)


def perceptual_hash(picture: Int8[np.ndarray, "32 32"]) -> np.uint64:
    """64 bits: which of the 8 x 8 lowest frequencies of the cosine transform lie above their median (Zauner 2010)."""
    low = cv2.dct(picture.astype(np.float32))[:8, :8].reshape(-1)
    bits = low > np.median(low[1:])
    return np.packbits(bits).view(">u8").astype(np.uint64)[0]


def near_duplicates(
    hashes: UInt64[np.ndarray, " n"],
    thumbnails: Int8[np.ndarray, "n 32 32"],
    other_hashes: UInt64[np.ndarray, " m"],
    other_thumbnails: Int8[np.ndarray, "m 32 32"],
) -> Int[np.ndarray, "p 2"]:
    """Pairs of pictures of two collections that differ in 4 bits of their hashes at most and little in their pixels."""
    found: set[tuple[int, int]] = set()
    for band in BANDS:
        codes, other_codes = _codes(hashes, band), _codes(other_hashes, band)
        order = np.argsort(codes, kind="stable")
        low, high = (np.searchsorted(codes[order], other_codes, side) for side in ("left", "right"))
        for other in np.flatnonzero(high > low):
            candidates = order[low[other] : high[other]]
            close = np.bitwise_count(hashes[candidates] ^ other_hashes[other]) <= MAX_BITS
            candidates = candidates[close]
            if len(candidates):
                alike = _alike(thumbnails[candidates], other_thumbnails[other])
                found |= {(int(one), int(other)) for one in candidates[alike]}
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def _codes(hashes: UInt64[np.ndarray, " n"], band: np.ndarray) -> UInt64[np.ndarray, " n"]:
    return (hashes >> np.uint64(band[0])) & np.uint64((1 << len(band)) - 1)


def _alike(some: Int8[np.ndarray, "k 32 32"], other: Int8[np.ndarray, "32 32"]) -> Bool[np.ndarray, " k"]:
    difference = some.astype(np.float32) - other[None].astype(np.float32)
    return np.sqrt(np.mean(np.square(difference), axis=(1, 2))) <= MAX_DIFFERENCE
