"""Likelihood ratios are fitted on some people and measured on others."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.metrics import likelihood_ratio as lr
from dfrec_jax.tracing import calibrating, calibration, calibration_report
from dfrec_jax.tracing.calibrating import Case, Scores
from dfrec_jax.tracing.routes import Exhibit, Query
from tests.tracing import drawn
from tests.tracing.drawn import IDENTITY

X, NO_PICTURE = Path("x"), np.zeros((64, 64, 3), np.uint8)


def _scores(exhibits, people, seed=0, shift=0.4):
    """Each person has so many exhibits; H1 lies 0.4 above H2."""
    rng = np.random.default_rng(seed)
    true = np.repeat(np.arange(people), exhibits)
    scores = rng.normal(0, 0.1, (len(true), people))
    scores[np.arange(len(true)), true] += shift
    return Scores(scores.astype(np.float32), true, np.arange(len(true)))


def test_nobody_of_the_measurement_is_in_the_fit():
    scores, in_b = _scores(2, 40), np.arange(40) % 2 == 1
    fit, made_of, measured = calibrating.fit_and_measure(scores, in_b)
    assert made_of == {
        "exhibits": 40, "people_with_exhibits": 20, "population": 20, "comparisons_h1": 40, "comparisons_h2": 40 * 19
    }  # fmt: skip
    other = scores.scores.copy()
    other[in_b[scores.true]] = 7.0  # exhibits of B
    other[:, in_b] = 7.0  # and anybody compared with people B
    again, _, worse = calibrating.fit_and_measure(scores._replace(scores=other), in_b)
    assert again == fit and worse.record["cllr"]["value"] > measured.record["cllr"]["value"]
    assert measured.record["exhibits"] == 40 and measured.record["population"] == 20


def test_the_measures_are_those_of_the_comparisons():
    scores, in_b = _scores(1, 30), np.arange(30) >= 15
    fit, _, measured = calibrating.fit_and_measure(scores, in_b)
    same, different = [], []
    for i, true in zip(*np.nonzero(np.eye(30, dtype=bool) & in_b[:, None]), strict=True):
        row = fit.log10_lr(scores.scores[i]) * np.log(10)
        same.append(row[true])
        different += [row[j] for j in range(15, 30) if j != true]
    assert measured.record["cllr"]["value"] == pytest.approx(lr.cllr(np.array(same), np.array(different)), abs=1e-4)
    assert len(measured.different) == 15 * 14
    assert measured.record["rank_1"]["value"] == pytest.approx(np.mean(measured.ranks == 1))
    assert measured.record["cllr"]["interval"][0] <= measured.record["cllr"]["value"]
    assert fit.bounds[0] < 0 < fit.bounds[1] <= np.log10(15)  # 14 others support no more


def test_the_difference_of_two_routes_is_over_the_exhibits_of_both():
    scores, in_b = _scores(1, 30), np.arange(30) >= 15
    other = Scores(*(part[:-4] for part in _scores(1, 30, seed=1, shift=0.1)))  # without the last four
    one, two = (calibrating.fit_and_measure(each, in_b)[2] for each in (scores, other))
    kept = np.isin(one.exhibit, two.exhibit)
    found = calibrating.cllr_less(one, two)
    assert found["value"] == pytest.approx(one.penalties[kept].mean() - two.penalties.mean(), abs=1e-4)
    assert found["n"] == len(two.exhibit) and found["interval"][1] < 0  # better, for most of the exhibits
    assert one.penalties.mean() == pytest.approx(one.record["cllr"]["value"], abs=1e-4)


def test_too_few_people_are_said_and_not_fitted():
    in_b = np.arange(9) >= 4
    assert "exhibits of 4 people A and 5 people B" in calibrating.fit_and_measure(_scores(3, 9), in_b)


def test_false_identifications_by_hand():
    # 2 of 4 others are at or above: of galleries of 2, one of six pairs holds neither
    count = sum(not {0, 1} & set(pair) for pair in combinations(range(4), 2))
    np.testing.assert_allclose(calibrating.none_drawn(4, np.array([2, 0, 4, 3]), 2), [count / 6, 1, 0, 0])
    fit = calibration.Fit(lr.Logistic(np.log(10), 0.0), (-2.0, 1.5))  # LR = 10**score
    rows = calibrating._identification_errors(np.array([1.2, 0.2]), np.array([[0.0, 1.0, -1.0], [-1.0] * 3]), fit)
    assert list(rows) == [
        {"gallery_size": 3, "lr_threshold": 1.0, "fpir": 0.5, "fnir": 0.0},
        {"gallery_size": 3, "lr_threshold": 10.0, "fpir": 0.5, "fnir": 0.5},
    ]  # no ratio reaches 100


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A calibration of 24 orthogonal people, whose exhibits are noisy."""
    rng = np.random.default_rng(0)
    folder, cases, exhibits = tmp_path_factory.mktemp("made"), [], []
    gallery = drawn.orthogonal_people(folder / "gallery", 24)
    for number in range(24):
        rows = rng.normal(0, 0.12, (2, 24)).astype(np.float32)
        rows[:, number] += (0.3, 0.6)
        queries = tuple(
            Query("target", route, row, NO_PICTURE) for route, row in zip(("raw", "recovered"), rows, strict=True)
        )
        exhibits.append(Exhibit(f"{number}.png", "ab", queries, {}, "network", {}))
        cases.append(Case(X, {"target": f"p{number:02d}"}, (), ""))
    out = folder / "calibration"
    return out, calibration_report.write(out, gallery, cases, exhibits, "drawn people", 3)


