"""What another program gets: pictures and masks of the test split, under the numbers that a row is read by."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.forging import components
from dfrec_jax.paper import masks, pictures_of_others
from dfrec_jax.paper.table_data import Data, Measured
from dfrec_jax.runs import stored_config
from tests import tiny


@pytest.fixture
def asked(make_config):
    config = make_config()
    config.data.crop, config.data.margin = pipeline.mixture.split_of(config, "test").frame
    return Measured(Data("faces"), config.data.dir, 48, 11, 8), config


def opened(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_pictures_and_masks_have_the_numbers_of_the_examples(asked, tmp_path):
    measured, config = asked
    folder = masks.write(measured, config, tmp_path, 0)
    assert folder == tmp_path / "faces"
    names = [pictures_of_others.file_name(number) for number in range(11)]
    for kind in ("images", "masks"):
        assert sorted(path.name for path in (folder / kind).iterdir()) == names
    for batch in pipeline.eval_batches(config, "test", max_examples=11):
        for row in np.flatnonzero(batch["is_valid"]):
            name = pictures_of_others.file_name(int(batch["number"][row]))
            np.testing.assert_array_equal(opened(folder / "images" / name), batch["image"][row])
            mask = opened(folder / "masks" / name)
            five = np.round(batch["landmarks"][row]).astype(int)
            assert set(np.unique(mask)) == {0, 255} and not mask[five[:, 1], five[:, 0]].any(), "0 in the hole"
    said = json.loads((folder / "masks.json").read_text())
    assert said["hole"] == 0 and said["finished"]
    masks.write(measured, config, tmp_path, 0)  # once more: the same
    with pytest.raises(ConfigError, match="holds masks of something else"):
        masks.write(measured, config, tmp_path, 1)


def test_what_was_cut_short_is_not_taken_for_something_else(asked, tmp_path, monkeypatch):
    measured, config = asked

    def cut_short(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(masks, "masks_of", cut_short)
        masks.write(measured, config, tmp_path, 0)
    assert not json.loads((tmp_path / "faces" / "masks.json").read_text())["finished"]
    with pytest.raises(ConfigError, match="holds masks of something else"):  # fewer would leave pictures behind
        masks.write(measured._replace(examples=5), config, tmp_path, 0)
    masks.write(measured, config, tmp_path, 0)
    assert json.loads((tmp_path / "faces" / "masks.json").read_text())["finished"]


def test_both_conventions_are_the_inverse_of_each_other_and_the_hole_is_repaints():
    batch = tiny.batch(2)
    batch["landmarks"][:] = np.nan
    keep, hole = (masks.masks_of(batch, value) for value in (0, 1))
    np.testing.assert_array_equal(keep, 255 - hole)
    points = components.points_of(jnp.asarray(batch["landmarks"]), None, tiny.SIZE)
    np.testing.assert_array_equal(hole == 255, np.asarray(components.holes(points, tiny.SIZE)) == 1)


def test_what_cannot_be_is_refused(prepared, tmp_path):
    def refused(message, *words):
        with pytest.raises(ConfigError, match=message):
            masks.asked(*words)

    refused("--workdir=RUN or --dataset=NAME", "", "", "", "", 0, 0)
    refused("--examples=-1", "", "faces", "d", "", 0, -1)
    refused("--dataset=faces: name the folder", "", "faces", "", "", 0, 0)
    refused("--attack='': must be one of .*leak 0 to 0.1", "", "embedded", "", "", 0, 0)
    workdir = tmp_path / "run"
    workdir.mkdir()
    stored_config.save(workdir, tiny.config())
    refused("--attack='': must be one of .*leak 0 to 0.1", str(workdir), "embedded, outdoors", "", "", 0, 0)
    refused("--data-dir=d: drawn faces are read from no folder", str(workdir), "", "d", "", 0, 0)
    refused("--size=8: must be from 16", "", "embedded", "", "leak 0 to 0.1", 8, 0)
    refused("holds no prepared 'faces'", "", "faces", str(tmp_path), "", 0, 0)
    measured, base = masks.asked("", "faces", str(prepared), "", 48, 0)
    assert measured == Measured(
        Data("faces", "", str(prepared)), str(prepared), 48, base.data.test_examples, base.data.eval_batch_size
    )
    drawn, _ = masks.asked("", "embedded", "", "leak 0 to 0.1", 64, 0)
    assert drawn.examples == 128 and drawn.data == Data("embedded", "leak 0 to 0.1")
