"""What `faults.py` runs: train.py on tiny configs whose faults come by a variable, and what two runs differ in."""

import functools
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

REPOSITORY = Path(__file__).parent.parent
STEPS = 24
NOTHING_ALIKE = 1 << 30  # bits
CONFIG = """
import itertools, os, time
import jax, jax.numpy as jnp
from dfrec_jax.data import pipeline
from dfrec_jax.training import loop, waiting
from dfrec_jax.training.step_metrics import of_step
from dfrec_jax.training.tasks import dfrec
from tests import tiny

FAULT = os.environ.get("FAULT", "")


def get_config():
    config = tiny.config()
    config.train.num_steps, config.train.validate_every, config.train.samples_every = STEPS, 6, 12
    config.checkpoint.every, config.checkpoint.keep = 3, 3
    if FAULT == "clock":  # an hour ahead, a day back, every fifth of a second
        now = time.time
        time.time = lambda: now() + (0.0, 3600.0, -86400.0, 7.0)[int(5 * time.monotonic()) % 4]
    if FAULT == "nan":
        make = dfrec.DfrecTask.make_step

        def make_spoiled(task, num_devices):
            step = make(task, num_devices)

            def spoiled(state, constants, batch):
                after, metrics = step(state, constants, batch)
                factor = jnp.where((state.step == 4) | (state.step == 9), jnp.nan, 1.0)
                params = jax.tree.map(lambda leaf: leaf * factor, after.params)
                found = metrics.compute()
                return after.replace(params=params), of_step(found | {"gradient_norm": found["gradient_norm"] * factor})

            return spoiled

        dfrec.DfrecTask.make_step = make_spoiled
    if FAULT == "stall":
        take, taken = pipeline.TrainBatches.__next__, itertools.count()

        def late(batches):
            time.sleep(3 if next(taken) == 4 else 0)
            return take(batches)

        pipeline.TrainBatches.__next__ = late
        loop.Waiting = lambda: waiting.Waiting(1.0)
    return config
""".replace("STEPS", str(STEPS))
ADDING_UP = """
import itertools
import jax.numpy as jnp
from dfrec_jax.data import pipeline
from dfrec_jax.training import run
from dfrec_jax.training.step_metrics import of_step
from tests import counting, tiny


class AddingUp(counting.Counting):
    def make_step(self, num_devices):
        def step(now, constants, batch):
            loss = sum(jnp.sum(jnp.float32(batch[name])) for name in ("image", "target", "landmarks", "example"))
            return now.replace(step=now.step + 1, params={"x": now.params["x"] * 0.5 + loss}), of_step({"loss": loss})

        return step

    def batches(self, start_step):
        return pipeline.batches_of_this_host(self.config, start_step)

    def fingerprint(self):
        return pipeline.fingerprint(self.config)


def get_config():
    run.TASKS["dfrec"] = AddingUp
    config = tiny.config()
    config.image_size, config.data.dataset, config.data.dir = 48, "faces", DATA
    config.train.num_steps, config.checkpoint.every = 8, 2
    config.data.num_threads, config.data.prefetch = 1, 1
    return config
"""


class Seen(NamedTuple):
    """Of one kind of fault.

    Attributes:
      rounds: how often it was tried.
      ended: runs that went on to their end.
      differing: bits in which those differ, together.
      refused: runs that were refused by a message that names the fault, and lost nothing by it.
      problems: whatever is neither.
      words: what was seen.
    """

    rounds: int
    ended: int
    differing: int
    refused: int
    problems: list[str]
    words: str = ""


