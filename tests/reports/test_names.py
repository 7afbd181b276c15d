"""Names that try to be more than names, in tables of Markdown."""

from markdown_it import MarkdownIt

from dfrec_jax.reports import averages, cells, tables
from dfrec_jax.reports.names import in_markdown
from dfrec_jax.reports.results import Record
from tests.reports.made_up import IDSIM, cell, table

NAME = "A|B & <b>x</b> *y* `z` \\| c"


def read(markdown):
    """The words of each cell of the tables, line by line, as a reader of Markdown sees them."""
    lines, tokens = [], MarkdownIt().enable("table").parse(markdown)
    for before, token in zip(tokens, tokens[1:], strict=False):
        if before.type == "tr_open":
            lines.append([])
        if before.type in ("td_open", "th_open"):
            words = token.children or []
            assert {word.type for word in words} <= {"text", "text_special"}, token.content
            lines[-1].append("".join(word.content for word in words))
    return lines


def test_a_row_and_a_column_are_called_what_they_are_called():
    found = (cell(NAME, NAME, "idsim", 0.5), cell("None", NAME, "idsim", 0.25))
    made = table()._replace(rows=(NAME, "None"), columns=(NAME,), metrics=(IDSIM,), cells=found)
    assert read(cells.markdown(made)) == [["method", NAME], [NAME, "0.5000"], ["None", "0.2500"]]


def test_an_attack_is_called_what_it_is_called():
    fixed = {"dataset": "d", "low": 0.1, "high": 0.9, "n": 9, "network": "", "clusters": 9}
    head = Record("detection", "DFREC", attack=NAME, role="", metric="auc_forged", value=0.5, **fixed)
    assert read(tables.by_attack(tables.DETECTION, [head]))[1][0] == NAME
    of_group = Record("recovery", "DFREC", attack=NAME, role="target", metric="idsim", value=0.5, **fixed)
    assert NAME in {line[0] for line in read(averages.markdown([of_group]))}


def test_a_plain_name_stays_as_it_is_and_a_line_is_one():
    assert in_markdown("DFREC, trained on LFW_2+ [a]") == "DFREC, trained on LFW_2+ [a]"
    assert in_markdown("a\nb") == "a b"
