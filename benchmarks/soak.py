"""Whether a long training grows: the slope of its resident memory after the first minutes.

Run:     python benchmarks/soak.py [--minutes 30] [--settling 5] [--limit 0.5] [--small_pages]
Does:    `train.py` on the smallest DFREC (tests/tiny.py), drawn faces, with logging, samples, validations and
         checkpoints every few steps; its resident memory is looked at every second, without pages of files (code of
         libraries), which a system drops and reads again as it likes. With `--small_pages` the kernel gives it no pages
         of 2 MiB (Linux): it makes and splits these by how crowded the machine is, and memory that the training never
         touched comes and goes with them.
Prints:  a line a minute, with what of it lies in pages of 2 MiB; then the slope of a straight line through all that was
         seen after `--settling` minutes, in MiB a minute and, which does not depend on how crowded the machine is, for
         each save; and that through the least of each minute, which is what is left after a save has given back what
         the steps before it had freed. Status 1 where the first is above the limit, or the training ended by itself.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).parent.parent
CONFIG = """
from tests import tiny

def get_config():
    config = tiny.config()
    config.train.num_steps, config.train.log_every = 10**8, 10
    config.train.validate_every, config.train.samples_every, config.checkpoint.every = EVERY, EVERY, EVERY
    return config
"""
EVERY = 50  # steps
PR_SET_THP_DISABLE = 41  # linux/prctl.h; a program that is begun in the process keeps it


def main() -> None:
    """Prints the slope."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--settling", type=float, default=5.0, help="minutes at the start that do not count")
    parser.add_argument("--limit", type=float, default=0.5, help="MiB a minute")
    parser.add_argument("--small_pages", action="store_true", help="without pages of 2 MiB")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        minutes, steps, resident = watched(
            Path(folder), arguments.minutes, _forbid_huge_pages if arguments.small_pages else None
        )
    counted = minutes > arguments.settling
    slope, saves = np.polyfit(minutes[counted], resident[counted], 1)[0], np.ptp(steps[counted]) / EVERY
    print(
        f"{slope:+.3f} MiB a minute after minute {arguments.settling:g}, over {counted.sum()} looks; from "
        f"{resident[counted][0]:.1f} to {resident[counted][-1]:.1f} MiB; the limit is {arguments.limit:g}"
    )
    least = np.array([resident[minutes // 1 == minute].min() for minute in np.unique(minutes[counted] // 1)])
    rise = np.polyfit(np.arange(len(least)), least, 1)[0] if len(least) > 1 else 0.0
    print(f"{rise:+.3f} MiB a minute by the least of each minute, {least.min():.1f} to {least.max():.1f} MiB")
    print(f"{1024 * slope * np.ptp(minutes[counted]) / max(saves, 1):+.1f} KiB for each of {saves:.0f} saves")
    sys.exit(0 if slope <= arguments.limit else 1)


def watched(
    folder: Path, wanted: float, prepare: Callable[[], None] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minutes since the first line of the log, and steps and MiB of resident memory then.

    `prepare` is called in the process of the training before it begins.
    """
    (folder / "config.py").write_text(CONFIG.replace("EVERY", str(EVERY)))
    workdir, log = folder / "run", folder / "run" / "metrics.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "train.py", f"--config={folder}/config.py", f"--workdir={workdir}"]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=said, stderr=said, preexec_fn=prepare
        )
        try:
            while process.poll() is None and not (log.exists() and log.stat().st_size):
                time.sleep(0.5)
            began, looks, told = time.monotonic(), [], 0
            while process.poll() is None and (minutes := (time.monotonic() - began) / 60) < wanted:
                step = int(log.read_text().rpartition('"step": ')[2].partition(",")[0])
                looks.append((minutes, step, _resident(process.pid)))
                if minutes >= told:
                    told += 1
                    huge = _huge(process.pid)
                    print(
                        f"minute {minutes:.0f}: step {step}, {looks[-1][2]:.1f} MiB, {huge:.1f} of it huge", flush=True
                    )
                time.sleep(1)
            if process.poll() is not None:
                sys.exit(f"it ended by itself, with {process.returncode}:\n{(folder / 'said').read_text()[-2000:]}")
        finally:
            process.kill()
            process.wait()
    minutes, steps, resident = np.array(looks).T
    return minutes, steps, resident


def _forbid_huge_pages() -> None:
    if ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0):
        raise OSError("the kernel does not let a process do without huge pages")


def _resident(process: int) -> float:
    """MiB of resident memory that no file holds."""
    return _said_of(process, "status", "RssAnon")


def _huge(process: int) -> float:
    """MiB of that in pages of 2 MiB."""
    return _said_of(process, "smaps_rollup", "AnonHugePages")


def _said_of(process: int, file: str, name: str) -> float:
    for line in Path(f"/proc/{process}/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"/proc/{process}/{file} says nothing of {name}")


if __name__ == "__main__":
    main()
