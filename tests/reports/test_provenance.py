"""By which code a record was made."""

import subprocess

from dfrec_jax.reports import provenance


def test_the_commit_of_a_repository_and_whether_files_differ_from_it(tmp_path):
    def git(*words):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ["git", "-C", str(tmp_path), *identity, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert provenance.commit(tmp_path) == ""
    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "one")
    revision = git("rev-parse", "HEAD")
    assert provenance.commit(tmp_path) == revision
    (tmp_path / "file").write_text("2")
    assert provenance.commit(tmp_path) == f"{revision}, with changes"


def test_the_command_can_be_typed_again(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/evaluate.py", "--runs=a b", "--table=1"])
    made = provenance.made("1 of cpu")
    assert made["command"] == "python evaluate.py '--runs=a b' --table=1"
    assert made["device"] == "1 of cpu" and made["environment"]["jax"]


def test_a_command_of_dfrec_is_no_file_of_python(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/dfrec", "sweep", "tables.py:1"])
    assert provenance.made("1 of cpu")["command"] == "dfrec sweep tables.py:1"
