"""What is measured of made-up examples: the rows beside DFREC are what their names say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.evaluation import measure, recoverers
from dfrec_jax.evaluation.recoverers import COPY, DFREC, INPAINTING
from dfrec_jax.examples import fields
from dfrec_jax.models import dfrec
from dfrec_jax.reports import tables
from dfrec_jax.runs import trained
from tests import stand_in, tiny
from tests.evaluation import made_up

SIZE = 8


@pytest.fixture(scope="module")
def config():
    return tiny.config()


@pytest.fixture(scope="module")
def measured(config):
    image = np.zeros((1, tiny.SIZE, tiny.SIZE, 3), np.float32)
    model = dfrec.build(config)
    network = trained.Trained(config, model, stand_in.variables(model, image, tiny.keys(1), train=False), 0)
    rows = (recoverers.copy(), recoverers.inpainting(network), recoverers.dfrec(network))

    @jax.jit
    def run(variables, metric, batch):
        pictures = fields.to_float(batch)
        given = recoverers.seen(pictures, tiny.keys(SIZE))
        found = recoverers.run_all({row.name: row.recover for row in rows}, variables, given)
        return measure.measure(found, pictures, found[DFREC].generated, metric), found[DFREC].logit

    batch = {name: jnp.asarray(value) for name, value in tiny.batch(SIZE).items()}
    return jax.device_get(run({row.name: row.variables for row in rows}, tiny.network(), batch))


def test_copying_the_input_reproduces_the_none_row_exactly(measured):
    measured, _ = measured
    for (role, row, metric), values in measured.values.items():
        if row == measure.NONE:
            np.testing.assert_array_equal(values, measured.values[role, COPY, metric])
    np.testing.assert_allclose(measured.input_to_recovered[COPY], 1.0, rtol=1e-5)


def test_the_overlap_of_map_and_face_by_hand():
    landmarks = jnp.full((3, 5, 2), jnp.nan)  # a face in the middle
    face = measure.face_regions(landmarks, 32)
    left = (jnp.arange(32) < 16)[None, None, :, None] * jnp.ones((3, 32, 32, 1))
    maps = jnp.stack([face[0], jnp.zeros_like(face[0]), face[0] * left[0]])
    found = measure.map_overlap(maps, landmarks, None)
    np.testing.assert_allclose(found, [1.0, 0.0, (face[0] * left[0] > 0.5).sum() / (face[0] > 0.5).sum()], rtol=1e-6)
    np.testing.assert_allclose(measure.map_overlap(maps, landmarks, left)[2], 1.0)  # beyond the picture is nothing


def test_every_cell_of_the_table_is_measured(measured):
    measured, _ = measured
    metrics = {column.metric for column in tables.RECOVERY.columns if not column.has_own_n}
    for role, rows in (
        ("target", (measure.NONE, *made_up.TARGET_ROWS)),
        ("source", (measure.NONE, *made_up.SOURCE_ROWS)),
    ):
        for row in rows:
            for metric in metrics:
                assert np.isfinite(measured.values[role, row, metric]).all(), (role, row, metric)


def test_inpainting_differs_from_dfrec_in_the_generated_region_only_by_f_t(measured):
    measured, _ = measured
    plain, full = (measured.values["target", row, "psnr"] for row in (INPAINTING, DFREC))
    assert (plain != full).all()


def test_a_perfect_recovery_scores_one(config):
    batch = fields.to_float({name: jnp.asarray(value) for name, value in tiny.batch(SIZE).items()})
    embedding = tiny.network()(batch["target"])["embedding"]
    np.testing.assert_allclose(jnp.sum(embedding * embedding, axis=-1), 1.0, rtol=1e-5)


def test_the_classification_head_speaks_of_every_example(measured):
    _, logit = measured
    assert logit.shape == (SIZE,) and np.isfinite(logit).all()


def test_a_source_is_aligned_by_its_own_landmarks():
    """An input that shows the source in another place is as near to it as it is to itself."""
    batch = fields.to_float({name: jnp.asarray(value) for name, value in tiny.batch(2).items()})
    shift = 4
    batch |= {"landmarks": batch["source_landmarks"] + shift}
    batch |= {"image": jnp.roll(batch["source"], (shift, shift), axis=(1, 2))}

    @jax.jit
    def similarity(batch):
        rows = {COPY: recoverers.Recovered(target=batch["image"], source=batch["image"])}
        region = jnp.ones((2, tiny.SIZE, tiny.SIZE, 1))
        return measure.measure(rows, batch, region, tiny.aligning_network()).values["source", COPY, "idsim"]

    got = similarity(batch)
    np.testing.assert_allclose(got, 1.0, atol=1e-4)
    unknown = {**batch, "source_landmarks": batch["source_landmarks"].at[1].set(jnp.nan)}
    got = similarity(unknown)
    assert np.isfinite(got[0]) and np.isnan(got[1]), "what cannot be aligned has no number"


def test_what_lies_beyond_the_picture_is_not_measured():
    batch = fields.to_float({name: jnp.asarray(value) for name, value in tiny.batch(2).items()})
    beyond = (slice(None), slice(0, tiny.SIZE // 4))
    inside = jnp.ones_like(batch["source_mask"]).at[beyond].set(0.0)
    face = batch["target"][::-1] * 0.8

    @jax.jit
    def found(batch, face):
        rows = {DFREC: recoverers.Recovered(target=face, source=face)}
        return measure.measure(rows, batch, jnp.ones_like(inside), tiny.network()).values

    before, whole = found(batch, face), found({**batch, "inside_mask": jnp.ones_like(inside)}, face)
    one, two = (
        found({**batch, "inside_mask": inside}, given)
        for given in (face, face.at[beyond].set(0.9 * face[beyond] + 0.1))
    )
    for name in ("psnr", "ssim_uniform", "psnr_region", "ssim_uniform_region", "idsim_region"):
        key = "target", DFREC, name
        np.testing.assert_allclose(whole[key], before[key], rtol=1e-5)
        np.testing.assert_allclose(two[key], one[key], rtol=1e-5)
        assert (one[key] != before[key]).all(), "what is measured is another part of the picture"
