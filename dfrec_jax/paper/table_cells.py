"""From the sums of every column to the cells of a table: figures with intervals, or the reason why there is none."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.evaluation.describing import FID_NETWORK, Networks
from dfrec_jax.evaluation.estimates import curves, estimates
from dfrec_jax.evaluation.metric import BetweenSets, Metric, OverBoth
from dfrec_jax.evaluation.recoverers import COPY
from dfrec_jax.evaluation.table_metrics import FID
from dfrec_jax.paper import runs_at_hand, table_data
from dfrec_jax.paper.fitted_tables import Place, Wanted, others_of
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_data import SCENES, Data
from dfrec_jax.paper.tables import DELOCATE, DFI, NONE, REPAINT, Column, PaperTable, Row
from dfrec_jax.reports.cells import Cell, CellTable, Heading, Roc
from dfrec_jax.reports.figures import Line

# Forgeries in the paper's test splits (Sec. IV-A1); a tenth more or less still is its split, made once again.
PAPERS_FORGERIES = {
    Data("faceforensics", "Deepfakes"): 20_000, Data("faceforensics", "FaceShifter"): 20_000,
    Data("faceforensics", "LCR"): 20_000, Data("celeba_megafs", "ftm"): 3_004,
    Data("celeba_megafs", "idinjection"): 3_044, Data("celeba_megafs", "lcr"): 3_001, Data("ffhq_e4s", "e4s"): 10_000,
}  # fmt: skip
BY_LANDMARKS = (REPAINT, DELOCATE)  # which hide the parts of a face and draw them anew
PAPERS_NETWORKS = {"identity": "facenet-vggface2", "frechet": FID_NETWORK}  # those that are the paper's without doubt


class OfRow(NamedTuple):
    """What was added up of a row, its checkpoint, and where its pictures are kept below the workdir."""

    collected: Any
    step: int
    folder: str


class OfColumn(NamedTuple):
    """Every row that was measured, how many faces that is over, why a row or all were not, and what is shown of it.

    Of `num_with_points` of the faces 68 landmarks are known.
    """

    rows: Mapping[Wanted, OfRow]
    num_forgeries: int
    num_pristine: int
    reason: str = ""
    reasons: Mapping[Wanted, str] = {}
    cases: tuple[Line, ...] = ()
    num_with_points: int = 0


def cells_of(
    table: PaperTable,
    runs: Sequence[Run],
    columns: Mapping[Place, OfColumn],
    networks: Networks,
    header: Sequence[str],
    protocol: Mapping[str, Any],
    others: Sequence[Given] = (),
) -> CellTable:
    """The table, every cell of it.

    Args:
      table: of `fitted_tables.fitted`.
      runs: that its rows may take.
      columns: what was measured.
      networks: by what.
      header: of `header_of`.
      protocol: what was asked for.
      others: rows of pictures that other programs made.
    """
    found: list[Cell] = []
    rocs: list[Roc] = []
    remarks: dict[str, None] = {}
    for row in table.rows:
        for column in table.columns:
            made, drawn, said = _of_place(table, row, column, runs, columns, networks, others)
            found += made
            rocs += drawn
            remarks |= dict.fromkeys(said)
    headings = tuple(Heading(m.name, _heading(m, networks), _digits(m, found), m.more_is_better) for m in table.metrics)
    return CellTable(
        number=table.number,
        title=table.title,
        rows=tuple(row.label for row in table.rows),
        columns=tuple(column.label for column in table.columns),
        metrics=headings,
        header=tuple(header),
        footnotes=(
            *(f"{remark[0].upper()}{remark[1:]}." for remark in remarks),
            *table.footnotes,
            *_own_designs(table, found),
        ),
        protocol=protocol,
        cells=tuple(found),
        rocs=tuple(rocs),
    )


def _own_designs(table: PaperTable, cells: Sequence[Cell]) -> list[str]:
    """Of which rows no code of their authors exists, and what the paper's figures of them are; each where it stands."""
    labels = {row.label: row.method for row in table.rows if row.method in (DELOCATE, DFI)}
    measured = dict.fromkeys(labels[cell.row] for cell in cells if cell.row in labels and cell.value is not None)
    said = []
    if measured:
        are = "are this project's own designs" if len(measured) > 1 else "is this project's own design"
        said.append(f"{' and '.join(measured)} {are}: no code of the compared methods' authors exists.")
    if theirs := dict.fromkeys(labels[cell.row] for cell in cells if cell.row in labels and cell.paper is not None):
        names = " and ".join(name.removesuffix("-min") for name in theirs)
        said.append(f"The paper's figures of {names} are of its authors' own re-implementations.")
    return [" ".join(said)] if said else []


