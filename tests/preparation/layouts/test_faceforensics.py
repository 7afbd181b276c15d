"""FaceForensics++'s layout: pairs, splits, frames, masks, sources that are missing, and videos that are broken."""

import json

import numpy as np
import pytest

from dfrec_jax.pictures import video
from dfrec_jax.pictures.reading import ImageError
from dfrec_jax.preparation import job_to_records, splits
from dfrec_jax.preparation.inputs import source_files
from dfrec_jax.preparation.layouts import faceforensics
from dfrec_jax.preparation.plan import Picture, PreparationError, Rejected, Remark, VideoPair
from dfrec_jax.preparation.prepare import prepare
from dfrec_jax.records import schema
from dfrec_jax.records.prepared import PreparedSplit
from dfrec_jax.records.schema import PRISTINE, REENACTMENT, SWAP
from tests.preparation import trees

ORIGINALS, MANIPULATED = "original_sequences/youtube/c23/videos", "manipulated_sequences/{}/c23/videos"


def frames(seed: int, count: int = 6) -> list[np.ndarray]:
    """A still face whose frames are told apart by a bar that grows."""
    video = []
    for i in range(count):
        frame = trees.picture(seed, 96)
        frame[:4, : 8 * i] = 255
        video.append(frame)
    return video


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("ffpp")
    for name, seed in (("000", 0), ("003", 3), ("001", 1)):  # 870, the source of 001, is not at hand
        trees.save_video(root / ORIGINALS / f"{name}.mp4", frames(seed))
    for method in ("Deepfakes", "NeuralTextures"):
        trees.save_video(root / MANIPULATED.format(method) / "000_003.mp4", frames(50))
        trees.save_video(root / MANIPULATED.format(method) / "001_870.mp4", frames(60, count=4))
    trees.save_video(root / "manipulated_sequences/Deepfakes/masks/videos/000_003.mp4", [_mask()] * 6)
    trees.save_video(root / MANIPULATED.format("Unheard Of") / "003_000.mp4", frames(70))
    (root / MANIPULATED.format("Deepfakes") / "readme.mp4").write_bytes(b"no video")
    official = root / "splits"
    official.mkdir()
    for name, pairs in {"train": [["000", "003"], ["003", "000"]], "val": [["001", "870"]], "test": []}.items():
        (official / f"{name}.json").write_text(json.dumps(pairs))
    return root


def _mask() -> np.ndarray:
    mask = np.zeros((96, 96, 3), np.uint8)
    mask[40:60, 40:60] = 255
    return mask


def made(plan, attack: str, name: str):
    job = next(job for job in plan.jobs if job.work.attack == attack and name in job.work.image.name)
    return list(job_to_records.records_of(job, trees.make_tools(), trees.OPTIONS))


def test_plan_pairs_by_name_labels_by_method_and_honours_the_official_splits(tree):
    plan = faceforensics.plan(str(tree), split_file=str(tree / "splits"), num_frames=3)
    assert {(job.split, job.work.label, job.work.attack, job.work.target_identity) for job in plan.jobs} == {
        ("train", SWAP, "Deepfakes", "000"),
        ("validation", SWAP, "Deepfakes", "001"),
        ("train", REENACTMENT, "NeuralTextures", "000"),
        ("validation", REENACTMENT, "NeuralTextures", "001"),
        ("train", PRISTINE, PRISTINE, "000"),
        ("train", PRISTINE, PRISTINE, "003"),
        ("validation", PRISTINE, PRISTINE, "001"),
    }
    swap = next(job.work for job in plan.jobs if job.work.attack == "Deepfakes" and job.split == "train")
    assert (swap.source_identity, swap.source.name) == ("003", f"{ORIGINALS}/003.mp4")
    assert "2 of 4 forged videos lack their source video" in plan.notes
    assert "3 of 4 forged videos lack their mask video" in plan.notes
    assert any("Unheard Of" in note for note in plan.notes)
    assert [row.reason for row in plan.rejected] == ["the name is not <target>_<source>"]


