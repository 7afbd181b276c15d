"""One draw for all pictures of an example."""

import jax
import numpy as np

from dfrec_jax.data import paired_augmentation
from dfrec_jax.data.paired_augmentation import Augmentation
from dfrec_jax.examples import fields
from dfrec_jax.forging import landmarks as landmarks_lib


def _example(seed: int):
    rng = np.random.default_rng(seed)
    names = ("image", "source", "target", "posed_source")
    pictures = {name: rng.integers(0, 255, (16, 16, 3)).astype(np.uint8) for name in names}
    points = rng.uniform(0, 15, (5, 2)).astype(np.float32)
    mask = rng.integers(0, 255, (16, 16, 1)).astype(np.uint8)
    return {
        **pictures,
        "source_mask": mask,
        "inside_mask": mask[:, ::-1],
        "landmarks": points,
        "source_landmarks": points + 1,
        "points": rng.uniform(0, 15, (68, 2)).astype(np.float32),
        "is_forgery": np.bool_(1),
    }


augment = jax.jit(paired_augmentation.augment, static_argnames="augmentation")


def test_flipping_is_one_draw_for_all_pictures_and_landmarks():
    example = _example(0)
    flipped = augment(jax.random.key(0), example, Augmentation(flip=1.0, jitter=0.0, perturbed=0.0))
    for name in fields.PICTURES:
        np.testing.assert_array_equal(flipped[name], example[name][:, ::-1])
    for name in ("landmarks", "source_landmarks", "points"):
        np.testing.assert_allclose(flipped[name], landmarks_lib.mirror(example[name], 16), atol=1e-5)
    is_flipped = []
    for seed in range(40):
        drawn = augment(jax.random.key(seed), example, Augmentation(flip=0.5, jitter=0.0, perturbed=0.0))
        changed = [not np.array_equal(drawn[name], example[name]) for name in example]
        assert changed == [changed[0]] * 9 + [False]
        is_flipped.append(changed[0])
    assert 10 < sum(is_flipped) < 30


def test_jitter_is_the_same_map_for_every_picture():
    example = _example(1)
    example["source"] = example["target"] = example["image"]
    drawn = augment(jax.random.key(1), example, Augmentation(flip=0.0, jitter=0.3, perturbed=0.0))
    assert not np.array_equal(drawn["image"], example["image"])
    np.testing.assert_array_equal(drawn["source"], drawn["image"])
    np.testing.assert_array_equal(drawn["source_mask"], example["source_mask"])


def test_perturbation_spares_the_references_of_a_forgery_and_not_a_pristine_face():
    example = _example(2)
    changed = 0
    for seed in range(12):
        drawn = augment(jax.random.key(seed), example, Augmentation(flip=0.0, jitter=0.0, perturbed=1.0))
        changed += not np.array_equal(drawn["image"], example["image"])
        for name in ("source", "target"):
            np.testing.assert_array_equal(drawn[name], example[name])
        pristine = {**example, "is_forgery": np.bool_(0), "source": example["image"], "target": example["image"]}
        drawn = augment(jax.random.key(seed), pristine, Augmentation(flip=0.0, jitter=0.0, perturbed=1.0))
        np.testing.assert_array_equal(drawn["target"], drawn["image"])
    assert 5 <= changed < 12, "three quarters are resized, coded, or both"


def test_added_damage_is_drawn_alike_for_both_and_changes_no_draw_of_before():
    plain = Augmentation(flip=0.5, jitter=0.1, perturbed=0.5)
    added = plain._replace(blurred=1.0, noisy=1.0, tightened=1.0)
    example = {**_example(3), "inside_mask": np.full((16, 16, 1), 255, np.uint8)}
    pristine = {**example, "is_forgery": np.bool_(0), "source": example["image"], "target": example["image"]}
    changed = set()
    for seed in range(12):
        key = jax.random.key(seed)
        before, loud, real = augment(key, example, plain), augment(key, example, added), augment(key, pristine, added)
        np.testing.assert_array_equal(loud["image"], real["image"])
        np.testing.assert_array_equal(loud["inside_mask"], real["inside_mask"])
        for name in ("source", "target"):
            np.testing.assert_array_equal(real[name], real["image"])
        np.testing.assert_array_equal(loud["source"], before["source"])
        np.testing.assert_array_equal(loud["landmarks"], before["landmarks"])
        inside = np.asarray(loud["inside_mask"])[..., 0] > 0
        assert 0 < inside.sum() < inside.size
        np.testing.assert_array_equal(np.asarray(loud["target"])[inside], np.asarray(before["target"])[inside])
        changed.add(bool((np.asarray(loud["image"])[inside] != np.asarray(before["image"])[inside]).any()))
    assert changed == {False, True}, "half of them are perturbed"
