"""Preparation from end to end on made-up trees: what comes out, what is refused, and what a stopped run leaves."""

import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from dfrec_jax.files import held_folder, whole
from dfrec_jax.preparation import run_jobs, unfinished
from dfrec_jax.preparation.layouts import face_folders, triplets
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.preparation.prepare import LOCK, prepare
from dfrec_jax.records import index, schema
from dfrec_jax.records.schema import folder_of
from tests.preparation import trees
from tests.preparation.trees import request

PEOPLE = {"Zoë Ω": 3, "name with spaces": 3, "b": 3, "c": 2}
SHARES = (1.0, 0.0, 1.0)


def faces_plan(root: Path, **changes):
    split = {"Zoë Ω": "train", "name with spaces": "train", "b": "test", "c": "test"}
    with open(root / "split.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "split"])
        writer.writerows([path.relative_to(root).as_posix(), split[path.parent.name]] for path in root.rglob("*.jpg"))
    return face_folders.plan(str(root), split_file=str(root / "split.csv"), **changes)


def read(folder: Path, dataset: str, split: str) -> list[schema.Record]:
    source = tfds.builder_from_directory(str(folder)).as_data_source(split)
    return [source[i] for i in range(len(source))]


def test_a_second_preparation_is_refused_by_the_name_of_the_first(tmp_path):
    trees.people(tmp_path / "in", PEOPLE)
    plan = faces_plan(tmp_path / "in")
    held = tmp_path / "out" / "faces" / "unfinished" / LOCK
    with held_folder.held(held, "preparation", "--out", tmp_path / "out", PreparationError):
        with pytest.raises(PreparationError, match=rf"--out=.*out: another preparation .*process {os.getpid()} of"):
            prepare(plan, trees.make_tools, request(tmp_path / "out"))
    prepare(plan, trees.make_tools, request(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out" / "faces").iterdir()] == ["1.0.0"]


def test_faces_come_out_whole_and_tfds_can_read_them(tmp_path):
    trees.people(tmp_path / "in", PEOPLE)
    trees.save(tmp_path / "in" / "b" / "no face.jpg", trees.black())
    trees.save(tmp_path / "in" / "c" / "half.jpg", trees.picture(9))
    trees.truncate(tmp_path / "in" / "c" / "half.jpg")
    result = prepare(faces_plan(tmp_path / "in"), trees.make_tools, request(tmp_path / "out"))
    assert result.folder == folder_of(str(tmp_path / "out"), "faces")
    assert result.counts == {
        ("train", "pristine", "pristine"): 6,
        ("test", "pristine", "pristine"): 5,
        ("test", "swap", "warped_swap"): 5,
    }
    unreadable, faceless = sorted(result.rejected)
    assert unreadable.startswith("cannot be read as a picture (OSError: image file is truncated")
    assert faceless == "no face found"
    with open(result.folder / "rejected.csv", encoding="utf-8") as file:
        assert {row["origin"] for row in csv.DictReader(file)} == {"b/no face.jpg", "c/half.jpg"}
    assert not (tmp_path / "out" / "faces" / "unfinished").exists()
    assert (result.folder / "sheet.jpg").stat().st_size > 1000

    train, test = (read(result.folder, "faces", split) for split in ("train", "test"))
    assert {record["source_identity"].decode() for record in train} == {"Zoë Ω", "name with spaces"}
    assert all(record["image"].shape == (48, 48, 3) for record in train + test)
    swaps = [record for record in test if record["label"] == 1]
    for swap in swaps:
        target = next(r for r in test if r["label"] == 0 and r["origin"] == swap["target_origin"])
        assert swap["source_identity"] != swap["target_identity"] == target["source_identity"]
        mask = schema.decode_mask(swap["mask"]).astype(int)
        assert mask.max() > 200 and (mask == 0).mean() > 0.2
        np.testing.assert_array_equal(schema.decode(swap["target"]), target["image"])
    assert "tensorflow" not in sys.modules


def test_the_crop_puts_box_and_landmarks_where_the_face_is(tmp_path):
    trees.people(tmp_path / "in", PEOPLE)
    folder = prepare(faces_plan(tmp_path / "in"), trees.make_tools, request(tmp_path / "out")).folder
    for record in read(folder, "faces", "train"):
        # The box is 0.6 x 0.7 of the picture; a square of 1.3 times its longer side becomes 48 pixels.
        height = 48 / 1.3
        np.testing.assert_allclose(record["box"][2:] - record["box"][:2], [height * 6 / 7, height], rtol=1e-3)
        np.testing.assert_allclose((record["box"][2:] + record["box"][:2]) / 2, [24, 24], atol=0.5)
        assert record["points"][:, 1].max() <= record["box"][3] + 1e-3
        assert record["landmarks"][0, 0] < record["landmarks"][1, 0]


def test_index_knows_labels_people_and_partners(tmp_path):
    trees.people(tmp_path / "in", PEOPLE)
    folder = prepare(faces_plan(tmp_path / "in"), trees.make_tools, request(tmp_path / "out")).folder
    test, names = index.read(folder, "test")
    assert names.attacks == ("pristine", "warped_swap") and set(names.identities) == set(PEOPLE)
    assert test.label.tolist() == [0] * 5 + [1] * 5 and test.faces.tolist() == list(range(5))
    for face, partners in enumerate(test.partners):
        assert np.all(test.source_id[test.faces[partners]] != test.source_id[face])
    assert test.has_source.all() and test.has_target.all() and test.has_mask.all()


def test_any_number_of_processes_writes_the_same_records(tmp_path):
    trees.people(tmp_path / "in", {f"person {i}": 17 for i in range(8)})
    plan = face_folders.plan(str(tmp_path / "in"), shares=SHARES)
    assert len(plan.jobs) > 2
    written = []
    for processes in (1, 2):
        out = tmp_path / f"out{processes}"
        folder = prepare(plan, trees.make_tools, request(out, processes=processes, num_forgeries=0)).folder
        written.append({path.name: path.read_bytes() for path in sorted(folder.glob("*.array_record*"))})
    assert written[0] == written[1]


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    trees.people(tmp_path / "in", {f"person {i}": 17 for i in range(8)})
    plan = face_folders.plan(str(tmp_path / "in"), shares=SHARES)
    done = []

    def stop_at_the_second(job, number, *rest):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(number)
        do(job, number, *rest)

    do = run_jobs._do
    monkeypatch.setattr(run_jobs, "_do", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        prepare(plan, trees.make_tools, request(tmp_path / "out"))
    folder = folder_of(str(tmp_path / "out"), "faces")
    assert not folder.exists(), "no half-written data set is taken for a whole one"
    with pytest.raises(PreparationError, match="quality: 95 -> 80"):
        prepare(plan, trees.make_tools, request(tmp_path / "out", options=trees.OPTIONS._replace(quality=80)))
    monkeypatch.setattr(run_jobs, "_do", lambda job, number, *rest: (done.append(number), do(job, number, *rest)))
    prepare(plan, trees.make_tools, request(tmp_path / "out"))
    assert sorted(done) == list(range(len(plan.jobs))), "no job was done twice"
    with pytest.raises(PreparationError, match="is there already"):
        prepare(plan, trees.make_tools, request(tmp_path / "out"))


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    trees.people(tmp_path / "in", PEOPLE)
    plan = faces_plan(tmp_path / "in")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    fsync = whole.os.fsync
    monkeypatch.setattr(whole.os, "fsync", lambda number: full() if not os.get_inheritable(number) else fsync(number))
    with pytest.raises(PreparationError, match="the disk is full"):
        prepare(plan, trees.make_tools, request(tmp_path / "out"))
    assert not list((tmp_path / "out").rglob("*.records*")) and not list((tmp_path / "out").rglob("*.tmp"))
    monkeypatch.undo()
    assert prepare(plan, trees.make_tools, request(tmp_path / "out")).counts


def test_a_really_full_disk(tmp_path):
    """A limit on the size of files stands in for a quota: it needs no privileges, and the system enforces it."""
    trees.people(tmp_path / "in", {"a": 20, "b": 20})
    script = (
        "import resource, signal, sys\n"
        "from tests.preparation import test_prepare as t\n"
        "from dfrec_jax.preparation.layouts import face_folders\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "plan = face_folders.plan(sys.argv[1], shares=(1.0, 0.0, 0.0))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))\n"
        "try:\n"
        "    t.prepare(plan, t.trees.make_tools, t.request(t.Path(sys.argv[2]), num_forgeries=0))\n"
        "except t.PreparationError as error:\n"
        "    sys.exit(f'refused: {error}')\n"
    )
    for limit in (20_000, 90_000):  # the first stops the parts, the second the ArrayRecord file
        out = tmp_path / f"out{limit}"
        run = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "in"), str(out), str(limit)],
            capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False,
        )  # fmt: skip
        assert run.returncode == 1 and "refused: the disk is full" in run.stderr, run.stderr
        assert not folder_of(str(out), "faces").exists()


