"""The pages of an audit: what stands in them, and a folder that cannot be written."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dfrec_jax.audit import audit, report
from dfrec_jax.preparation.plan import PreparationError


@pytest.fixture(scope="module")
def found(prepared):
    return audit.audit(audit.find_folder(str(prepared / "triplets")))


def test_the_page_names_counts_leaks_and_missing_halves(found):
    page = report.summary(found)
    count = found.counts["train", "swap", "swap"]
    assert f"| train | swap | swap | {count} |" in page and f"- train, swap: {count} records without mask" in page
    assert "None found." in page and "Nothing." in page
    leak = audit.Leak("person", "train", "test", "a b/1.jpg", "c.jpg")
    page = report.summary(found._replace(leaks=[leak], rejected={"no face found": 3}))
    assert "- person shared by train and test: 1" in page and "`a b/1.jpg` (train) and `c.jpg` (test)" in page
    assert "- 3: no face found" in page and "None found." not in page


def test_files_are_written_and_can_be_read_back(found, tmp_path):
    forged = np.random.default_rng(0).integers(0, 255, (3, 4, 16, 16, 3)).astype(np.uint8)
    written = report.write(found, forged, tmp_path / "new" / "audit")
    assert [path.name for path in written] == ["audit.md", "audit.json", "examples.jpg", "forged.jpg"]
    content = json.loads(written[1].read_text())
    assert content["people"] == found.people and content["leaks"] == []
    assert ["train", "swap", "swap", found.counts["train", "swap", "swap"]] in content["counts"]
    assert content["histograms"]["sharpness"]["edges"][-1] is None, "JSON knows no infinity"
    assert cv2.imread(str(written[3])).shape == (2 * 16, 2 * 4 * 16, 3)
    assert cv2.imread(str(written[2])).shape[1] == 12 * report.CELL
    assert len(report.write(found, None, tmp_path / "none")) == 3


def test_a_folder_that_cannot_be_written_is_refused(found, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PreparationError, match="cannot be written .*choose another --out"):
        report.write(found, None, Path(tmp_path / "file" / "audit"))
