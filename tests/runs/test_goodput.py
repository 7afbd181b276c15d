"""What the lines of `timing.jsonl` say together."""

import json

import pytest

from dfrec_jax.runs import goodput


def _write(folder, *lines):
    (folder / "timing.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _line(step, time, begins_from=None, **seconds):
    return {"step": step, "time": time, "seconds": seconds} | ({} if begins_from is None else {"from": begins_from})


def test_by_hand(tmp_path):
    _write(
        tmp_path,
        _line(0, 1010.0, 0, starting=10.0),
        _line(5, 1040.0, compiling=20.0, stepping=10.0),
        _line(5, 1042.0, saving=2.0),  # the checkpoint that the next process goes on from
        _line(8, 1050.0, stepping=7.0, input=1.0),  # done again
        _line(5, 1080.0, 5, starting=20.0),  # began at 1060, ten seconds after the last sign of the first
        _line(10, 1100.0, compiling=6.0, stepping=12.0, validating=2.0),
    )
    account = goodput.read(tmp_path)
    assert account is not None and account.processes == 2 and account.step == 10
    want = {"stepping": 22, "compiling": 26, "starting": 30, "saving": 2, "validating": 2, "lost": 8, "down": 10}
    assert account.seconds == dict.fromkeys(goodput.KINDS, 0.0) | want
    assert account.total == account.clock == 100 and account.goodput == 0.22


def test_a_start_from_far_before_makes_all_later_steps_lost(tmp_path):
    _write(
        tmp_path,
        _line(0, 1.0, 0, starting=1.0),
        _line(4, 2.0, stepping=1.0),
        _line(4, 3.0, 4, starting=1.0),
        _line(9, 4.0, stepping=1.0),
        _line(2, 5.0, 2, starting=1.0),  # the checkpoint of step 4 was torn
    )
    account = goodput.read(tmp_path)
    # The second start is of step 4, which is done again as well.
    assert account is not None and account.seconds["lost"] == 3 and account.seconds["starting"] == 2


def test_a_clock_that_was_set_back_takes_no_time_away(tmp_path):
    _write(tmp_path, _line(0, 100.0, 0, starting=5.0), _line(0, 50.0, 0, starting=5.0))
    account = goodput.read(tmp_path)
    assert account is not None and account.total == 10 and account.seconds["down"] == 0


BAD = ('{"step": 2, "ti', "[1]", "null", '{"step": 1, "time": 2, "seconds": 3}', "[" * 100_000, "\0" * 40, "\xff")
BAD += ('{"step": 1, "time": NaN, "seconds": {}}', '{"step": 1e999, "time": 2, "seconds": {}}')


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_what_is_no_line_is_passed_over(tmp_path, bad):
    _write(tmp_path, _line(0, 100.0, 0, starting=5.0))
    with (tmp_path / "timing.jsonl").open("a", encoding="latin-1") as file:
        file.write(bad + "\n" + json.dumps(_line(1, 103.0, stepping=3.0)) + "\n")
    account = goodput.read(tmp_path)
    assert account is not None and account.total == 8


def test_a_run_of_a_version_without_it_has_none(tmp_path):
    assert goodput.read(tmp_path) is None
    _write(tmp_path, {"step": 25, "images_per_second": 7.9, "seconds_left": 859.5})
    assert goodput.read(tmp_path) is None