def test_another_method_is_taken_where_it_is_named(tree):
    plan = faceforensics.plan(str(tree), attacks=("Unheard Of",))
    assert {job.work.attack for job in plan.jobs} == {"Unheard Of", PRISTINE}
    with pytest.raises(PreparationError, match="--attack=Deepfake: .* has Deepfakes, NeuralTextures, Unheard Of"):
        faceforensics.plan(str(tree), attacks=("Deepfake",))


def test_without_a_split_file_pairs_stay_together(tree):
    plan = faceforensics.plan(str(tree), shares=(1.0, 1.0, 1.0))
    split_of = {}
    for job in plan.jobs:
        for name in (job.work.source_identity, job.work.target_identity):
            assert split_of.setdefault(name, job.split) == job.split


def test_a_split_file_that_lacks_a_video_or_holds_it_twice_is_refused(tree, tmp_path):
    for name, pairs in {"train": [["000", "003"]], "val": [["001", "000"]], "test": []}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(pairs))
    with pytest.raises(PreparationError, match="video 000 is in train as well"):
        faceforensics.plan(str(tree), split_file=str(tmp_path))
    (tmp_path / "val.json").write_text("[]")
    plan = faceforensics.plan(str(tree), split_file=str(tmp_path))
    assert ("original_sequences/youtube/c23/videos/001.mp4", "the video is not in the split file") in {
        (row.origin, row.reason) for row in plan.rejected
    }
    (tmp_path / "test.json").unlink()
    with pytest.raises(PreparationError, match="test.json is not in it"):
        faceforensics.plan(str(tree), split_file=str(tmp_path))


def test_frames_are_evenly_spaced_and_target_and_source_are_of_the_same_frame(tree):
    plan = faceforensics.plan(str(tree), split_file=str(tree / "splits"), num_frames=3)
    records = made(plan, "Deepfakes", "000_003")
    assert [record["origin"].split("#")[1] for record in records] == ["0", "2", "5"]
    assert [record["source_origin"].split("#")[1] for record in records] == ["0", "2", "5"]
    assert [record["target_origin"].split("#")[1] for record in records] == ["0", "2", "5"]
    assert all(record["source"] and record["target"] and record["mask"] for record in records)
    mask = schema.decode_mask(records[0]["mask"])
    assert mask[24, 24] == 255 and mask[2, 2] == 0, "the mask is cut out as the forgery is"


def test_a_missing_source_leaves_the_rest(tree):
    plan = faceforensics.plan(str(tree), split_file=str(tree / "splits"), num_frames=2)
    records = made(plan, "Deepfakes", "001_870")
    assert [record["source"] for record in records] == [b"", b""] and all(record["target"] for record in records)
    assert [record["origin"].split("#")[1] for record in records] == ["0", "3"], "frames that both videos have"


def test_a_short_source_gives_its_most_frontal_frame(tmp_path):
    trees.save_video(tmp_path / "fake.mp4", frames(1))
    trees.save_video(tmp_path / "short.mp4", frames(2, count=2))
    fake, short = (Picture(str(tmp_path), f"{name}.mp4") for name in ("fake", "short"))
    work = VideoPair("train", SWAP, "x", fake, short, None, None, "b", "a", 3)
    tools = trees.make_tools()

    def detect(images):
        found = tools.detect(images)
        is_second = images[0][1, 4].min() > 220  # the bar of frame 1
        if not is_second:
            found[0][0].landmarks[2] += [40, 0]  # frame 0 looks aside
        return found

    records = list(
        job_to_records.records_of(job_to_records.Job("j", "train", work), tools._replace(detect=detect), trees.OPTIONS)
    )
    assert [record["source_origin"] for record in records] == ["short.mp4#0", "short.mp4#1", "short.mp4#1"]


def test_a_video_without_a_face_and_one_that_is_broken_are_refused_with_their_reasons(tmp_path):
    trees.save_video(tmp_path / "black.mp4", [trees.black(96)] * 3)
    trees.save_video(tmp_path / "cut.mp4", frames(1))
    trees.truncate(tmp_path / "cut.mp4")
    for name, reason in (("black.mp4", "no face found"), ("cut.mp4", "cannot be read as a video")):
        work = VideoPair("test", PRISTINE, PRISTINE, Picture(str(tmp_path), name), None, None, None, "a", "a", 2)
        refused = list(
            job_to_records.records_of(job_to_records.Job("j", "test", work), trees.make_tools(), trees.OPTIONS)
        )
        assert refused and all(isinstance(row, Rejected) and reason in row.reason for row in refused)


