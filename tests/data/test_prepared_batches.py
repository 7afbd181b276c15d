"""Batches of prepared data: hosts, resumption, forging on the device, evaluation, refusals."""

import itertools
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import mixture, pipeline, rows
from dfrec_jax.forging import landmarks as landmarks_lib

PLAIN = {"flip": 0.0, "jitter": 0.0, "perturbed": 0.0, "reduced": 0.0}


def batches(config, start, count, host=0, hosts=1):
    with pipeline.TrainBatches(config, start_step=start, process_index=host, process_count=hosts) as stream:
        return list(itertools.islice(stream, count))


def global_batches(config, start, count, hosts):
    """What all hosts hold together, in the order in which their devices do."""
    parts = [batches(config, start, count, host, hosts) for host in range(hosts)]
    return [{name: np.concatenate([p[step][name] for p in parts]) for name in parts[0][0]} for step in range(count)]


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize("dataset", ["faces", "triplets"])
def test_two_hosts_hold_disjoint_halves_of_the_one_stream(make_config, dataset):
    config = make_config(dataset)
    whole, halves = batches(config, 0, 4), [batches(config, 0, 4, host, 2) for host in range(2)]
    for step in range(4):
        seen = [set(half[step]["example"].tolist()) for half in halves]
        assert len(seen[0]) == len(seen[1]) == 4 and not seen[0] & seen[1]
        joined = {name: np.concatenate([half[step][name] for half in halves]) for name in whole[step]}
        assert_equal(whole[step], joined)


HOST = """
import pickle, sys
from dfrec_jax.data import pipeline
with open(sys.argv[1], "rb") as file:
    config = pickle.load(file)
host = int(sys.argv[2])
with pipeline.TrainBatches(config, start_step=0, process_index=host, process_count=2) as stream:
    batches = [next(stream) for _ in range(3)]
with open(f"{sys.argv[1]}.{host}", "wb") as file:
    pickle.dump(batches, file)
"""


def test_two_processes_hold_disjoint_halves(make_config, tmp_path):
    config, path = make_config(), tmp_path / "config"
    path.write_bytes(pickle.dumps(config))
    processes = [
        subprocess.Popen([sys.executable, "-c", HOST, str(path), str(host)], cwd=Path(__file__).parents[2])
        for host in range(2)
    ]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    halves = [pickle.loads(Path(f"{path}.{host}").read_bytes()) for host in range(2)]
    for step, whole in enumerate(batches(config, 0, 3)):
        assert not set(halves[0][step]["example"].tolist()) & set(halves[1][step]["example"].tolist())
        assert_equal(whole, {name: np.concatenate([half[step][name] for half in halves]) for name in whole})


def test_resuming_on_two_one_and_four_hosts_is_one_uninterrupted_run(make_config):
    config = make_config()
    uninterrupted = batches(config, 0, 9)
    resumed = [
        *global_batches(config, 0, 3, hosts=2),
        *global_batches(config, 3, 3, hosts=1),
        *global_batches(config, 6, 3, hosts=4),
    ]
    for want, got in zip(uninterrupted, resumed, strict=True):
        assert_equal(want, got)


def test_the_same_seed_repeats_and_another_does_not(make_config):
    config = make_config()
    first, again = batches(config, 0, 2), batches(config, 0, 2)
    assert_equal(first[1], again[1])
    config.seed = 1
    assert not np.array_equal(batches(config, 0, 2)[1]["image"], first[1]["image"])


def test_hosts_that_cannot_share_a_batch_are_refused(make_config):
    with pytest.raises(ConfigError, match="train.batch_size=8: must be a multiple of the number of hosts, 3"):
        batches(make_config(), 0, 1, 0, 3)


KEY = jax.random.key(0)


def completed(config, batch, num_groups=1):
    complete = jax.jit(pipeline.make_completion(config, num_groups))
    return {name: np.asarray(value) for name, value in complete(batch, KEY).items()}


