import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.synthetic import sampling
from dfrec_jax.synthetic.dataset import identity_of
from dfrec_jax.synthetic.renderer import render

SIZE = 48


@pytest.fixture(scope="module")
def attributes():
    """Frontal, at rest, evenly lit: the plainest picture."""
    drawn = sampling.sample_attributes(jax.random.key(0))
    zero = jnp.zeros(())
    pose = drawn.pose._replace(yaw=zero, pitch=zero, roll=zero, scale=jnp.ones(()), shift=jnp.zeros(2))
    expression = jax.tree.map(jnp.zeros_like, drawn.expression)._replace(eye_open=jnp.ones(()))
    return drawn._replace(pose=pose, expression=expression)


def test_values_and_masks_are_in_range():
    for seed in range(6):
        picture = render(identity_of(1, seed), sampling.sample_attributes(jax.random.key(seed)), SIZE)
        for layer in (picture.image, picture.inner_face):
            assert np.isfinite(layer).all() and layer.min() >= 0.0 and layer.max() <= 1.0
        assert picture.image.std() > 0.05
        assert (np.asarray(picture.inner_face) == 1.0).mean() > 0.05
        assert ((picture.landmarks > 0) & (picture.landmarks < SIZE - 1)).all()


def test_a_frontal_face_is_where_its_factors_say(attributes):
    identity = identity_of(1, 0)
    points = np.asarray(render(identity, attributes, SIZE).landmarks)
    left_eye, right_eye, nose, left_mouth, right_mouth = points
    middle = (SIZE - 1) / 2  # x = 0 lies between the two central pixels
    np.testing.assert_allclose(left_eye[0] + right_eye[0], 2 * middle, atol=0.05)
    np.testing.assert_allclose(right_eye[0] - left_eye[0], identity.eyes.spacing * SIZE, rtol=0.02)
    np.testing.assert_allclose(left_eye[1], middle + float(identity.eyes.height) * SIZE / 2, atol=0.05)
    assert left_eye[1] < nose[1] < left_mouth[1] and left_mouth[0] < nose[0] < right_mouth[0]


@pytest.mark.parametrize("angles", [(0.3, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.2), (-0.35, 0.15, -0.1)])
def test_landmarks_lie_on_the_drawn_eyes(attributes, angles):
    """The darkest spots of a picture with pupils minus the same without (closed eyes) are at the eye landmarks."""
    pose = attributes.pose._replace(**dict(zip(("yaw", "pitch", "roll"), jnp.array(angles), strict=True)))
    identity = identity_of(1, 0)
    identity = identity._replace(hair=identity.hair._replace(fringe=jnp.zeros(()), volume=jnp.zeros(())))
    wide = attributes._replace(pose=pose)
    dark = identity._replace(eyes=identity.eyes._replace(iris=jnp.full(3, 0.02)))
    pale = identity._replace(eyes=identity.eyes._replace(iris=jnp.full(3, 0.9)))
    first, second = render(dark, wide, 96), render(pale, wide, 96)
    difference = np.abs(np.asarray(first.image) - np.asarray(second.image)).sum(axis=-1)
    rows, columns = np.mgrid[:96, :96]
    split = first.landmarks[:2, 0].mean()
    for eye, side in zip(np.asarray(first.landmarks[:2]), (columns < split, columns > split), strict=True):
        weight = difference * side
        centre = [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum()]
        np.testing.assert_allclose(centre, eye, atol=2.0)  # 2 of 96 pixels


def test_a_turned_head_moves_the_nose_more_than_the_eyes(attributes):
    identity = identity_of(1, 0)
    straight = render(identity, attributes, SIZE).landmarks
    turned = render(identity, attributes._replace(pose=attributes.pose._replace(yaw=jnp.array(0.3))), SIZE).landmarks
    shift = np.asarray(turned - straight)[:, 0]
    assert shift[2] > shift[:2].mean() > 0


def test_vmapped_faces_equal_single_ones():
    identities = [identity_of(1, i) for i in range(2)]
    attributes = [sampling.sample_attributes(jax.random.key(i)) for i in range(2)]
    stack = lambda trees: jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)  # noqa: E731
    together = jax.vmap(lambda i, a: render(i, a, 16).image)(stack(identities), stack(attributes))
    for i in range(2):
        np.testing.assert_allclose(together[i], render(identities[i], attributes[i], 16).image, atol=1e-4)
