"""The published network of a compared method as a run: made of its file, and a row of tables."""

import hashlib
import json

import numpy as np
import pytest
import safetensors.numpy

from dfrec_jax.baselines import adm_unet, published
from dfrec_jax.paper import runs_at_hand
from dfrec_jax.paper.table_data import Data
from dfrec_jax.paper.tables import REPAINT, Row
from dfrec_jax.runs import published_method, stored_config
from dfrec_jax.weights import registry
from dfrec_jax.weights.rules import WeightsError
from tests import tiny
from tests.baselines.test_published import foreign_tensors

RELEASE = registry.find("adm-celeba256")


@pytest.fixture
def like(tmp_path):
    (tmp_path / "like").mkdir()
    config = tiny.config()
    config.data.dataset, config.data.dir, config.data.attack = "celeba_megafs", "prepared", "lcr"
    stored_config.save(tmp_path / "like", config)
    return str(tmp_path / "like")


@pytest.fixture
def file(tmp_path, fixtures, monkeypatch):
    module = adm_unet.AdmUnet(image_size=64, features=4, attention_sides=(8, 4, 2), head_features=4)
    narrow = published.find(RELEASE.name)._replace(module=module, image_size=64)
    monkeypatch.setitem(published.NETWORKS, RELEASE.name, narrow)
    tensors = foreign_tensors(fixtures, "adm_unet", narrow)
    safetensors.numpy.save_file(tensors, tmp_path / RELEASE.file)
    return tmp_path / RELEASE.file, tensors


def test_it_is_a_run_of_every_data_set(tmp_path, file, like):
    path, tensors = file
    said = published_method.make_workdir(path, tmp_path / "repaint", RELEASE, like)
    assert "task 'repaint'" in said and RELEASE.licence in said
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    from_file = {"source": RELEASE.file, "source_sha256": sha256}
    assert published_method.imported_from(tmp_path / "repaint") == from_file and sha256 in said
    run = runs_at_hand.open_run(tmp_path / "repaint")
    assert run.methods == (REPAINT,) and run.is_published and run.trained_on == Data("celeba_megafs", "lcr")
    assert run.config.repaint.features == 4 and run.config.frozen.metric == "embedded-a"
    step, recoverer = runs_at_hand.load(run, "best", REPAINT)
    kernel = recoverer.variables["params"]["middle_attention"]["qkv"]["kernel"]
    assert step == 0
    np.testing.assert_array_equal(kernel, tensors["middle_block.1.qkv.weight"][..., 0].T)
    row = Row(REPAINT, REPAINT, of_any_attack=True)
    for data in (Data("celeba_megafs", "ftm"), Data("faceforensics", "Deepfakes")):
        assert runs_at_hand.choose([run], row, data)[0] is run
        own = run._replace(is_published=False)
        assert (runs_at_hand.choose([own], row, data)[0] is own) == (data.dataset == "celeba_megafs")


def _no_space(*_):
    raise OSError(28, "No space left on device")


def test_what_cannot_be_is_refused(tmp_path, file, like, monkeypatch):
    path, _ = file
    with pytest.raises(WeightsError, match="say by --like=RUN"):
        published_method.make_workdir(path, tmp_path / "repaint", RELEASE, "")
    with pytest.raises(WeightsError, match="it holds a run already"):
        published_method.make_workdir(path, tmp_path / "like", RELEASE, like)
    with monkeypatch.context() as broken:
        broken.setattr(stored_config, "save", _no_space)
        with pytest.raises(WeightsError, match="repaint: cannot be written: .*No space left"):
            published_method.make_workdir(path, tmp_path / "repaint", RELEASE, like)
    assert not (tmp_path / "repaint").exists(), "whole or not at all"
    other = RELEASE._replace(sha256="0" * 64)
    with pytest.raises(WeightsError, match="but adm-celeba256 has 0{64}: a damaged or another file"):
        published_method.make_workdir(path, tmp_path / "repaint", other, like)
    path.write_bytes(b"torn")
    with pytest.raises(WeightsError):
        published_method.make_workdir(path, tmp_path / "repaint", RELEASE, like)
    assert not (tmp_path / "repaint").exists()


def test_the_note_of_an_import_is_read_of_every_version_or_refused(tmp_path):
    assert published_method.imported_from(tmp_path) is None
    note = tmp_path / published_method.IMPORTED
    note.write_text(json.dumps({"name": RELEASE.name, "source": "adm.pt"}))
    assert published_method.imported_from(tmp_path) == {"source": "adm.pt"}
    for damaged in ("{", "[]", "3"):
        note.write_text(damaged)
        with pytest.raises(WeightsError, match="imported.json: damaged .*import the network again"):
            published_method.imported_from(tmp_path)
