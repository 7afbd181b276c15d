"""A terminal gets an aligned table, a pipe the Markdown."""

import io

import pytest
from rich.console import Console

from dfrec_jax.reports import screen

CELL = "0.5 [0.4, 0.6]"
HEADINGS = ["face", "method", "n", *(f"IDSIM, region {number}" for number in range(8))]
LINES = [
    "| " + " | ".join(cells) + " |" for cells in (HEADINGS, ["target", "inpainting without f_t", "444", *[CELL] * 8])
]
TEXT = "\n".join([LINES[0], "|---|---|---:|" + "---:|" * 8, LINES[1]]) + "\n\nA *note* of " + "many words " * 30 + "\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_pipe_gets_the_markdown(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    screen.show(TEXT, Console(file=file, width=80))
    assert file.getvalue() == TEXT + "\n"


@pytest.mark.parametrize(("width", "num_parts"), [(60, 8), (80, 3), (300, 1)])
def test_a_terminal_gets_whole_cells_in_columns_and_wrapped_notes(width, num_parts):
    file = Terminal()
    screen.show(TEXT, Console(file=file, width=width, color_system=None))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width and "|" not in file.getvalue()
    rows = [line for line in lines if "inpainting" in line]
    assert len(rows) == num_parts and all(line.startswith(" target  inpainting without f_t  ") for line in rows)
    assert sum(line.count(CELL) for line in rows) == 8  # none is broken
    headings = [line for line in lines if "method" in line]
    assert all(len(heading.rstrip()) == len(row.rstrip()) for heading, row in zip(headings, rows, strict=True))
    assert sum("many" in line for line in lines) > 1