def test_what_is_written_is_what_a_search_reads(made):
    out, table = made
    read = calibration.read(out)
    said = json.loads((out / calibration.RECORD).read_text())
    assert set(read.fits) == {"target, raw", "target, recovered"} and read.network_sha256 == "network"
    assert read.population == "drawn people" and said["propositions"]["H2"].endswith("drawn people")
    assert {path.name for path in out.iterdir()} == {
        "calibration.json", "calibration.md", "target_raw.png", "target_recovered.png"
    }  # fmt: skip
    raw, recovered = (said["routes"][f"target, {route}"]["measured_on"] for route in ("raw", "recovered"))
    assert recovered["cllr"]["value"] < raw["cllr"]["value"] and recovered["rank_1"]["value"] == 1
    assert raw["cllr_less_raw"] is None and recovered["cllr_less_raw"]["value"] == pytest.approx(
        recovered["cllr"]["value"] - raw["cllr"]["value"], abs=2e-4
    )
    assert recovered["cmc"][0] == recovered["rank_1"]["value"] and recovered["cmc"][-1] == 1
    assert said["statement"] in table and "drawn people" in table
    fit = read.fits["target, raw"]
    assert fit.log10_lr(np.array([-9.0, 9.0])).tolist() == list(fit.bounds)


def test_a_calibration_of_something_else_is_refused(made):
    read = calibration.read(made[0])
    read.check(IDENTITY)
    with pytest.raises(ConfigError, match="recogniser 'embedded-b' and 'other'"):
        read.check(IDENTITY._replace(recogniser="other"))
    with pytest.raises(ConfigError, match="frame '--crop none' and '--crop box"):
        read.check(IDENTITY._replace(frame="--crop box --margin 0.3"))
    assert read.fit_for("target", "recovered", "network")[0] is read.fits["target, recovered"]
    assert read.fit_for("target", "raw", None)[0] is not None  # nothing was recovered for it
    with pytest.raises(ConfigError, match="`target, recovered` was calibrated on faces that network network"):
        read.fit_for("target", "recovered", "another")
    assert read.fit_for("source", "raw", None) == (None, "the calibration holds no `source, raw`")


def test_what_is_no_calibration_is_refused(made, tmp_path):
    with pytest.raises(ConfigError, match="none"):
        calibration.read(tmp_path)
    said = json.loads((made[0] / calibration.RECORD).read_text())
    raw = said["routes"]["target, raw"]
    others = [
        ({**said, "format": "x"}, "format 'x'"), ({**said, "population": 3}, "population"),
        *(({**said, "routes": {"target, raw": one}}, words) for one, words in (
            ({}, "measured_on"), (raw | {"slope": "steep"}, "steep"), (raw | {"slope": float("nan")}, "cannot be read"),
            (raw | {"log10_lr_bounds": [1.0, -1.0]}, "finite"),
            (raw | {"measured_on": {"exhibits": 12}}, "cllr"))),
    ]  # fmt: skip
    for other, words in others:
        (tmp_path / calibration.RECORD).write_text(json.dumps(other))
        with pytest.raises(ConfigError, match=words):
            calibration.read(tmp_path)


def test_results_of_two_networks_are_refused():
    exhibits = [
        Exhibit("a", "", (Query("target", "recovered", np.ones(2, np.float32), NO_PICTURE),), {}, name, {})
        for name in "xy"
    ]
    with pytest.raises(ConfigError, match="results of 2 networks"):
        calibrating.network_of(exhibits)
    assert calibrating.network_of(exhibits[:1]) == "x"
