"""What is averaged over what: means over examples and over groups, without the largest group, and of single attacks."""

from collections.abc import Iterator, Sequence

from dfrec_jax.reports.names import in_markdown
from dfrec_jax.reports.results import Record
from dfrec_jax.reports.tables import DFREC_ROWS, Column, TableSpec, cells_of, heading

LEAST = 5  # forgeries of an attack that has a line of its own
AVERAGES = TableSpec(
    table="groups",
    roles=("target",),
    rows=("None", *DFREC_ROWS),
    columns=(
        Column("idsim", "IDSIM", 3, with_interval=True),
        Column("idsim_gain", "gain", 3, with_interval=True),
        Column("idsim_over_surroundings", "over the surroundings alone", 3, with_interval=True),
        Column("idsim_over_plain", "over the plain DFREC", 3, with_interval=True),
        Column("idsim_other", "IDSIM to the source", 3),
        Column("idsim_other_left", "of the forgery's", 2, with_interval=True),
        Column("map_overlap", "overlap of map and face", 2),
        Column("map_on_face", "of a half or more", 3),
    ),
)


def markdown(records: Sequence[Record]) -> str:
    """The target's figures side by side, then those of each attack with five forgeries or more; empty for none."""
    parts = [
        ("| mean over | method | n | clusters | ", "|---|---|---:|---:|", list(_averages(records))),
        ("| attack | method | n | people | ", "|---|---|---:|---:|", list(_attacks(records))),
    ]
    found = []
    for first, rule, lines in parts:
        if lines:
            found.append("\n".join([*heading(first, rule, AVERAGES), *lines]) + "\n")
    return "\n".join(found)


def _averages(records: Sequence[Record]) -> Iterator[str]:
    of_groups = [record for record in records if record.table == AVERAGES.table]
    shown = of_groups or [record for record in records if (record.table, record.attack) == ("recovery", "all")]
    for attack, over in dict.fromkeys((record.attack, record.over) for record in shown):
        words = over if attack == "all" else f"{over}, {attack}"
        yield from _lines(words, [record for record in shown if (record.attack, record.over) == (attack, over)])


def _attacks(records: Sequence[Record]) -> Iterator[str]:
    shown = [record for record in records if record.table == "recovery" and record.attack != "all"]
    for attack in dict.fromkeys(record.attack for record in shown):
        of_attack = [record for record in shown if record.attack == attack]
        if max((record.n for record in of_attack if record.metric == "idsim"), default=0) >= LEAST:
            yield from _lines(attack, of_attack)


def _lines(words: str, records: Sequence[Record]) -> Iterator[str]:
    for row in AVERAGES.rows:
        cells = {record.metric: record for record in records if (record.role, record.row) == ("target", row)}
        if "idsim" in cells:
            clusters = cells["idsim"].clusters
            n, rest = cells_of(cells, AVERAGES).split(" | ", 1)
            yield f"| {in_markdown(words)} | {row} | {n} | {'-' if clusters is None else clusters} | {rest}"
