"""Trains a config: `python train.py --config=configs/megafs.py --workdir=runs/megafs`, any field by --config.a.b=3."""

import os
import sys

from absl import flags
from ml_collections import config_flags

from dfrec_jax import cli
from dfrec_jax.commands import joining

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "A file under configs/, perhaps with an argument: configs/faces.py:gpu.", lock_config=True
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run; one that was begun is resumed.")
_START_OVER = flags.DEFINE_bool("start_over", False, "Begin at step 0 where a run has lost its checkpoints.")
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Only say what a step takes of memory and time; nothing is compiled.")
_DEVICES = flags.DEFINE_integer("devices", 1, "With --dry_run: how many, on all hosts.")
_DEVICE = flags.DEFINE_string("device", "h100", "With --dry_run: h100, h200, v5e, or cpu, this machine's.")
_MEMORY = flags.DEFINE_string("device_memory", "", "With --dry_run: of each device, as 80GiB; else what it comes with.")


@flags.multi_flags_validator(["workdir", "dry_run"], "--workdir must be given, but with --dry_run")
def _has_workdir(given: dict) -> bool:
    return bool(given["workdir"] or given["dry_run"])


def main(argv: list[str]) -> None:
    """Trains, and exits with 0 when every step was taken, 75 when the run was told to stop, 2 for bad input
    or, of --dry_run, where it does not fit."""
    del argv  # flags only
    if _DRY_RUN.value:
        from dfrec_jax.commands import dry_run

        fits = dry_run.run(_CONFIG.value, _DEVICES.value, _MEMORY.value, _DEVICE.value)
        sys.exit(0 if fits else cli.BAD_INPUT)
    from dfrec_jax.training import ledger, run

    finished = run.train(
        _CONFIG.value,
        str(_WORKDIR.value),
        start_over=_START_OVER.value,
        joining=joining.asked(),
        age=ledger.process_age(),
    )
    sys.exit(0 if finished else os.EX_TEMPFAIL)


if __name__ == "__main__":
    flags.mark_flag_as_required("config")
    cli.run_app(main)
