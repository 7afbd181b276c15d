"""Images a second of training on this CPU, with and without huge pages: `python benchmarks/huge_pages.py`.

Each run is `train.py --config=configs/quickstart.py` in a process of its own that compiles its step anew, since it is
the memory that a compilation leaves behind on which the steps after it depend. An idle machine, please: a run takes
two minutes.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from dfrec_jax.commands import huge_pages

REPOSITORY = Path(__file__).parent.parent


def images_a_second(tunables: str, steps: int) -> float:
    """The median over a fresh run's log lines, without the first, in which the step is compiled."""
    with tempfile.TemporaryDirectory() as folder:
        program = subprocess.run(
            [
                *(sys.executable, "train.py", "--config=configs/quickstart.py", f"--workdir={folder}/run"),
                *(f"--config.train.num_steps={steps}", "--config.train.log_every=25"),
            ],
            cwd=REPOSITORY,
            env=os.environ | {huge_pages.VARIABLE: tunables, "DFREC_COMPILE_CACHE": "off"},
            check=True,
            capture_output=True,
            text=True,
        )
    rates = re.findall(r"([0-9.]+) images/s", program.stdout + program.stderr)
    return statistics.median(map(float, rates[1:]))


def main() -> None:
    """Prints both sides by turns, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=75, help="of each run; 50 or more")
    parser.add_argument("--repeats", type=int, default=2, help="of each side, by turns")
    arguments = parser.parse_args()
    print(f"kernel: {huge_pages.KERNELS.read_text().strip()}")
    found: dict[str, list[float]] = {"": [], huge_pages.ASKED: []}
    for _ in range(arguments.repeats):
        for tunables, rates in found.items():
            rates.append(images_a_second(tunables, arguments.steps))
            print(f"{tunables or 'without':24s} {rates[-1]:6.1f} images/s", flush=True)
    without, asked = (statistics.median(rates) for rates in found.values())
    print(f"median: {without:.1f} without, {asked:.1f} with huge pages; ratio {asked / without:.2f}")


if __name__ == "__main__":
    main()
