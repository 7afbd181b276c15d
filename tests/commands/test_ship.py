"""`dfrec ship`, on a network that was trained for no step."""

import pytest

from dfrec_jax import cli
from dfrec_jax.commands import ship
from dfrec_jax.runs import packed, trained
from tests import tiny_run


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    return tiny_run.make(tmp_path_factory.mktemp("run"))


def _ship(workdir, out, *words):
    with pytest.raises(SystemExit) as end:
        cli.main(["ship", "--workdir", str(workdir), "--out", str(out), "--licence", "Apache-2.0", *words])
    return end.value.code


@pytest.mark.slow  # it draws faces, and compiles the network
def test_a_run_is_packed_with_its_record(workdir, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ship, "COMPARED", 2)
    assert _ship(workdir, tmp_path / "packed", "--name", "mine", "--commit", "0123abc") == 0
    said = capsys.readouterr().out
    record = packed.read_record(tmp_path / "packed")
    assert f"SHA-256 {record.sha256}" in said and "step 7" in said and "2 pictures of the test split" in said
    assert (record.name, record.version, record.commit, record.licence) == ("mine", 1, "0123abc", "Apache-2.0")
    assert record.losses == {"embedded-a": "Apache-2.0 (comes with this package)"}
    assert len(record.data_digest) == 16 and "swaps of drawn faces" in record.data
    half = record.half_precision
    assert half["pictures"] == 2 and (half["same_patches"] == 0 or 0 < half["target_mean_levels"] < 1)
    assert trained.load(tmp_path / "packed").step == 7
    assert _ship(tmp_path / "packed", tmp_path / "twice", "--name", "mine", "--commit", "0123abc") == 2
    assert "is a packed network already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["--name", "../evil"], "--name='../evil': must be a-z, 0-9 and -"),
        (["--name", "mine", "--number", "0"], "--number=0: must be 1 or more"),
        (["--name", "mine", "--checkpoint", "8"], "--checkpoint=8: must be best, newest, or one of"),
    ],
)
def test_a_bad_word_is_refused(workdir, tmp_path, capsys, words, refusal):
    assert _ship(workdir, tmp_path / "out", *words) == 2
    assert refusal in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_code_of_no_commit_must_be_named(workdir, tmp_path, capsys, monkeypatch):
    for found in ("", "0123abc, with changes"):
        monkeypatch.setattr("dfrec_jax.reports.provenance.commit", lambda folder, found=found: found)
        assert _ship(workdir, tmp_path / "out", "--name", "mine") == 2
        assert "--commit: must be given" in capsys.readouterr().err and not (tmp_path / "out").exists()
