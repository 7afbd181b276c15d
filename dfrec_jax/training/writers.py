"""Where the log of a run goes, by the interface of `clu.metric_writers`: JSON lines, and files for TensorBoard.

clu's own writers stand in a package that imports TensorFlow and tensorboard. Where both are installed its
`SummaryWriter` writes for TensorBoard, and otherwise one of ours by tensorboardX; the run calls either alike.

Either raises OSError at the line that a full disk has no room for: ours by the name of the file, clu's by the folder.
"""

import contextlib
import errno
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from tensorboardX import summary
from tensorboardX.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]
from tensorboardX.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
from tensorboardX.record_writer import RecordWriter

from dfrec_jax.files.disk import naming

Scalars = Mapping[str, float | np.floating]
FLUSH_SECONDS = 120  # of the files for TensorBoard: to have them on disk takes its time


@runtime_checkable
class MetricWriter(Protocol):
    """What is called of `clu.metric_writers.MetricWriter`."""

    def write_scalars(self, step: int, scalars: Scalars) -> None:
        """One value of each name at a step."""
        ...

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """Pictures, [n, h, w, c], uint8 or in [0, 1], by name."""
        ...

    def flush(self) -> None:
        """Has all that was written so far on disk."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class JsonLines:
    """One JSON object with `step` a line; pictures are nothing to it."""

    def __init__(self, path: str | os.PathLike[str]):
        self._path = path
        self._file = open(path, "a")

    def write_scalars(self, step: int, scalars: Scalars) -> None:
        """One line; a killed process loses none that it has written."""
        line = json.dumps({"step": step, **{name: float(value) for name, value in scalars.items()}})
        with naming(self._path):
            self._file.write(line + "\n")
            self._file.flush()

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Each line is flushed as it is written."""

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class TensorboardX:
    """Files for TensorBoard without TensorFlow.

    Not by tensorboardX's `SummaryWriter`: it writes in a thread, which a full disk ends, and some lines later whoever
    logs waits for that thread for ever.
    """

    def __init__(self, folder: str | os.PathLike[str], start_step: int):
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
        self._path = Path(folder) / name
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._records, self._flushed = RecordWriter(str(self._path)), time.monotonic()
        self._write(Event(file_version="brain.Event:2"))
        # What an earlier process wrote of later steps is forgotten.
        self._write(Event(step=start_step + 1, session_log=SessionLog(status=SessionLog.START)))
        self.flush()

    def write_scalars(self, step: int, scalars: Scalars) -> None:
        """See `MetricWriter`."""
        values = [value for name, number in scalars.items() for value in summary.scalar(name, float(number)).value]
        self._write(Event(step=step, summary=Summary(value=values)))

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """See `MetricWriter`."""
        for name, pictures in images.items():
            self._write(Event(step=step, summary=summary.image(name, np.asarray(pictures), dataformats="NHWC")))

    def flush(self) -> None:
        """See `MetricWriter`."""
        with naming(self._path):
            self._records.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """See `MetricWriter`."""
        with naming(self._path):
            self._records.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        with naming(self._path):
            self._records.write(event.SerializeToString())
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()


class OfClu:
    """A writer of clu's; what TensorFlow says of its files is an error of the system, as it is of ours."""

    def __init__(self, writer: MetricWriter, folder: str | os.PathLike[str]):
        self._writer, self._folder = writer, folder

    def write_scalars(self, step: int, scalars: Scalars) -> None:
        """See `MetricWriter`."""
        with self._as_of_the_system():
            self._writer.write_scalars(step, scalars)

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """See `MetricWriter`."""
        with self._as_of_the_system():
            self._writer.write_images(step, images)

    def flush(self) -> None:
        """See `MetricWriter`."""
        with self._as_of_the_system():
            self._writer.flush()

    def close(self) -> None:
        """See `MetricWriter`."""
        with self._as_of_the_system():
            self._writer.close()

    @contextlib.contextmanager
    def _as_of_the_system(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # TensorFlow's are of no common kind with others: `<file>; No space left on device`
            for code in errno.errorcode:
                if f"; {os.strerror(code)}" in str(error):
                    raise OSError(code, os.strerror(code), str(self._folder)) from error
            raise


class Several:
    """Each call goes to every one of some writers."""

    def __init__(self, writers: Sequence[MetricWriter]):
        self._writers = writers

    def write_scalars(self, step: int, scalars: Scalars) -> None:
        """See `MetricWriter`."""
        for writer in self._writers:
            writer.write_scalars(step, scalars)

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """See `MetricWriter`."""
        for writer in self._writers:
            writer.write_images(step, images)

    def flush(self) -> None:
        """See `MetricWriter`."""
        for writer in self._writers:
            writer.flush()

    def close(self) -> None:
        """See `MetricWriter`; all of them, also where one cannot write its last line."""
        with contextlib.ExitStack() as stack:
            for writer in self._writers:
                stack.callback(writer.close)


def for_tensorboard(folder: str | os.PathLike[str], start_step: int) -> MetricWriter:
    """clu's writer where TensorFlow and tensorboard are installed, ours otherwise.

    Ours has TensorBoard forget what an earlier process wrote of the steps after `start_step`; clu's writes them again,
    with the same values.
    """
    try:
        from clu import metric_writers
    except ImportError:  # it imports TensorFlow
        return TensorboardX(folder, start_step)
    Path(folder).mkdir(parents=True, exist_ok=True)
    return OfClu(metric_writers.SummaryWriter(str(folder)), folder)