def test_ctrl_c_stops_the_processes_and_keeps_what_is_done(tmp_path):
    trees.people(tmp_path / "in", {f"person {i}": 8 for i in range(6)})
    script = (
        "import faulthandler, pathlib, signal, sys\n"
        "if __name__ == '__main__':\n"  # nothing is imported before: each of the processes reads this file
        "    from dfrec_jax.preparation import plan as plans\n"
        "    from dfrec_jax.preparation.layouts import face_folders\n"
        "    from dfrec_jax.preparation.prepare import prepare\n"
        "    from tests.preparation import trees\n"
        "    faulthandler.dump_traceback_later(200, exit=True)\n"  # where it hangs, it says where
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background shell leaves it ignored
        "    plans.PICTURES_A_JOB = 8\n"
        "    plan = face_folders.plan(sys.argv[1], shares=(1.0, 0.0, 0.0))\n"
        "    out = pathlib.Path(sys.argv[2])\n"
        "    prepare(plan, trees.make_slow_tools, trees.request(out, processes=2, num_forgeries=0))\n"
    )
    (tmp_path / "run.py").write_text(script)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "in"), str(tmp_path / "out")],
        stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 300
    while not list((tmp_path / "out").rglob("*.records")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    _, errors = process.communicate(timeout=300)
    assert "KeyboardInterrupt" in errors and process.returncode != 0
    assert list((tmp_path / "out").rglob("*.records")) and not folder_of(str(tmp_path / "out"), "faces").exists()
    assert _all_gone(process.pid), "none of its processes is left"


def _all_gone(group: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_triplets_without_a_source_or_a_target(tmp_path):
    for name, seeds in {"a": (1, 2, 3), "b": (1, None, 4), "c": (5, 6, None)}.items():
        for role, seed in zip(("swap", "source", "target"), seeds, strict=True):
            if seed is not None:
                trees.save(tmp_path / "in" / f"{name}_{role}.jpg", trees.picture(seed))
    plan = triplets.plan(str(tmp_path / "in"), split="test")
    assert plan.notes == ("1 of 3 swaps lack their source", "1 of 3 swaps lack their target")
    options = trees.OPTIONS._replace(crop="none", size=64)
    folder = prepare(
        plan, trees.make_tools, request(tmp_path / "out", "triplets", options=options, num_forgeries=0)
    ).folder
    test, _ = index.read(folder, "test")
    assert test.label.tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert test.has_source.tolist()[:3] == [True, False, True] and test.has_target.tolist()[:3] == [True, True, False]
    stored = read(folder, "triplets", "test")[0]
    given = (tmp_path / "in" / "a_source.jpg").read_bytes()
    assert stored["source"] == given, "a JPEG that needs no change is stored as it was given"
    assert json.loads((folder / "metadata.json").read_text())["crop"] == "none"


def test_nothing_left_to_write_is_an_error_that_says_why(tmp_path):
    trees.save(tmp_path / "in" / "a" / "1.jpg", trees.black())
    with pytest.raises(PreparationError, match="1 were refused, 1 of them: no face found"):
        prepare(face_folders.plan(str(tmp_path / "in")), trees.make_tools, request(tmp_path / "out"))


def test_a_damaged_part_is_named(tmp_path):
    path = tmp_path / "0000001.records"
    path.write_bytes(b"\x05\x00\x00\x00\x00\x00\x00\x00abc")
    with pytest.raises(PreparationError, match="0000001.records is damaged"):
        unfinished.Parts([path])


def test_beam_runs_the_same_builder(tmp_path):
    pytest.importorskip("apache_beam", reason="Apache Beam, the `beam` extra, is not installed")
    trees.people(tmp_path / "in", PEOPLE)
    trees.save(tmp_path / "in" / "b" / "no face.jpg", trees.black())
    plan = faces_plan(tmp_path / "in")
    by_beam = prepare(plan, trees.make_tools, request(tmp_path / "beam", beam=("--runner=DirectRunner",)))
    alone = prepare(plan, trees.make_tools, request(tmp_path / "alone"))
    assert by_beam.counts == alone.counts and by_beam.rejected == alone.rejected
    images = [
        {record["image"].tobytes() for record in read(result.folder, "faces", "train")} for result in (by_beam, alone)
    ]
    assert images[0] == images[1]


def test_without_beam_the_option_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    trees.people(tmp_path / "in", PEOPLE)
    with pytest.raises(PreparationError, match=r"pip install 'dfrec-jax\[beam\]'"):
        prepare(faces_plan(tmp_path / "in"), trees.make_tools, request(tmp_path / "out", beam=()))
