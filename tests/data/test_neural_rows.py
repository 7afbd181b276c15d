"""Rows of harmonised swaps are forged on the device like the other kinds, and leave those alone."""

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.data import completion, mixture, pipeline, rows
from dfrec_jax.examples.encoded import collate


def test_rows_of_harmonised_swaps_are_forged_where_they_stand(make_config):
    config = make_config(
        batch_size=4, neural_share=0.5, bi_share=0.0, real_share=0.5, neural_network="runs/autoencoder",
        flip=0.0, jitter=0.0, perturbed=0.0, reduced=0.0,
    )  # fmt: skip
    kinds = np.array(mixture.train_kinds(config))
    assert sorted(kinds) == [rows.REAL] * 2 + [rows.NEURAL] * 2
    stream = mixture.TrainRows(config)
    batch = collate([stream(row) for row in range(4)])
    complete = pipeline.make_completion(config, 1, completion.neural_forger(jnp.zeros_like, 32))
    made = jax.device_get(jax.jit(complete)(batch, jax.random.key(0)))
    is_made = kinds == rows.NEURAL
    np.testing.assert_array_equal(made["has_posed_source"], is_made)
    np.testing.assert_array_equal(made["is_forgery"], is_made)
    np.testing.assert_array_equal(made["image"][~is_made], batch["image"][~is_made])
    for image, target, mask in zip(
        made["image"][is_made], made["target"][is_made], made["source_mask"][is_made], strict=True
    ):
        assert (mask == 255).any() and (mask == 0).any()
        assert image[mask[..., 0] == 255].max() == 0  # what the autoencoder drew: nothing but black
        np.testing.assert_allclose(image[mask[..., 0] == 0], target[mask[..., 0] == 0], atol=90)
