"""Files and folders that appear whole or not at all."""

import os
import resource
import threading

import pytest

from dfrec_jax.files import whole


def test_the_folder_is_made_and_nothing_but_the_file_is_left(tmp_path):
    whole.write_text(tmp_path / "a" / "b.txt", "grün\n")
    whole.write_json(tmp_path / "a" / "c.json", {"x": [1]}, indent=1)
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "grün\n"
    assert (tmp_path / "a" / "c.json").read_text() == '{\n "x": [\n  1\n ]\n}\n'
    assert sorted(os.listdir(tmp_path / "a")) == ["b.txt", "c.json"]


def test_an_error_leaves_the_file_as_it_was(tmp_path):
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(ZeroDivisionError), whole.replacing(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "a.txt").read_text() == "before"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_that_does_not_fit_leaves_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large") as refusal:
            whole.write_text(tmp_path / "a.txt", "x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refusal.value.filename == str(tmp_path / "a.txt")  # or the program would speak of "a file"
    assert (tmp_path / "a.txt").read_text() == "before"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_writers_of_one_file_do_not_meet(tmp_path):
    path, texts, errors = tmp_path / "a.txt", [str(digit) * 20_000 for digit in range(4)], []

    def write(text):
        try:
            for _ in range(10):
                whole.write_text(path, text)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            assert path.read_text() in texts
    assert not errors
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_appears_when_all_is_in_it(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("new/one", "empty"):
        with whole.new_folder(tmp_path / name) as unfinished:
            (unfinished / "a.txt").write_text("a")
            assert not (tmp_path / name / "a.txt").exists()
        assert os.listdir(tmp_path / name) == ["a.txt"]
    assert sorted(os.listdir(tmp_path)) == ["empty", "new"] and os.listdir(tmp_path / "new") == ["one"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_error_leaves_no_folder(tmp_path, error):
    with pytest.raises(type(error)) as refusal, whole.new_folder(tmp_path / "out" / "run") as unfinished:
        (unfinished / "a.txt").write_text("a")
        raise error
    assert not os.listdir(tmp_path)
    assert isinstance(error, KeyboardInterrupt) or refusal.value.filename == str(tmp_path / "out" / "run")


def test_a_folder_that_holds_something_is_left(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"), whole.new_folder(tmp_path / "run") as unfinished:
        (unfinished / "a.txt").write_text("a")
    assert os.listdir(tmp_path) == ["run"] and os.listdir(tmp_path / "run") == ["mine.txt"]
