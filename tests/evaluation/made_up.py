"""What a collected test split looks like, of random numbers."""

import numpy as np

from dfrec_jax.evaluation.collecting import Collected
from dfrec_jax.evaluation.measure import NONE
from dfrec_jax.evaluation.recoverers import COPY, DFREC, INPAINTING

METRICS = ("idsim", "idsim_other", "psnr")
TARGET_ROWS = (COPY, INPAINTING, DFREC)
SOURCE_ROWS = (COPY, DFREC)


def collected(num_forgeries: int = 12, num_pristine: int = 4, seed: int = 0) -> Collected:
    """Forgeries of two attacks, by turns, then pristine faces; each of people of its own."""
    rng, n = np.random.default_rng(seed), num_forgeries + num_pristine
    rows = {"target": (NONE, *TARGET_ROWS), "source": (NONE, *SOURCE_ROWS)}
    is_forgery = np.arange(n) < num_forgeries
    return Collected(
        values={(role, row, name): rng.random(n) for role in rows for row in rows[role] for name in METRICS},
        input_to_recovered={row: rng.random(n) for row in TARGET_ROWS},
        forgery_logit=rng.normal(size=n) + is_forgery,
        examples={
            "is_forgery": is_forgery,
            "has_source": np.ones(n, bool),
            "has_target": np.ones(n, bool),
            "source_id": np.arange(n),
            "target_id": np.where(is_forgery, np.arange(n) + n, np.arange(n)),
            "attack": np.arange(n) % 2,
        },
    )
