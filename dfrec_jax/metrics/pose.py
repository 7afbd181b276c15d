"""Whether two heads are turned alike: the angle of the rotation between them."""

import numpy as np
from jaxtyping import Float


def geodesic_degrees(a: Float[np.ndarray, "n 3 3"], b: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, " n"]:
    """The angle, 0 to 180 degrees, by which each rotation of `a` differs from that of `b`: arccos((tr(a' b) - 1) / 2).

    Computed in float64 from the distance of the matrices, which near 0 loses nothing: |a - b|^2 = 8 sin^2(angle / 2).
    Two rotations drawn at random differ by 126.5 degrees in the mean.
    """
    distance = np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64), axis=(1, 2))
    return np.rad2deg(2 * np.arcsin(np.clip(distance / np.sqrt(8), 0, 1)))
