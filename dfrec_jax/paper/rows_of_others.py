"""Rows of pictures that other programs made are checked, all of them, before anything is measured."""

from collections.abc import Callable, Sequence

from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.evaluation.recoverers import COPY
from dfrec_jax.paper import pictures_of_others
from dfrec_jax.paper.fitted_tables import Place, others_of, places_of
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_data import Measured
from dfrec_jax.paper.tables import NONE, PaperTable


def check(
    others: Sequence[Given],
    runs: Sequence[Run],
    tables: Sequence[PaperTable],
    base: ConfigDict,
    measured_at: Callable[[Place], Measured],
) -> None:
    """Looks at every picture that a table will read.

    Args:
      others: the rows.
      runs: the others of the tables.
      tables: with a row for each of `others`.
      base: the config of what measures.
      measured_at: what a column is measured on.

    Raises:
      ConfigError: for a row that a run fills too, that has no cell, or whose pictures are not those of the examples.
    """
    for given in others:
        if given.method in (NONE, COPY):
            raise ConfigError(f"{given.flag}: the row {given.method} is the input itself; give it another name")
        for run in runs:
            if given.method in run.methods:
                raise ConfigError(
                    f"{given.flag}: {run.workdir} is {given.method} too; leave one out, or give it another name"
                )
    faults: dict[Given, list[str]] = {}
    for place, wanted in places_of(tables, runs, others).items():
        for given in (one.run for one in wanted if isinstance(one.run, Given)):
            found = faults.setdefault(given, [])
            measured = measured_at(place)
            try:
                config = measured.config(base)
                num_examples = pipeline.num_eval_examples(config, "test", max_examples=config.data.test_examples)
            except ConfigError:  # the data are not there, which the column will say
                continue
            if fault := pictures_of_others.faults(given, place.data, num_examples, measured.image_size):
                found.append(fault)
    for given in others:
        if given not in faults:
            raise ConfigError(f"{given.flag}: {_why_unused(given, tables)}")
    if said := [f"{given.flag}: {fault}" for given, found in faults.items() for fault in found]:
        raise ConfigError("; ".join(said))


def _why_unused(given: Given, tables: Sequence[PaperTable]) -> str:
    columns = [column for table in tables if given in others_of(table, [given]) for column in table.columns]
    if not columns:
        return "such a row stands in tables 1 and 3 and in figures 3 to 5 alone; ask for one of them"
    names = dict.fromkeys(pictures_of_others.folder_name(column.data) for column in columns)
    return f"{given.workdir} holds none of the folders {', '.join(names)}, one for the pictures of each column"
