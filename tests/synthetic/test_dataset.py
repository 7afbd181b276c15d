import numpy as np
import pytest

from dfrec_jax.synthetic.dataset import SPLITS, example, render_batch, split_of

KNOWN_MEANS = {"image": [104.5, 137.5], "source": [114.6, 109.3], "target": [102.7, 133.3]}
DTYPES = {
    "image": np.uint8,
    "source": np.uint8,
    "target": np.uint8,
    "source_mask": np.uint8,
    "landmarks": np.float32,
    "source_landmarks": np.float32,
    "is_forgery": np.bool_,
    "has_source": np.bool_,
    "has_target": np.bool_,
    "has_mask": np.bool_,
    "source_id": np.int32,
    "target_id": np.int32,
    "attack": np.int32,
    "leak": np.float32,
}


def test_a_batch_keeps_the_contract():
    batch = render_batch(range(3), "train", size=32)
    assert {name: array.dtype.type for name, array in batch.items()} == DTYPES
    assert batch["image"].shape == batch["source"].shape == batch["target"].shape == (3, 32, 32, 3)
    assert batch["source_mask"].shape == (3, 32, 32, 1)
    assert batch["landmarks"].shape == (3, 5, 2)
    assert batch["is_forgery"].all()
    assert (batch["source_id"] != batch["target_id"]).all()


def test_an_example_is_the_same_bytes_in_any_batch_and_order():
    alone = example(5, "test", size=32, real_share=0.4, seed=3)
    batch = render_batch([7, 5, 9, 5], "test", size=32, real_share=0.4, seed=3)
    for name, value in alone.items():
        np.testing.assert_array_equal(batch[name][1], value, err_msg=name)
        np.testing.assert_array_equal(batch[name][3], value, err_msg=name)


def test_seed_split_and_index_each_change_the_example():
    first = example(1, "train", size=32)["image"]
    for other in (example(2, "train", size=32), example(1, "test", size=32), example(1, "train", size=32, seed=1)):
        assert np.abs(first.astype(int) - other["image"]).mean() > 5


def test_known_bytes():
    """Another drawing changes what the shipped encoders and all published numbers mean: then change this too."""
    batch = render_batch([0, 1], "test", size=32, seed=0)
    means = {
        name: batch[name].astype(np.float64).mean(axis=(1, 2, 3)).tolist() for name in ("image", "source", "target")
    }
    for name, want in KNOWN_MEANS.items():
        np.testing.assert_allclose(means[name], want, atol=0.5, err_msg=name)


def test_no_identity_is_in_two_splits():
    ranges = [range(s.first_identity, s.first_identity + s.num_identities) for s in SPLITS.values()]
    assert sum(len(r) for r in ranges) == len(set().union(*ranges))
    for split in SPLITS:
        first, count, _ = split_of(split)
        batch = render_batch(range(0, 40, 5), split, size=16, real_share=0.3)
        for ids in (batch["source_id"], batch["target_id"]):
            assert ((ids >= first) & (ids < first + count)).all()


def test_a_pristine_face_is_its_own_source_and_target_with_an_empty_mask():
    batch = render_batch(range(2), "train", size=32, real_share=1.0)
    np.testing.assert_array_equal(batch["image"], batch["source"])
    np.testing.assert_array_equal(batch["image"], batch["target"])
    np.testing.assert_array_equal(batch["source_id"], batch["target_id"])
    assert not batch["source_mask"].any() and not batch["is_forgery"].any() and not batch["leak"].any()


def test_the_real_share_and_the_leak_range_are_kept():
    batch = render_batch(range(60), "train", size=16, real_share=0.4, leak_range=(0.2, 0.3))
    assert 0.2 < 1 - batch["is_forgery"].mean() < 0.6
    leaks = batch["leak"][batch["is_forgery"]]
    assert leaks.min() >= 0.2 and leaks.max() <= 0.3 and leaks.std() > 0.01


def test_the_forgery_is_the_target_outside_the_mask():
    batch = render_batch(range(4), "train", size=64)
    outside = (batch["source_mask"] == 0)[..., 0]
    below_a_half = np.abs(batch["image"][outside].astype(int) - batch["target"][outside])
    assert below_a_half.max() <= 1 and below_a_half.mean() < 0.01  # the mask itself is rounded to a grey level
    inside = (batch["source_mask"] == 255)[..., 0]
    difference = np.abs(batch["image"][inside].astype(int) - batch["target"][inside])
    assert difference.mean() > 4


def test_the_mask_leaves_room_for_tirm():
    """Algorithm 1 masks half of the patches; the inner face must fit with room to spare."""
    masks = render_batch(range(24), "train", size=64)["source_mask"][..., 0] / 255.0
    touched = (masks.reshape(24, 8, 8, 8, 8).mean(axis=(2, 4)) > 0.05).mean(axis=(1, 2))
    assert touched.mean() <= 0.42 and touched.max() <= 0.5
    assert masks.mean() > 0.12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(index=0, split="dev"), "split='dev'"),
        (dict(index=-1, split="test"), "index=-1"),
        (dict(index=10**9, split="train"), "must be from 0 to"),
        (dict(index=0, split="train", leak_range=(0.5, 0.1)), "leak_range"),
        (dict(index=0, split="train", real_share=1.5), "real_share=1.5"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        example(**arguments)


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="empty"):
        render_batch([], "train")


def test_another_scene_has_the_same_people_and_poses_in_another_light():
    usual, outdoors = (example(3, "test", size=32, scene=scene) for scene in ("usual", "outdoors"))
    for name in ("landmarks", "source_id", "target_id", "leak", "source_mask"):
        np.testing.assert_array_equal(usual[name], outdoors[name], err_msg=name)
    for name in ("image", "source", "target"):
        corner = np.abs(usual[name][:6, :6].astype(int) - outdoors[name][:6, :6]).mean()
        assert corner > 5, "what is around them is another"
    with pytest.raises(ValueError, match="scene='indoors'"):
        example(3, "test", size=32, scene="indoors")
