"""DFREC's trainer under Scenic's entry point, with Scenic's flags, logging and writer.

Run: DFREC_SCENIC=DIR python -m dfrec_jax.integrations.scenic.main --config=configs/scenic/dfrec.py --workdir=runs/s
     any field of DFREC by --config.dfrec.a.b=3; --scenic=DIR in place of the variable.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from dfrec_jax import cli
from dfrec_jax.integrations.scenic import checkout


def main(rng: Any, config: ConfigDict, workdir: str, writer: Any) -> None:
    """What `scenic.app` calls: trains `config.dfrec` as `train.py` does, and gives Scenic's writer the curves.

    Args:
      rng: of `config.rng_seed`; the run draws by `dfrec.seed`, which is the same number.
      config: with DFREC's own in `dfrec`.
      workdir: of the run; one that was begun is resumed.
      writer: clu's, which writes beside the run's own logs.

    Raises:
      ConfigError, CheckpointError, WeightsError, NonFiniteLossError: as `training.run.train`.
      SystemExit: with 75, as train.py's, where the run was told to stop: the same command goes on.
    """
    from dfrec_jax.integrations.scenic import dataset, model  # noqa: F401  they make their names known to Scenic
    from dfrec_jax.runs.training_run import METRICS
    from dfrec_jax.training import run

    del rng
    is_finished = run.train(config.dfrec, workdir)
    for line in (Path(workdir) / METRICS).read_text().splitlines():
        values = json.loads(line)
        writer.write_scalars(values.pop("step"), values)
    writer.flush()
    if not is_finished:
        sys.exit(os.EX_TEMPFAIL)


def _taken_out(words: list[str]) -> str | None:
    """The value of --scenic, which must be known before Scenic, and absl's flags with it, can be imported."""
    for place, word in enumerate(words):
        if word.startswith("--scenic="):
            return words.pop(place).partition("=")[2]
        if word == "--scenic" and place + 1 < len(words):
            words.pop(place)
            return words.pop(place)
    return None


def _run() -> None:
    checkout.put_on_path(_taken_out(sys.argv))
    from scenic import app  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

    app.run(main)


if __name__ == "__main__":
    cli.run_refusing(_run)
