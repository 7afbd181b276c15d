"""Rows of pictures that another program made: whose cells they fill, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.commands import evaluate as evaluation
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.request import Request
from dfrec_jax.paper import recovered_pictures, tables_of_runs
from dfrec_jax.reports import cells, figures
from tests import tiny
from tests.paper.workdirs import pictures_of_another_program, run


def test_pictures_of_another_program_fill_a_row_by_the_numbers_of_the_examples(tmp_path, made_up):
    pictures_of_another_program(tmp_path / "mat")
    pictures_of_another_program(tmp_path / "mine", [*range(1, 16), 0])
    rows = [f"MAT={tmp_path / 'mat'}", f"mine={tmp_path / 'mine'}"]
    text = tables_of_runs.evaluate([run(tmp_path / "a")], "1", "", Request(examples=16), rows=rows)
    table = cells.read(tmp_path / "a" / "results" / "table_1.json")
    found = {(cell.row, cell.column, cell.metric): cell for cell in table.cells}
    mat, mine = (found[row, "leak .1-.25", "idsim"] for row in ("MAT", "mine"))
    assert mat.value == pytest.approx(1, abs=1e-6) and mine.value < 0.99 and mat.n == mine.n == 8
    assert mat.paper == 0.3928 and mine.paper is None and table.rows[-1] == "mine"
    assert (mat.run, mat.step, mat.pictures) == (str(tmp_path / "mat"), 0, "embedded-leak-0.1-to-0.25")
    one = recovered_pictures.read_example(tmp_path / "mat" / mat.pictures, 8, 9)
    np.testing.assert_array_equal(one["target"], tiny.batch(8, seed=8)["target"][1], "as what a run recovered is read")
    lacking = found["MAT", "leak 0-.1", "idsim"]
    assert lacking.value is None and "mat has no folder embedded-leak-0-to-0.1" in lacking.reason
    assert "| mine | " in text
    caption = " ".join(figures.read(tmp_path / "a" / "results" / "cases.json").caption)
    assert f"{tmp_path / 'a'} at step 7." in caption and "mat" not in caption, "whose cases are shown, and no other's"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "000003.png").unlink(), r"000000.png to 000015.png.*: 1 missing \(000003.png\)$"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], r"16 missing \(000000.png, .*png, ...\)"),
        (lambda folder: (folder / "000016.png").write_bytes(b""), r": 1 of no example \(000016.png\)$"),
        (lambda folder: Image.new("RGB", (8, 9)).save(folder / "000002.png"), "1 of another kind .000002.png is 8 x 9"),
        (lambda folder: Image.new("L", (32, 32)).save(folder / "000002.png"), "000002.png has the channels L"),
        (lambda folder: (folder / "000002.png").write_bytes(b"torn"), "000002.png cannot be read"),
    ],
)  # fmt: skip
def test_pictures_that_are_not_those_of_the_examples_are_counted_and_named(tmp_path, made_up, change, message):
    change(pictures_of_another_program(tmp_path / "mat"))
    with pytest.raises(ConfigError, match=message):
        tables_of_runs.evaluate([run(tmp_path / "a")], "1", "", Request(examples=16), rows=[f"MAT={tmp_path / 'mat'}"])
    assert not made_up, "and nothing was measured"


def test_the_faults_of_all_columns_and_rows_are_one_error(tmp_path, made_up):
    for attack in ("0-to-0.1", "0.25-to-0.4"):
        (pictures_of_another_program(tmp_path / "mat", attack=attack) / "000005.png").unlink()
    (pictures_of_another_program(tmp_path / "lama") / "000007.png").unlink()
    rows = [f"{name}={tmp_path / name}" for name in ("mat", "lama")]
    with pytest.raises(ConfigError) as refused:
        tables_of_runs.evaluate([run(tmp_path / "a")], "1", "", Request(examples=16), rows=rows)
    assert str(refused.value).count("1 missing (000005.png)") == 2 and "1 missing (000007.png)" in str(refused.value)
    assert not made_up


def test_rows_of_pictures_that_cannot_be(tmp_path, made_up):
    one, folder = run(tmp_path / "a"), tmp_path / "mat"
    pictures_of_another_program(folder)

    def refused(message, *rows, table="1"):
        with pytest.raises(ConfigError, match=message):
            tables_of_runs.evaluate([one], table, "", Request(examples=16), rows=rows)

    refused("--row=MAT: must be NAME=DIR", "MAT")
    refused("--row=MAT=/nowhere: /nowhere is no folder", "MAT=/nowhere")
    refused("MAT is given twice", f"MAT={folder}", f"MAT={tmp_path}")
    refused("the row None is the input itself", f"None={folder}")
    refused("/a is DFREC too", f"DFREC={folder}")
    refused("such a row stands in tables 1 and 3 and in figures 3 to 5 alone", f"MAT={folder}", table="2")
    refused("holds none of the folders embedded-leak-0.1-to-0.25, .*one for the pictures", f"MAT={tmp_path}")
    with pytest.raises(ConfigError, match="--row=MAT=x: goes with a table"):
        evaluation.asked("w", "", "", "", False, "", Request(), ["MAT=x"])
    assert not made_up
