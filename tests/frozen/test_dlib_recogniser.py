"""dlib's recogniser: where it looks, what it says without its packages, and that it tells people apart."""

import importlib

import numpy as np
import pytest

from dfrec_jax.frozen import dlib_recogniser
from dfrec_jax.frozen.align import ARCFACE_TEMPLATE
from dfrec_jax.frozen.dlib_recogniser import SAME, DlibMissing, DlibRecogniser
from dfrec_jax.weights.rules import WeightsError


def test_the_box_follows_the_landmarks():
    left, top, side = dlib_recogniser._box(2 * ARCFACE_TEMPLATE + (10, 20))
    assert side == pytest.approx(2 * dlib_recogniser.BOX_SIDE, rel=1e-5)
    centre = 2 * np.array(dlib_recogniser.BOX_CENTRE) + (10, 20)
    np.testing.assert_allclose([left + side / 2, top + side / 2], centre, atol=1e-3)


def test_without_dlib_the_error_says_what_to_install(monkeypatch):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(DlibMissing, match=r"pip install 'dfrec-jax\[report\]'"):
        DlibRecogniser()


def test_a_file_of_other_bytes_is_refused(tmp_path):
    (tmp_path / "one.dat").write_bytes(b"other")
    with pytest.raises(WeightsError, match=r"one\.dat: is not the published file"):
        dlib_recogniser._checked(tmp_path / "one.dat", "00")
    with pytest.raises(DlibMissing, match=r"two\.dat: is not there"):
        dlib_recogniser._checked(tmp_path / "two.dat", "00")


def test_two_pictures_of_one_person_are_nearer_than_those_of_two(shared_data):
    import csv

    import cv2

    try:
        recogniser = DlibRecogniser()
    except DlibMissing as error:
        pytest.skip(str(error))
    folder = shared_data / "celeba_people"
    by_person: dict[str, list] = {}
    for row in csv.DictReader((folder / "faces.csv").read_text().splitlines()):
        by_person.setdefault(row["file"].split("/")[0], []).append(row)
    rows = [row for person in list(by_person)[:2] for row in by_person[person][:2]]
    pictures = np.stack([cv2.imread(str(folder / row["file"]), cv2.IMREAD_COLOR_RGB) for row in rows])
    names = ("eye_r", "eye_l", "nose", "mouth_r", "mouth_l")  # the person's right is the picture's left
    landmarks = np.array([[[float(row[f"{name}_{axis}"]) for axis in "xy"] for name in names] for row in rows])
    landmarks[3] = np.nan
    found = recogniser.embed(pictures, recogniser.find(pictures, landmarks))
    assert np.isnan(found[3]).all() and np.isfinite(found[:3]).all()
    of_one, of_two = (np.linalg.norm(found[0] - found[other]) for other in (1, 2))
    assert of_one < SAME < of_two
