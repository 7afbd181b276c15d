"""Evaluates a run on its test split, `python evaluate.py --workdir=runs/megafs`, or makes tables of the paper from
several, `--table=2 --figure=7 --runs=runs/A,runs/B`; writes results/ and tables/, figures/ and report/."""

import contextlib

from absl import flags

from dfrec_jax import cli
from dfrec_jax.commands import joining

_WORKDIR = flags.DEFINE_string("workdir", "", "Folder of a training run or of an imported network.")
_NETWORK = flags.DEFINE_string("network", "", "One that comes with the package in its place, drawn or dfrec-small.")
_RUNS = flags.DEFINE_string("runs", "", "Several such folders, commas between; goes with --table and --figure.")
_TABLE = flags.DEFINE_string("table", "", "A table of the paper, 1 to 7, or all; empty: the run's own.")
_FIGURE = flags.DEFINE_string("figure", "", "A figure of the paper, 1 (its part b) or 3 to 8, or all.")
_ROW = flags.DEFINE_multi_string("row", [], "NAME=DIR: a row of pictures that another program made; repeatable.")
_OUT = flags.DEFINE_string("out", "", "Where they go: the run; of a network runs/NAME, of several runs runs/report.")
_RENDER_ONLY = flags.DEFINE_bool("render-only", False, "Render the report of --out again; needs no device and no run.")
flags.DEFINE_string("checkpoint", "best", "best (by the validation score), newest, or a step's number.")
flags.DEFINE_string("name", "", "Of the files, tables/NAME.md, results/NAME.json; empty: what the other flags ask for.")
flags.DEFINE_string("dataset", "", "A prepared data set in place of the run's, such as triplets.")
flags.DEFINE_string("data_dir", "", "Its folder (`dfrec prepare --out`); several with commas between.")
flags.DEFINE_bool("forge", False, "Forge the pristine faces anew by every generator of training.")
flags.DEFINE_string("groups", "", "CSVs of id, repository and more: intervals resample repositories, not people.")
flags.DEFINE_string("only", "", "Examples by columns of --groups: half=development, repository!=NAME.")
flags.DEFINE_integer("examples", 0, "How many; 0: what the run's config says.", lower_bound=0)
flags.DEFINE_float("mask_ratio", 0.0, "Share of patches to generate, 0 to 1; 0: as trained.", 0.0, 1.0)
flags.DEFINE_float(
    "patch_threshold", 0.0, "Patches of a higher mean map, 0 to 1, are masked first; 0: as trained.", 0.0, 1.0
)
flags.DEFINE_enum(
    "verdict", "network", ["network", "given", "region"], "Who says that it is a swap; region: the face is the map."
)
flags.DEFINE_string("measure_by", "", "Networks that measure in place of the run's: metric=NAME,pose=NAME.")
flags.DEFINE_integer("seed", 0, "Of the masking noise, 0 to 4294967295.", 0, 2**32 - 1)


def main(argv: list[str]) -> None:
    """Measures, writes the records and the table, and prints it; of several hosts the first writes and prints."""
    del argv  # flags only
    from dfrec_jax.commands.evaluate import asked
    from dfrec_jax.evaluation import spread
    from dfrec_jax.evaluation.request import Request
    from dfrec_jax.reports import screen
    from dfrec_jax.runs import hosts

    values = flags.FLAGS.flag_values_dict()
    request = Request(**{field: values[field] for field in Request._fields})
    given = (_WORKDIR.value, _RUNS.value, _TABLE.value, _FIGURE.value, _RENDER_ONLY.value, _OUT.value)
    others, more = joining.asked(), {"rows": _ROW.value, "network": _NETWORK.value}
    with hosts.together(others, f"{given} {request} {more}") if others else contextlib.nullcontext():
        text = asked(*given, request, **more)
        if not others or spread.is_first_host():
            screen.show(text)


if __name__ == "__main__":
    cli.run_app(main)
