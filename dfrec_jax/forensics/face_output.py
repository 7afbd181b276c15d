"""What the network makes of a face."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Float

from dfrec_jax.models.dfrec import DfrecOutput


class FaceOutput(NamedTuple):
    """What the network makes of a face.

    Attributes:
      output: all that it says.
      generated: 1 on the pixels of the target that were generated, 0 where they are the picture's own.
      is_marked: whether the score of a patch reaches the threshold of Algorithm 1, below which chance masks it.
      mean_score: of all patches; where it reaches Algorithm 1's other threshold, chance masks them too.
    """

    output: DfrecOutput
    generated: Float[np.ndarray | Array, "*b s s 1"]
    is_marked: Bool[np.ndarray | Array, "*b"]
    mean_score: Float[np.ndarray | Array, "*b"]
