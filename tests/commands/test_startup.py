"""What every program does before its work."""

import logging
import subprocess
import sys

import jax
import pytest

from dfrec_jax.commands import startup
from dfrec_jax.config.errors import ConfigError

OFF = {"DFREC_COMPILE_CACHE": "off"}


def test_home_stands_where_a_path_begins(monkeypatch):
    monkeypatch.setenv("HOME", "/home/her")
    given = ["recover", "~/a.png", "--out=~/x", "--config.data.dir=~/a,~/b", "--name=a~b", "--out", "~", "./~/c"]
    expanded = ["recover", "/home/her/a.png", "--out=/home/her/x", "--config.data.dir=/home/her/a,/home/her/b"]
    assert startup.expand_home(given) == [*expanded, "--name=a~b", "--out", "/home/her", "./~/c"]


@pytest.mark.parametrize("platforms", ["", "cpu", "cuda,cpu", "cpu,tpu"])
def test_the_cpu_is_among_the_platforms(platforms):
    startup.check_platforms(platforms)


def test_platforms_without_the_cpu_are_refused():
    with pytest.raises(ConfigError, match="JAX_PLATFORMS=cuda: must name the cpu too.*JAX_PLATFORMS=cuda,cpu"):
        startup.check_platforms("cuda")


def test_a_known_notice_is_kept_off_the_screen_and_nothing_else(caplog, monkeypatch):
    logger = logging.getLogger("absl")
    monkeypatch.setattr(logger, "filters", [])
    startup.hush()
    startup.hush()
    assert len(logger.filters) == 1
    logger.warning("Requested `tracked_metric`; did not provide metrics.")
    logger.warning("A checkpoint is torn.")
    logger.error("Requested something else")
    assert [record.message for record in caplog.records] == ["A checkpoint is torn.", "Requested something else"]


@pytest.fixture
def updates(monkeypatch):
    """What would be set in JAX's configuration."""
    found = {}
    monkeypatch.setattr(jax.config, "update", found.__setitem__)
    monkeypatch.delenv("DFREC_COMPILE_CACHE", raising=False)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    return found


def test_compiled_programs_are_kept_in_the_users_cache(updates, tmp_path, monkeypatch):
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path))
    startup.keep_compiled()
    assert updates["jax_compilation_cache_dir"].startswith(str(tmp_path / "compiled"))
    assert updates["jax_compilation_cache_max_size"] == startup.CACHE_BYTES


def test_programs_for_other_numbers_of_cores_are_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path))
    folders = set()
    for cores in ({0}, {0, 1}, {2, 3}):
        monkeypatch.setattr("os.sched_getaffinity", lambda process, cores=cores: cores, raising=False)
        folders.add(startup.compiled_dir())
    assert len(folders) == 2, "XLA splits a program over the cores that compile it, and its key does not say how many"


def test_an_entry_that_was_cut_short_is_dropped(updates, tmp_path, monkeypatch):
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path))
    folder = startup.compiled_dir()
    folder.mkdir(parents=True)
    for name in ("whole-cache", "whole-atime", "torn-cache"):
        (folder / name).write_bytes(b"x")
    startup.keep_compiled()
    assert {path.name for path in folder.iterdir()} - {".lockfile"} == {"whole-cache", "whole-atime"}


def test_the_users_word_on_the_cache_of_compiled_programs_holds(updates, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path))
    monkeypatch.setenv("DFREC_COMPILE_CACHE", "off")
    startup.keep_compiled()
    monkeypatch.setenv("DFREC_COMPILE_CACHE", "no")
    with pytest.raises(ConfigError, match="DFREC_COMPILE_CACHE=no: must be on or off"):
        startup.keep_compiled()
    monkeypatch.setenv("DFREC_COMPILE_CACHE", "on")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "theirs"))
    startup.keep_compiled()
    assert not updates and not list(tmp_path.iterdir())


def test_a_cache_that_cannot_be_written_is_said_and_done_without(updates, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "file"))
    startup.keep_compiled()
    assert not updates
    assert "note: compiled programs are not kept: " in capsys.readouterr().err


def test_xla_hears_of_its_level_before_jax_is_imported():
    program = "import os; from dfrec_jax import cli; cli.run_app(lambda _: print(os.environ['TF_CPP_MIN_LOG_LEVEL']))"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={"PATH": "/usr/bin", **OFF}
    )
    assert ended.stdout == "3\n", ended.stderr  # jax itself would have said 1
