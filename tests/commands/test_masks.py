"""`dfrec masks` on the command line."""

import pytest

from dfrec_jax import cli


def called(*words):
    with pytest.raises(SystemExit) as ended:
        cli.main(["masks", *map(str, words)])
    return ended.value.code


def test_masks_of_a_data_set(prepared, tmp_path, capsys):
    words = ("--dataset", "faces", "--data-dir", prepared, "--size", 48, "--examples", 3, "--hole", 1)
    assert called(*words, "--out", tmp_path / "out") == 0
    written = tmp_path / "out" / prepared.name  # a folder for each data set, by its name
    assert capsys.readouterr().out.strip() == str(written)
    assert len(list((written / "masks").iterdir())) == 3


def test_bad_input_is_one_line(tmp_path, capsys):
    assert called("--out", tmp_path) == 2
    assert capsys.readouterr().err.startswith("error: --workdir=RUN or --dataset=NAME")
    assert called("--out", tmp_path, "--workdir", tmp_path / "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err
