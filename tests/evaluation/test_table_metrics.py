"""Every metric of the tables against a second computation from the same pictures: loops, NumPy, scikit-image, SciPy."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.transform import Rotation
from skimage.metrics import structural_similarity

from dfrec_jax.evaluation import scores, spread
from dfrec_jax.evaluation.estimates import estimates
from dfrec_jax.evaluation.metric import BetweenSets, Mean, Metric, Number
from dfrec_jax.paper.tables import TABLES
from tests import tiny
from tests.evaluation.scored import METRICS, NETWORK, NETWORKS, SIZE, batch, measured

SHARE = np.array(
    [0.1, 1.0, 0.4, 0.8, 1.0, 0.9, 0.3, 1.0]
)  # of the input in what is recovered; the rest is its negative
GENERATED = np.zeros((SIZE, tiny.SIZE, tiny.SIZE, 1), bool)
GENERATED[:, 4:20, 8:] = True


def recovered(one):
    share = SHARE[:, None, None, None]
    return np.rint(share * one["image"] + (1 - share) * (255.0 - one["image"])).astype(np.uint8)


class Pictures:
    """All that the second computations need: 8-bit pictures, and features of them in float64."""

    def __init__(self):
        one = batch()
        self.recovered, self.target, self.is_forgery = recovered(one), one["target"], one["is_forgery"]
        gray = [np.where(GENERATED, pictures, 128).astype(np.uint8) for pictures in (self.recovered, self.target)]
        of_recovered, of_target, of_image, *of_gray = (
            {name: np.asarray(values, np.float64) for name, values in features(pictures).items()}
            for pictures in (self.recovered, self.target, one["image"], *gray)
        )
        self.of_recovered, self.of_target, self.of_gray = of_recovered, of_target, of_gray
        self.to_input = np.array(
            [cosine(a, b) for a, b in zip(of_recovered["embedding"], of_image["embedding"], strict=True)]
        )
        self.forgeries = np.flatnonzero(self.is_forgery)

    def mean(self, of_row):
        return np.mean([of_row(row) for row in self.forgeries])

    def parts(self):
        """Similarities to the input of pristine faces and of forgeries."""
        return self.to_input[~self.is_forgery], self.to_input[self.is_forgery]


def features(pictures):
    return NETWORK.apply({}, jnp.float32(pictures) / 255, None)


def cosine(a, b):
    return a @ b / np.sqrt((a @ a) * (b @ b))


def angle(a, b):
    return np.rad2deg((Rotation.from_matrix(a).inv() * Rotation.from_matrix(b)).magnitude())


def psnr(a, b):
    return 20 * np.log10(255 / np.sqrt(np.mean((a.astype(float) - b) ** 2)))


def ssim(a, b, region):
    _, each = structural_similarity(a, b, channel_axis=-1, data_range=255, full=True)
    is_whole = np.zeros_like(region)
    is_whole[3:-3, 3:-3] = True  # windows of 7 that lie in the picture
    return each[(region & is_whole)[..., 0]].mean()


def frechet(a, b):
    root = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)


def area(real, forged):
    return np.mean([1.0 if r > f else 0.5 if r == f else 0.0 for r in real for f in forged])


def equal_error(real, forged):
    """Where the line between two neighbouring thresholds crosses that of equal errors."""
    thresholds = [np.inf, *sorted({*real, *forged}, reverse=True)]
    points = [(np.mean(forged >= t), np.mean(real < t)) for t in thresholds]  # forged taken for real, and the reverse
    for (false_real, false_forged), (more, less) in zip(points, points[1:], strict=False):
        if false_real <= false_forged and more >= less:
            part = (false_forged - false_real) / ((more - false_real) + (false_forged - less))
            return false_real + part * (more - false_real)
    raise AssertionError("the errors never meet")


BY_HAND = {
    "idsim": lambda p: p.mean(lambda row: cosine(p.of_recovered["embedding"][row], p.of_target["embedding"][row])),
    "attr": lambda p: 100 * p.mean(
        lambda row: cosine(p.of_recovered["attributes"][row], p.of_target["attributes"][row])
    ),
    "pose": lambda p: p.mean(lambda row: angle(p.of_recovered["rotation"][row], p.of_target["rotation"][row])),
    "psnr": lambda p: p.mean(lambda row: psnr(p.recovered[row], p.target[row])),
    "ssim": lambda p: p.mean(lambda row: ssim(p.recovered[row], p.target[row], np.ones_like(GENERATED[row]))),
    "frechet": lambda p: frechet(*(of["pool3"][p.forgeries] for of in (p.of_recovered, p.of_target))),
    "idsim_region": lambda p: p.mean(lambda row: cosine(*(of["embedding"][row] for of in p.of_gray))),
    "attr_region": lambda p: 100 * p.mean(lambda row: cosine(*(of["attributes"][row] for of in p.of_gray))),
    "psnr_region": lambda p: p.mean(
        lambda row: psnr(*(pictures[row][GENERATED[row][..., 0]] for pictures in (p.recovered, p.target)))
    ),
    "ssim_region": lambda p: p.mean(lambda row: ssim(p.recovered[row], p.target[row], GENERATED[row])),
    "acc_id": lambda p: 50 * (np.mean(p.parts()[0] > 0.9) + np.mean(p.parts()[1] <= 0.9)),
    "fake_recall": lambda p: 100 * np.mean(p.parts()[1] <= 0.9),
    "real_recall": lambda p: 100 * np.mean(p.parts()[0] > 0.9),
    "eer": lambda p: 100 * equal_error(*(np.round(part, 5) for part in p.parts())),
    "auc_real": lambda p: area(*(np.round(part, 5) for part in p.parts())),
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures():
    return Pictures()


@pytest.fixture(scope="module")
def figures():
    found, _ = estimates(measured(recovered, GENERATED), METRICS)
    return {name: estimate.value for name, estimate in found.items()}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_figure_is_what_a_hand_computes(metric, pictures, figures):
    want = BY_HAND[metric.name](pictures)
    least = {"pose": 0.05, "attr": 1e-3, "attr_region": 1e-3}.get(metric.name, 1e-5)  # a cosine's 1e-5, times 100
    assert figures[metric.name] == pytest.approx(want, rel=2e-5, abs=least)


def test_every_metric_of_a_table_is_computed_here_by_hand(pictures):
    assert {metric.name for table in TABLES for metric in table.metrics} == {metric.name for metric in METRICS}
    real, forged = pictures.parts()
    assert 0 < np.mean(real > 0.9) < 1 and 0 < np.mean(forged > 0.9) < 1, "each kind is judged both rightly and wrongly"


def test_a_metric_is_written_in_one_place():
    """Two that no table has, of an example and of sets: nothing but the value itself says what they are."""

    def off(compared):
        return 255 * jnp.mean(jnp.abs(compared.recovered - compared.target), axis=(1, 2, 3))

    error = Metric("mae", "mean error", 2, Mean(Number("mae", "", off)), more_is_better=False)
    between = Metric("shift", "shift", 2, BetweenSets("frechet", lambda a, b: float(np.abs(a.total - b.total).max())))
    measures = scores.Measures((error, between), NETWORKS)
    devices, one = spread.over_all_devices(SIZE), batch()
    outputs = scores.outputs_of(measures, scores.truth_of(measures, one, devices), recovered(one), None, devices)
    make = scores.collection(measures)
    found, _ = estimates(make.empty().merge(make.single_from_model_output(**outputs)), (error, between))
    forgeries = one["is_forgery"]
    want = np.abs(recovered(one).astype(float) - one["target"])[forgeries].mean()
    assert found["mae"].value == pytest.approx(want, rel=1e-5) and found["mae"].n == 4
    sums = [
        np.asarray(features(one_set[forgeries])["pool3"], np.float64).sum(0)
        for one_set in (recovered(one), one["target"])
    ]
    assert found["shift"].value == pytest.approx(np.abs(sums[0] - sums[1]).max(), rel=1e-5)
    assert set(outputs) >= {"mae", "shift_of_recovered"} and "idsim" not in outputs, "what none names is not measured"
