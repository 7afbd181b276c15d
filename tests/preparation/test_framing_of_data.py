"""The frame of prepared data: what is stored of it, and which runs take which data."""

import json

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture, pipeline
from dfrec_jax.pictures.framing import Frame
from dfrec_jax.preparation import job_to_records
from dfrec_jax.preparation.layouts import face_folders, triplets
from dfrec_jax.preparation.prepare import prepare
from dfrec_jax.records import schema
from dfrec_jax.records.prepared import PreparedSplit
from tests.preparation import trees

WIDE = trees.OPTIONS._replace(margin=1.0)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Faces in a wide frame, of pictures that end within it."""
    root = tmp_path_factory.mktemp("wide")
    trees.people(root / "in", {name: 2 for name in "abc"})
    plan = face_folders.plan(str(root / "in"), shares=(1.0, 0.0, 0.0))
    prepare(plan, trees.make_tools, trees.request(root / "out", options=WIDE))
    return root / "out"


def test_pixels_beyond_a_tight_picture_are_marked_alike_for_swap_and_target(tmp_path):
    for role, seed in (("swap", 1), ("target", 2)):
        trees.save(tmp_path / f"a_{role}.png", trees.picture(seed))
    jobs = triplets.plan(str(tmp_path), split="train").jobs
    made = [record for job in jobs for record in job_to_records.records_of(job, trees.make_tools(), WIDE)]
    swap, pristine = (next(schema.parse(schema.serialise([record]))) for record in made)
    # The face's box is 0.7 of the picture's side, so the frame is 1.4 of it: 0.2 lies beyond on each side.
    np.testing.assert_allclose(swap["place"], [[1.4, 0, -0.2], [0, 1.4, -0.2]], atol=1e-3)
    np.testing.assert_array_equal(swap["place"], pristine["place"])
    assert swap["target"] == pristine["image"] != swap["image"]


def test_examples_say_which_pixels_are_known(wide, make_config):
    split = PreparedSplit(str(wide), "faces", "train")
    mask = split.example(0, 56)["inside_mask"]
    assert mask.shape == (56, 56, 1) and (mask[28, :, 0] > 0).sum() == 40
    np.testing.assert_array_equal(split.unforged(0, 0, 56)["inside_mask"], mask)
    tight = mixture.split_of(make_config(), "train")
    assert all((tight.example(i, 48)["inside_mask"] == 255).all() for i in range(4))


def test_records_of_an_earlier_version_count_as_whole(monkeypatch, tmp_path):
    trees.people(tmp_path, {"a": 1})
    (record,) = job_to_records.records_of(face_folders.plan(str(tmp_path)).jobs[0], trees.make_tools(), trees.OPTIONS)
    del record["place"]
    fields = {name: feature for name, feature in schema.features().items() if name != "place"}
    monkeypatch.setattr(schema, "features", lambda: schema.tfds.features.FeaturesDict(fields))
    earlier = list(schema.serialise([record]))
    monkeypatch.undo()
    (read,) = schema.parse(earlier)
    np.testing.assert_array_equal(read["place"], schema.ALL_INSIDE)
    assert read["origin"] == b"a/00.jpg"


def test_a_run_takes_the_frame_of_its_data_and_refuses_another(wide, make_config):
    config = make_config()
    filled = mixture.with_frame(config)
    assert (filled.data.crop, filled.data.margin) == ("box", 0.3) and config.data.crop is None
    assert pipeline.fingerprint(filled)["frame"] == ["box", 0.3]
    other = make_config(dir=str(wide))
    assert mixture.split_of(mixture.with_frame(other), "train").frame == Frame("box", 1.0)
    filled.data.dir = str(wide)
    with pytest.raises(ConfigError, match=r"--margin 1`, and data.crop and data.margin say `--crop box --margin 0.3"):
        mixture.split_of(filled, "train")
    with pytest.raises(ConfigError, match=r"--margin 1`, and the run says of none, which counts as `--crop box"):
        mixture.split_of(other, "train")
    with pytest.raises(ConfigError, match="a run has one frame"):
        mixture.with_frame(make_config(dir=f"{make_config().data.dir},{wide}"))


def test_data_and_runs_that_say_nothing_have_the_frame_of_before(wide, make_config, tmp_path):
    for name in ("names.json", "index-train.npz"):
        (tmp_path / "faces" / "1.0.0").mkdir(parents=True, exist_ok=True)
        (tmp_path / "faces" / "1.0.0" / name).write_bytes((wide / "faces" / "1.0.0" / name).read_bytes())
    for path in (wide / "faces" / "1.0.0").glob("*.array_record*"):
        (tmp_path / "faces" / "1.0.0" / path.name).write_bytes(path.read_bytes())
    silent = make_config(dir=str(tmp_path))
    assert mixture.split_of(silent, "train").frame == Frame("box", 0.3)
    metadata = tmp_path / "faces" / "1.0.0" / "metadata.json"
    metadata.write_text(json.dumps({"crop": "none", "margin": 0.3}))
    mixture.joint.open_split.cache_clear()
    assert mixture.split_of(silent, "train").frame.crop == "none", "a run of before may have had ready-made crops"
    silent.data.crop, silent.data.margin = "box", 0.3
    with pytest.raises(ConfigError, match="`--crop none`"):
        mixture.split_of(silent, "train")


def test_a_checkpoint_that_says_nothing_of_its_frame_goes_on(make_config):
    now = pipeline.fingerprint(make_config())
    pipeline.check_fingerprint({name: value for name, value in now.items() if name != "frame"}, now)
    with pytest.raises(ConfigError, match="frame"):
        pipeline.check_fingerprint({**now, "frame": ["align", 0.3]}, now)
