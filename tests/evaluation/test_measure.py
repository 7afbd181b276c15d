"""What is measured of made-up examples: the rows beside DFREC are what their names say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.config import defaults
from dfrec_jax.evaluation import measure
from dfrec_jax.examples import fields
from dfrec_jax.models import dfrec
from dfrec_jax.models.masking import PatchSplit
from dfrec_jax.reports import tables
from tests import stand_in, tiny

SIZE = 8


@pytest.fixture(scope="module")
def config():
    return tiny.config()


@pytest.fixture(scope="module")
def measured(config):
    model = dfrec.build(config)
    image = np.zeros((1, tiny.SIZE, tiny.SIZE, 3), np.float32)
    variables = stand_in.variables(model, image, tiny.keys(1), train=False)
    batch = {name: jnp.asarray(value) for name, value in tiny.batch(SIZE).items()}
    found = jax.jit(
        lambda variables, metric, batch: measure.measure(
            model,
            variables,
            metric,
            fields.to_float(batch),
            tiny.keys(SIZE),
            num_patches=defaults.num_patches(config),
            patch_size=config.tirm.patch_size,
        )
    )(variables, tiny.network(), batch)
    return jax.device_get(found[0])


def test_the_generated_region_is_the_masked_patches():
    split = PatchSplit(jnp.array([[0, 3]]), jnp.array([[2, 1]]))
    region = measure.generated_region(split.idx_mask, 4, 2)
    want = np.kron([[0, 1], [1, 0]], np.ones((2, 2)))
    np.testing.assert_array_equal(region[0, :, :, 0], want)


def test_copying_the_input_reproduces_the_none_row_exactly(measured):
    for (role, row, metric), values in measured.values.items():
        if row == measure.NONE:
            np.testing.assert_array_equal(values, measured.values[role, measure.COPY, metric])
    np.testing.assert_allclose(measured.input_to_recovered[measure.COPY], 1.0, rtol=1e-5)


def test_every_cell_of_the_table_is_measured(measured):
    metrics = {column.metric for column in tables.RECOVERY.columns if not column.has_own_n}
    for role, rows in (
        ("target", (measure.NONE, *measure.TARGET_ROWS)),
        ("source", (measure.NONE, *measure.SOURCE_ROWS)),
    ):
        for row in rows:
            for metric in metrics:
                assert np.isfinite(measured.values[role, row, metric]).all(), (role, row, metric)


def test_inpainting_differs_from_dfrec_in_the_generated_region_only_by_f_t(measured):
    plain, full = (measured.values["target", row, "psnr"] for row in (measure.INPAINTING, measure.DFREC))
    assert (plain != full).all()


def test_a_perfect_recovery_scores_one(config):
    batch = fields.to_float({name: jnp.asarray(value) for name, value in tiny.batch(SIZE).items()})
    embedding = tiny.network()(batch["target"])["embedding"]
    np.testing.assert_allclose(jnp.sum(embedding * embedding, axis=-1), 1.0, rtol=1e-5)


def test_the_classification_head_speaks_of_every_example(measured):
    assert measured.forgery_logit.shape == (SIZE,) and np.isfinite(measured.forgery_logit).all()


def test_a_source_is_aligned_by_its_own_landmarks(config):
    """An input that shows the source in another place is as near to it as it is to itself."""
    batch = fields.to_float({name: jnp.asarray(value) for name, value in tiny.batch(2).items()})
    shift = 4
    batch |= {"landmarks": batch["source_landmarks"] + shift}
    batch |= {"image": jnp.roll(batch["source"], (shift, shift), axis=(1, 2))}
    model = dfrec.build(config)
    variables = stand_in.variables(model, batch["image"][:1], tiny.keys(1), train=False)

    @jax.jit
    def similarity(variables, batch):
        found, _ = measure.measure(
            model, variables, tiny.aligning_network(), batch, tiny.keys(2),
            num_patches=defaults.num_patches(config), patch_size=config.tirm.patch_size,
        )  # fmt: skip
        return found.values["source", measure.COPY, "idsim"]

    got = similarity(variables, batch)
    np.testing.assert_allclose(got, 1.0, atol=1e-4)
    unknown = {**batch, "source_landmarks": batch["source_landmarks"].at[1].set(jnp.nan)}
    got = similarity(variables, unknown)
    assert np.isfinite(got[0]) and np.isnan(got[1]), "what cannot be aligned has no number"
