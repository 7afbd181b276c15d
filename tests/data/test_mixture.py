"""Several kinds of forgery in one batch: from data sets of different builders, each with its share."""

import numpy as np
import pytest

from dfrec_jax.config import rules
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture, pipeline, rows
from dfrec_jax.preparation.layouts import face_folders, triplets
from dfrec_jax.preparation.prepare import prepare
from dfrec_jax.records import joint
from tests import tiny
from tests.preparation import trees


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Photographs, and swaps without source: twelve of one person, one of each of two others."""
    root = tmp_path_factory.mktemp("both")
    trees.people(root / "people", {name: 2 for name in "abc"})
    lines = ["id,target_identity,split"]
    for number in range(14):
        for place, role in enumerate(("swap", "target")):
            trees.save(root / "pairs" / f"{number:02d}_{role}.jpg", trees.picture(500 + 2 * number + place))
        lines.append(f"{number:02d},{max(number - 11, 0)},train")
    (root / "pairs" / "index.csv").write_text("\n".join(lines))
    plans = {
        "faces": face_folders.plan(str(root / "people"), shares=(1.0, 0.0, 0.0)),
        "triplets": triplets.plan(str(root / "pairs")),
    }
    for name, plan in plans.items():
        prepare(plan, trees.make_tools, trees.request(root / "out", name))
    return root / "out"


@pytest.fixture
def mixed(both, make_config):
    def make(batch_size=16, **changes):
        shares = {"real_share": 0.125, "bi_share": 0.25, "recorded_share": 0.25, "original_share": 0.125} | changes
        return make_config("faces", batch_size, dir=f"{both},triplets:{both}", **shares)

    return make


def drawn(config, count):
    stream = mixture.TrainRows(config)
    return [stream(index) for index in range(count)]


def test_each_kind_has_its_share(mixed):
    kinds = np.array(mixture.train_kinds(mixed()))
    want = {rows.REAL: 2, rows.RECORDED: 4, rows.BI: 4, rows.SWAP: 4, rows.ORIGINAL: 2}
    assert {kind: int((kinds == kind).sum()) for kind in want} == want
    config = mixed()
    for example, kind in zip(drawn(config, 16), kinds, strict=True):
        assert example["kind"] == kind and example["is_forgery"] == (kind not in (rows.REAL, rows.ORIGINAL))
        assert example["has_source"] == (kind != rows.RECORDED)


def test_recorded_rows_show_each_person_alike_often(mixed):
    config = mixed()
    people = [row["target_id"] for row in drawn(config, 96) if row["kind"] == rows.RECORDED]
    counts = np.unique(people, return_counts=True)[1]
    assert len(people) == 24 and counts.tolist() == [8, 8, 8]


def test_an_original_is_the_frame_of_a_recorded_swap_and_pristine(mixed):
    config = mixed()
    (row,) = [row for row in drawn(config, 8) if row["kind"] == rows.ORIGINAL]
    assert row["image"] is row["target"] is row["source"] and not row["source_mask"].data
    assert row["source_id"] == row["target_id"] and row["has_mask"]
    split = mixture.split_of(config, "train")
    targets = {split.encoded(int(number), "target") for number in split.forgeries}
    assert row["image"].data in targets


def test_the_mixture_becomes_batches_and_resumes(mixed):
    config = mixed()
    with pipeline.TrainBatches(config, start_step=0) as stream:
        first, second = next(stream), next(stream)
    with pipeline.TrainBatches(config, start_step=1) as stream:
        again = next(stream)
    for name in second:
        np.testing.assert_array_equal(second[name], again[name], err_msg=name)
    assert first["image"].shape == (16, 48, 48, 3)
    now = pipeline.fingerprint(config)
    assert now["shares"] == [0.125, 0.25, 0.25, 0.125]
    with pytest.raises(ConfigError, match="shares"):
        pipeline.check_fingerprint(now, pipeline.fingerprint(mixed(recorded_share=0.125)))


def test_a_config_that_says_nothing_of_recorded_forgeries_draws_them_by_a_shuffle(mixed, make_config, both):
    silent = mixed(recorded_share=None, original_share=0.0)
    with pytest.raises(ConfigError, match="unset it is 0.625 here"):  # and most of them have no source
        mixture.train_kinds(silent)
    silent.loss.source_features = silent.loss.source_pixels = 0.0
    assert set(mixture.train_kinds(silent)) == {rows.REAL, rows.BI, rows.RECORDED}
    assert pipeline.fingerprint(silent)["shares"] == [0.125, 0.25]
    kinds, split = mixture.train_kinds(silent), mixture.split_of(silent, "train")
    sizes = {rows.REAL: len(split.pristine), rows.RECORDED: len(split.forgeries), rows.BI: len(split.faces)}
    for index, example in enumerate(drawn(silent, 16)):
        place = rows.place_of(kinds, sizes, silent.seed, index)
        if place.kind == rows.RECORDED:
            want = split.encoded(int(split.forgeries[place.number]), "image")
            assert example["image"].data == want


def test_people_come_alike_often_whoever_has_many_pictures(make_config):
    config = make_config("faces", batch_size=8, photograph_share=0.25, bi_share=0.25, real_share=0.25)
    split = mixture.split_of(config, "train")
    num_people = len(np.unique(split.index.target_id[split.faces]))
    kinds = np.tile(mixture.train_kinds(config), num_people)
    people = np.array([example["target_id"] for example in drawn(config, len(kinds))])
    for kind in (rows.REAL, rows.PHOTOGRAPH, rows.BI, rows.SWAP):
        times = np.unique(people[kinds == kind], return_counts=True)[1]
        assert len(times) == num_people and (times == times[0]).all(), rows.KINDS[kind]


def test_mixtures_that_cannot_be_are_refused(mixed, make_config):
    with pytest.raises(ConfigError, match="data.recorded_share=0.6: of the forgeries of a batch 0.20 would have"):
        mixture.train_kinds(mixed(recorded_share=0.6, bi_share=0.0))
    alone = mixed(recorded_share=0.75, bi_share=0.0)
    alone.loss.source_features = 0.0
    assert rows.RECORDED in mixture.train_kinds(alone)
    for name in ("recorded", "original"):
        config = make_config("faces", **{f"{name}_share": 0.25})
        if name == "original":  # the photographs of the session hold no recorded forgery in train
            config.data.recorded_share = 0.0
        with pytest.raises(ConfigError, match=f"data.{name}_share=0.25: .* has no recorded forgery"):
            mixture.train_kinds(config)
    config = tiny.config()
    config.data.dataset, config.data.dir, config.data.real_share = "faces", "x", 0.5
    config.data.recorded_share = 0.6
    with pytest.raises(ConfigError, match="data.real_share=0.5 and data.recorded_share=0.6: their sum must be at most"):
        rules.validate(config)
    config.data.dataset = "embedded"
    config.data.recorded_share = 0.25
    with pytest.raises(ConfigError, match="nothing is recorded there"):
        rules.validate(config)


def test_folders_may_name_their_data_set():
    found = joint.named_folders("a, triplets:b/c ,dfdc:/d,C:/e", "faces")
    assert found == [("faces", "a"), ("triplets", "b/c"), ("dfdc", "/d"), ("faces", "C:/e")]


def test_harmonised_swaps_are_pairs_with_a_share_and_a_source(mixed):
    config = mixed(neural_share=0.125, neural_network="runs/autoencoder")
    kinds = np.array(mixture.train_kinds(config))
    assert (kinds == rows.NEURAL).sum() == 2 and (kinds == rows.SWAP).sum() == 2
    for example, kind in zip(drawn(config, 16), kinds, strict=True):
        if kind == rows.NEURAL:
            assert example["is_forgery"] and example["has_source"] and example["target_points"].any()
    with pytest.raises(ValueError, match="need the autoencoder"):
        pipeline.make_completion(config, 1)
    assert pipeline.fingerprint(config) != pipeline.fingerprint(mixed())