def header_of(
    table: PaperTable, columns: Mapping[Place, OfColumn], networks: Networks, config: ConfigDict, runs: Sequence[Run]
) -> list[str]:
    """On what the table was measured, and by what."""
    counts: dict[tuple[int, int], dict[str, None]] = {}
    for column in table.columns:
        of = columns[Place(column.data, column.perturbation)]
        if of.rows:
            counts.setdefault((of.num_forgeries, of.num_pristine), {})[str(column.data)] = None
    said = []
    if counts:
        if len(counts) == 1:
            ((forgeries, pristine),) = counts
            over = f"the same {forgeries} forgeries and {pristine} pristine faces of the test split for every row"
        else:
            each = [f"{', '.join(of)} {forged} forgeries and {real} pristine" for (forged, real), of in counts.items()]
            over = f"the same faces of the test split for every row ({'; '.join(each)})"
        said.append(f"Each column is over {over}; recovered pictures in 8 bits, 95 % intervals from resampling people.")
    said += _where_hidden(table, columns)
    roles = dict.fromkeys(metric.role for metric in table.metrics if metric.role)
    names = networks.names()
    if measured := [f"{_MEASURES[role]} by `{names[role]}`" for role in roles if role in names]:
        said.append(f"Measured: {', '.join(measured)}.")
    if names.get("frechet", FID_NETWORK) != FID_NETWORK and "frechet" in roles:
        said.append(
            f"The Frechet distance is on features of `{names['frechet']}`: it is no FID, and compares with none."
        )
    identity = names.get("identity")
    pleased = [run.methods[0] for run in runs if identity in perceptors.loss_networks(run.config).values()]
    if pleased:
        said.append(
            f"**`{identity}` is a network of the losses too, of {', '.join(dict.fromkeys(pleased))}: training "
            "has pleased what measures it.**"
        )
    if any(network.is_random for network in networks.by_role.values()):
        said.append("**A network that measures has random weights: no number above means anything.**")
    if runs and runs[0].trained_on.dataset in SCENES:
        most = max(run.config.train.num_steps for run in runs)
        said.append(
            "Drawn faces in place of the paper's data: attacks are shares of the target that leak through, the second "
            f"data set the same kind of people outdoors; trained for at most {most} steps at {config.image_size} px. "
            "Nothing of it carries over to photographs."
        )
    if there := dict.fromkeys(table_data.described(column.data) for column in table.columns if column.data.folders):
        said.append(f"Other photographs than the paper's: {'; '.join(there)}. The paper has no figures of them.")
    return said


def _where_hidden(table: PaperTable, columns: Mapping[Place, OfColumn]) -> list[str]:
    """By which landmarks the methods that hide parts of a face know where they are; nothing where none was measured."""
    of_table = [columns[Place(column.data, column.perturbation)] for column in table.columns]
    there = {wanted.method for of in of_table for wanted in of.rows if wanted.method in BY_LANDMARKS}
    named = " and ".join(row for row in dict.fromkeys(row.method for row in table.rows) if row in there)
    if not named:
        return []
    measured = [of for of in of_table if of.rows]
    known = sum(of.num_with_points for of in measured)
    total = sum(of.num_forgeries + of.num_pristine for of in measured)
    laid_on = "five landmarks, a mean face's 68 laid on them"
    if known == 0:
        return [f"{named}: the parts of a face are found by {laid_on}: no 68 are known."]
    others = f", of the others by {laid_on}" if known < total else ""
    return [f"{named}: the parts of a face are found by 68 landmarks, of {known} of {total} faces{others}."]


