"""A workdir that is made of a published file: there whole or not at all, and never over anything."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from dfrec_jax.files import whole
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights.rules import WeightsError


def check_free(workdir: Path) -> None:
    """Raises WeightsError for a workdir that holds something; an empty folder is as good as none."""
    try:
        is_taken = workdir.exists() and (not workdir.is_dir() or any(workdir.iterdir()))
    except OSError as error:
        raise WeightsError(f"--workdir={workdir}: cannot be read ({error.strerror or error})") from error
    if is_taken:
        is_run = (workdir / "config.json").exists()
        what = "it holds a run already" if is_run else "it is there already, and is no finished run"
        raise WeightsError(f"--workdir={workdir}: {what}; name another folder, or move it away")


@contextmanager
def filled(workdir: Path) -> Iterator[Path]:
    """A folder to fill, which is the workdir when the block ends. Raises WeightsError where it cannot be written."""
    try:
        with whole.new_folder(workdir) as unfinished:
            yield unfinished
    except (OSError, SafetensorError, CheckpointError) as error:
        raise WeightsError(f"--workdir={workdir}: cannot be written: {error}") from error
