import jax
import jax.numpy as jnp
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from dfrec_jax.metrics.image import psnr, ssim_gaussian, ssim_uniform


@pytest.fixture(scope="module")
def pair() -> tuple[jax.Array, jax.Array]:
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 256, (3, 24, 32, 3)).astype(np.float32) / 255
    noise = np.float32(0.1) * rng.standard_normal(reference.shape, np.float32)
    return jnp.asarray(np.clip(reference + noise, 0, 1)), jnp.asarray(reference)


def test_psnr_by_hand():
    reference = jnp.zeros((2, 8, 8, 3))
    recovered = reference.at[0].add(0.1)  # a mean square error of 0.01 is 20 dB
    np.testing.assert_allclose(jax.jit(psnr)(recovered, reference), [20.0, np.inf], rtol=1e-5)


def test_against_scikit_image(pair):
    recovered, reference = pair
    for ours, options in (
        (ssim_uniform, {}),
        (ssim_gaussian, {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}),
    ):
        want = [
            structural_similarity(a, b, data_range=1, channel_axis=-1, **options)
            for a, b in zip(np.float64(recovered), np.float64(reference), strict=True)
        ]
        np.testing.assert_allclose(jax.jit(ours)(recovered, reference), want, rtol=1e-5)
    want = [peak_signal_noise_ratio(b, a, data_range=1) for a, b in zip(*map(np.asarray, pair), strict=True)]
    np.testing.assert_allclose(psnr(recovered, reference), want, rtol=1e-5)


@pytest.mark.parametrize("metric", [psnr, ssim_uniform, ssim_gaussian])
def test_a_whole_region_is_no_region(pair, metric):
    recovered, reference = pair
    whole = jnp.ones_like(recovered[..., :1])
    np.testing.assert_allclose(metric(recovered, reference, whole), metric(recovered, reference), rtol=1e-5)


@pytest.mark.parametrize("metric", [psnr, ssim_uniform, ssim_gaussian])
def test_pixels_outside_the_region_do_not_count(pair, metric):
    recovered, reference = pair
    region = jnp.zeros_like(recovered[..., :1]).at[:, 10:16, 12:20].set(1)
    changed = recovered.at[:, :4].set(0.5)  # farther from the region than half of the widest window
    np.testing.assert_array_equal(metric(changed, reference, region), metric(recovered, reference, region))
    assert np.all(metric(changed, reference) != metric(recovered, reference))


def test_psnr_of_a_region_by_hand():
    reference = jnp.zeros((1, 8, 8, 3))
    recovered = reference.at[:, :4].set(0.1).at[:, 4:].set(1.0)
    region = jnp.zeros((1, 8, 8, 1)).at[:, :4].set(1.0)
    np.testing.assert_allclose(psnr(recovered, reference, region), [20.0], rtol=1e-5)
    assert np.isnan(psnr(recovered, reference, jnp.zeros_like(region)))


def test_an_image_smaller_than_the_window_is_refused():
    image = jnp.zeros((1, 8, 10, 3))
    assert ssim_uniform(image, image).shape == (1,)
    with pytest.raises(ValueError, match="8x10 pixels"):
        ssim_gaussian(image, image)