_MEASURES = {"identity": "identity", "frechet": "Frechet distance", "attributes": "attributes", "pose": "pose"}


def _of_place(
    table: PaperTable,
    row: Row,
    column: Column,
    runs: Sequence[Run],
    columns: Mapping[Place, OfColumn],
    networks: Networks,
    others: Sequence[Given],
) -> tuple[list[Cell], list[Roc], list[str]]:
    """The cells of one row in one column, the curves that they sum up, and remarks on them."""
    of_column = columns[Place(column.data, column.perturbation)]
    run, reason = None, of_column.reason
    if row.method not in (NONE, COPY):
        run, without_run = runs_at_hand.choose(runs, row, column.data, others_of(table, others))
        reason = without_run or reason
    key = Wanted(row.method, "" if run is None else run.workdir, run)
    reason = reason or of_column.reasons.get(key, "")
    found, rocs, remarks, of_row, num_faces = {}, [], [], None, 0
    if not reason:
        of_row = of_column.rows[key]
        num_faces = len(of_row.collected.examples.compute()["number"])
        found, remarks = estimates(of_row.collected, table.metrics)
        for name, curve in curves(of_row.collected, table.metrics).items():
            forged, pristine = (tuple(np.round(axis, 5).tolist()) for axis in curve)
            rocs.append(Roc(row.label, column.label, name, forged, pristine))
    cells = []
    for metric in table.metrics:
        cell = Cell(
            row.label, column.label, metric.name, None, paper=table.paper.get((row.label, column.label, metric.name))
        )
        if metric.name not in found:
            why = reason or networks.reasons.get(metric.role) or _without_a_number(of_column)
            cells.append(cell._replace(reason=why.rstrip(".")))
            continue
        estimate, network = found[metric.name], networks.names().get(metric.role, "")
        assert of_row is not None
        is_network = not metric.role or PAPERS_NETWORKS.get(metric.role) == network
        is_papers = is_network and _is_papers_split(column.data, of_column.num_forgeries)
        total = num_faces if isinstance(metric.taken, OverBoth) else of_column.num_forgeries
        cells.append(
            cell._replace(
                **estimate._asdict(), lacking=total - estimate.n, network=network, is_papers_protocol=is_papers,
                run="" if run is None else run.workdir, step=of_row.step, pictures=of_row.folder,
            )
        )  # fmt: skip
    return cells, rocs, remarks


def _without_a_number(of: OfColumn) -> str:
    """Why a metric that was measured is of no example."""
    if of.num_forgeries > 1 and of.num_pristine:
        return "none of its examples has a number"
    there = f"{of.num_forgeries} forgeries with a known target and {of.num_pristine} pristine faces"
    return f"measured there were {there}, too few for it"


def _is_papers_split(data: Data, num_forgeries: int) -> bool:
    papers = PAPERS_FORGERIES.get(data, 0)
    return 0.9 * papers <= num_forgeries <= 1.1 * papers and papers > 0


def _digits(metric: Metric, cells: Sequence[Cell]) -> int:
    """Of a distance of sets, which is small on features of unit length, so many that the least shows, up to six."""
    values = [abs(cell.value) for cell in cells if cell.metric == metric.name and cell.value]
    if not isinstance(metric.taken, BetweenSets) or not values:
        return metric.digits
    return max(metric.digits, min(6, 1 - math.floor(math.log10(min(values)))))


def _heading(metric: Metric, networks: Networks) -> str:
    """A Frechet distance is called FID on Inception's features alone."""
    name = networks.names().get("frechet", FID_NETWORK)
    return metric.heading if metric != FID or name == FID_NETWORK else f"FD ({name})"
