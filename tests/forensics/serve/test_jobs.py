"""Pictures that wait, and that nothing of them is kept."""

import json
import threading
import time

import pytest

from dfrec_jax.forensics.serve import jobs as jobs_lib
from dfrec_jax.forensics.serve.jobs import Full, Jobs, safe_name


def wait_for(is_so, seconds=10):
    """Waits until it is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def recovering(picture, out, case):
    """A result of `picture` that holds its bytes."""
    if picture.read_bytes() == b"bad":
        return None, "it is no picture"
    if picture.read_bytes() == b"fault":
        raise RuntimeError("a fault")
    folder = out / picture.stem
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps({"status": "recovered", "case": dict(case)}))
    (folder / "copy.bin").write_bytes(picture.read_bytes())
    return folder, ""


@pytest.fixture
def jobs():
    made = Jobs(lambda say: recovering)
    made.start()
    yield made
    made.close()


def test_pictures_are_done_one_after_another_and_a_bad_one_stops_nobody(jobs, capsys):
    numbers = [jobs.add("a.png", data, {"operator": "me"}) for data in (b"good", b"bad", b"fault", b"more")]
    wait_for(lambda: jobs.get(numbers[-1]).state == "done")
    assert [jobs.get(number).state for number in numbers] == ["done", "refused", "refused", "done"]
    assert jobs.get(numbers[1]).words == "it is no picture"
    assert jobs.get(numbers[2]).words == "it could not be recovered (RuntimeError: a fault)"
    assert "RuntimeError: a fault" in capsys.readouterr().err
    assert jobs.get(numbers[0]).about == {"status": "recovered", "case": {"operator": "me"}}
    assert jobs.file(numbers[0], "copy.bin").read_bytes() == b"good"
    for name in ("../in/a.png", "/etc/hostname", "nothing"):
        assert jobs.file(numbers[0], name) is None


def test_what_is_forgotten_is_gone(jobs):
    number = jobs.add("a.png", b"good", {})
    wait_for(lambda: jobs.get(number).state == "done")
    folder = jobs.get(number).folder
    assert folder.is_dir() and jobs.forget(number)
    assert not folder.exists() and jobs.get(number) is None and not jobs.forget(number)


def test_nothing_is_kept_after_the_end(jobs):
    number = jobs.add("a.png", b"good", {})
    wait_for(lambda: jobs.get(number).state == "done")
    folder = jobs.folder
    assert oct(folder.stat().st_mode)[-3:] == "700"
    assert jobs.close() and not folder.exists()


def test_what_is_worked_on_at_the_end_is_said_to_go_on():
    go_on = threading.Event()

    def slow(picture, out, case):
        go_on.wait(10)
        return None, "late"

    jobs = Jobs(lambda say: slow)
    jobs.start()
    number = jobs.add("a.png", b"good", {})
    wait_for(lambda: jobs.get(number).state == "working")
    assert not jobs.forget(number)
    assert not jobs.close(patience=0.05) and not jobs.folder.exists()
    go_on.set()


def test_there_are_so_many_and_no_more(jobs, monkeypatch):
    monkeypatch.setattr(jobs_lib, "MOST_KEPT", 1)
    jobs.add("a.png", b"good", {})
    with pytest.raises(Full, match="1 pictures are kept already: forget one first"):
        jobs.add("a.png", b"good", {})


def test_a_network_that_cannot_be_used_ends_it():
    def fail(say):
        say("being restored")
        raise ValueError("no such network")

    told = threading.Event()
    jobs = Jobs(fail)
    jobs.start(told.set)
    assert told.wait(10)
    assert isinstance(jobs.failure, ValueError) and jobs.readiness == "cannot be used (no such network)"
    assert jobs.close() and not jobs.folder.exists()


def test_one_that_was_never_started_leaves_nothing():
    jobs = Jobs(lambda say: recovering)
    assert jobs.close() and not jobs.folder.exists()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\a\\b.png", "b.png"), ("..", "picture"), ("", "picture"),
        (".hidden.png", "hidden.png"), ("a\u202e\nb.png", "ab.png"), ("x" * 300 + ".png", "x" * 116 + ".png"),
    ],
)  # fmt: skip
def test_a_name_stays_in_its_folder(name, safe):
    assert safe_name(name) == safe
