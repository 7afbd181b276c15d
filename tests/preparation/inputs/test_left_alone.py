"""What is not read is said: hidden files, what a layout has no place for, rows that name nothing."""

from dfrec_jax.preparation.inputs import left_alone


def test_hidden_are_files_and_all_below_hidden_folders(tmp_path):
    assert [left_alone.is_hidden(name) for name in ("a/b.mp4", "a/._b.mp4", ".cache/b.mp4")] == [False, True, True]
    assert left_alone.note_of_hidden(["a", "b/c"]) == []
    assert left_alone.note_of_hidden(["a", ".b", "c/.d"])[0].startswith("2 hidden files, whose names begin with a dot")


def test_others_are_what_the_layout_does_not_know(tmp_path):
    for name in ("videos", "other", ".hidden"):
        (tmp_path / "in" / name).mkdir(parents=True)
    assert left_alone.others_in(tmp_path, "in", ["videos"]) == ["in/.hidden", "in/other"]
    assert left_alone.others_in(tmp_path, "", ()) == ["in"] and left_alone.others_in(tmp_path, "gone", ()) == []
    assert left_alone.note_of_others(["in/.hidden"]) == []
    (note,) = left_alone.note_of_others(map(str, range(10)))
    assert note == "not read, since the layout has no place for it: 0, 1, 2, 3, 4, 5, 6, 7 and 2 more"


def test_rows_of_a_table_that_name_nothing_are_counted():
    assert left_alone.note_of_unused_rows("t.csv", {"a", "b"}, ["a", "b", "c"], "pictures") == []
    assert left_alone.note_of_unused_rows("t.csv", {"a", "b", "d"}, ["a"], "pictures") == [
        "2 of the 3 pictures that t.csv names are not there (b, ...)"
    ]
