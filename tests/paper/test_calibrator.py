"""The variant of FaceNet's input whose row None is the paper's is found and named."""

import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax import perceptors
from dfrec_jax.evaluation import spread
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.paper import calibrator
from dfrec_jax.paper.calibrator import VARIANTS
from dfrec_jax.paper.table_data import Data
from tests import tiny

FTM, LCR = Data("celeba_megafs", "ftm"), Data("celeba_megafs", "lcr")


def test_the_papers_row_none_is_what_the_variants_are_held_against():
    assert calibrator.PAPERS_NONE[FTM] == 0.2792 and calibrator.PAPERS_NONE[LCR] == 0.2318
    assert calibrator.columns_of([FTM, Data("embedded", "leak 0 to 0.1"), FTM]) == [FTM]


def test_the_nearest_variant_is_named_and_said_when_it_is_not_the_one_used():
    default, native, raw = VARIANTS
    found = {
        FTM: {default: 0.30, native: 0.27, raw: 0.9},
        LCR: {default: 0.30, native: 0.25, raw: 0.9},
    }
    said = calibrator.remark(found, native)
    assert f"nearest is `{native}`, the one used here" in said and "`facenet-vggface2` 0.0445" in said
    assert f"nearest is `{native}`, not `{default}`" in calibrator.remark(found, default)


def test_similarities_are_over_forgeries_with_a_target(monkeypatch):
    def load(name, config):
        share = VARIANTS.index(name)

        def apply(variables, images, landmarks):
            bright = images.mean(axis=(1, 2, 3)) > 0.5
            angle = jnp.where(bright, 0.0, share * jnp.pi / 6)
            return {"embedding": jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=-1)}

        return FrozenNetwork(variables={}, name=name, apply=apply, taps={})

    monkeypatch.setattr(perceptors, "load_network", load)
    rows = 4
    batch = {
        "image": np.zeros((rows, 4, 4, 3), np.uint8),
        "target": np.full((rows, 4, 4, 3), 255, np.uint8),
        "is_valid": np.array([True, True, True, False]),
        "is_forgery": np.array([True, True, False, True]),
        "has_target": np.ones(rows, bool),
    }
    batch["target"][2:] = 0  # what is not counted would give 1
    found = calibrator.similarities(tiny.config(), [batch], spread.over_all_devices(rows))
    assert [found[name] for name in VARIANTS] == pytest.approx([1, np.cos(np.pi / 6), 0.5], abs=1e-6)


def test_it_is_asked_of_facenet_alone():
    config = tiny.config()
    assert not calibrator.is_asked(config)
    config.frozen.metric, config.image_size = VARIANTS[2], 224
    assert calibrator.is_asked(config)
