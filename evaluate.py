"""Evaluates a run on its test split: `python evaluate.py --workdir=runs/megafs`; writes results/ and tables/ there."""

from absl import app, flags

from dfrec_jax import cli

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a training run or of an imported network.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best (by the validation score), newest, or a step.")
_TABLE = flags.DEFINE_enum("table", "all", ["all", "recovery"], "Which table to make.")
_SEED = flags.DEFINE_integer("seed", 0, "Of the masking noise.", lower_bound=0)


def main(argv: list[str]) -> None:
    """Measures, writes the records and the table, and prints the table."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown arguments: {argv[1:]}")
    from dfrec_jax.evaluation.workdir import evaluate

    print(evaluate(_WORKDIR.value, which=_CHECKPOINT.value, seed=_SEED.value))


if __name__ == "__main__":
    flags.mark_flags_as_required(["workdir"])
    cli.run_app(main)
