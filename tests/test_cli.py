"""How the programs end: status 2 and one line for bad input."""

import contextlib
import gc
import importlib.metadata
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from absl import flags

from dfrec_jax import cli
from dfrec_jax.commands import startup
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files.addresses import StoreError

REPOSITORY = Path(__file__).parent.parent


def _run(script, *arguments):
    return subprocess.run(
        [sys.executable, script, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config=configs/quickstart.py", "--config.loss.patches=1"], "patches"),
        (["--config=configs/quickstart.py", "--config.train.batch_size=many"], "many"),
        (
            ["--config=configs/quickstart.py", "--config.tirm.mask_ratio=2"],
            "tirm.mask_ratio=2.0: must be between 0 and 1",
        ),
        (["--config=configs/quickstart.py:large"], "takes no argument"),
        (["--config=configs/nowhere.py"], "nowhere"),
        (["--config=configs/quickstart.py", "--config.frozen.metric=vgg"], "vgg"),
        (["--conf=configs/quickstart.py"], "conf"),
        (["--config=configs/quickstart.py", "quickstart"], "quickstart: no word is expected beside the flags"),
    ],
)
def test_train_refuses_bad_input(tmp_path, arguments, words):
    workdir = tmp_path / "run"
    ended = _run("train.py", f"--workdir={workdir}", *arguments)
    assert ended.returncode == 2, ended.stderr
    assert words in ended.stderr
    assert ended.stderr.rstrip().splitlines()[-1].startswith("error: ")
    assert not workdir.exists()


def test_evaluate_refuses_a_missing_workdir(tmp_path):
    ended = _run("evaluate.py", f"--workdir={tmp_path / 'nowhere'}")
    assert ended.returncode == 2
    assert "there is no config.json in it" in ended.stderr


def test_evaluate_refuses_a_stray_word(tmp_path):
    ended = _run("evaluate.py", f"--workdir={tmp_path}", "best")
    assert ended.returncode == 2
    assert ended.stderr == "error: best: no word is expected beside the flags; was it meant as --flag=value?\n"


@pytest.mark.parametrize(("name", "is_told_of_fields"), [("config", True), ("seed", False)])
def test_only_a_program_with_a_config_speaks_of_its_fields(monkeypatch, name, is_told_of_fields):
    known = flags.FlagValues()
    flags.DEFINE_string(name, None, "", flag_values=known)
    monkeypatch.setattr(cli.flags, "FLAGS", known)
    with pytest.raises(ConfigError, match="'table'.*see --help") as refusal:
        cli._parse_flags(["program", "--table=all"])
    assert ("defaults.py" in str(refusal.value)) == is_told_of_fields


