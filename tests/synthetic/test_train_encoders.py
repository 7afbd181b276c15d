import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.synthetic import encoders
from dfrec_jax.synthetic.train_encoders import Settings, Views, contrast, draw_views, train, verify


def test_contrast_by_hand():
    """Two people, two views each: identical within a person and orthogonal between them."""
    embeddings = jnp.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
    want = -math.log(math.exp(2.0) / (math.exp(2.0) + 2.0))  # temperature 0.5: one right answer, two strangers
    np.testing.assert_allclose(contrast(embeddings, 0.5), want, rtol=1e-5)


def test_views_are_of_one_person_in_different_pictures():
    first, again = (draw_views(range(3, 5), 2, 0.5) for _ in range(2))
    assert first.images.shape == (2, 2, 64, 64, 3) and first.images.dtype == np.uint8
    np.testing.assert_array_equal(first.images, again.images)
    assert np.abs(first.images[0, 0].astype(int) - first.images[0, 1]).mean() > 3
    assert np.abs(first.attributes[0] - first.attributes[1]).max() > 0.01


def test_verification_is_perfect_for_an_oracle_and_a_coin_flip_for_a_constant():
    images = np.zeros((4, 2, 1, 1, 3), np.uint8)
    images[..., 0] = np.arange(4).reshape(4, 1, 1, 1) * 60
    views = Views(images, np.zeros((4, 2, 1), np.float32))

    def oracle(pictures):
        embedding = jnp.eye(4)[jnp.round(pictures[:, 0, 0, 0] * 255 / 60).astype(int)]
        return {"embedding": embedding, "attributes": jnp.ones((len(pictures), 1))}

    def constant(pictures):
        return {"embedding": jnp.ones((len(pictures), 1)), "attributes": jnp.ones((len(pictures), 1))}

    perfect = verify(oracle, views)
    assert (perfect.accuracy, perfect.same, perfect.different, perfect.attribute_error) == (1.0, 1.0, 0.0, 1.0)
    assert verify(constant, views).accuracy == 0.5


@pytest.mark.slow
def test_training_learns_who_is_drawn():
    views = draw_views(range(40), 4, 0.5)
    settings = Settings(people_a_batch=16, views_a_batch=3)
    few, many = (train("embedded-a", views, dataclasses.replace(settings, num_steps=n), 1) for n in (1, 60))
    before, after = (verify(encoders.from_tensors("embedded-a", encoders.to_tensors(v)), views) for v in (few, many))
    assert after.accuracy > before.accuracy + 0.1
