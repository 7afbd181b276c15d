import numpy as np

from dfrec_jax.synthetic.augment import MIRRORED, augment
from dfrec_jax.synthetic.dataset import example
from dfrec_jax.synthetic.factors import ATTRIBUTE_NAMES


def test_augmented_pictures_stay_recognisable_and_in_range():
    image = example(0, "train", size=64)["target"]
    attributes = np.arange(1, len(ATTRIBUTE_NAMES) + 1, dtype=np.float32)
    draws = np.random.default_rng(0)
    num_mirrored, correlations = 0, []
    for _ in range(40):
        disturbed, changed = augment(image, attributes, draws)
        assert disturbed.dtype == np.float32 and disturbed.min() >= 0 and disturbed.max() <= 1
        is_mirrored = not np.array_equal(changed, attributes)
        np.testing.assert_array_equal(changed, attributes * MIRRORED if is_mirrored else attributes)
        reference = image[:, ::-1] if is_mirrored else image
        correlations.append(np.corrcoef(disturbed.ravel(), reference.ravel())[0, 1])
        num_mirrored += is_mirrored
    assert 8 <= num_mirrored <= 32
    assert min(correlations) > 0.3 and np.mean(correlations) > 0.6  # a shift of 4 pixels alone costs the half


def test_the_same_generator_gives_the_same_disturbance():
    image, attributes = example(1, "train", size=64)["target"], np.ones(len(ATTRIBUTE_NAMES), np.float32)
    first, again = (augment(image, attributes, np.random.default_rng(7))[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_what_mirroring_turns_round():
    assert [name for name, sign in zip(ATTRIBUTE_NAMES, MIRRORED, strict=True) if sign < 0] == [
        "yaw", "roll", "gaze_x", "light_x",
    ]  # fmt: skip
