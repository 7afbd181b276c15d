"""Two prepared data sets read as one: numbers keep their meaning, and every record can be read."""

import copy
import shutil

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.records import index, joint

SIZE = 48


@pytest.fixture(scope="module")
def splits(prepared):
    """A data set, and the same one twice with a comma between."""
    return joint.open_split(str(prepared), "faces", "train"), joint.open_split(
        f"{prepared}, {prepared}", "faces", "train"
    )


def test_every_record_of_both_is_there_and_reads_the_same(splits):
    one, two = splits
    count = len(one.index.label)
    assert len(two.index.label) == 2 * count
    np.testing.assert_array_equal(two.pristine, np.concatenate([one.pristine, one.pristine + count]))
    for number in (0, count - 1):
        for offset in (0, count):
            again = two.example(number + offset, SIZE)
            for name, value in one.example(number, SIZE).items():
                if name not in ("source_id", "target_id"):
                    np.testing.assert_array_equal(value, again[name], err_msg=name)


def test_people_of_two_data_sets_are_never_the_same(splits):
    one, two = splits
    count, people = len(one.index.label), len(one.names.identities)
    np.testing.assert_array_equal(two.index.target_id[count:], one.index.target_id + people)
    assert len(set(two.names.identities)) <= len(two.names.identities) == 2 * people


def test_a_forgery_is_made_of_two_faces_of_its_own_data_set(splits):
    one, two = splits
    faces = len(one.faces)
    for place in (0, faces - 1):
        pair, shifted = one.unforged(place, 1, SIZE), two.unforged(place + faces, 1, SIZE)
        for name in ("source", "target", "source_points", "target_points"):
            np.testing.assert_array_equal(pair[name], shifted[name], err_msg=name)
        assert shifted["source_id"] - pair["source_id"] == len(one.names.identities)


def test_a_data_set_without_partners_gives_no_face_to_forge_from(prepared):
    faces = joint.open_split(str(prepared), "faces", "train")
    alone = copy.copy(joint.open_split(str(prepared), "faces", "test"))
    alone.index = alone.index._replace(partners=np.zeros((len(alone.faces), 0), np.int32))
    both = joint.JointSplit([alone, faces])
    np.testing.assert_array_equal(both.faces, faces.faces + len(alone.index.label))
    np.testing.assert_array_equal(both.index.partners, faces.index.partners)


def test_training_and_evaluation_read_both(make_config, prepared):
    config = make_config()
    config.data.dir = f"{prepared},{prepared}"
    assert len(mixture.EvaluationRows(config, "test")) == 2 * len(mixture.EvaluationRows(make_config(), "test"))
    with pipeline.TrainBatches(config, start_step=0) as stream:
        assert next(stream)["image"].shape == (8, SIZE, SIZE, 3)
    assert pipeline.fingerprint(config) != pipeline.fingerprint(make_config())


def test_the_order_of_the_folders_changes_nothing(prepared, tmp_path):
    other = shutil.copytree(prepared, tmp_path / "other")
    one = joint.open_split(str(prepared), "faces", "train")
    changed = one.index._replace(partners=one.index.partners[:, :1])
    index.write(other / one.folder.relative_to(prepared), {"train": changed}, one.names)
    folders = str(prepared), str(other)
    there, back = (joint.open_split(",".join(order), "faces", "train") for order in (folders, folders[::-1]))
    assert len({joint.open_split(folder, "faces", "train").digest() for folder in folders}) == 2
    assert there.folder == back.folder and there.digest() == back.digest()


def test_a_folder_that_is_not_there_is_named(prepared):
    with pytest.raises(ConfigError, match="nowhere"):
        joint.open_split(f"{prepared},nowhere", "faces", "train")
