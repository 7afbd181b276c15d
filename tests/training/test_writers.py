"""Where the log of a run goes: clu's writers where they can be had, ours with the same calls otherwise."""

import errno
import inspect
import json
import os
import sys
import types

import numpy as np
import pytest
from tensorboardX.proto import event_pb2

from dfrec_jax.training import log, writers

OURS = (writers.JsonLines, writers.TensorboardX, writers.OfClu, writers.Several)


@pytest.fixture
def clus_interface():
    """clu's abstract class, from its file: the package around it imports TensorFlow."""
    import importlib.util

    folder = importlib.util.find_spec("clu").submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location("interface", f"{folder}/metric_writers/interface.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MetricWriter


@pytest.mark.parametrize("ours", OURS)
def test_ours_have_clus_names_and_arguments(ours, clus_interface):
    for name in ("write_scalars", "write_images", "flush", "close"):
        got, want = (list(inspect.signature(getattr(each, name)).parameters) for each in (ours, clus_interface))
        assert got == want, name


def _events(folder):
    """Of TensorBoard's files: (step, tag)."""
    found = []
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        while content:
            length = int.from_bytes(content[:8], "little")
            event = event_pb2.Event.FromString(content[12 : 12 + length])
            found += [(event.step, value.tag) for value in event.summary.value]
            content = content[16 + length :]
    return found


def test_several_write_scalars_and_pictures(tmp_path):
    both = writers.Several(
        [writers.JsonLines(tmp_path / "metrics.jsonl"), writers.TensorboardX(tmp_path / "tensorboard", 0)]
    )
    both.write_scalars(1, {"loss": np.float32(0.5)})
    both.write_images(1, {"samples": np.zeros((1, 8, 8, 3), np.uint8)})
    both.flush()
    both.close()
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {"step": 1, "loss": 0.5}
    assert _events(tmp_path / "tensorboard") == [(1, "loss"), (1, "samples")]


class ClusWriter:
    """Fails at each call as TensorFlow does."""

    def __init__(self, logdir):
        self._file = f"{logdir}/events.v2"

    def _fail(self, *_):
        raise Exception(f"{{{{node WriteSummary}}}} {self._file}; {self.words}\n\tFailed to flush [Op:WriteSummary]")

    write_scalars = write_images = _fail

    def flush(self):
        self._fail()

    close = flush


@pytest.fixture
def clus(tmp_path, monkeypatch):
    package = types.ModuleType("clu.metric_writers")
    package.SummaryWriter = ClusWriter
    monkeypatch.setitem(sys.modules, "clu.metric_writers", package)
    monkeypatch.setattr("clu.metric_writers", package, raising=False)
    return writers.for_tensorboard(tmp_path / "tensorboard", 0)


@pytest.mark.parametrize("call", ["write_scalars", "write_images", "flush", "close"])
def test_clus_writer_is_taken_where_it_can_be_imported_and_fails_as_ours(clus, tmp_path, monkeypatch, call):
    arguments = (1, {}) if call.startswith("write") else ()
    monkeypatch.setattr(ClusWriter, "words", os.strerror(errno.EDQUOT), raising=False)
    with pytest.raises(OSError) as caught:
        getattr(clus, call)(*arguments)
    assert (caught.value.errno, caught.value.filename) == (errno.EDQUOT, str(tmp_path / "tensorboard"))
    monkeypatch.setattr(ClusWriter, "words", "an error that is no system's")
    with pytest.raises(Exception, match="an error that is no system's") as caught:
        getattr(clus, call)(*arguments)
    assert not isinstance(caught.value, OSError)


def test_clus_own_writer(tmp_path):
    pytest.importorskip("tensorflow", reason="the extra tf is not installed: clu's own writers need it")
    pytest.importorskip("tensorboard", reason="the extra tf is not installed: clu's own writers need it")
    writer = writers.for_tensorboard(tmp_path / "tensorboard", 0)
    writer.write_scalars(1, {"loss": 0.5})
    writer.write_images(1, {"samples": np.zeros((1, 8, 8, 3), np.uint8)})
    writer.close()
    assert isinstance(writer, writers.OfClu) and list((tmp_path / "tensorboard").iterdir())


@pytest.mark.parametrize("kind", ["metrics.jsonl", "tensorboard"])
def test_a_full_disk_is_said_at_once_by_the_name_of_the_file(disk, kind):
    path = disk.seen / kind
    writer = writers.JsonLines(path) if kind == "metrics.jsonl" else writers.for_tensorboard(path, 0)
    writer.write_scalars(1, {"loss": 0.5})
    disk.leave(0)
    with pytest.raises(OSError) as caught:
        for step in range(2, 10_000):  # the last block of the file has some room left
            writer.write_scalars(step, {f"term_{number}": 0.5 for number in range(20)})
    assert caught.value.errno == errno.ENOSPC and str(caught.value.filename).startswith(str(path))
    if isinstance(writer, writers.OfClu):
        writer.close()  # TensorFlow says so once, and nothing when it closes
    else:
        with pytest.raises(OSError):
            writer.close()


def test_what_ends_a_run_on_a_full_disk_is_not_hidden_by_its_log(disk):
    with pytest.raises(ZeroDivisionError), log.RunLog(disk.seen, 0, is_writer=True) as run_log:
        run_log.scalars(1, {"loss": 0.5})
        disk.leave(0)
        with pytest.raises(OSError):
            for step in range(2, 10_000):
                run_log.scalars(step, {f"term_{number}": 0.5 for number in range(20)})
        raise ZeroDivisionError
    disk.empty()
    log.cut_after(disk.seen / "metrics.jsonl", 1)
    assert json.loads((disk.seen / "metrics.jsonl").read_text()) == {"step": 1, "loss": 0.5}
