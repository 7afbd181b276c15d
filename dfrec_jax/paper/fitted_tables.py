"""A table of the paper fitted to the runs at hand, and which pictures its cells need."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dfrec_jax.evaluation.recoverers import COPY
from dfrec_jax.paper import runs_at_hand, table_data
from dfrec_jax.paper.oddities import ODDITIES
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_data import SCENES, Data
from dfrec_jax.paper.tables import ALL, NONE, Column, PaperTable, Row

DRAWN_LABELS = {
    "FTM": "leak .1-.25", "IDI": "leak .25-.4", "LCR": "leak 0-.1",
    "FF++ DF": "outdoors .1-.25", "FF++ FShi": "outdoors .25-.4", "FF++ LCR": "outdoors 0-.1",
}  # fmt: skip


class Place(NamedTuple):
    """What a column is measured on."""

    data: Data
    perturbation: str


class Wanted(NamedTuple):
    """A row of it: a method, of a run, or of the pictures of another program, where it needs them."""

    method: str
    workdir: str
    run: Run | Given | None

    def __hash__(self) -> int:
        return hash((self.method, self.workdir))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wanted) and (self.method, self.workdir) == (other.method, other.workdir)


def fitted(table: PaperTable, runs: Sequence[Run], others: Sequence[Data] = ()) -> PaperTable:
    """The table as it is, or with `others`, data sets of other photographs, in place of the paper's, or where the runs
    are of drawn faces, with their attacks.

    Of drawn faces there is also a column for other leaks that a run was trained on, and the second data set has a place
    in tables of one training set a column only where a run was trained on it.
    """
    if others:
        return _of_other_photographs(table, runs, others)
    if not runs or runs[0].trained_on.dataset not in SCENES:
        return table
    trained_on = list(dict.fromkeys(run.trained_on for run in runs))
    is_by_column = any(row.trained_on is None for row in table.rows)
    columns, renamed = [], {}
    for column in table.columns:
        data = table_data.drawn(column.data)
        if data is None or (is_by_column and data.dataset != table_data.EMBEDDED and data not in trained_on):
            continue
        theirs = max((name for name in DRAWN_LABELS if column.label.endswith(name)), key=len)
        label = column.label.removesuffix(theirs) + DRAWN_LABELS[theirs]
        renamed[column.label] = label
        columns.append(Column(label, data, column.perturbation))
    if is_by_column:
        known = {column.data for column in columns}
        perturbations = dict.fromkeys(column.perturbation for column in columns)
        columns += [
            Column(f"{perturbation} {data.attack}".strip(), data, perturbation)
            for data in trained_on
            if data not in known and data.attack not in table_data.LEAKS
            for perturbation in perturbations
        ]
    rows = tuple(row._replace(trained_on=row.trained_on and table_data.drawn(row.trained_on)) for row in table.rows)
    labels = {row.label: _relabelled(row.label) for row in rows}
    rows = tuple(row._replace(label=labels[row.label]) for row in rows)
    paper = {(labels[r], renamed[c], m): value for (r, c, m), value in table.paper.items() if c in renamed}
    return table._replace(rows=rows, columns=tuple(columns), paper=paper)


def _of_other_photographs(table: PaperTable, runs: Sequence[Run], others: Sequence[Data]) -> PaperTable:
    """A column for each data set, and nothing of what the paper's figures are of.

    Where the paper does without a part of DFREC in no row, as all tables but VI and VII, a run that was trained without
    one fills the row of the method too, which then says so: on photographs not every loss has its network.
    """
    labels = {column.data: column.label for column in ALL}
    before = dict.fromkeys(
        (column.label.removesuffix(labels[column.data]), column.perturbation) for column in table.columns
    )
    columns = tuple(Column(f"{label}{data}", data, name) for label, name in before for data in others)
    rows = list(table.rows)
    if not any(row.without for row in rows):
        rows = [varied for row in rows for varied in _variants(row, runs)]
    if any(row.trained_on for row in rows):
        methods = dict.fromkeys(row._replace(label=_without(row.method, row.without), trained_on=None) for row in rows)
        trained = dict.fromkeys(run.trained_on for run in runs)
        rows = [_trained_on(row, data) for data in trained for row in methods if _fitting(row, runs, data)]
    else:
        rows = [one for row in rows for one in _apart(row, runs, others)]
    idle = {*ODDITIES.get(table.number, ())}
    footnotes = tuple(note for note in table.footnotes if note not in idle)
    return table._replace(rows=tuple(rows), columns=columns, paper={}, footnotes=footnotes)


def _variants(row: Row, runs: Sequence[Run]) -> list[Row]:
    """The row once for each set of parts that runs of its method lack."""
    lacked = dict.fromkeys(run.without for run in runs if row.method in run.methods)
    return [row._replace(label=_without(row.label, one), without=one) for one in lacked] or [row]


def _without(label: str, lacked: frozenset[str]) -> str:
    return f"{label}, {runs_at_hand.lacking(lacked)}" if lacked else label


def _fitting(row: Row, runs: Sequence[Run], trained_on: Data | None = None) -> list[Run]:
    return [
        run
        for run in runs
        if row.method in run.methods and run.without == row.without and trained_on in (None, run.trained_on)
    ]


def _apart(row: Row, runs: Sequence[Run], others: Iterable[Data]) -> list[Row]:
    """The row; or where two of its runs were trained on the data of one column, a row for each run."""
    fitting = _fitting(row, runs)
    serving = (
        [run for run in fitting if table_data.covers(run.trained_on, data, row.of_any_attack)] for data in others
    )
    if all(len(of_column) < 2 for of_column in serving):
        return [row]
    return [_trained_on(row, run.trained_on)._replace(of_own_data=True) for run in fitting]


def _trained_on(row: Row, data: Data) -> Row:
    return row._replace(label=f"{row.label}, trained on {data}", trained_on=data)


def others_of(table: PaperTable, others: Sequence[Given]) -> Sequence[Given]:
    """Those that have a place in the table: all where its rows are methods.

    Rows of Tables II and IV to VII are what a method was trained on, lacks, or makes of perturbed pictures.
    """
    return others if table.takes_others else ()


def with_rows_of(table: PaperTable, others: Sequence[Given]) -> PaperTable:
    """The table with a row for each of its `others_of` that has none."""
    there = {row.method for row in table.rows}
    added = [Row(one.method, one.method) for one in others_of(table, others) if one.method not in there]
    return table._replace(rows=(*table.rows, *added))


def places_of(
    tables: Sequence[PaperTable], runs: Sequence[Run], others: Sequence[Given] = ()
) -> dict[Place, list[Wanted]]:
    """For every column of the tables the rows that can be measured there, each once."""
    found: dict[Place, list[Wanted]] = {}
    for table in tables:
        for column in table.columns:
            of_place = found.setdefault(Place(column.data, column.perturbation), [])
            for row in table.rows:
                if row.method in (NONE, COPY):
                    wanted = Wanted(row.method, "", None)
                else:
                    run, _ = runs_at_hand.choose(runs, row, column.data, others_of(table, others))
                    if run is None:
                        continue
                    wanted = Wanted(row.method, run.workdir, run)
                if wanted not in of_place:
                    of_place.append(wanted)
    return found


def _relabelled(label: str) -> str:
    head, separator, attack = label.partition(", trained on ")
    return f"{head}{separator}{DRAWN_LABELS.get(attack, attack)}"
