"""Tables as LaTeX for booktabs, xcolor and graphicx: `\\input` one, and it stands."""

import re

from dfrec_jax.reports import cells
from dfrec_jax.reports.cells import CellTable
from dfrec_jax.reports.layout import ROMAN, Group, Kind, Layout, Leaf

WIDTH = 66.0  # digits
_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
    "[": "{[}", "]": "{]}",  # after the end of a line of a table a bracket would be an option
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip


def escaped(text: str) -> str:
    """`text` as LaTeX prints it, whatever it is, on one line."""
    words = "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))
    return re.sub("-(?=-)", "-{}", words)  # two of them would be printed as one dash


def table(table: CellTable) -> str:
    """A `table*` for each part of at most `WIDTH` digits; header and notes stand in the caption of the last.

    The paper's figures are gray where they are of other data; nothing is rounded that the record does not round.
    """
    layout = Layout(table)
    parts = layout.blocks(WIDTH)
    notes = cells.notes_of(table)
    texts = [r"% needs \usepackage{booktabs}, {xcolor}, {graphicx} and [T1]{fontenc}"]
    for number, groups in enumerate(parts, 1):
        part = f" ({number} of {len(parts)})" if len(parts) > 1 else ""
        caption = f"Table {ROMAN[table.number]} of the paper: {table.title}{part}."
        if number == len(parts):
            caption = " ".join([caption, *notes])
        texts.append(_part(layout, groups, caption))
    return "\n".join(texts)


def _part(layout: Layout, groups: list[Group], caption: str) -> str:
    leaves = [(group, leaf) for group in groups for leaf in group.leaves]
    rules, first = [], 2
    for group in groups:
        rules.append(rf"\cmidrule(lr){{{first}-{first + len(group.leaves) - 1}}}")
        first += len(group.leaves)
    above = " & ".join(rf"\multicolumn{{{len(group.leaves)}}}{{c}}{{{escaped(group.label)}}}" for group in groups)
    headings = " & ".join(_gray(escaped(leaf.heading), leaf) for _, leaf in leaves)
    lines = [
        r"\begin{table*}\centering",
        rf"\caption{{{escaped(caption)}}}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        rf"\begin{{tabular}}{{l{'r' * len(leaves)}}}",
        r"\toprule",
        rf"method & {above} \\",
        "".join(rules),
        rf" & {headings} \\",
        r"\midrule",
    ]
    for row in layout.table.rows:
        entries = " & ".join(_entry(layout, row, group, leaf) for group, leaf in leaves)
        lines.append(rf"{escaped(row)} & {entries} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}}", r"\end{table*}", ""])


def _entry(layout: Layout, row: str, group: Group, leaf: Leaf) -> str:
    entry = layout.entry(row, group.label, leaf)
    text = "--" if entry.text == "-" else entry.text
    if text.startswith(("-0", "-1", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9", "+")):
        text = f"${text}$"
    text = rf"\textbf{{{text}}}" if entry.is_best else text
    return _gray(text + (rf" {{\scriptsize {entry.interval}}}" if entry.interval else ""), leaf)


def _gray(text: str, leaf: Leaf) -> str:
    return rf"\textcolor{{gray}}{{{text}}}" if leaf.kind is Kind.OTHER and text else text
