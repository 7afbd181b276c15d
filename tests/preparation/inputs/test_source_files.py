"""Pictures of a TFDS data set, which stand in no folder; folders, tar files and videos are in the planners' tests."""

import pytest
import tensorflow_datasets as tfds

from dfrec_jax.preparation.inputs import listing, source_files, tfds_pictures
from dfrec_jax.preparation.layouts import face_folders
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.preparation.prepare import prepare
from dfrec_jax.records import schema
from tests.preparation import trees


class MadeUpPeople(tfds.core.GeneratorBasedBuilder):
    """Laid out as TFDS's LFW: a picture and the name of who is on it."""

    VERSION = tfds.core.Version("1.0.0")
    code_path = None

    def _info(self):
        features = {"label": tfds.features.Text(), "image": tfds.features.Image(shape=(64, 64, 3))}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number, name in enumerate(("Zoë Ω", "b c", "Zoë Ω")):
            yield number, {"label": name, "image": schema.encode_jpeg(trees.picture(number), 95)}


@pytest.fixture
def built(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    tfds_pictures.places.cache_clear()
    tfds.disable_progress_bar()
    MadeUpPeople(data_dir=str(tmp_path), file_format="array_record").download_and_prepare(
        download_dir=str(tmp_path / "downloads")
    )
    return "tfds:made_up_people"


def test_a_tfds_data_set_is_a_folder_of_people(built, tmp_path):
    plan = face_folders.plan(built, shares=(1.0, 0.0, 0.0))
    items = [item for job in plan.jobs for item in job.work]
    assert sorted(item.source_identity for item in items) == ["Zoë Ω", "Zoë Ω", "b c"]
    pictures = sorted(source_files.read_bytes(item.image) for item in items)
    assert pictures == sorted(schema.encode_jpeg(trees.picture(number), 95) for number in range(3))
    assert prepare(plan, trees.make_tools, trees.request(tmp_path / "out", num_forgeries=0)).counts == {
        ("train", "pristine", "pristine"): 3
    }


def test_what_tfds_has_not_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(PreparationError, match="not prepared it in .*run `tfds build lfw --file_format=array_record`"):
        listing.list_files("tfds:lfw")
    with pytest.raises(PreparationError, match="TFDS knows no such data set"):
        listing.list_files("tfds:nobody_made_this")