def test_a_completed_batch_keeps_the_contract(make_config):
    config = make_config(**PLAIN)
    batch = batches(config, 0, 1)[0]
    done, kinds = completed(config, batch), np.array(mixture.train_kinds(config))
    made = {"posed_source", "has_posed_source"}
    assert set(done) == set(batch) - {"source_points", "target_points", "kind", "example"} | made
    np.testing.assert_array_equal(done["has_posed_source"], done["is_forgery"])
    assert done["posed_source"].dtype == np.uint8 and done["posed_source"].shape == done["source"].shape
    assert all(done[name].dtype == np.uint8 for name in ("image", "source", "target", "source_mask"))
    assert done["image"].shape == (8, 48, 48, 3) and done["source_mask"].shape == (8, 48, 48, 1)
    real = kinds == rows.REAL
    np.testing.assert_array_equal(done["is_forgery"], ~real)
    np.testing.assert_array_equal(done["source_id"] == done["target_id"], real)
    for name in ("source", "target"):
        np.testing.assert_array_equal(done[name][real], done["image"][real])
        np.testing.assert_array_equal(done[name], batch[name])
    assert np.all(done["source_mask"][real] == 0)
    forged = ~real
    assert np.all(done["source_mask"][forged].max(axis=(1, 2, 3)) > 100)
    outside = (done["source_mask"] == 0)[..., 0] & forged[:, None, None]
    difference = np.abs(done["image"].astype(int) - done["target"])
    assert difference[outside].mean() < 6 < difference[(done["source_mask"] > 200)[..., 0]].mean()


def test_pristine_faces_lose_resolution_as_the_pictures_behind_forgeries_do(make_config):
    """Else a network learns to tell resampled pictures from others, and takes real ones that were resized for swaps."""
    config = make_config(batch_size=16, **PLAIN | {"real_share": 0.5})
    (batch,) = batches(config, 0, 1)
    real = batch["kind"] == rows.REAL
    assert real.sum() == 8

    def has_lost(share):
        config.data.reduced = share
        made = completed(config, batch)
        for name in ("source", "target"):
            np.testing.assert_array_equal(made[name][real], made["image"][real])
            np.testing.assert_array_equal(made[name][~real], batch[name][~real])
        behind = (made["image"] == batch["target"]) | (made["source_mask"] > 0)
        return ~behind.all((1, 2, 3))

    assert not has_lost(0.0).any()
    assert has_lost(1.0).all()
    assert 0 < has_lost(0.5)[real].sum() < 8 and 0 < has_lost(0.5)[~real].sum() < 8


def test_recorded_forgeries_are_left_as_they_were_recorded(make_config):
    config = make_config("triplets", **PLAIN)
    batch, kinds = batches(config, 0, 1)[0], np.array(mixture.train_kinds(config))
    done, recorded = completed(config, batch), kinds == rows.RECORDED
    assert recorded.sum() == 4 and (kinds == rows.BI).sum() == 2
    np.testing.assert_array_equal(done["image"][recorded], batch["image"][recorded])
    np.testing.assert_array_equal(done["has_posed_source"], np.isin(kinds, (rows.BI, rows.SWAP)))
    assert not done["has_mask"][recorded].any() and done["has_mask"][kinds == rows.BI].all()


def test_photographs_bring_another_picture_of_the_person_and_a_region_to_hide(make_config):
    config = make_config(real_share=0.0, bi_share=0.0, photograph_share=1.0, perturbed=1.0, flip=1.0, jitter=0.0)
    (batch,) = batches(config, 0, 1)
    assert (batch["source_id"] == batch["target_id"]).all()
    assert (batch["source"] != batch["target"]).any((1, 2, 3)).all()
    made = jax.jit(pipeline.make_completion(config, 1))(batch, jax.random.key(0))
    assert made["is_photograph"].all() and made["has_target"].all()
    for name in ("is_forgery", "has_source", "has_mask", "has_posed_source"):
        assert not made[name].any(), name
    share = np.asarray(made["source_mask"] / 255).mean((1, 2, 3))
    assert (0.02 < share).all() and (share < 0.8).all()
    for name in ("source", "target"):  # mirrored, and as good as it was
        np.testing.assert_array_equal(made[name], batch[name][:, :, ::-1], err_msg=name)
    assert (made["image"] != made["target"]).any()  # the picture is worse than what it is compared with


def test_recorded_forgeries_get_masks_where_they_were_changed(make_config):
    config = make_config("triplets", real_share=0.25, bi_share=0.0, changed_masks=True)
    (batch,) = batches(config, 0, 1)
    recorded = batch["kind"] == rows.RECORDED
    assert recorded.any() and not batch["has_mask"][recorded].any()
    batch["landmarks"][np.flatnonzero(recorded)[0]] = np.nan
    made = jax.jit(pipeline.make_completion(config, 1))(batch, jax.random.key(0))
    is_made = np.asarray(made["source_mask"]).any((1, 2, 3))
    assert is_made.sum() == recorded.sum() - 1 and not is_made[~recorded].any()
    np.testing.assert_array_equal(made["has_mask"], batch["has_mask"] | is_made)
    config.data.changed_masks = False
    made = jax.jit(pipeline.make_completion(config, 1))(batch, jax.random.key(0))
    assert not np.asarray(made["has_mask"])[recorded].any()


