"""A gallery holds everybody whose face was found, says who is left out, and survives being stopped."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors import safe_open

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.tracing import gallery, indexing
from dfrec_jax.tracing.embedder import mean_direction
from tests.tracing import drawn


@pytest.fixture
def folder(tmp_path):
    return drawn.write_people(tmp_path / "people")


def _make(folder, out, embedder, **options):
    for _ in indexing.indexing(folder, out, embedder, **options):
        pass
    return gallery.read(out)


def test_a_gallery_holds_each_person_and_the_mean_of_their_pictures(folder, tmp_path, embedder):
    made = _make(folder, tmp_path / "gallery", embedder, origin="drawn for a test")
    assert [one.name for one in made.people] == list(drawn.NAMES)
    assert made.identity == embedder.identity and made.record["origin"] == "drawn for a test"
    for number, person in enumerate(made.people):
        pictures = made.picture_embeddings(number)
        wanted = embedder.embeddings([embedder.face(drawn.pattern(number, picture)) for picture in range(2)])
        np.testing.assert_allclose(pictures, wanted, atol=1e-5)
        np.testing.assert_allclose(made.people_embeddings()[number], mean_direction(wanted), atol=1e-5)
        paths = [folder / shot.path for shot in person.shots]
        assert [shot.sha256 for shot in person.shots] == [hashlib.sha256(p.read_bytes()).hexdigest() for p in paths]


def test_what_is_left_out_is_named_with_its_reason(folder, tmp_path, embedder):
    (folder / "loose.png").write_bytes(b"")
    (folder / "ada" / "deeper").mkdir()
    (folder / "ada" / "words.txt").write_text("no picture")
    (folder / "ada" / ".hidden").write_text("of nobody")
    shutil.copy(folder / "ada" / "0.png", folder / "ada" / "again.png")
    shutil.copy(folder / "ben" / "1.png", folder / "cleo" / "bens.png")
    made = _make(folder, tmp_path / "gallery", embedder)
    assert set(made.left_out) == {
        "loose.png", "ada/deeper", "ada/words.txt", "ada/again.png", "ben/1.png", "cleo/bens.png"
    }  # fmt: skip
    assert "no JPEG" in made.left_out["ada/words.txt"]
    assert made.left_out["ada/again.png"] == "the same bytes as ada/0.png"
    assert made.left_out["ben/1.png"] == made.left_out["cleo/bens.png"] == "the same bytes stand under ben and cleo"
    assert [len(one.shots) for one in made.people] == [2, 1, 2, 2]
    assert len(made.picture_embeddings(2)) == 2


def test_blocks_are_rows_of_the_file(folder, tmp_path, embedder, monkeypatch):
    made = _make(folder, tmp_path / "gallery", embedder)
    whole = made.people_embeddings()
    monkeypatch.setattr(gallery, "BLOCK", 3)
    blocks = list(made.blocks())
    assert [len(block) for block in blocks] == [3, 1]
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    with safe_open(made.path / gallery.TENSORS, framework="np") as file:
        np.testing.assert_array_equal(file.get_tensor("people"), whole)


def test_a_stopped_index_goes_on(folder, tmp_path, embedder, monkeypatch):
    whole = _make(folder, tmp_path / "whole", embedder)
    monkeypatch.setattr(indexing, "KEPT_EVERY", 3)
    monkeypatch.setattr(indexing, "AT_A_TIME", 3)
    stopped = indexing.indexing(folder, tmp_path / "gallery", embedder)
    for _ in range(4):
        next(stopped)
    stopped.close()
    assert not (tmp_path / "gallery").exists()
    looked = []
    find = embedder.face
    monkeypatch.setattr(embedder, "face", lambda picture: looked.append(1) or find(picture))
    made = _make(folder, tmp_path / "gallery", embedder)
    assert len(looked) == 2  # six of eight were kept
    assert made.people == whole.people
    np.testing.assert_allclose(made.people_embeddings(), whole.people_embeddings(), atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gallery", "people", "whole"]


def test_bad_folders_are_refused(folder, tmp_path, embedder):
    with pytest.raises(ConfigError, match="nowhere: no such folder"):
        _make(tmp_path / "nowhere", tmp_path / "gallery", embedder)
    (tmp_path / "empty" / "ada").mkdir(parents=True)
    with pytest.raises(ConfigError, match="holds no picture of anybody"):
        _make(tmp_path / "empty", tmp_path / "gallery", embedder)
    with pytest.raises(ConfigError, match="people: is there already"):
        _make(folder, folder, embedder)
    (tmp_path / "words" / "ada").mkdir(parents=True)
    (tmp_path / "words" / "ada" / "x.png").write_text("no picture")
    with pytest.raises(ConfigError, match="no face was found in any of its 1 pictures"):
        _make(tmp_path / "words", tmp_path / "gallery", embedder)
    assert not (tmp_path / "gallery").exists()


def test_a_gallery_that_was_changed_is_refused(folder, tmp_path, embedder):
    made = _make(folder, tmp_path / "gallery", embedder)
    tensors = made.path / gallery.TENSORS
    data = bytearray(tensors.read_bytes())
    data[-1] ^= 1
    tensors.write_bytes(data)
    with pytest.raises(ConfigError, match="is not the one that gallery.json was written with"):
        gallery.read(made.path)
    said = json.loads((made.path / gallery.RECORD).read_text())
    for wrong in ({"origin": 5}, {"num_people": None}, {"people": [said["people"][0] | {"name": 5}]}):
        (made.path / gallery.RECORD).write_text(json.dumps(said | wrong))
        with pytest.raises(ConfigError, match=f"cannot be read as a gallery .{next(iter(wrong))}"):
            gallery.read(made.path)
    (made.path / gallery.RECORD).write_text(json.dumps(said | {"format": "other"}))
    with pytest.raises(ConfigError, match="format 'other'"):
        gallery.read(made.path)
    with pytest.raises(ConfigError, match="--foils=.*no gallery"):
        gallery.read(tmp_path / "people", option="--foils")