def test_another_folder_is_refused_with_what_was_expected(tmp_path):
    with pytest.raises(PreparationError, match="expected original_sequences/youtube/c23"):
        faceforensics.plan(str(tmp_path))
    with pytest.raises(PreparationError, match="no such folder"):
        faceforensics.plan(str(tmp_path / "nothing"))


def test_folders_of_frames_serve_as_videos(tmp_path):
    for number in (3, 5, 9):
        trees.save(tmp_path / "original_sequences/youtube/raw/images/000" / f"{number:04d}.png", trees.picture(number))
    plan = faceforensics.plan(str(tmp_path), num_frames=2)
    records = list(job_to_records.records_of(plan.jobs[0], trees.make_tools(), trees.OPTIONS))
    assert [record["origin"].split("#")[1] for record in records] == ["3", "9"]


def test_videos_that_are_not_taken_are_said(tmp_path):
    for name in ("c23/videos/000.MP4", "c23/videos/001.avi", "c23/videos/001.mp4", "c23/videos/note.txt",
                 "c40/videos/002.mp4", "c23/images/003/1.png"):  # fmt: skip
        path = tmp_path / "original_sequences/youtube" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    plan = faceforensics.plan(str(tmp_path))
    folder = "original_sequences/youtube/c23/videos"
    assert [job.work.image.name for job in plan.jobs] == [f"{folder}/000.MP4", f"{folder}/001.mp4"]
    assert [(row.origin, row.reason, row.detail) for row in plan.rejected] == [
        (f"{folder}/001.avi", "another file is the video of its name", f"{folder}/001.mp4"),
        (f"{folder}/note.txt", "its ending names no kind of video that is read", ""),
    ]
    youtube = "original_sequences/youtube"
    assert f"{youtube}/c23/images, {youtube}/c40/videos: not taken (--compression chooses)" in plan.notes


