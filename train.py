"""Trains a config: `python train.py --config=configs/megafs.py --workdir=runs/megafs`, any field by --config.a.b=3."""

import os
import sys

from absl import flags
from ml_collections import config_flags

from dfrec_jax import cli

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "A file under configs/, perhaps with an argument: configs/faces.py:gpu.", lock_config=True
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; one that was begun is resumed.")
_START_OVER = flags.DEFINE_bool("start_over", False, "Begin at step 0 where a run has lost its checkpoints.")
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "One of several hosts: find the others as the cluster says.")


def main(argv: list[str]) -> None:
    """Trains, and exits with 0 when every step was taken, 75 when the run was told to stop, 2 for bad input."""
    del argv  # flags only
    from dfrec_jax.training import ledger, run

    finished = run.train(
        _CONFIG.value,
        str(_WORKDIR.value),
        start_over=_START_OVER.value,
        is_distributed=_DISTRIBUTED.value,
        age=ledger.process_age(),
    )
    sys.exit(0 if finished else os.EX_TEMPFAIL)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    cli.run_app(main)
