"""Files, folders and patterns on the command line."""

import pytest

from dfrec_jax.forensics import inputs
from dfrec_jax.pictures.reading import ImageError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "below").mkdir()
    for name in ("b.PNG", "a.jpg", "v.mp4", "notes.txt", ".hidden.png", "below/c.png", "[1].png"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def test_of_a_folder_what_lies_in_it_is_taken_and_the_rest_said(folder):
    found = inputs.listed([folder])
    assert [path.name for path in found.paths] == ["[1].png", "a.jpg", "b.PNG", "v.mp4"]
    assert found.remarks == (
        f"{folder}: 1 file is no picture by name and left out (notes.txt)",
        f"{folder}: 1 folder below it left out; {folder}/**/* takes what is in them",
        f"{folder}: 1 of hidden names left out; each is taken where it is named",
    )
    assert [inputs.is_video(path) for path in found.paths] == [False, False, False, True]


def test_a_pattern_goes_through_folders_and_nothing_is_taken_twice(folder):
    found = inputs.listed([f"{folder}/**/*.png", folder / "below" / "c.png"])
    assert sorted(path.name for path in found.paths) == ["[1].png", "c.png"]
    assert inputs.listed([folder / "[1].png"]).paths == (folder / "[1].png",)  # a file of that name is no pattern


def test_a_file_that_is_not_there_is_left_to_be_refused_by_itself(folder):
    assert inputs.listed([folder / "nowhere.png"]).paths == (folder / "nowhere.png",)


@pytest.mark.parametrize(("name", "words"), [("x*.png", "no file is called so"), ("below/d", "holds no picture")])
def test_what_yields_nothing_is_refused(folder, name, words):
    (folder / "below" / "d").mkdir()
    with pytest.raises(ImageError, match=words):
        inputs.listed([f"{folder}/{name}"])