def test_hidden_files_and_what_has_no_place_in_the_layout_are_said(tmp_path):
    youtube, faked = "original_sequences/youtube", "manipulated_sequences/Deepfakes"
    for name in (f"{youtube}/c23/videos/000.mp4", f"{youtube}/c23/videos/._000.mp4", f"{youtube}/.DS_Store",
                 f"{faked}/c23/videos/000_003.mp4", f"{faked}/c23/videos/._000_003.mp4", "notes.txt",
                 f"{faked}/masks/videos/000_003.mp4", f"{faked}/masks/videos/001_870.mp4",
                 f"{faked}/masks/videos/._000_003.mp4", f"{faked}/masks/images/000_003/0001.png",
                 "original_sequences/actors/c23/videos/01__walking.mp4"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    plan = faceforensics.plan(str(tmp_path))
    assert "4 hidden files, whose names begin with a dot, are left alone" in plan.notes
    (note,) = [note for note in plan.notes if note.startswith("not read, since the layout has no place for it: ")]
    assert note.split(": ")[1].split(", ") == ["notes.txt", "original_sequences/actors", f"{faked}/masks/images"]
    assert f"1 files among the masks are of no video that is prepared ({faked}/masks/videos/001_870.mp4)" in plan.notes


def test_a_split_file_says_how_many_of_its_videos_are_not_there(tree):
    plan = faceforensics.plan(str(tree), split_file=str(tree / "splits"))
    assert not any("that --split-file=" in note for note in plan.notes), "870 is named by a pair"
    assert not any("not read" in note for note in plan.notes), "the split file has its place"
    (tree / "few").mkdir(exist_ok=True)
    for name, pairs in {"train": [["000", "003"], ["500", "501"]], "val": [["001", "870"]], "test": []}.items():
        (tree / "few" / f"{name}.json").write_text(json.dumps(pairs))
    plan = faceforensics.plan(str(tree), split_file=str(tree / "few"))
    words = f"2 of the 6 videos that --split-file={tree / 'few'} names are not there (500, ...)"
    assert words in plan.notes


def test_a_hidden_file_is_no_frame_and_is_said(tmp_path):
    for number in (3, 5):
        trees.save(tmp_path / "v" / f"{number:04d}.png", trees.picture(number))
    (tmp_path / "v" / "._0003.png").write_bytes(b"what a Mac keeps beside it")
    with source_files.Frames(Picture(str(tmp_path), "v")) as video:
        assert video.numbers == [3, 5] and video.read(3).shape == (64, 64, 3)
        assert video.left_out == [("v/._0003.png", "is hidden: its name begins with a dot")]


def test_frames_that_a_mask_video_or_the_target_lacks_are_said(tmp_path):
    for name, count in (("fake", 6), ("target", 4), ("mask", 2)):
        trees.save_video(tmp_path / f"{name}.mp4", [_mask()] * count if name == "mask" else frames(1, count))
    fake, target, mask = (Picture(str(tmp_path), f"{name}.mp4") for name in ("fake", "target", "mask"))
    work = VideoPair("train", SWAP, "x", fake, None, target, mask, "b", "a", 0)
    said = list(job_to_records.records_of(job_to_records.Job("j", "train", work), trees.make_tools(), trees.OPTIONS))
    assert [bool(row["mask"]) for row in said if isinstance(row, dict)] == [True, True, False, False]
    assert [row for row in said if isinstance(row, Remark)] == [
        Remark("fake.mp4", "train", "has frames of numbers that its target's video lacks"),
        Remark("fake.mp4#2", "train", "has no mask: its mask video lacks the frame"),
        Remark("fake.mp4#3", "train", "has no mask: its mask video lacks the frame"),
    ]


def test_a_video_that_lies_about_its_length_is_refused(tmp_path, monkeypatch):
    trees.save_video(tmp_path / "v.mp4", frames(1))

    class Lying:
        def __init__(self, path):
            pass

        def isOpened(self):
            return True

        def get(self, what):
            return 9.2e18

        def release(self):
            pass

    monkeypatch.setattr(video.cv2, "VideoCapture", Lying)
    with pytest.raises(ImageError, match="v.mp4: cannot be read as a video"):
        source_files.Frames(Picture(str(tmp_path), "v.mp4"))


def test_frames_are_read_by_number_in_any_order(tmp_path):
    trees.save_video(tmp_path / "v.mp4", frames(1))
    with source_files.Frames(Picture(str(tmp_path), "v.mp4")) as video:
        widths = [int((video.read(number)[1].min(axis=-1) > 128).sum()) for number in (4, 1, 5)]
    np.testing.assert_allclose(widths, [32, 8, 40], atol=3)


def test_splits_by_hash_have_their_shares_and_stay_when_data_are_added():
    names = [f"person {i}" for i in range(4000)]
    chosen = [splits.split_by_hash(name, (8.0, 1.0, 1.0)) for name in names]
    for split, share in zip(splits.SPLITS, (0.8, 0.1, 0.1), strict=True):
        assert abs(chosen.count(split) / 4000 - share) < 0.02
    assert splits.split_by_hash("person 7", (8.0, 1.0, 1.0)) == chosen[7]


def test_components_join_what_pairs_connect():
    found = splits.components([("a", "b"), ("c", "d"), ("b", "e")])
    assert found["a"] == found["b"] == found["e"] == "a" and found["c"] == found["d"] == "c"


def test_reenactments_are_stored_and_are_no_swaps(tree, tmp_path):
    plan = faceforensics.plan(str(tree), split_file=str(tree / "splits"), num_frames=2)
    prepare(plan, trees.make_tools, trees.request(tmp_path, "faceforensics", num_forgeries=0))
    split = PreparedSplit(str(tmp_path), "faceforensics", "train")
    attacks = [split.names.attacks[number] for number in split.index.attack]
    assert sorted(set(attacks)) == ["Deepfakes", "NeuralTextures", PRISTINE]
    assert {attacks[number] for number in split.forgeries} == {"Deepfakes"}
    assert {attacks[number] for number in split.pristine} == {PRISTINE}
    reenacted = PreparedSplit(str(tmp_path), "faceforensics", "train", attack="NeuralTextures")
    assert len(reenacted.forgeries) == 0
