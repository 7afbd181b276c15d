"""Tables I to VII as data: their protocols, and the figures that the paper has in their cells.

A table's rows name the recoverers, its columns the data and the perturbation, its metrics what is taken: that is its
protocol, and nothing that measures knows more of it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dfrec_jax.evaluation.metric import Metric
from dfrec_jax.evaluation.recoverers import COPY, DFREC, INPAINTING
from dfrec_jax.evaluation.table_metrics import ACCURACY, FID, IDSIM, QUALITY, REGION
from dfrec_jax.paper.oddities import NOTES, ODDITIES
from dfrec_jax.paper.table_data import Data

NONE, MAT, REPAINT, RECCE = "None", "MAT", "RePaint", "RECCE"
# Of these no code of their authors exists: what stands in the tables is the least that their descriptions ask for.
DELOCATE, DFI = "Delocate-min", "DFI-min"
LOSSES = ("perceptual", "patch", "attribute")
WITHOUT = ("ISM", "fusion", *LOSSES)  # what an ablation of DFREC can lack


class Row(NamedTuple):
    """A line of a table.

    Attributes:
      label: before it.
      method: the recoverer.
      trained_on: what its run was trained on; None: what the column is measured on.
      without: what the run lacks, of `WITHOUT`.
      of_any_attack: whether a run on another attack of the data set serves, as of a method that learns from real faces.
      of_own_data: whether a row that says what its run was trained on has cells on those data alone.
    """

    label: str
    method: str
    trained_on: Data | None = None
    without: frozenset[str] = frozenset()
    of_any_attack: bool = False
    of_own_data: bool = False


class Column(NamedTuple):
    """A column: what is measured on, and what happens to the forgeries before (of `PERTURBATIONS`)."""

    label: str
    data: Data
    perturbation: str = ""


class PaperTable(NamedTuple):
    """A table.

    Attributes:
      number: 1 to 7.
      title: in few words.
      rows, columns, metrics: in order; the metrics are those of `evaluation/table_metrics.py`.
      paper: the paper's figure by (row's label, column's label, metric); of drawn faces those of the counterpart.
      footnotes: what a reader must know.
      takes_others: whether pictures that other programs made have a place in it, as where its rows are methods.
    """

    number: int
    title: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    metrics: tuple[Metric, ...]
    paper: Mapping[tuple[str, str, str], float]
    footnotes: tuple[str, ...] = ()
    takes_others: bool = False


FTM, IDI, LCR = (Data("celeba_megafs", attack) for attack in ("ftm", "idinjection", "lcr"))
MEGAFS = (Column("FTM", FTM), Column("IDI", IDI), Column("LCR", LCR))
FFPP = tuple(
    Column(f"FF++ {label}", Data("faceforensics", attack))
    for label, attack in (("DF", "Deepfakes"), ("FShi", "FaceShifter"), ("LCR", "LCR"))
)
E4S = Column("E4S", Data("ffhq_e4s", "e4s"))
ALL = (*FFPP, *MEGAFS, E4S)
TRAINED = (Row(RECCE, RECCE), Row(DELOCATE, DELOCATE, of_any_attack=True), Row(DFI, DFI), Row(DFREC, DFREC))


def _figures(
    rows: Iterable[Row], columns: Iterable[Column], metrics: Iterable[Metric], lines: Mapping[str, str]
) -> dict[tuple[str, str, str], float]:
    """The paper's cells, from a line of figures for each row's label: column by column, metric by metric."""
    names = [(column.label, metric.name) for column in columns for metric in metrics]
    found = {}
    for row in rows:
        if row.label in lines:
            values = [float(value) for value in lines[row.label].split()]
            found |= {(row.label, *name): value for name, value in zip(names, values, strict=True)}
    return found


def _by_training(attacks: Iterable[Column], prefix: str = "") -> tuple[Row, ...]:
    """DFI and DFREC, trained on each attack by turns."""
    return tuple(
        Row(f"{method}, trained on {prefix}{column.label}", method, column.data)
        for column in attacks
        for method in (DFI, DFREC)
    )


_ROWS_1 = (
    Row(NONE, NONE),
    Row(MAT, MAT, of_any_attack=True),
    Row(REPAINT, REPAINT, of_any_attack=True),
    *TRAINED[:-1],
    Row(INPAINTING, INPAINTING),
    TRAINED[-1],
)
TABLE_1 = PaperTable(
    1, "target recovery, trained and measured on the same data", _ROWS_1, ALL, (FID, IDSIM),
    _figures(_ROWS_1, ALL, (FID, IDSIM), {
        NONE: "11.35 0.4238 8.43 0.4252 22.09 0.3516 11.60 0.2792 10.83 0.3150 12.58 0.2318 8.04 0.2812",
        MAT: "21.01 0.4372 19.23 0.3874 26.98 0.4026 42.06 0.3928 34.64 0.4203 35.98 0.3506 9.82 0.2797",
        REPAINT: "21.44 0.3832 19.49 0.3366 27.52 0.3639 41.18 0.3874 33.97 0.3893 35.11 0.3423 38.97 0.3946",
        RECCE: "87.28 0.3755 65.72 0.4400 89.33 0.4086 90.36 0.2547 115.35 0.2957 110.69 0.2313 81.82 0.2668",
        DELOCATE: "18.16 0.4749 37.22 0.4551 135.93 0.3858 40.75 0.4201 39.90 0.4650 41.76 0.3466 36.88 0.3064",
        DFI: "42.17 0.4706 30.39 0.5207 37.03 0.4860 22.19 0.4137 22.20 0.4346 29.30 0.3442 29.86 0.3805",
        DFREC: "17.22 0.5367 18.48 0.5047 27.92 0.5135 15.35 0.7192 13.78 0.7582 14.75 0.6967 8.34 0.5870",
    }),
    ODDITIES[1],
    takes_others=True,
)  # fmt: skip

_ROWS_2 = _by_training(MEGAFS)
TABLE_2 = PaperTable(
    2, "target recovery, trained on some data and measured on others", _ROWS_2, MEGAFS, (IDSIM,),
    _figures(_ROWS_2, MEGAFS, (IDSIM,), dict(zip((row.label for row in _ROWS_2), (
        "0.4137 0.4318 0.3098", "0.7192 0.6586 0.4711", "0.3938 0.4346 0.2966", "0.6203 0.7582 0.4546",
        "0.3603 0.3802 0.3442", "0.6332 0.6843 0.6967",
    ), strict=True))),
)  # fmt: skip

_ROWS_3 = (Row(COPY, COPY), *TRAINED)
TABLE_3 = PaperTable(
    3, "real or forged by the identity of what is recovered, same data", _ROWS_3, ALL, ACCURACY,
    _figures(_ROWS_3, ALL, ACCURACY[:1], {
        RECCE: "43.39 49.70 48.77 52.25 56.41 56.00 50.35",
        DELOCATE: "89.32 89.83 67.16 67.37 68.82 65.52 69.01",
        DFI: "90.81 86.50 94.43 96.45 92.70 98.83 97.18",
        DFREC: "100 99.38 99.55 99.13 99.32 99.07 98.04",
    }),
    (*NOTES[3], *ODDITIES[3]),
    takes_others=True,
)  # fmt: skip

_ROWS_4, _COLUMNS_4 = _by_training(MEGAFS), (*MEGAFS, *FFPP)
TABLE_4 = PaperTable(
    4, "real or forged by the identity of what is recovered, across data", _ROWS_4, _COLUMNS_4,
    ACCURACY,
    _figures(_ROWS_4, _COLUMNS_4, ACCURACY[:1], dict(zip((row.label for row in _ROWS_4), (
        "75.20 70.43 49.03 42.32 33.01 67.96", "100 99.95 98.37 99.41 85.44 83.14",
        "58.63 55.89 39.20 26.76 19.86 44.88", "100 100 98.73 99.78 90.30 94.38",
        "91.83 89.24 94.27 75.63 64.96 77.03", "100 100 100 99.27 91.82 97.30",
    ), strict=True))),
    (*NOTES[4], *ODDITIES[4]),
)  # fmt: skip

_ROWS_5 = (Row(DFI, DFI), Row(DFREC, DFREC))
_COLUMNS_5 = tuple(
    Column(f"{label} {column.label}", column.data, perturbation)
    for label, perturbation in (("blur", "blur"), ("JPEG", "jpeg"), ("noise", "noise"))
    for column in MEGAFS
)
TABLE_5 = PaperTable(
    5, "target recovery from perturbed forgeries", _ROWS_5, _COLUMNS_5, (IDSIM,),
    _figures(_ROWS_5, _COLUMNS_5, (IDSIM,), {
        DFI: "0.3788 0.4230 0.3294 0.3999 0.4394 0.3421 0.3864 0.4244 0.3366",
        DFREC: "0.6902 0.7240 0.6761 0.7055 0.7305 0.6816 0.7039 0.7324 0.6793",
    }),
    (*NOTES[5], *ODDITIES[5]),
)  # fmt: skip

_ROWS_6 = (
    Row("without ISM, without fusion", DFREC, without=frozenset({"ISM", "fusion"})),
    Row("with ISM, without fusion", DFREC, without=frozenset({"fusion"})),
    Row("without ISM, with fusion", DFREC, without=frozenset({"ISM"})),
    Row("with ISM, with fusion", DFREC),
)
TABLE_6 = PaperTable(
    6, "ablation of ISM and fusion", _ROWS_6, MEGAFS, (FID, IDSIM),
    _figures(_ROWS_6, MEGAFS, (FID, IDSIM), dict(zip((row.label for row in _ROWS_6), (
        "84.97 0.3241 86.94 0.3573 80.86 0.2685", "22.87 0.5374 23.60 0.5520 26.52 0.4591",
        "30.53 0.5388 29.09 0.5436 32.19 0.5687", "15.35 0.7192 13.78 0.7582 14.75 0.6967",
    ), strict=True))),
    (*NOTES[6], *ODDITIES[6]),
)  # fmt: skip

# The order of Table VII: what each row has beside the identity loss.
_HAS = ((), ("perceptual",), ("patch",), ("attribute",), ("perceptual", "patch"), ("perceptual", "attribute"),
        ("patch", "attribute"), ("perceptual", "patch", "attribute"))  # fmt: skip
_ROWS_7 = tuple(Row(" + ".join(("identity", *has)), DFREC, without=frozenset(LOSSES) - frozenset(has)) for has in _HAS)
TABLE_7 = PaperTable(
    7, "ablation of the losses", _ROWS_7, MEGAFS[:1], (*QUALITY, *REGION),
    _figures(_ROWS_7, MEGAFS[:1], QUALITY, dict(zip((row.label for row in _ROWS_7), (
        "0.6926 90.14 130.65 12.23 0.4239", "0.7004 90.70 108.98 12.27 0.4262", "0.7072 94.96 10.34 21.93 0.6701",
        "0.6390 95.54 4.89 21.59 0.6946", "0.6336 95.25 4.27 21.88 0.6936", "0.6427 95.28 5.10 21.40 0.6715",
        "0.7109 95.02 10.09 21.92 0.6758", "0.7192 96.07 2.62 22.50 0.7507",
    ), strict=True))),
    (*NOTES[7], *ODDITIES[7]),
)  # fmt: skip

TABLES = (TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5, TABLE_6, TABLE_7)
