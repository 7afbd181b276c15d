"""Pictures that stand in two splits are counted by their bytes, and it is said where that cannot be done."""

import shutil

import numpy as np
import pytest

from dfrec_jax.evaluation import shared_pictures
from dfrec_jax.records import pictures
from dfrec_jax.records.schema import folder_of
from tests import tiny


def test_pictures_of_training_are_counted_among_those_of_the_test(make_config, tmp_path):
    config = make_config("faces")
    said = shared_pictures.count(config, config)
    assert said.startswith("none of the split's ") and said.endswith("pictures stands in training, byte for byte")
    shutil.copytree(f"{config.data.dir}/faces", tmp_path / "faces")
    config.data.dir = str(tmp_path)
    folder = folder_of(str(tmp_path), "faces")
    train, test = (pictures.read(folder, split).tolist() for split in ("train", "test"))
    pictures.write(folder, "test", [tuple(test), tuple(train[:2])])
    assert (
        shared_pictures.count(config, config) == f"**2 of the split's {len(test) + 2} pictures stand in training too**"
    )


def test_what_was_prepared_without_hashes_is_said(make_config, tmp_path):
    config = make_config("faces")
    shutil.copytree(f"{config.data.dir}/faces", tmp_path / "faces")
    config.data.dir = str(tmp_path)
    for path in folder_of(str(tmp_path), "faces").glob("pictures-*"):
        path.unlink()
    said = shared_pictures.count(config, config)
    assert f"is not told (`{tmp_path}/faces/1.0.0` was prepared by a version that kept no hashes" in said


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY torn", "words", "numbers of another kind"])
def test_damaged_hashes_are_named_and_taken_for_none(make_config, tmp_path, damage):
    config = make_config("faces")
    shutil.copytree(f"{config.data.dir}/faces", tmp_path / "faces")
    config.data.dir = str(tmp_path)
    path = folder_of(str(tmp_path), "faces") / "pictures-test.npy"
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    else:
        np.save(path, np.array(["a"]) if damage == "words" else np.zeros(3))
    said = shared_pictures.count(config, config)
    assert f"is not told (`{path}` is damaged): `dfrec data audit` reads them all" in said


def test_of_drawn_faces_and_of_anothers_training_nothing_is_said(make_config):
    drawn, faces = tiny.config(), make_config("faces")
    assert shared_pictures.count(drawn, faces) == shared_pictures.count(faces, drawn) == ""
    assert shared_pictures.count(None, faces) == ""


def test_every_picture_of_a_record_has_a_hash_of_its_bytes():
    record = {"image": b"one", "source": b"", "target": b"two"}
    same = {"image": b"two", "source": b"", "target": b""}
    assert len(pictures.hashes_of(record)) == 2 and pictures.hashes_of(same) == pictures.hashes_of(record)[1:]
