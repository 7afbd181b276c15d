"""How a result moves: on a network made up that copies its picture, by hand."""

import numpy as np
import pytest

from dfrec_jax.forensics import degradation
from dfrec_jax.forensics.face_output import FaceOutput
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.models.dfrec import DfrecOutput
from tests.forensics.test_seeds import Plain

PICTURE = np.random.default_rng(0).integers(60, 200, (32, 32, 3), dtype=np.uint8)


def test_degradations_are_as_strong_as_they_say():
    noisy = degradation.degraded(PICTURE, "noise", 5.0)
    np.testing.assert_allclose((noisy.astype(float) - PICTURE).std(), 5, atol=0.5)
    np.testing.assert_array_equal(noisy, degradation.degraded(PICTURE, "noise", 5.0))  # the same draw again
    errors = [
        np.abs(degradation.degraded(PICTURE, kind, strength).astype(float) - PICTURE).mean()
        for kind, strength in (("jpeg", 90.0), ("jpeg", 50.0), ("size", 0.75), ("size", 0.5))
    ]
    assert 0 < errors[0] < errors[1] and 0 < errors[2] < errors[3]
    flat = np.full((32, 32, 3), (10, 120, 240), np.uint8)
    for kind, strength in (("jpeg", 90.0), ("size", 0.5)):
        np.testing.assert_allclose(degradation.degraded(flat, kind, strength), flat, atol=2)
    with pytest.raises(ValueError, match="must be noise, jpeg or size"):
        degradation.degraded(PICTURE, "blur", 1.0)


def test_the_curve_compares_each_step_with_the_exhibit():
    seen = []

    def make(faces):
        seen.append(faces[0].pixels)
        return [_made(faces[0].pixels)]

    found = Framed(PICTURE, np.zeros((5, 2), np.float32), PICTURE[..., :1], None, None, ())
    steps = degradation.curve(found, _made(PICTURE), make, Plain())
    assert [(step.kind, step.strength) for step in steps] == list(degradation.STEPS) and len(seen) == len(steps)
    assert all(0.99 < step.target_cosine <= 1.0001 and step.source_cosine == pytest.approx(1) for step in steps)
    assert 0 < steps[2].map_overlap < steps[0].map_overlap < 1
    line = degradation.record(steps)[0]
    assert set(line) == {"kind", "strength", "target_cosine", "source_cosine", "map_overlap"}


def _made(pixels):
    picture = pixels.astype(np.float32) / 255
    output = DfrecOutput(**dict.fromkeys(DfrecOutput._fields))._replace(
        target_face=picture, source_face=np.ones_like(picture), used_map=picture[..., :1]
    )
    return FaceOutput(output, picture[..., :1], np.bool_(True), np.float32(0.5))