def test_a_validation_split_that_gives_no_score_is_counted_as_such(make_config):
    config = make_config("triplets")
    assert pipeline.num_scored(config, "validation") == len(mixture.split_of(config, "validation").forgeries) > 0
    config.data.dataset, config.data.real_share = "embedded", 1.0
    assert pipeline.num_scored(config, "validation", max_examples=8) == 0
    config.data.real_share = 0.0
    assert pipeline.num_scored(config, "validation", max_examples=8) == 8


def test_rows_are_forged_by_the_kind_that_they_carry_wherever_they_stand(make_config):
    """As on hosts that interleave: the blocks of rows stand in another order than they were laid out in."""
    config = make_config(batch_size=12)
    batch = batches(config, 0, 1)[0]
    order = np.concatenate([np.arange(3) + 3 * block for block in (2, 0, 3, 1)])
    kinds = np.array(mixture.train_kinds(config))
    assert not np.array_equal(kinds[order], kinds), "else nothing is tested"
    complete = jax.jit(pipeline.make_completion(config, 4))  # one program for both
    moved = {name: rows[order] for name, rows in batch.items()}
    here, there = (jax.tree.map(np.asarray, complete(given, KEY)) for given in (batch, moved))
    assert_equal({name: rows[order] for name, rows in here.items()}, there)


def test_a_row_that_finds_no_room_teaches_nothing_and_is_counted(make_config):
    config = make_config(**PLAIN)
    batch = batches(config, 0, 1)[0]
    assert (batch["kind"] == rows.BI).sum() == 2
    batch["kind"][:], batch["is_forgery"][:] = rows.BI, True
    done = completed(config, batch)
    assert done["has_posed_source"].sum() == 2
    for name in ("is_forgery", "has_source", "has_target", "has_mask"):
        np.testing.assert_array_equal(done[name], done["has_posed_source"], err_msg=name)


def test_completion_on_eight_devices_equals_one_and_sends_nothing_between_them(make_config):
    config = make_config(batch_size=16, bi_share=0.0)  # one recipe, the one with more to it, compiles in half the time
    batch = batches(config, 0, 1)[0]
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    split = NamedSharding(mesh, PartitionSpec("data"))
    whole = NamedSharding(mesh, PartitionSpec())
    run = jax.jit(pipeline.make_completion(config, 8), in_shardings=(split, whole), out_shardings=split)
    compiled = run.lower(jax.device_put(batch, split), KEY).compile()
    assert not re.findall(r"\b(all-gather|all-to-all|collective-permute|all-reduce)\b", compiled.as_text())
    # which waits for threads that eight programs hold: one run in seven never ended (warping.solve)
    assert "lapack" not in compiled.as_text()
    want, got = completed(config, batch), run(jax.device_put(batch, split), KEY)
    for name in want:
        if want[name].dtype == np.uint8:  # compiled for other shapes: a level may round the other way
            difference = np.abs(want[name].astype(int) - np.asarray(got[name]))
            assert np.quantile(difference, 0.999) <= 1 and difference.mean() < 0.05, name
        else:
            np.testing.assert_array_equal(want[name], got[name], err_msg=name)


