"""Table V's perturbations against second implementations, and their draws."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy.stats import kstest
from skimage.util import random_noise

from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import perturbations
from dfrec_jax.evaluation.perturbations import BLUR, JPEG, NOISE, PERTURBATIONS, perturb
from tests import tiny


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    coarse = np.kron(rng.integers(0, 256, (4, 12, 12, 3)), np.ones((1, 4, 4, 1)))
    return np.clip(coarse + rng.integers(-20, 21, coarse.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("kernel", "deviation"), [(3, 0.8), (5, 1.1), (7, 1.4)])
def test_blur_is_a_convolution(pictures, kernel, deviation):
    half = kernel // 2
    taps = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * deviation**2))
    taps /= taps.sum()
    padded = np.pad(pictures[0].astype(float), ((half, half), (half, half), (0, 0)), mode="reflect")
    for axis in (0, 1):
        padded = np.apply_along_axis(np.convolve, axis, padded, taps, mode="valid")
    got = perturbations._with_kernel(pictures[0], kernel)
    assert np.abs(got - np.rint(padded)).max() <= 1


def test_blur_is_near_to_pillows():
    """Another implementation altogether: three box filters. On a smooth picture the two agree within a level."""
    x, y = np.meshgrid(np.arange(48), np.arange(48))
    smooth = np.stack([127 + 60 * np.sin(x / 9), 127 + 60 * np.cos(y / 8), x + y], axis=-1).astype(np.uint8)
    got = perturbations._with_kernel(smooth, 7).astype(int)
    want = np.asarray(Image.fromarray(smooth).filter(ImageFilter.GaussianBlur(1.4))).astype(int)
    assert np.abs(got - want)[4:-4, 4:-4].max() <= 1


@pytest.mark.parametrize("quality", [50, 75, 90, 99])
def test_jpeg_is_pillows(pictures, quality):
    got = perturbations._at_quality(pictures[0], quality)
    file = io.BytesIO()
    Image.fromarray(pictures[0]).save(file, "jpeg", quality=quality, subsampling="4:2:0")
    want = np.asarray(Image.open(file)).astype(int)
    assert np.abs(got.astype(int) - want).max() <= 1


def test_noise_has_its_variance_in_every_channel():
    gray = np.full((400, 400, 3), 128, np.uint8)
    got = perturbations._with_variance(gray, 30.0, np.random.default_rng(0)).astype(float)
    np.testing.assert_allclose(got.var(axis=(0, 1)), 30 + 1 / 12, rtol=0.02)  # a twelfth is the rounding's
    np.testing.assert_allclose(got.mean(axis=(0, 1)), 128, atol=0.05)
    assert np.abs(np.corrcoef(got.reshape(-1, 3).T) - np.eye(3)).max() < 0.02


@pytest.mark.parametrize("number", [0, 7, 123_456])
def test_noise_is_scikit_images(pictures, number):
    """And OpenCV's saturating sum: by the same draws, at a variance that only the example's number says."""
    pictures = np.concatenate([pictures, np.full_like(pictures[:1], 255), np.zeros_like(pictures[:1])])
    numbers = number + np.arange(len(pictures))
    got = perturb(NOISE, pictures, numbers, np.ones(len(pictures), bool), 3).astype(int)
    variances = []
    for row, picture in enumerate(pictures):
        draws = np.random.default_rng([3, NOISE.stream, int(numbers[row])])
        variances.append(draws.uniform(10, 50))
        again = np.random.default_rng()
        again.bit_generator.state = draws.bit_generator.state
        noisy = random_noise(picture / 255, "gaussian", rng=draws, var=variances[-1] / 255**2)
        assert np.abs(got[row] - np.rint(255 * noisy)).max() <= 1
        added = np.sqrt(variances[-1]) * again.standard_normal(picture.shape)
        np.testing.assert_array_equal(got[row], cv2.add(picture.astype(float), added, dtype=cv2.CV_8U))
    assert np.ptp(variances) > 1, "each example has its own"


def test_noise_is_normal():
    gray = np.full((200, 200, 3), 128, np.uint8)
    draws = np.random.default_rng(5)
    got = perturbations._with_variance(gray, 30.0, draws) - 128.0
    unrounded = got + draws.uniform(-0.5, 0.5, got.shape)  # of a level nothing says where in it the value lay
    assert kstest(unrounded.ravel(), "norm", args=(0, np.sqrt(30.0))).statistic < 0.005
    np.testing.assert_allclose(np.mean(got**4) / np.mean(got**2) ** 2, 3, rtol=0.03)
    assert np.abs(np.mean(got[1:] * got[:-1])) < 0.5 > np.abs(np.mean(got[:, 1:] * got[:, :-1])), (
        "pixels are independent"
    )


def test_noise_is_cut_off():
    white = np.full((20, 20, 3), 255, np.uint8)
    assert perturbations._with_variance(white, 50.0, np.random.default_rng(0)).min() > 200


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_an_example_has_one_draw_in_any_batch(pictures, name):
    numbers, all_forged = np.array([5, 6, 7, 8]), np.ones(4, bool)
    together = perturb(PERTURBATIONS[name], pictures, numbers, all_forged, 0)
    for row in range(4):
        alone = perturb(PERTURBATIONS[name], pictures[[row]], numbers[[row]], all_forged[:1], 0)
        np.testing.assert_array_equal(alone[0], together[row])
    again = perturb(PERTURBATIONS[name], pictures, numbers, all_forged, 1)
    assert (again != together).any()
    assert not np.array_equal(together, pictures)


def test_a_pristine_face_is_left_alone(pictures):
    is_forgery = np.array([True, False, True, False])
    got = perturb(NOISE, pictures, np.arange(4), is_forgery, 0)
    changed = (got != pictures).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, is_forgery)


def test_parameters_stay_in_their_ranges(monkeypatch):
    seen = {"kernel": set(), "quality": set(), "variance": set()}
    for name, function in (("kernel", "_with_kernel"), ("quality", "_at_quality"), ("variance", "_with_variance")):
        monkeypatch.setattr(perturbations, function, lambda picture, value, *_, of=name: seen[of].add(value) or picture)
    blank = np.zeros((600, 1, 1, 3), np.uint8)
    for perturbation in (BLUR, JPEG, NOISE):
        perturb(perturbation, blank, np.arange(600), np.ones(600, bool), 0)
    assert seen["kernel"] == {3, 5, 7}
    assert seen["quality"] == set(range(50, 100))
    assert 10 <= min(seen["variance"]) < 11 and 49 < max(seen["variance"]) <= 50


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_an_example_has_one_picture_however_many_hosts_share_a_batch(pictures, name):
    config = tiny.config()

    def arrived(process_count):
        found = {}
        for process in range(process_count):
            batches = pipeline.batches_of(
                lambda row: {"image": pictures[row % 4], "is_forgery": np.bool_(True)},
                11,
                config,
                process_index=process,
                process_count=process_count,
            )
            for batch in batches:
                given = (batch["image"], batch["number"], batch["is_forgery"], 0)
                for number, picture in zip(batch["number"], perturb(PERTURBATIONS[name], *given), strict=True):
                    found[int(number)] = picture
        return found

    alone = arrived(1)
    for process_count in (2, 4):
        shared = arrived(process_count)
        assert shared.keys() == alone.keys()
        for number, picture in alone.items():
            np.testing.assert_array_equal(shared[number], picture)
