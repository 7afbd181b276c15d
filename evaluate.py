"""Evaluates a run on its test split, `python evaluate.py --workdir=runs/megafs`, or makes tables of the paper from
several, `--table=2 --runs=runs/A,runs/B`; writes results/ and tables/."""

from absl import flags

from dfrec_jax import cli

_WORKDIR = flags.DEFINE_string("workdir", "", "Folder of a training run or of an imported network.")
_RUNS = flags.DEFINE_string("runs", "", "Several such folders, commas between; goes with --table.")
_TABLE = flags.DEFINE_string("table", "", "A table of the paper, 1 to 7, or all.")
_OUT = flags.DEFINE_string("out", "", "Where tables go: the workdir of a single run, runs/report for several.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best (by the validation score), newest, or a step.")
_NAME = flags.DEFINE_string(
    "name", "", "Of the files: tables/NAME.md, results/NAME.json. By default what the other flags ask for."
)
_DATASET = flags.DEFINE_string("dataset", "", "A prepared data set in place of the run's.")
_DATA_DIR = flags.DEFINE_string("data_dir", "", "Where it is; several folders with commas between.")
_FORGE = flags.DEFINE_bool("forge", False, "Forge the pristine faces anew by every generator of training.")
_GROUPS = flags.DEFINE_string("groups", "", "A CSV of id and repository: intervals resample repositories, not people.")
_EXAMPLES = flags.DEFINE_integer("examples", 0, "How many; 0: what the run's config says.", lower_bound=0)
_MASK_RATIO = flags.DEFINE_float("mask_ratio", 0.0, "Share of patches to generate; 0: as trained.", 0.0, 1.0)
_THRESHOLD = flags.DEFINE_float(
    "patch_threshold", 0.0, "A map from which patches are masked first; 0: as trained.", 0.0, 1.0
)
_VERDICT = flags.DEFINE_enum(
    "verdict", "network", ["network", "given", "region"], "Who says that it is a swap; region: the face is the map."
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the masking noise.", 0, 2**32 - 1)


def main(argv: list[str]) -> None:
    """Measures, writes the records and the table, and prints the table."""
    del argv  # flags only
    from dfrec_jax.evaluation.protocol import Protocol
    from dfrec_jax.evaluation.workdir import asked
    from dfrec_jax.reports import screen

    protocol = Protocol(
        name=_NAME.value,
        checkpoint=_CHECKPOINT.value,
        seed=_SEED.value,
        dataset=_DATASET.value,
        data_dir=_DATA_DIR.value,
        forge=_FORGE.value,
        groups=_GROUPS.value,
        examples=_EXAMPLES.value,
        mask_ratio=_MASK_RATIO.value,
        patch_threshold=_THRESHOLD.value,
        verdict=_VERDICT.value,
    )
    screen.show(asked(_WORKDIR.value, _RUNS.value, _TABLE.value, _OUT.value, protocol))


if __name__ == "__main__":
    cli.run_app(main)