@pytest.mark.parametrize("hosts", [1, 2])
def test_evaluation_counts_every_example_once_and_pads_the_last_batch(make_config, hosts):
    config = make_config()
    split = mixture.split_of(config, "test")
    want = sorted(zip(split.index.label != 0, split.index.source_id, split.index.target_id, strict=True))
    got, lengths = [], set()
    for host in range(hosts):
        for batch in pipeline.eval_batches(config, "test", process_index=host, process_count=hosts):
            lengths.add(len(batch["image"]))
            rows_of = zip(batch["is_forgery"], batch["source_id"], batch["target_id"], strict=True)
            got += [row for row, is_valid in zip(rows_of, batch["is_valid"], strict=True) if is_valid]
    assert sorted(got) == want and lengths == {8 // hosts}
    assert len(list(pipeline.eval_batches(config, "test"))) == pipeline.num_eval_batches(config, "test")


def test_the_first_examples_of_an_evaluation_are_mixed(make_config):
    config = make_config()
    batch = next(pipeline.eval_batches(config, "test", max_examples=8))
    assert 0 < batch["is_forgery"].sum() < 8
    assert pipeline.num_eval_batches(config, "test", max_examples=9) == 2
    assert "warped_swap" in pipeline.attack_names(config)


def test_an_evaluation_knows_the_68_landmarks_of_its_pictures(make_config):
    config = make_config()
    batch = next(pipeline.eval_batches(config, "test", max_examples=8))
    known = np.isfinite(batch["points"]).all(axis=(1, 2)) & ~batch["is_forgery"]
    assert batch["points"].shape == (8, 68, 2) and known.any()
    np.testing.assert_allclose(landmarks_lib.five_of_68(batch["points"])[known], batch["landmarks"][known], atol=1e-3)


@pytest.mark.parametrize("dataset", ["faces", "triplets"])
def test_training_knows_the_68_landmarks_of_its_pictures_mirrored_with_them(make_config, dataset):
    config = make_config(dataset, flip=0.5, jitter=0.0, perturbed=0.0)
    batch = batches(config, 0, 1)[0]
    done = completed(config, batch)
    known = np.isfinite(batch["points"]).all(axis=(1, 2))
    is_flipped = np.array([(now != was).any() for now, was in zip(done["target"], batch["target"], strict=True)])
    assert known.any() and (known & is_flipped).any() and (known & ~is_flipped).any()
    for row in np.flatnonzero(known):
        points = landmarks_lib.mirror(batch["points"][row], 48) if is_flipped[row] else batch["points"][row]
        np.testing.assert_allclose(done["points"][row], points, atol=1e-5)
    pristine = known & ~done["is_forgery"]
    np.testing.assert_allclose(
        landmarks_lib.five_of_68(done["points"])[pristine], done["landmarks"][pristine], atol=1e-3
    )


def test_pictures_come_in_the_size_of_the_config(make_config):
    config = make_config()
    config.image_size = 32
    small = batches(config, 0, 1)[0]
    config.image_size = 48
    full = batches(config, 0, 1)[0]
    assert small["image"].shape == (8, 32, 32, 3) and small["source_mask"].shape == (8, 32, 32, 1)
    np.testing.assert_allclose((small["landmarks"] + 0.5) * 1.5 - 0.5, full["landmarks"], atol=1e-3)


def test_reenactments_and_other_attacks_stay_out(make_config):
    config = make_config("triplets", attack="swap")
    assert len(mixture.split_of(config, "train").forgeries) > 0
    config.data.attack = "simswap"
    with pytest.raises(ConfigError, match="data.attack='simswap': .* has pristine, swap"):
        mixture.split_of(config, "train")


def test_refusals_say_what_to_do(make_config, tmp_path):
    config = make_config()
    config.data.dataset = "celeba_megafs"
    with pytest.raises(ConfigError, match="it holds faces, triplets; run `dfrec prepare celeba_megafs"):
        pipeline.TrainBatches(config, start_step=0)
    config = make_config(bi_share=0.05)
    with pytest.raises(ConfigError, match="use a batch of 20 or more"):
        mixture.train_kinds(config)
    with pytest.raises(ConfigError, match="has the splits test, train, validation, and not dev"):
        mixture.split_of(make_config(), "dev")


def test_fingerprint_tells_another_preparation_from_this_one(make_config):
    saved = pipeline.fingerprint(make_config())
    pipeline.check_fingerprint(saved, pipeline.fingerprint(make_config()))
    with pytest.raises(ConfigError, match="the checkpoint was made on other data"):
        pipeline.check_fingerprint(saved, pipeline.fingerprint(make_config("triplets")))
    with pytest.raises(ConfigError, match="shares"):
        pipeline.check_fingerprint(saved, pipeline.fingerprint(make_config(bi_share=0.5)))


def test_a_damaged_record_ends_the_stream_with_one_error(make_config, tmp_path):
    config = make_config("faces", bi_share=0.0)
    shutil.copytree(Path(config.data.dir) / "faces", tmp_path / "faces")
    config.data.dir = str(tmp_path)
    (path,) = tmp_path.glob("faces/*/*-train.array_record-*")
    data = bytearray(path.read_bytes())
    data[2000:3000] = bytes(1000)  # in the first chunk of records: header and footer stay
    path.write_bytes(data)
    with pipeline.TrainBatches(config, start_step=0) as stream:
        with pytest.raises(ConfigError, match=r"record \d+ is damaged .*dfrec prepare faces"):
            for _ in range(20):
                next(stream)


def test_threads_are_as_many_as_processors_unless_a_config_says_otherwise(make_config, monkeypatch):
    config = make_config()
    config.data.num_threads, config.data.prefetch = 0, 8
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 2, 4})
    options = pipeline.read_options(config, 8)
    assert (options.num_threads, options.prefetch_buffer_size) == (3, 3), "a batch for each thread"
    config.data.num_threads, config.data.prefetch = 2, 64
    options = pipeline.read_options(config, 8)
    assert (options.num_threads, options.prefetch_buffer_size) == (2, 8)
