"""What result.json says of a recovery."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dfrec_jax.config import defaults
from dfrec_jax.forensics import gate
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.forensics.recovery import Recovery
from dfrec_jax.models.dfrec import DfrecOutput


def record_of(recovery: Recovery, warnings: Sequence[str], recoverer: Recoverer) -> dict[str, Any]:
    """What result.json says of a recovery; docs/recover.md describes the fields.

    Args:
      recovery: of one face.
      warnings: its own, and those of reading.
      recoverer: by which it was made.
    """
    config = recoverer.model.config
    record = {
        "status": recovery.status,
        "reason": recovery.reason,
        "warnings": list(warnings),
        "checks": [check.record() for check in recovery.checks],
        "gate_failed": [check.name for check in gate.failed(recovery.checks)],
        "face": recoverer.looker.face_check,
        "network_size": config.image_size,
        "mode": config.mode,
        "config": config.name,
        "network": recoverer.packed,
    }
    framed, made = recovery.framed, recovery.made
    if framed is None:
        return record
    face = framed.face
    record |= {
        "face_box": None if face is None else np.round(face.box, 1).tolist(),  # x0, y0, x1, y1 in pixels of the input
        "face_landmarks": None if face is None else np.round(face.landmarks, 1).tolist(),
        "crop_matrix": None if framed.matrix is None else framed.matrix.tolist(),  # input to crop, in pixels
    }
    if made is None:
        return record
    output, origins = made.output, recovery.origins
    record["share_beyond"] = round(float(np.mean(framed.inside == 0)), 4)  # of the crop, that the input does not have
    if origins is not None:
        record |= {f"share_{name}": round(share, 4) for name, share in origins.shares.items()}
    if recovery.draws is not None:
        record |= recovery.draws.record(recoverer.likeness)
    if recovery.examination is not None:
        record |= recovery.examination.record()
    score = None if output.logit is None else float(1 / (1 + np.exp(-float(output.logit))))
    return record | {
        "forgery_score_uncalibrated": score,  # of the ISM's classifier, in [0, 1]: no probability; null without one
        "mean_map": float(output.source_map.mean()),  # of the ISM, whatever map was used
        "map": _map_used(output, recoverer.assumptions.assume, config.ism.given_scale),
        "patch_size": config.tirm.patch_size,
        "generated_patches": sorted(int(index) for index in output.idx_mask),  # row by row; all others are the input's
        "num_patches": defaults.num_patches(config),
    }


def _map_used(output: DfrecOutput, assume: str, given_scale: float) -> str:
    if not assume:
        return "the network's"
    is_own = np.array_equal(output.used_map, output.source_map)
    words = "the network's" if is_own else "the face's region: the network's leaves the face out"
    return words if given_scale == 1 else f"{words}; for the target times {given_scale:g} (ism.given_scale)"
