"""docs/paper_map.md names files that are there and symbols that are called, and has a row for each table."""

import re
from pathlib import Path

import pytest

from dfrec_jax.paper.figures import FIGURES

REPOSITORY = Path(__file__).parent.parent
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (REPOSITORY / "docs" / "paper_map.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| paper |")
]
SOURCES = {
    path: path.read_text() for folder in ("dfrec_jax", "configs") for path in (REPOSITORY / folder).rglob("*.py")
}
NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")


def _files(cell):
    """The files of a cell; one without a folder lies beside the one before it."""
    found = []
    for name in re.findall(r"`([^`]+)`", cell):
        beside = [found[-1].parent / name] if found else []
        places = [REPOSITORY / name, REPOSITORY / "dfrec_jax" / name, *beside]
        found.append(next((place for place in places if place.exists()), places[0]))
    return found


def _symbols(cell):
    """Names of Python; fields of the config and flags are none."""
    return [name for name in re.findall(r"`([^`]+)`", cell) if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", name)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[1][:30]}")
def test_what_is_named_is_there_and_called(row):
    files = _files(row[2])
    assert files and all(path.exists() for path in files), row[2]
    paths = {one for path in files for one in ([path] if path.is_file() else path.rglob("*.py"))}
    for symbol in _symbols(row[3]):
        if symbol.split(".")[0] in ("data", "loss", "ism", "tirm", "sirm"):
            continue  # a field of the config
        name = symbol.split(".")[-1]
        definition = re.compile(rf"^\s*(def|class) {name}\b|^\s*{name}\b.*=", re.MULTILINE)
        assert any(definition.search(SOURCES[path]) for path in paths), f"{symbol} is in none of {row[2]}"
        of_use = re.compile(rf"(?<!def )(?<!class )\b{name}\b")
        uses = sum(len(of_use.findall(text)) for path, text in SOURCES.items())
        imports = sum(
            len(re.findall(rf"^(?:from|import) .*\b{name}\b", text, re.MULTILINE)) for text in SOURCES.values()
        )
        assert uses - imports > 0, f"{symbol} is called by nothing"


def test_each_table_and_figure_with_results_has_a_row_with_its_command():
    said = {row[0]: row[3] for row in ROWS}
    for number, numeral in enumerate(NUMERALS, 1):
        assert f"--table={number}`" in said[f"Table {numeral}"]
    for figure in FIGURES:
        row = "Fig. 1(b)" if figure.name == "1" else f"Fig. {figure.name}"
        assert f"--figure={figure.name}`" in said[row]
