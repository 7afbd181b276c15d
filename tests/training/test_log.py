"""The files that a run writes of itself."""

import json

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.training.log import Progress, RunLog, cut_after, set_aside


def _steps(path):
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_lines_after_the_restored_step_are_cut(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 2, "validation_idsim": 0.1}\n{"step": 3}\n')
    cut_after(path, 2)
    assert _steps(path) == [1, 2, 2]
    cut_after(tmp_path / "absent.jsonl", 2)  # a fresh run


@pytest.mark.parametrize("torn", ['{"step": 2, "lo', '{"step": 2}'])  # without a newline the line may be torn too
def test_a_torn_last_line_is_cut(tmp_path, torn):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n' + torn)
    cut_after(path, 9)
    assert _steps(path) == [1]


BAD = (b"\xff\xfe", b"3", b"null", b'{"loss": 1}', b'{"step": "x"}', b'{"step": null}', bytes(40))


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_line_of_a_run_is_dropped_wherever_it_stands(tmp_path, bad):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n' + bad + b'\n{"step": 2}\n')
    cut_after(path, 9)
    assert _steps(path) == [1, 2]


def test_each_line_is_one_json_object(tmp_path):
    with RunLog(tmp_path, 0, is_writer=True) as log:
        log.scalars(1, {"loss": np.float32(0.5)})
        log.picture(1, Image.new("RGB", (8, 8)))
        assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {"step": 1, "loss": 0.5}  # before it is closed
    with Image.open(tmp_path / "samples" / "0000001.png") as picture:
        assert picture.size == (8, 8)
    assert list((tmp_path / "tensorboard").iterdir())
    with RunLog(tmp_path, 0, is_writer=True) as log:
        log.scalars(1, {"loss": 0.25})
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1, "loss": 0.25}\n'


def test_a_start_at_step_0_keeps_the_log_of_an_earlier_one(tmp_path, capsys):
    assert set_aside(tmp_path) is None
    (tmp_path / "timing.jsonl").write_text("kept\n")  # all that time was the run's
    for loss in (0.5, 0.25, 0.125):
        with RunLog(tmp_path, 0, is_writer=True) as log:
            log.scalars(1, {"loss": loss})
            log.picture(1, Image.new("RGB", (8, 8)))
    said = capsys.readouterr().err
    for number, loss in ((1, 0.5), (2, 0.25)):
        earlier = tmp_path / "earlier_logs" / str(number)
        assert json.loads((earlier / "metrics.jsonl").read_text()) == {"step": 1, "loss": loss}
        assert sorted(path.name for path in earlier.iterdir()) == ["metrics.jsonl", "samples", "tensorboard"]
        assert f"starting at step 0; the log of an earlier start is kept in {earlier}\n" in said
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {"step": 1, "loss": 0.125}
    assert (tmp_path / "timing.jsonl").read_text() == "kept\n"


def test_only_the_first_process_writes(tmp_path):
    with RunLog(tmp_path / "run", 0, is_writer=False) as log:
        log.scalars(1, {"loss": 0.5})
    assert not (tmp_path / "run").exists()


def test_progress_names_step_terms_rate_and_time_left(capsys):
    progress = Progress(10, 20, 4, is_shown=True)
    rates = progress.rates(15)
    assert rates["seconds_left"] * rates["images_per_second"] == pytest.approx(20)
    progress.show(
        15, {"loss": 1.0, "loss_patch": 0.25, "mean_map_forged": 0.5}, {"images_per_second": 8.0, "seconds_left": 61.0}
    )
    assert capsys.readouterr().err == "step 15/20  loss 1.000  patch 0.250  8.0 images/s  00:01:01 left\n"


def test_the_first_step_is_said_to_be_compiled(capsys):
    progress = Progress(4, 10, 8, is_shown=True)
    for step in (5, 6):
        with progress.compiling(step):
            pass
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and said[0].startswith("compiling the step") and said[1] == "compiled in 00:00:00"
