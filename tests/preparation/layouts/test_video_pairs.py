"""DFDC and Celeb-DF in miniature: who is paired with whom, in which split, and whether the frames are one frame."""

import json
import shutil

import numpy as np
import pytest

from dfrec_jax.preparation import job_to_records, shared_frame
from dfrec_jax.preparation.layouts import celeb_df, dfdc
from dfrec_jax.preparation.plan import PreparationError, Rejected
from dfrec_jax.preparation.prepare import prepare
from dfrec_jax.records import schema
from dfrec_jax.records.prepared import PreparedSplit
from dfrec_jax.records.schema import PRISTINE, SWAP
from tests.preparation import trees

SIZE = 96


def scene(seed: int, number: int) -> np.ndarray:
    """A face in the middle of surroundings that move from frame to frame."""
    rng = np.random.default_rng(seed)
    wide = np.kron(rng.integers(0, 255, (12, 24, 3)), np.ones((SIZE // 12, SIZE // 12, 1))).astype(np.uint8)
    frame = np.ascontiguousarray(wide[:, 6 * number : 6 * number + SIZE])
    return swapped(frame, seed)


def swapped(frame: np.ndarray, seed: int) -> np.ndarray:
    """Another face in the frame; the face finder of these tests finds it in the middle, 0.6 by 0.7 of the side."""
    frame = frame.copy()
    frame[20:76, 24:72] = trees.picture(seed, 64)[4:60, 8:56]
    return frame


def videos(root, originals: dict[str, int], swaps: dict[str, tuple[int, int]], count: int = 5) -> None:
    """Originals by seed, and swaps by the seed of their original and how many frames they lag behind it."""
    for name, seed in originals.items():
        trees.save_video(root / name, [scene(seed, number) for number in range(count)])
    for name, (seed, lag) in swaps.items():
        frames = [swapped(scene(seed, number + lag), seed + 50) for number in range(count)]
        trees.save_video(root / name, frames)


@pytest.fixture(scope="module")
def challenge(tmp_path_factory):
    root = tmp_path_factory.mktemp("dfdc")
    one, two = "dfdc_train_part_0", "dfdc_train_part_1"
    originals = {f"{one}/a.mp4": 1, f"{one}/b.mp4": 2, f"{two}/c.mp4": 3}
    videos(root, originals, {f"{one}/fa.mp4": (1, 0), f"{one}/late.mp4": (2, 3), f"{two}/fc.mp4": (3, 0)})
    trees.save_video(root / one / "unsaid.mp4", [scene(4, 0)])
    real = {"label": "REAL", "split": "train"}
    fake = {"label": "FAKE", "split": "train"}
    lists = {
        one: {"a.mp4": real, "b.mp4": real, "fa.mp4": {**fake, "original": "a.mp4"},
              "late.mp4": {**fake, "original": "b.mp4"}, "gone.mp4": real},
        two: {"c.mp4": real, "fc.mp4": {**fake, "original": "c.mp4"}, "fc2.mp4": {**fake, "original": "z.mp4"}},
    }  # fmt: skip
    trees.save_video(root / two / "fc2.mp4", [scene(5, 0)])
    for part, said in lists.items():
        (root / part / "metadata.json").write_text(json.dumps(said))
    return root


def test_fakes_of_the_challenge_have_their_originals_as_targets(challenge):
    plan = dfdc.plan(str(challenge), num_frames=2)
    works = {job.work.image.name.split("/")[1]: job.work for job in plan.jobs}
    assert set(works) == {"a.mp4", "b.mp4", "c.mp4", "fa.mp4", "late.mp4", "fc.mp4"}
    assert works["fa.mp4"].target.name == "dfdc_train_part_0/a.mp4" and works["fa.mp4"].source is None
    assert (works["fa.mp4"].label, works["fa.mp4"].target_identity, works["a.mp4"].label) == (SWAP, "a", PRISTINE)
    assert {(row.origin, row.reason) for row in plan.rejected} == {
        ("dfdc_train_part_0/gone.mp4", "the list names it, and it is not there"),
        ("dfdc_train_part_0/unsaid.mp4", "is not in the list"),
        ("dfdc_train_part_1/fc2.mp4", "its original is not there"),
    }
    assert "of 3 of 3 originals the person is not known" in plan.notes[0]
    alone = dfdc.plan(str(challenge / "dfdc_train_part_1"))
    assert {job.work.image.name for job in alone.jobs} == {"c.mp4", "fc.mp4"}, "a part by itself"


def test_what_stands_in_no_list_of_the_challenge_is_said(challenge, tmp_path):
    shutil.copytree(challenge, tmp_path / "all")
    for name in ("dfdc_train_part_1/.DS_Store", "dfdc_train_part_1/notes.txt", "dfdc_train_part_2/d.mp4", "alone.mp4"):
        (tmp_path / "all" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "all" / name).write_bytes(b"")
    (tmp_path / "people.csv").write_text("file,identity\na.mp4,p\nnobody.mp4,q\n")
    plan = dfdc.plan(str(tmp_path / "all"), identities=str(tmp_path / "people.csv"))
    before = {row.origin for row in dfdc.plan(str(challenge)).rejected}
    assert {(row.origin, row.reason) for row in plan.rejected if row.origin not in before} == {
        ("alone.mp4", "is not in the list"),
        ("dfdc_train_part_1/notes.txt", "its ending names no kind of video that is read"),
        ("dfdc_train_part_2", "is a folder, and no metadata.json is read from it"),
    }
    assert "1 hidden files, whose names begin with a dot, are left alone" in plan.notes
    assert any(note.startswith("1 of the 2 originals that --identities=") for note in plan.notes)


def test_originals_of_one_person_and_their_fakes_are_in_one_split(challenge, tmp_path):
    table = tmp_path / "people.csv"
    table.write_text("file,identity\na.mp4,p\nc.mp4,p\n")
    splits = set()
    for shares in ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1.0, 1.0, 1.0)):
        plan = dfdc.plan(str(challenge), identities=str(table), shares=shares)
        of_p = {job.split for job in plan.jobs if job.work.target_identity == "p"}
        assert len(of_p) == 1 and sum(job.work.target_identity == "p" for job in plan.jobs) == 4
        splits |= of_p
    assert len(splits) > 1 and "of 1 of 3 originals" in plan.notes[0]


def test_frames_that_are_not_their_originals_are_refused_and_counted(challenge, tmp_path):
    plan = dfdc.plan(str(challenge), num_frames=3, shares=(1.0, 0.0, 0.0))
    result = prepare(plan, trees.make_tools, trees.request(tmp_path, "dfdc"))
    assert result.counts == {("train", SWAP, "dfdc"): 6, ("train", PRISTINE, PRISTINE): 9}
    reason = "its surroundings are not those of its original: they are not one frame"
    assert result.rejected[reason] == 3
    split = PreparedSplit(str(tmp_path), "dfdc", "train")
    example = split.example(int(split.forgeries[0]), 48)
    assert example["has_target"] and not example["has_source"]
    assert np.abs(example["image"].astype(int) - example["target"]).mean() > 5


def test_agreement_looks_at_the_surroundings_alone_and_change_at_the_face():
    target = scene(1, 0)
    found = trees.detect([target])[0][0]
    placed = shared_frame.Placed(found, (SIZE, SIZE), np.eye(2, 3, dtype=np.float32))
    swap = shared_frame.compared(swapped(target, 60), target, placed)
    assert swap.agreement > 0.999 and swap.change > 20
    larger = np.kron(swapped(target, 60), np.ones((2, 2, 1))).astype(np.uint8)
    assert shared_frame.compared(larger, target, placed).agreement > 0.99, "the same frame in another size"
    assert shared_frame.compared(swapped(scene(1, 1), 1), target, placed).agreement < 0.9
    flat = [np.full_like(target, level) for level in (90, 91, 140)]
    assert [shared_frame.compared(one, flat[0], placed).agreement for one in flat] == [1.0, 1.0, 0.0]
    assert [shared_frame.compared(one, flat[0], placed).change for one in flat] == [0.0, 1.0, 50.0]


def test_a_frame_whose_face_is_its_originals_is_no_swap(tmp_path):
    """Of two people in a frame the other one was swapped, or only what is heard is forged."""
    videos(tmp_path, {"a.mp4": 1, "heard.mp4": 1}, {"fa.mp4": (1, 0)}, count=2)
    fake = {"label": "FAKE", "original": "a.mp4"}
    (tmp_path / "metadata.json").write_text(json.dumps({"a.mp4": {"label": "REAL"}, "heard.mp4": fake, "fa.mp4": fake}))
    plan = dfdc.plan(str(tmp_path), num_frames=2, shares=(1.0, 0.0, 0.0))
    result = prepare(plan, trees.make_tools, trees.request(tmp_path / "out", "dfdc"))
    assert result.counts == {("train", SWAP, "dfdc"): 2, ("train", PRISTINE, PRISTINE): 2}
    assert result.rejected["its face is that of its original: it is no swap"] == 2


def test_lists_that_are_none_and_other_folders_are_refused(tmp_path):
    with pytest.raises(PreparationError, match="holds no metadata.json; expected dfdc_train_part"):
        dfdc.plan(str(tmp_path))
    for content in ("[1]", '{"a.mp4": {"label": }}', '{"a.mp4": {}}'):
        (tmp_path / "metadata.json").write_text(content)
        with pytest.raises(PreparationError, match=r"metadata.json: must say of each video"):
            dfdc.plan(str(tmp_path))
    with pytest.raises(PreparationError, match="holds no Celeb-DF; expected Celeb-real/id0_0000.mp4"):
        celeb_df.plan(str(tmp_path))


@pytest.fixture(scope="module")
def celebrities(tmp_path_factory):
    root = tmp_path_factory.mktemp("celeb_df")
    real = {f"Celeb-real/id{i}_000{k}.mp4": 10 * i + k for i in range(4) for k in range(2)}
    swaps = {f"Celeb-synthesis/id{i}_id{j}_0000.mp4": (10 * i, 0) for i, j in ((0, 1), (1, 0), (2, 3), (3, 0), (1, 2))}
    for name in (*real, *swaps, "YouTube-real/00170.mp4", "YouTube-real/00171.mp4", "Celeb-synthesis/id0_id1_0009.mp4"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    (root / "Celeb-real" / "odd.mp4").write_bytes(b"")
    return root


def in_splits(plan) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for job in plan.jobs:
        found.setdefault(job.split, set()).add(job.work.image.name)
    return found


def test_celebrities_are_paired_by_name_and_split_by_people(celebrities):
    plan = celeb_df.plan(str(celebrities), shares=(1.0, 0.0, 0.0))
    works = {job.work.image.name: job.work for job in plan.jobs}
    swap = works["Celeb-synthesis/id0_id1_0000.mp4"]
    assert (swap.target.name, swap.source.name) == ("Celeb-real/id0_0000.mp4", "Celeb-real/id1_0000.mp4")
    assert (swap.target_identity, swap.source_identity, swap.label) == ("id0", "id1", SWAP)
    assert swap.least_agreement == shared_frame.LEAST_AGREEMENT
    assert works["YouTube-real/00170.mp4"].target_identity == "youtube-00170"
    reasons = {(row.origin, row.reason) for row in plan.rejected}
    assert ("Celeb-synthesis/id0_id1_0009.mp4", "its original is not there") in reasons
    assert ("Celeb-real/odd.mp4", "the name says no people") in reasons
    assert "is not there: people are split by a hash" in plan.notes[0] and len(plan.notes) == 1
    for name in ("Celeb-real/.DS_Store", "masks"):
        (celebrities / name).write_bytes(b"")
    try:
        assert celeb_df.plan(str(celebrities)).notes[1:] == (
            "1 hidden files, whose names begin with a dot, are left alone",
            "not read, since the layout has no place for it: masks",
        )
    finally:
        for name in ("Celeb-real/.DS_Store", "masks"):
            (celebrities / name).unlink()
    by_people = celeb_df.plan(str(celebrities), shares=(1.0, 1.0, 1.0))
    split_of: dict[str, str] = {}
    for job in by_people.jobs:
        for person in (job.work.source_identity, job.work.target_identity):
            assert split_of.setdefault(person, job.split) == job.split
    assert len(set(split_of.values())) > 1


def test_the_official_list_is_the_test_split_and_its_people_are_kept_out(celebrities):
    listed = ["1 YouTube-real/00170.mp4", "0 Celeb-synthesis/id3_id0_0000.mp4", "1 Celeb-real/id3_0000.mp4"]
    path = celebrities / "List_of_testing_videos.txt"
    path.write_text("\n".join([*listed, "1 Celeb-real/id9_0000.mp4"]) + "\n")
    try:
        found = {how: celeb_df.plan(str(celebrities), split_by=how) for how in celeb_df.SPLIT_BY}
        path.write_text("Celeb-real/id3_0000.mp4\n")
        with pytest.raises(PreparationError, match="must hold lines such as"):
            celeb_df.plan(str(celebrities))
    finally:
        path.unlink()
    for plan in found.values():
        assert in_splits(plan)["test"] == {line.split()[1] for line in listed}
        assert any(row.origin == "Celeb-real/id9_0000.mp4" and "not there" in row.reason for row in plan.rejected)
    shown = {how: {job.work.image.name for job in plan.jobs if job.split != "test"} for how, plan in found.items()}
    assert not any("id3" in name or "id0" in name for name in shown["people"]) and shown["people"]
    assert "Celeb-real/id0_0000.mp4" in shown["target"] and "Celeb-real/id3_0001.mp4" not in shown["target"]
    assert "Celeb-real/id3_0001.mp4" in shown["image"]


def test_a_celebrity_s_frames_become_records(tmp_path):
    videos(tmp_path, {"Celeb-real/id0_0000.mp4": 1, "Celeb-real/id1_0000.mp4": 2},
           {"Celeb-synthesis/id0_id1_0000.mp4": (1, 0)})  # fmt: skip
    plan = celeb_df.plan(str(tmp_path), shares=(1.0, 0.0, 0.0), num_frames=2)
    (job,) = [job for job in plan.jobs if job.work.label == SWAP]
    records = list(job_to_records.records_of(job, trees.make_tools(), trees.OPTIONS))
    assert not any(isinstance(record, Rejected) for record in records)
    assert [record["target_origin"] for record in records] == [f"Celeb-real/id0_0000.mp4#{i}" for i in (0, 4)]
    assert all(record["source"] and schema.decode(record["target"]).shape == (48, 48, 3) for record in records)
