"""Scores of recovered pictures: the relations that any implementation must satisfy (FIDELITY 5.4, 1, 9, 10)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh

from dfrec_jax.evaluation import spread
from dfrec_jax.evaluation.estimates import curves, estimates
from dfrec_jax.evaluation.table_metrics import FID
from tests import tiny
from tests.evaluation.scored import METRICS, NETWORK, NETWORKS, SIZE, batch, measured


def figures(*args, **kwargs):
    found, _ = estimates(measured(*args, **kwargs), METRICS)
    return {name: estimate.value for name, estimate in found.items()}


def test_the_target_itself_is_perfect():
    """FIDELITY 5.4, 1."""
    total = measured(lambda one: one["target"])
    found = {name: estimate.value for name, estimate in estimates(total, METRICS)[0].items()}
    assert (total.examples.compute()["psnr"] == np.inf).all()
    assert found["idsim"] == pytest.approx(1, abs=1e-6) and found["ssim"] == pytest.approx(1, abs=1e-6)
    assert found["attr"] == pytest.approx(100, abs=1e-4) and found["frechet"] == pytest.approx(0, abs=1e-8)
    assert found["pose"] == pytest.approx(0, abs=1e-3)
    assert "psnr" not in found, "it is endless, and no mean has it"


def test_copying_the_forgery_judges_every_face_real():
    """FIDELITY 5.4, 10."""
    found = figures(lambda one: one["image"])
    assert (found["real_recall"], found["fake_recall"], found["acc_id"]) == (100, 0, 50)
    assert (found["eer"], found["auc_real"]) == (50, 0.5), "rounding ranks no copy above another"
    assert found["frechet"] > 0 and found["idsim"] < 0.999


def test_a_perfect_detector_is_told_as_one():
    found = figures(lambda one: np.where(one["is_forgery"][:, None, None, None], 255 - one["image"], one["image"]))
    assert (found["acc_id"], found["eer"], found["auc_real"]) == (100, 0, 1)


def test_the_curve_whose_area_is_given_is_kept():
    total = measured(
        lambda one: np.where(one["number"][:, None, None, None] % 3 == 0, 255 - one["image"], one["image"])
    )
    (found,), (area, _) = curves(total, METRICS).items(), estimates(total, METRICS)
    assert found[0] == "auc_real" and 0 < area["auc_real"].value < 1
    assert np.trapezoid(*reversed(found[1])) == pytest.approx(area["auc_real"].value)
    assert not curves(measured(lambda one: one["image"], batches=[{**batch(4)}]), METRICS), "forgeries alone"


def test_it_is_the_same_however_the_examples_are_divided():
    whole = batch()
    parts = [
        {**whole, "is_valid": whole["is_valid"] & (whole["number"] % 3 == part)} for part in (2, 0, 1)
    ]  # another order, and batches that are filled up
    together, divided = (figures(lambda one: one["image"][::-1], batches=batches) for batches in ([whole], parts))
    for name, value in together.items():
        assert divided[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


def test_it_is_the_same_on_one_device_and_on_eight():
    one = spread.Spread(Mesh(np.array(jax.devices()[:1]), (spread.AXIS,), axis_types=(AxisType.Auto,)))
    generated = np.zeros((SIZE, tiny.SIZE, tiny.SIZE, 1), bool)
    generated[:, :16] = True
    found, of_eight = (figures(lambda one: one["image"], generated, devices=devices) for devices in (one, None))
    assert found.keys() == of_eight.keys() and len(found) == len(METRICS)
    for name, value in found.items():
        assert of_eight[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name  # float32 in vectors of other lengths


def test_what_was_copied_counts_for_nothing_in_the_region():
    one = batch()
    generated = np.zeros((SIZE, tiny.SIZE, tiny.SIZE, 1), bool)
    generated[:, :16] = True
    half = np.where(generated, one["image"], one["target"])
    found, whole = figures(lambda _: half, generated), figures(lambda _: one["image"])
    assert found["psnr_region"] < found["psnr"] and found["idsim_region"] < found["idsim"]
    assert whole["psnr_region"] == whole["psnr"], "a method that pastes nothing generates everything"
    nothing = figures(lambda _: one["image"], np.zeros_like(generated))
    assert "psnr_region" not in nothing


def test_without_a_network_its_metrics_are_left_out():
    found = figures(lambda one: one["image"], networks={"identity": NETWORK})
    assert {"idsim", "psnr", "acc_id"} <= found.keys() and not {"frechet", "attr", "pose"} & found.keys()


def test_a_face_that_cannot_be_aligned_counts_for_nothing_that_needs_it():
    """Of a forgery and of a pristine face the landmarks are not known: they are judged neither real nor forged."""

    def aligned(variables, images, landmarks):
        known = jnp.isfinite(landmarks).all(axis=(1, 2))
        found = NETWORK.apply(variables, images, landmarks)
        return {name: jnp.where(known.reshape(-1, *[1] * (of.ndim - 1)), of, jnp.nan) for name, of in found.items()}

    one = batch()
    one["landmarks"][[0, SIZE - 1]] = np.nan
    networks = dict.fromkeys(NETWORKS, NETWORK.replace(apply=aligned))
    total = measured(lambda one: one["image"], batches=[one], networks=networks)
    found, _ = estimates(total, METRICS)
    assert (found["acc_id"].value, found["real_recall"].value, found["fake_recall"].value) == (50, 100, 0)
    assert found["eer"].value == 50 and found["auc_real"].value == 0.5
    assert {name: found[name].n for name in ("acc_id", "auc_real", "idsim", "frechet", "psnr")} == {
        "acc_id": 6, "auc_real": 6, "idsim": 3, "frechet": 3, "psnr": 4
    }  # fmt: skip
    assert curves(total, METRICS)["auc_real"][1].tolist() == [0, 1]


def test_a_small_set_is_remarked_on():
    _, remarks = estimates(measured(lambda one: one["image"]), (FID,))
    assert len(remarks) == 1 and "4 against 4 images" in remarks[0]


def test_what_lies_beyond_the_picture_is_not_measured():
    one = batch()
    inside = np.full((SIZE, tiny.SIZE, tiny.SIZE, 1), 255, np.uint8)
    inside[:, 20:] = 0
    damaged = np.where(inside > 0, one["image"], 255 - one["target"])
    bordered = {**one, "inside_mask": inside}
    found, plain = (figures(lambda _: damaged, batches=[given]) for given in (bordered, one))
    cut = {**one, "inside_mask": inside, "image": np.where(inside > 0, one["image"], 0)}
    again = figures(lambda _: np.where(inside > 0, one["image"], one["target"]), batches=[cut])
    for name in ("psnr", "ssim", "psnr_region", "ssim_region"):
        assert found[name] == again[name] > plain[name]