def _end(*arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    return end.value.code


def test_a_mistyped_command_is_refused_in_one_line(capsys):
    for arguments, words in (
        (["recvoer", "x.png"], "invalid choice: 'recvoer' (choose from "),
        (["recover", "x.png", "--workdir", "w", "--out", "o", "--sed", "1"], "unrecognized arguments: --sed 1"),
        (
            ["draw", "--out", "o", "--count", "many"],
            "argument --count: invalid int value: 'many' (see `dfrec draw --help`)",
        ),
    ):
        assert _end(*arguments) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: ") and words in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        "recover x.png --workdir s3://b/run --out o",
        "recover x.png --workdir w --out gs://b/o",
        "recover s3://b/x.png --workdir w --out o",
        "prepare faces --source s3://b/in --out o",
        "data audit s3://b/faces",
        "export --workdir w --out s3://b/exported",
        "trace index people --out s3://b/gallery",
    ],
)
def test_an_address_for_a_folder_is_refused_before_anything_is_written(capsys, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert _end(*words.split()) == 2
    err = capsys.readouterr().err
    assert "must be a file or folder of this machine" in err and "docs/data.md" in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["recover", "", "--workdir", "w", "--out", "o"], "an empty word (after `recover`)"),
        (["recover", "a.png", "--workdir", "", "--out", "o"], "--workdir: an empty word"),
        (["recover", "a.png", "--workdir", "w", "--out", "o", "--report", "--sign="], "--sign: an empty word"),
        (["serve", "--workdir", "w", "--gallery", ""], "--gallery: an empty word"),
        (["serve", "--workdir", "w", "--host", ""], "--host: an empty word"),
        (["masks", "--workdir", "w", "--out="], "--out: an empty word"),
        (["sweep", "configs/sweeps/tables.py:1", "--base", "", "--out", "o"], "--base: an empty word"),
        (["draw", "--out", ""], "--out: an empty word"),
        (["verify", "", "--no-rerun"], "an empty word (after `verify`)"),
        (["verify", "r", "--key", ""], "--key: an empty word"),
        (["trace", "search", "a.png", "--gallery", "g", "--out", "o", "--visible", "r.png", ""], "an empty word"),
    ],
)
def test_what_a_variable_of_the_shell_left_empty_is_not_taken_for_nothing(capsys, tmp_path, monkeypatch, words, told):
    """`--sign "$KEY"` of no KEY must not leave a report unsigned, nor `recover "$PICTURE"` recover the folder here."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    err = capsys.readouterr().err
    assert end.value.code == 2 and told in err and "is a variable of the shell not set?" in err
    assert err.count("error: ") == 1 and not list(tmp_path.iterdir())


def test_words_of_a_case_may_be_empty():
    cli._refuse_empty(["recover", "a.png", "--operator", "", "--case=", "--out", "o"])


def test_words_that_are_no_file_may_be_addresses(capsys, tmp_path):
    words = ["recover", "x.png", "--workdir", str(tmp_path), "--out", str(tmp_path), "--report"]
    assert _end(*words, "--case", "s3://evidence/x.png", "--acquisition", "s3://evidence, of 3 May") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and "s3://" not in err  # what lacks is a run in the folder


@pytest.mark.parametrize(("name", "is_refused"), [("workdir", True), ("runs", True), ("data_dir", False)])
def test_a_flag_for_a_folder_takes_no_address(monkeypatch, name, is_refused):
    known = flags.FlagValues()
    flags.DEFINE_string(name, None, "", flag_values=known)
    flags.DEFINE_string("verbosity", None, "", flag_values=known)
    monkeypatch.setattr(cli.flags, "FLAGS", known)
    monkeypatch.setattr(startup, "prepare_libraries", lambda: None)
    with pytest.raises(StoreError, match=f"--{name}=s3://b/run: must be") if is_refused else contextlib.nullcontext():
        cli._parse_flags(["program", f"--{name}=s3://b/run"])


def test_the_version_is_said(capsys):
    assert _end("--version") == 0
    assert capsys.readouterr().out == f"dfrec {importlib.metadata.version('dfrec-jax')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_completes_the_commands(capsys, shell):
    assert _end("--print-completion", shell) == 0
    completion = capsys.readouterr().out
    assert "recover" in completion and "weights" in completion


def _raise(error):
    raise error


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (PermissionError(13, "Permission denied", "/there/x.json"), 2, "error: /there/x.json: Permission denied\n"),
        (OSError(18, "Invalid cross-device link", "a", None, "b"), 2, "error: a and b: Invalid cross-device link\n"),
        (OSError(28, "No space left on device"), 2, "error: a file or standard output: No space left on device\n"),
        (KeyboardInterrupt(), 130, "\nstopped\n"),
        (RuntimeError("Unable to initialize backend 'tpu': none"), 2, "dfrec doctor"),
    ],
)
def test_what_the_machine_refuses_is_one_line(capsys, error, status, words):
    assert cli._refusing(lambda: _raise(error)) == status
    assert words in capsys.readouterr().err


def _end_in_shell(redirected, work):
    """Of a program that does `work`, a line of Python, with its streams as the shell is told."""
    program = f"from dfrec_jax import cli; cli._end_as_a_program(lambda: {work})"
    command = f"{sys.executable} -c {shlex.quote(program)} {redirected}"
    # As in a locale of one's own: in Python's C locale bytes that are no text are let through.
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict", "PYTHONUNBUFFERED": ""}
    return subprocess.run(command, shell=True, cwd=REPOSITORY, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error_and_no_file_takes_its_place(tmp_path, closed):
    path = tmp_path / "x.txt"
    work = f"[print('said', file=open({str(path)!r}, 'w')), print('no'), __import__('os').write(1, b'no')] and None"
    ended = _end_in_shell(closed, work)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert path.read_text() == "said\n"


@pytest.mark.parametrize("work", ["print('x')", "print('x') or __import__('sys').exit(0)"])
def test_output_that_cannot_be_written_is_refused_once(work):
    ended = _end_in_shell("> /dev/full", work)
    assert (ended.returncode, ended.stderr) == (2, "error: standard output: No space left on device\n")


def test_a_name_that_the_terminal_cannot_show_is_escaped():
    ended = _end_in_shell("", r"print('a\udcff')")
    assert (ended.returncode, ended.stdout) == (0, "a\\udcff\n")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("'tirms'"), "the config has no field tirms"),
        (AttributeError(repr("'mask_rat'\nDid you mean \"mask_ratio\"?")), "'mask_rat' Did you mean \"mask_ratio\"?"),
        (
            ValueError("It failed [Errno 2] No such file or directory: 'configs/x.py'"),
            "--config=configs/x.py: no such file",
        ),
        (ValueError("In it\n  Traceback (most recent call last):\n  File x\nTypeError: told"), "In it TypeError: told"),
    ],
)
def test_a_flag_is_refused_without_a_traceback(error, words):
    assert cli._words_of(error) == words


@pytest.mark.parametrize("error", [OSError("of a library's own"), ValueError("a fault"), RuntimeError("another")])
def test_a_fault_of_the_program_keeps_its_traceback(error):
    with pytest.raises(type(error), match=str(error)):
        cli._refusing(lambda: _raise(error))


def test_ctrl_c_leaves_when_all_that_waits_for_the_end_has_run():
    program = "import atexit; from dfrec_jax import cli; import signal\n"
    program += "def work(argv):\n    atexit.register(print, 'closed')\n    signal.raise_signal(signal.SIGINT)\n"
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}cli.run_app(work)"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "closed\n", "\nstopped\n")


def test_ctrl_c_in_a_garbage_collection_is_heard(monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", cli.repeating_ctrl_c(reported.append))
    told = []

    def called_back(phase, about):  # as JAX is
        if not told:
            told.append(phase)
            signal.raise_signal(signal.SIGINT)

    gc.callbacks.append(called_back)
    try:
        with pytest.raises(KeyboardInterrupt):
            gc.collect()
            time.sleep(3)
    finally:
        gc.callbacks.remove(called_back)
    assert told == ["start"] and not reported


def test_other_errors_that_nobody_can_catch_are_reported(monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", cli.repeating_ctrl_c(lambda about: reported.append(about.exc_type)))

    class Failing:
        def __del__(self):
            raise ValueError("in the end")

    Failing()
    assert reported == [ValueError]


def test_a_program_begins_before_it_imports_what_takes_seconds():
    program = "import sys; from dfrec_jax import cli; print({'jax', 'numpy', 'orbax'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.stdout == "set()\n"  # Ctrl-C meanwhile would be a page of traceback


def test_home_is_found_in_every_flag(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert _end("draw", "--out=~/drawn", "--count", "1", "--size=16") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["drawn"]


def test_a_folder_that_is_a_file_is_refused_by_its_name(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert _end("draw", "--out", str(tmp_path / "file"), "--count", "1", "--size=16") == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'file'}: File exists\n"


def test_draw_writes_pictures(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["draw", "--out", str(tmp_path), "--count", "2", "--size", "32"])
    assert end.value.code == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / f"test-{i:04d}.png") for i in range(2)]
    with pytest.raises(SystemExit) as end:
        cli.main(["draw", "--out", str(tmp_path / "none"), "--count", "0"])
    assert end.value.code == 2
    assert _end("draw", "--out", str(tmp_path / "none"), "--size", "100000") == 2
    assert "--size=100000: must be from 16 to 2048 pixels" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_reader_that_has_had_enough_is_no_error():
    listing = subprocess.Popen(
        [sys.executable, "-c", "from dfrec_jax import cli; cli.main(['weights', 'list'])"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    listing.stdout.close()
    assert listing.stderr.read() == ""
    assert listing.wait(timeout=120) == cli.BROKEN_PIPE
    listing.stderr.close()


@pytest.mark.parametrize(("arguments", "is_heard"), [((), False), (("--verbosity=0",), True)])
def test_libraries_speak_only_when_asked(arguments, is_heard):
    program = "from absl import logging; from dfrec_jax import cli; cli.run_app(lambda argv: logging.info('a page'))"
    ended = subprocess.run([sys.executable, "-c", program, *arguments], cwd=REPOSITORY, capture_output=True, text=True)
    assert ended.returncode == 0
    assert ("a page" in ended.stderr) == is_heard


def test_the_module_is_the_program():
    ended = _run("-m", "dfrec_jax.cli", "runs", "show", "nowhere")
    assert ended.returncode == 2 and ended.stderr.startswith("error: --workdir=nowhere: there is no config.json in it")
