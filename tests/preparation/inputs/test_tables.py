"""Tables as spreadsheets and other systems write them."""

import pytest

from dfrec_jax.preparation import splits
from dfrec_jax.preparation.inputs import tables
from dfrec_jax.preparation.layouts import face_folders
from dfrec_jax.preparation.plan import PreparationError
from tests.preparation import trees

TEXT = "file,split\nZoë/00.jpg,train\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf_8_and_utf_16_are_read(tmp_path, encoding):
    (tmp_path / "t.csv").write_bytes(TEXT.encode(encoding))
    assert tables.read_table(str(tmp_path / "t.csv"), "file") == [{"file": "Zoë/00.jpg", "split": "train"}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (TEXT.encode("latin-1"), "line 2 is not in UTF-8: save it as UTF-8, for example `iconv"),
        (TEXT.replace("ë", "e").encode("utf-16-le"), "is no text in UTF-8, or is UTF-16 without its mark"),
        (b"file;split\n", "lacks the column 'file'; it has file;split"),
        (b"", "lacks the column 'file'; it has none"),
        (b"file,split,split\na,train,test\n", "has two columns 'split': leave one"),
        (b"file,split\nb.jpg,test,\na,b.jpg,train\n", "line 3 has more values than the header has columns"),
    ],
    ids=["latin-1", "utf-16 without mark", "semicolons", "empty", "two columns", "a comma in a name"],
)
def test_other_tables_are_refused_with_the_fix(tmp_path, data, words):
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(PreparationError, match=f"t.csv: {words}"):
        tables.read_table(str(tmp_path / "t.csv"), "file")


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(PreparationError, match="is a folder, and a file is wanted"):
        tables.read_table(str(tmp_path))
    with pytest.raises(PreparationError, match="there is no such file"):
        tables.read_table(str(tmp_path / "t.csv"))
    (tmp_path / "train.json").write_bytes('[["é", "1"]]'.encode("latin-1"))
    with pytest.raises(PreparationError, match="train.json: line 1 is not in UTF-8"):
        splits.read_official_pairs(str(tmp_path))


def test_backslashes_and_dots_in_paths_mean_the_file(tmp_path):
    trees.people(tmp_path / "in", {"a": 1, "b": 1})
    (tmp_path / "s.csv").write_text("file,split\na\\00.jpg,train\n./b/00.jpg,test\n")
    plan = face_folders.plan(str(tmp_path / "in"), split_file=str(tmp_path / "s.csv"))
    assert {item.image.name: item.split for job in plan.jobs for item in job.work} == {
        "a/00.jpg": "train", "b/00.jpg": "test",
    }  # fmt: skip
    assert not plan.rejected
    assert tables.file_named("odd\\name.jpg", {"odd\\name.jpg"}) == "odd\\name.jpg", "a file of that very name"


def test_detections_and_attributes_must_be_numbers(tmp_path):
    trees.people(tmp_path / "in", {"a": 1})
    for box in ("1,2,nan,4", "30,2,1,40"):
        (tmp_path / "d.csv").write_text(f"file,x0,y0,x1,y1\na/00.jpg,{box}\n")
        with pytest.raises(PreparationError, match="d.csv: a/00.jpg: .* is no box"):
            face_folders.plan(str(tmp_path / "in"), detections=str(tmp_path / "d.csv"))
    columns = ",".join(face_folders.CELEBA_ATTRIBUTES)
    for word in ("yes", "nan"):  # the latter is no larger than 0, and so would be -1
        (tmp_path / "a.csv").write_text(f"file,{columns}\na/00.jpg,{','.join([word] * 40)}\n")
        with pytest.raises(PreparationError, match=f"expected the 40 attributes of CelebA as numbers .*{word}"):
            face_folders.plan(str(tmp_path / "in"), attributes=str(tmp_path / "a.csv"))
