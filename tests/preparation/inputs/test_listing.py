"""What is found in a folder or a tar, and that nothing which is not used goes without a word."""

import io
import os
import tarfile
import zipfile

import pytest

from dfrec_jax.pictures.reading import PICTURE_ENDINGS
from dfrec_jax.preparation.inputs import listing, source_files
from dfrec_jax.preparation.layouts import face_folders
from dfrec_jax.preparation.plan import Picture, PreparationError
from dfrec_jax.preparation.prepare import prepare
from tests.preparation import trees


def why(found):
    return {row.origin: row.reason for row in found.rejected}


def test_every_kind_of_picture_that_is_read_is_found(tmp_path):
    names = [f"a/p{ending}" for ending in (*PICTURE_ENDINGS, ".TIF", ".Jpeg")]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert listing.list_pictures(str(tmp_path)).names == sorted(names)


def test_what_is_no_picture_is_refused_by_name_or_counted(tmp_path):
    for name in ("a.png", "b.psd", "c.MP4", "d", "e.txt", "f.csv", "g.CSV", ".hidden.png"):
        (tmp_path / name).write_bytes(b"")
    found = listing.list_pictures(str(tmp_path))
    assert found.names == ["a.png"]
    assert why(found) == {
        "b.psd": "its ending names no kind of picture that is read",
        "c.MP4": "is a video, and pictures are wanted",
        "d": "its ending names no kind of picture that is read",
    }
    assert found.notes == [
        "1 hidden files, whose names begin with a dot, are left alone",
        "files that are no pictures are left alone: 2 .csv, 1 .txt",
    ]


def test_a_name_that_is_no_text_is_refused_and_stops_no_other(tmp_path):
    trees.people(tmp_path / "in", {"a": 2, "b": 2})
    os.rename(tmp_path / "in" / "a", os.fsencode(tmp_path / "in") + b"/a\xff")
    plan = face_folders.plan(str(tmp_path / "in"), shares=(1.0, 0.0, 0.0))
    assert [row.reason for row in plan.rejected] == [listing._NO_UNICODE] * 2
    done = prepare(plan, trees.make_tools, trees.request(tmp_path / "out"))
    assert done.rejected[listing._NO_UNICODE] == 2 and sum(done.counts.values()) == 2
    assert "a\\udcff/00.jpg" in (done.folder / "rejected.csv").read_text()


def test_a_link_that_leads_in_a_circle_gives_each_picture_once(tmp_path):
    trees.people(tmp_path / "in", {"a": 1, "b": 1})
    (tmp_path / "in" / "a" / "round").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "alias").symlink_to(tmp_path / "in" / "b")
    (tmp_path / "in" / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    found = listing.list_pictures(str(tmp_path / "in"))
    assert found.names == ["a/00.jpg", "b/00.jpg"]
    assert why(found) == {
        "a/round": "is a link to a folder that is read already",
        "alias": "is a link to a folder that is read already",
        "lost.jpg": "is no file",
    }


def test_a_link_to_itself_is_refused_and_stops_no_other(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "loop.png").symlink_to("loop.png")
    found = listing.list_pictures(str(tmp_path))
    assert found.names == ["a.png"] and why(found) == {"loop.png": "is no file"}


def test_links_to_other_folders_are_followed(tmp_path):
    trees.people(tmp_path / "elsewhere", {"a": 1})
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere" / "a")
    assert listing.list_pictures(str(tmp_path / "in")).names == ["linked/00.jpg"]


def test_a_folder_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    trees.people(tmp_path, {"a": 1, "b": 1})
    scandir = os.scandir

    def refusing(folder):
        if str(folder).endswith("b"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(listing.os, "scandir", refusing)
    found = listing.list_pictures(str(tmp_path))
    assert found.names == ["a/00.jpg"] and why(found) == {"b": "is a folder that cannot be read: Permission denied"}
    with pytest.raises(PreparationError, match=r"^--source=.*b: cannot be read \(Permission denied\)"):
        listing.list_pictures(str(tmp_path / "b"), "--source=")
    with pytest.raises(PreparationError, match="^a+: cannot be read .*too long"):
        listing.list_pictures("a" * 4000)


def test_a_tar_made_in_its_folder_and_links_in_tars(tmp_path):
    data = b"picture"
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        for name in ("./a/x.jpg", "./a/.hidden.jpg"):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for name, kind in (("./b/hard.jpg", tarfile.LNKTYPE), ("./b/soft.jpg", tarfile.SYMTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "./a/x.jpg"
            tar.addfile(member)
    found = listing.list_pictures(str(tmp_path / "t.tar"))
    assert found.names == ["a/x.jpg", "b/hard.jpg"]
    assert why(found) == {"b/soft.jpg": "is a link or special file in a tar, and has no place to read"}
    for name in found.names:
        assert source_files.read_bytes(Picture(str(tmp_path / "t.tar"), name)) == data


def test_archives_that_are_not_read_say_what_to_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a/x.jpg", b"")
    with pytest.raises(PreparationError, match=r"z.zip: is a zip, .* unpack it first \(unzip z.zip -d z\)"):
        listing.list_pictures(str(tmp_path / "z.zip"))
    trees.people(tmp_path / "in", {"a": 3})
    trees.tar_of(tmp_path / "in", tmp_path / "t.tar")
    whole = (tmp_path / "t.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 5])
    with pytest.raises(PreparationError, match="cut.tar: is a broken tar"):
        listing.list_pictures(str(tmp_path / "cut.tar"))


def test_frames_of_a_folder_say_what_they_leave_out(tmp_path):
    for name in ("0001.png", "0001.jpg", "frame_2.png", "cover.png", "notes.txt"):
        (tmp_path / "v").mkdir(exist_ok=True)
        (tmp_path / "v" / name).write_bytes(b"")
    video = source_files.Frames(Picture(str(tmp_path), "v"))
    assert video.numbers == [1, 2]
    assert dict(video.left_out) == {
        "v/0001.png": "another file is the frame of its number",
        "v/cover.png": "is no picture whose name ends in a number",
        "v/notes.txt": "is no picture whose name ends in a number",
    }
