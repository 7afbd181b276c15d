"""Prepared data in an object store are read as those in a folder are; what it has not is said."""

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture
from dfrec_jax.evaluation import people, shared_pictures
from dfrec_jax.files import staging
from dfrec_jax.records import joint, staged
from dfrec_jax.records.prepared import PreparedSplit
from tests.local_s3 import BUCKET

ADDRESS = f"s3://{BUCKET}/prepared"


@pytest.fixture
def stored(s3, prepared):
    s3.put_folder("prepared", prepared)
    joint.open_split.cache_clear()
    yield s3
    joint.open_split.cache_clear()


def test_a_split_is_the_one_of_the_folder(stored, prepared):
    here, there = (PreparedSplit(folder, "faces", "test") for folder in (str(prepared), ADDRESS))
    assert there.folder == f"{ADDRESS}/faces/1.0.0" and there.digest() == here.digest() and there.frame == here.frame
    for number in range(len(here.index.label)):
        np.testing.assert_equal(there.example(number, 48), here.example(number, 48))


def test_only_what_a_split_is_read_from_is_staged(stored):
    PreparedSplit(ADDRESS, "faces", "test")
    (folder,) = (place for place in staging.root().iterdir() if place.is_dir())
    assert folder.name.startswith("prepared-faces-") and "-test-" in folder.name
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert {"names.json", "metadata.json", "index-test.npz", "pictures-test.npy"} < names
    assert all("-train" not in name and name not in ("sheet.jpg", "rejected.csv") for name in names)


def test_several_are_joined_and_their_people_told_apart(stored, prepared, make_config):
    folders = f"{ADDRESS},triplets:{prepared}"
    config = make_config("faces", dir=folders)
    split = mixture.split_of(config, "test")
    assert {str(part.folder) for part in split._parts} == {f"{ADDRESS}/faces/1.0.0", f"{prepared}/triplets/1.0.0"}
    said = people.overlap(config, config, {"source_id": split.index.source_id, "target_id": split.index.target_id})
    assert said.startswith("none of their ")
    assert f"{ADDRESS}/faces/1.0.0" in {person.folder for person in people._all_people(config, "test")}
    assert "stands in training, byte for byte" in shared_pictures.count(config, config)


def test_people_of_another_data_set_have_its_folder(prepared, make_config):
    config = make_config("faces", dir=f"{prepared},triplets:{prepared}")
    names = mixture.split_of(config, "test").names.identities
    found = people._people(config, "test", np.arange(len(names)))
    assert {person.folder for person in found} == {str(prepared / kind / "1.0.0") for kind in ("faces", "triplets")}
    assert not any(person.name.startswith("/") for person in found)


@pytest.mark.parametrize(
    ("folder", "dataset", "split", "words"),
    [
        (ADDRESS, "faces", "dev", "prepared/faces/1.0.0 has the splits test, train, validation, and not dev"),
        (ADDRESS, "dfdc", "train", "holds no prepared 'dfdc'; run `dfrec prepare dfdc"),
        ("s3://no-bucket/x", "faces", "train", "there is no such bucket"),
        ("az://b/x", "faces", "train", "only s3:// and gs:// are read"),
    ],
)
def test_what_is_not_there_is_said(stored, folder, dataset, split, words):
    with pytest.raises(ConfigError) as refused:
        PreparedSplit(folder, dataset, split)
    assert str(refused.value).startswith(f"data.dir={folder!r}: ") and words in str(refused.value)


def test_without_a_network_what_was_staged_is_read(stored, monkeypatch):
    before = PreparedSplit(ADDRESS, "faces", "test").digest()
    monkeypatch.setenv("DFREC_OFFLINE", "1")
    assert PreparedSplit(ADDRESS, "faces", "test").digest() == before
    with pytest.raises(ConfigError, match="data.dir=.*DFREC_OFFLINE forbids the network"):
        PreparedSplit(ADDRESS, "faces", "train")


def test_sums_beside_the_records_count(stored):
    stored.put("prepared/faces/1.0.0/SHA256SUMS", f"{'0' * 64}  names.json\n".encode())
    with pytest.raises(ConfigError, match="data.dir=.*names.json: came damaged.*SHA256SUMS has 000"):
        PreparedSplit(ADDRESS, "faces", "test")


def test_damage_names_the_address_and_its_copy(stored):
    files = staged.files_of(ADDRESS, "faces", "test")
    path = files / "names.json"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(ConfigError, match=f"^{ADDRESS}/faces/1.0.0: names.json is damaged .*delete its copy {files}"):
        PreparedSplit(ADDRESS, "faces", "test")
