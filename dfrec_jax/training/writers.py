"""Where the log of a run goes, by the interface of `clu.metric_writers`: JSON lines, and files for TensorBoard.

clu's own writers stand in a package that imports TensorFlow and tensorboard. Where both are installed its
`SummaryWriter` writes for TensorBoard, and otherwise one of ours by tensorboardX; the run calls either alike.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from tensorboardX import SummaryWriter

Scalars = Mapping[str, float | np.floating]


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
        self._file = open(path, "a")

    def write_scalars(self, step: int, scalars: Scalars) -> None:
        """One line; a killed process loses none that it has written."""
        self._file.write(json.dumps({"step": step, **{name: float(value) for name, value in scalars.items()}}) + "\n")
        self._file.flush()

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Each line is flushed as it is written."""

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class TensorboardX:
    """Files for TensorBoard without TensorFlow."""

    def __init__(self, folder: str | os.PathLike[str], start_step: int):
        self._writer = SummaryWriter(str(folder), purge_step=start_step + 1)

    def write_scalars(self, step: int, scalars: Scalars) -> None:
        """See `MetricWriter`."""
        for name, value in scalars.items():
            self._writer.add_scalar(name, float(value), step)

    def write_images(self, step: int, images: Mapping[str, Any]) -> None:
        """See `MetricWriter`."""
        for name, pictures in images.items():
            self._writer.add_images(name, np.asarray(pictures), step, dataformats="NHWC")

    def flush(self) -> None:
        """See `MetricWriter`."""
        self._writer.flush()

    def close(self) -> None:
        """See `MetricWriter`."""
        self._writer.close()


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
        """See `MetricWriter`."""
        for writer in self._writers:
            writer.close()


def for_tensorboard(folder: str | os.PathLike[str], start_step: int) -> MetricWriter:
    """clu's writer where TensorFlow and tensorboard are installed, ours otherwise.

    Ours has TensorBoard forget what an earlier process wrote of the steps after `start_step`; clu's writes them again,
    with the same values.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        from clu import metric_writers
    except ImportError:  # it imports TensorFlow
        return TensorboardX(folder, start_step)
    return metric_writers.SummaryWriter(str(folder))