class Bench:
    """Runs train.py in a folder, with programs compiled once."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.draws = folder, random.Random(seed)
        (folder / "config.py").write_text(CONFIG)
        quick = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"{quick} {os.environ.get('XLA_FLAGS', '')}",
            "JAX_COMPILATION_CACHE_DIR": str(folder / "programs"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }

    @functools.cached_property
    def seconds(self) -> float:
        """What the run that is left alone took; it is there afterwards."""
        took, workdir = self.folder / "seconds", self.folder / "whole"
        if not took.exists():  # of an earlier call in the same folder
            self.run(workdir)  # compiles
            shutil.rmtree(workdir)
            began = time.monotonic()
            status, said = self.run(workdir)
            if status:
                sys.exit(f"the run that is left alone ended with {status}:\n{said}")
            took.write_text(str(time.monotonic() - began))
        return float(took.read_text())

    @property
    def whole(self) -> Path:
        """The workdir of the run that is left alone."""
        assert self.seconds
        return self.folder / "whole"

    def start(
        self,
        workdir: Path,
        *flags: str,
        fault: str = "",
        most_bytes: int | None = None,
        within: Sequence[str] = (),
        config: str = "config.py",
    ) -> subprocess.Popen:
        """Starts it, by a command that begins with `within`; no file may grow beyond `most_bytes`."""
        train = [sys.executable, "train.py", f"--config={self.folder / config}", f"--workdir={workdir}", *flags]
        process = subprocess.Popen(
            [*within, *train],
            cwd=REPOSITORY,
            env={**self._environment, "FAULT": fault},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if most_bytes is not None:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        return process

    def run(self, workdir: Path, *flags: str, **how: Any) -> tuple[int, str]:
        """Status and what was said on stderr; see `start`."""
        process = self.start(workdir, *flags, **how)
        _, said = process.communicate(timeout=1800)
        return process.returncode, said

    def largest_file(self) -> int:
        """Bytes of the largest file that every checkpoint has; how it divides arrays over files is chance."""
        files = (path for path in (self.whole / "checkpoints").rglob("*") if path.is_file())
        return max(path.stat().st_size for path in files if path.parent.name != "d")

    def empty(self, name: str) -> Path:
        """A workdir in which nothing is left of an earlier call."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return self.folder / name

    def differing(self, workdir: Path, whole: Path | None = None) -> int:
        """Bits of the newest checkpoint and of the log that differ from those of the run that was left alone."""
        whole = whole or self.whole
        if not steps_of(workdir):
            return NOTHING_ALIKE
        return _differing(_arrays(workdir), _arrays(whole)) + _bits_of_files(
            workdir / "metrics.jsonl", whole / "metrics.jsonl"
        )


def lines_of(path: Path) -> int:
    """How many are whole; 0 where it is not there."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def steps_of(workdir: Path) -> list[int]:
    """Of its checkpoints."""
    folder = workdir / "checkpoints"
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdecimal()) if folder.exists() else []


def _arrays(workdir: Path) -> dict[str, np.ndarray]:
    """Every array of the newest checkpoint by its path, as it is stored."""
    import jax
    import orbax.checkpoint as ocp

    folder, found = workdir / "checkpoints" / str(max(steps_of(workdir))), {}
    for item in ("variables", "training"):
        handler = ocp.PyTreeCheckpointHandler()
        metadata = ocp.StandardCheckpointHandler().metadata(folder / item).tree
        as_arrays = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), metadata)
        tree = handler.restore(folder / item, args=ocp.args.PyTreeRestore(restore_args=as_arrays))
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
            found[item + jax.tree_util.keystr(path)] = np.asarray(leaf)
    return found


def _differing(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> int:
    if got.keys() != want.keys():
        return NOTHING_ALIKE
    return sum(_bits(got[name].tobytes(), want[name].tobytes()) for name in want)


def _bits_of_files(got: Path, want: Path) -> int:
    return _bits(got.read_bytes(), want.read_bytes())


def _bits(got: bytes, want: bytes) -> int:
    if len(got) != len(want):
        return 8 * max(len(got), len(want))
    return int(np.unpackbits(np.frombuffer(got, np.uint8) ^ np.frombuffer(want, np.uint8)).sum())
