"""A terminal gets an aligned table, a pipe the Markdown."""

import io

import pytest
from rich.console import Console

from dfrec_jax.reports import screen

HEADINGS = ["face", "method", "n", *(f"IDSIM, region {number}" for number in range(8))]
LINES = ["| " + " | ".join(cells) + " |" for cells in (HEADINGS, ["target", "inpainting", "444", *["0.5"] * 8])]
TEXT = "\n".join([LINES[0], "|---|---|---:|" + "---:|" * 8, LINES[1]]) + "\n\nA *note* of " + "many words " * 30 + "\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_pipe_gets_the_markdown(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    screen.show(TEXT, Console(file=file, width=80))
    assert file.getvalue() == TEXT + "\n"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_terminal_gets_whole_words_in_columns_and_wrapped_notes(width):
    file = Terminal()
    screen.show(TEXT, Console(file=file, width=width, color_system=None))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "|" not in file.getvalue() and "…" not in file.getvalue()
    assert file.getvalue().count("many words") > 20 and sum("many" in line for line in lines) > 1
    if width == 200:
        first, second = (next(line for line in lines if word in line) for word in ("method", "444"))
        assert second.index("0.5") + 3 == first.index("region 0") + len("region 0")  # numbers end below their heading
