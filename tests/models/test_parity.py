"""The released networks under the recipe's weights; `python -m tests.parity` runs more, and larger ones."""

import json

import numpy as np
import pytest

from tests import parity
from tests.parity_case import Case, Covered, load

NAMES = ("ism_deeplabv3plus_efficientnet_b0", "sirm_attention_unet", "tirm_mae_vit_b_16")


@pytest.mark.parametrize("name", NAMES)
def test_a_network_matches_its_reference(fixtures, name):
    compared = list(parity.compare(load(fixtures / "parity", name), parity.COVERED[name]))
    assert compared
    for array, error, is_close in compared:
        assert is_close and error < 1e-5, f"{array}: {error}"


@pytest.mark.slow
def test_the_published_pipeline_and_vit_l(shared_weights, capsys):
    folder = shared_weights.parent / "parity"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: these fixtures may not be copied into the project, or are too large")
    names = ["tirm_mae_vit_l_16", "official_pipeline_vit_l_16"]
    assert parity.main(["--fixtures", str(folder), "--only", *names]) == 0, capsys.readouterr().out


def write(folder, name, **arrays):
    np.savez(folder / f"{name}.npz", **arrays)
    (folder / f"{name}.json").write_text(json.dumps({"salt": "", "tensors": {}, "subsample": {"x": [2]}}))


@pytest.fixture
def harness(tmp_path, monkeypatch, capsys):
    def run(reference, ours):
        def compute(case: Case):
            return {name: np.asarray(value) for name, value in ours.items()}

        write(tmp_path, "made_up", given=np.zeros(1), **{name: np.asarray(value) for name, value in reference.items()})
        write(tmp_path, "unknown", given=np.zeros(1))
        monkeypatch.setattr(parity, "COVERED", {"made_up": Covered(("given",), compute)})
        return parity.main(["--fixtures", str(tmp_path)]), capsys.readouterr().out

    return run


def test_the_harness_passes_what_agrees(harness):
    reference = {"x": np.float32([3, 4]), "idx": [1, 2]}
    status, printed = harness(reference, {"x": np.float32([3, 9, 4.0003]), "idx": [1, 2]})
    assert status == 0
    assert "made_up idx 0.00e+00\nmade_up x 6.00e-05\n" in printed  # 3e-4 / 5, the middle value is subsampled away
    assert "skipped unknown: no network of ours covers it" in printed


@pytest.mark.parametrize(
    ("ours", "complaint"),
    [
        ({"x": np.float32([3, 0, 4.001]), "idx": [1, 2]}, "made_up x 2.00e-04  FAILED"),
        ({"x": np.float32([3, 0, 4]), "idx": [2, 1]}, "made_up idx 1.00e+00  FAILED"),
        ({"x": np.float32([3, 0, 4])}, "made_up idx -  NOT COMPARED"),
        ({"x": np.float32([3, 0, 4]), "idx": [1, 2], "y": [0]}, "made_up y -  NOT COMPARED"),
        ({"x": np.float32([3, 0, np.nan]), "idx": [1, 2]}, "made_up x inf  FAILED"),
        ({"x": np.float32([3]), "idx": [1, 2]}, "made_up x inf  FAILED"),
    ],
)
def test_the_harness_fails_what_does_not(harness, ours, complaint):
    status, printed = harness({"x": np.float32([3, 4]), "idx": [1, 2]}, ours)
    assert status == 1 and complaint in printed


def test_nothing_compared_is_a_failure(tmp_path, capsys):
    assert parity.main(["--fixtures", str(tmp_path)]) == 2
    write(tmp_path, "unknown", given=np.zeros(1))
    assert parity.main(["--fixtures", str(tmp_path)]) == 1
    assert parity.main(["--fixtures", str(tmp_path), "--only", "absent"]) == 2
    capsys.readouterr()
