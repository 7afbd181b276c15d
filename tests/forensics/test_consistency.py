"""The swap made anew: two faces that are the exhibit give the exhibit back, another face does not."""

import jax.numpy as jnp
import numpy as np

from dfrec_jax.forensics import consistency
from dfrec_jax.forensics.consistency import Swapper
from dfrec_jax.forensics.face_output import FaceOutput
from dfrec_jax.forensics.framed import Framed
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.models.dfrec import DfrecOutput
from tests import tiny
from tests.faces_made_up import made_up_face
from tests.forensics.test_seeds import Plain

SIZE = 32


def _swapper(points, dataset="faces"):
    config = tiny.config()
    config.data.dataset = dataset
    network = FrozenNetwork(
        jnp.asarray(points), "made up", lambda points, images, landmarks: {"points": points[None]}, {}, True
    )
    return Swapper(config, lambda name, config: network)


def _made(source, target):
    output = DfrecOutput(**dict.fromkeys(DfrecOutput._fields))._replace(source_face=source, target_face=target)
    return FaceOutput(output, source[..., :1], np.bool_(True), np.float32(0.5))


def test_two_faces_that_are_the_exhibit_give_it_back_and_another_does_not(monkeypatch):
    monkeypatch.setattr(consistency, "is_at_hand", lambda name, config: True)
    picture, points = made_up_face(0, SIZE)
    other, _ = made_up_face(1, SIZE)
    pixels = np.rint(picture * 255).astype(np.uint8)
    landmarks = np.zeros((5, 2), np.float32)
    found = Framed(pixels, landmarks, pixels[..., :1], None, None, ())
    swapper, exhibit = _swapper(points), pixels.astype(np.float32) / 255
    same, different = (swapper.consistency(found, _made(face, exhibit), Plain()) for face in (exhibit, 1 - other))
    assert same.why_not == "" and same.ssim > 0.97 and same.identity > 0.99
    assert different.ssim < same.ssim - 0.1
    np.testing.assert_allclose(same.swap, exhibit, atol=0.1)
    record = consistency.record(same)
    assert set(record) == {"consistency_identity", "consistency_ssim", "consistency_words"}
    unknown = swapper.consistency(found._replace(landmarks=landmarks * np.nan), _made(exhibit, exhibit), Plain())
    assert unknown.swap is None and "landmarks of the face are not known" in unknown.why_not


def test_where_it_cannot_be_told_that_is_said(monkeypatch):
    picture, points = made_up_face(0, SIZE)
    pixels = np.rint(picture * 255).astype(np.uint8)
    found = Framed(pixels, np.zeros((5, 2), np.float32), pixels[..., :1], None, None, ())
    drawn = _swapper(points, "embedded").consistency(found, _made(picture, picture), Plain())
    assert drawn.ssim is None and "drawn faces are swapped by their renderer" in drawn.why_not
    monkeypatch.setattr(consistency, "is_at_hand", lambda name, config: False)
    missing = _swapper(points).consistency(found, _made(picture, picture), Plain())
    assert "`dfrec weights fetch 3ddfa-v2`" in missing.why_not
