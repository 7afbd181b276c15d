import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads
from skimage.transform import SimilarityTransform

from dfrec_jax.frozen.align import ARCFACE_TEMPLATE, align, apply, invert, similarity, warp


def test_similarity_by_hand():
    landmarks = jnp.array([[[0.0, 0.0], [2.0, 0.0]]])
    template = jnp.array([[1.0, 1.0], [1.0, 5.0]])  # a quarter turn, twice the size, shifted by (1, 1)
    np.testing.assert_allclose(similarity(landmarks, template), [[[0, -2, 1], [2, 0, 1]]], atol=1e-6)


def test_similarity_is_umeyamas():
    landmarks = np.random.default_rng(0).uniform(0, 200, (4, 5, 2)).astype(np.float32)
    got = similarity(jnp.array(landmarks), jnp.array(ARCFACE_TEMPLATE))
    for ours, points in zip(got, landmarks, strict=True):
        want = SimilarityTransform.from_estimate(points, ARCFACE_TEMPLATE)
        np.testing.assert_allclose(ours, want.params[:2], rtol=1e-3, atol=1e-3)


def test_invert_undoes():
    landmarks = jnp.array(np.random.default_rng(0).uniform(0, 200, (3, 5, 2)), jnp.float32)
    transforms = similarity(landmarks, jnp.array(ARCFACE_TEMPLATE))
    np.testing.assert_allclose(apply(invert(transforms), apply(transforms, landmarks)), landmarks, atol=1e-2)


jit_warp = jax.jit(warp, static_argnums=(2, 3))


def test_warp_by_hand():
    image = jnp.arange(12.0).reshape(1, 3, 4, 1)
    shift = jnp.array([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])  # half a pixel to the right
    got = jit_warp(image, shift, 3, 5)[0, :, :, 0]
    np.testing.assert_allclose(got[0], [0.0, 0.5, 1.5, 2.5, 1.5])  # black comes in on both sides


def test_warp_of_a_large_image_averages():
    stripes = jnp.tile(jnp.array([0.0, 1.0]), 224).reshape(1, 1, 448, 1) * jnp.ones((1, 448, 1, 1))
    half = jnp.array([[[0.5, 0.0, -0.25], [0.0, 0.5, -0.25]]])  # each output pixel covers two by two
    np.testing.assert_allclose(jit_warp(stripes, half, 32, 32)[:, 1:-1, 1:-1], 0.5, atol=1e-6)


def test_aligned_landmarks_lie_on_the_template():
    template = jnp.array(ARCFACE_TEMPLATE)
    angle = jnp.deg2rad(20.0)
    turn = 1.3 * jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
    landmarks = (template @ turn.T + jnp.array([[40.0, 10.0]]))[None]
    x, y = jnp.meshgrid(jnp.arange(200.0), jnp.arange(200.0))
    coordinates = jnp.stack([x, y], axis=-1)[None]  # an image whose pixels say where they are
    faces = jax.jit(lambda *given: align(*given, ARCFACE_TEMPLATE, (112, 112)))(coordinates, landmarks)
    for (x, y), landmark in zip(ARCFACE_TEMPLATE.round().astype(int), landmarks[0], strict=True):
        np.testing.assert_allclose(faces[0, y, x], landmark, atol=1.0)  # the template was rounded to pixels


def test_the_warp_is_differentiable():
    rng = np.random.default_rng(0)
    image = jnp.array(rng.random((1, 6, 6, 1)), jnp.float32)
    transform = jnp.array([[[0.9, 0.1, 0.3], [-0.1, 0.9, 0.4]]])
    check_grads(
        lambda image, transform: jit_warp(jnp.asarray(image), jnp.asarray(transform), 4, 4),
        (image, transform),
        1,
        ("rev",),
        eps=1e-3,
        atol=0.05,
    )


def test_gradient_reaches_the_image_only_where_the_face_is():
    landmarks = jnp.array(ARCFACE_TEMPLATE)[None] / 4 + 10
    image = jnp.ones((1, 64, 64, 3))
    loss = lambda image: align(image, landmarks, ARCFACE_TEMPLATE, (112, 112)).sum()  # noqa: E731
    gradient = jax.jit(jax.grad(loss))(image)
    assert np.all(gradient[0, 12:36, 12:36] > 0) and np.all(gradient[0, 50:] == 0)
