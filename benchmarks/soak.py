"""Whether a long training grows: the slope of its resident memory after the first minutes.

Run:     python benchmarks/soak.py [--minutes 30] [--settling 5] [--limit 0.5]
Does:    `train.py` on the smallest DFREC (tests/tiny.py), drawn faces, with logging, samples, validations and
         checkpoints every few steps; its resident memory is looked at every second, without pages of files (code of
         libraries), which a system drops and reads again as it likes.
Prints:  a line a minute; then the slope of a straight line through all that was seen after `--settling` minutes, in
         MiB a minute and, which does not depend on how crowded the machine is, for each save. Status 1 where the first
         is above the limit, or the training ended by itself.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
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


def main() -> None:
    """Prints the slope."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--settling", type=float, default=5.0, help="minutes at the start that do not count")
    parser.add_argument("--limit", type=float, default=0.5, help="MiB a minute")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        minutes, steps, resident = watched(Path(folder), arguments.minutes)
    counted = minutes > arguments.settling
    slope, saves = np.polyfit(minutes[counted], resident[counted], 1)[0], np.ptp(steps[counted]) / EVERY
    print(
        f"{slope:+.3f} MiB a minute after minute {arguments.settling:g}, over {counted.sum()} looks; from "
        f"{resident[counted][0]:.1f} to {resident[counted][-1]:.1f} MiB; the limit is {arguments.limit:g}"
    )
    print(f"{1024 * slope * np.ptp(minutes[counted]) / max(saves, 1):+.1f} KiB for each of {saves:.0f} saves")
    sys.exit(0 if slope <= arguments.limit else 1)


def watched(folder: Path, wanted: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minutes since the first line of the log, and steps and MiB of resident memory then."""
    (folder / "config.py").write_text(CONFIG.replace("EVERY", str(EVERY)))
    workdir, log = folder / "run", folder / "run" / "metrics.jsonl"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "train.py", f"--config={folder}/config.py", f"--workdir={workdir}"]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=said, stderr=said)
        try:
            while process.poll() is None and not (log.exists() and log.stat().st_size):
                time.sleep(0.5)
            began, looks, told = time.monotonic(), [], 0
            while process.poll() is None and (minutes := (time.monotonic() - began) / 60) < wanted:
                step = int(log.read_text().rpartition('"step": ')[2].partition(",")[0])
                looks.append((minutes, step, _resident(process.pid)))
                if minutes >= told:
                    told += 1
                    print(f"minute {minutes:.0f}: step {step}, {looks[-1][2]:.1f} MiB", flush=True)
                time.sleep(1)
            if process.poll() is not None:
                sys.exit(f"it ended by itself, with {process.returncode}:\n{(folder / 'said').read_text()[-2000:]}")
        finally:
            process.kill()
            process.wait()
    minutes, steps, resident = np.array(looks).T
    return minutes, steps, resident


def _resident(process: int) -> float:
    """MiB of resident memory that no file holds."""
    said = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(said["RssAnon"].split()[0]) / 1024


if __name__ == "__main__":
    main()
