"""What an examiner tells a network, and what it cannot be told."""

import hashlib
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.forensics.assumptions import checked_assumptions
from dfrec_jax.forensics.framed import WHOLE
from dfrec_jax.models import residual
from dfrec_jax.pictures.reading import ImageError
from tests import tiny


def _said(config, assume="", visible=(), estimate_visible=False):
    return checked_assumptions(
        config, assume, visible, estimate_visible, lambda name, config: tiny.network(), None, WHOLE
    )


def _coloured(rng, num):
    """Pictures that the network sees as different: noise alone is all alike to it."""
    return rng.random((num, tiny.SIZE, tiny.SIZE, 3), np.float32) * rng.random((num, 1, 1, 3), np.float32) ** 2


def _config(**fields):
    config = tiny.config()
    for name, value in fields.items():
        section, field = name.split("__")
        config[section][field] = value
    return config


@pytest.mark.parametrize(
    ("fields", "told", "words"),
    [
        ({"ism__enabled": False}, {"assume": "swap"}, "--assume=swap: this network .ism.enabled=False."),
        ({}, {"visible": (Path("x.png"),)}, "--visible: this network .tirm.identity_width=0."),
        ({}, {"estimate_visible": True}, "--estimate-visible: this network .tirm.identity_width=0."),
        (
            {"tirm__identity_width": 4},
            {"visible": (Path("x.png"),), "estimate_visible": True},
            "--estimate-visible and --visible: pictures say who is seen already",
        ),
    ],
)
def test_what_a_network_cannot_be_told_is_refused(fields, told, words):
    with pytest.raises(ConfigError, match=words):
        _said(_config(**fields), **told)


def test_a_reference_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "x.png").write_text("no picture")
    with pytest.raises(ImageError, match="x.png"):
        _said(_config(tirm__identity_width=4), visible=(tmp_path / "x.png",))


def test_references_become_one_direction_that_is_taken_away(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)).save(path)
    said = _said(_config(tirm__identity_width=4), visible=paths)
    assert said.record == {
        "assume": None,
        "visible_sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths],
        "visible_estimated": None,
    }
    pixels = jnp.asarray(_coloured(rng, 3))
    landmarks = jnp.full((3, 5, 2), jnp.nan)
    identity = said.options(pixels, landmarks, said.recogniser)["identity"]
    np.testing.assert_allclose(np.linalg.norm(identity, axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(identity @ said.visible, 0, atol=1e-4)
    embedding = said.recogniser(pixels, landmarks)["embedding"]
    left = residual.without_component(embedding, jnp.broadcast_to(said.visible, embedding.shape))
    np.testing.assert_allclose(identity, left, atol=1e-4)


def test_who_is_seen_is_estimated_from_the_recovered_source():
    said = _said(_config(tirm__identity_width=4), estimate_visible=True)
    assert said.is_estimated and said.record == {"assume": None, "visible_sha256": None, "visible_estimated": True}
    rng = np.random.default_rng(0)
    pixels, source = (jnp.asarray(_coloured(rng, 3)) for _ in range(2))
    landmarks = jnp.full((3, 5, 2), jnp.nan)
    assert said.options(pixels, landmarks, said.recogniser) == {}, "the first pass is told nobody"
    identity = said.options(pixels, landmarks, said.recogniser, source)["identity"]
    swap, seen = (said.recogniser(each, landmarks)["embedding"] for each in (pixels, source))
    np.testing.assert_allclose(jnp.sum(identity * seen, axis=-1), 0, atol=1e-4)
    np.testing.assert_allclose(identity, residual.without_component(swap, seen), atol=1e-4)


def test_nothing_said_is_nothing_told():
    said = _said(tiny.config())
    assert not said.is_estimated
    assert said.record == {"assume": None, "visible_sha256": None, "visible_estimated": None}
    assert said.options(jnp.zeros((1, tiny.SIZE, tiny.SIZE, 3)), jnp.zeros((1, 5, 2)), None) == {}
