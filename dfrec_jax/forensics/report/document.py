"""What a report says, in parts that neither HTML nor PDF knows of: both are drawn from the same document."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_ROUNDED = 5e-5  # half of the last place of a logarithm in a record


class Paragraph(NamedTuple):
    """Text; `kind` is empty, `lead` for what must be read first, `alarm` for what speaks against a use, or `note`."""

    text: str
    kind: str = ""


class Bullets(NamedTuple):
    """Sentences that stand one below another."""

    items: tuple[str, ...]


class Facts(NamedTuple):
    """Names and values; a value that nobody gave is an empty string, and is drawn as a line to write on."""

    rows: tuple[tuple[str, str], ...]


class Table(NamedTuple):
    """Headings and rows of as many cells; `numbers` are the columns that hold some, from 0."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    caption: str = ""


class Picture(NamedTuple):
    """A file in the folder of the report, and what stands beneath it."""

    file: str
    title: str
    words: str


class Pictures(NamedTuple):
    """Pictures side by side; `is_wide` where each takes the whole width."""

    shown: tuple[Picture, ...]
    is_wide: bool = False


class Sheet(NamedTuple):
    """A form that a person fills in with a pen: headings, the names of its lines, and nothing else."""

    headings: tuple[str, ...]
    lines: tuple[str, ...]


Block = Paragraph | Bullets | Facts | Table | Pictures | Sheet


class Section(NamedTuple):
    """`anchor` is its name in addresses and in the table of demands."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


class Document(NamedTuple):
    """A report: `standing` is repeated on every page of the PDF."""

    title: str
    standing: str
    folder: Path
    sections: tuple[Section, ...]


def words(document: Document) -> str:
    """All text of a document, for whoever looks for a statement in it."""
    parts: list[str] = [document.title, document.standing]
    for section in document.sections:
        parts.append(section.title)
        for block in section.blocks:
            parts += _words(block)
    return "\n".join(parts)


def _words(block: Block) -> list[str]:
    match block:
        case Paragraph():
            return [block.text]
        case Bullets():
            return list(block.items)
        case Facts():
            return [f"{name}: {value}" for name, value in block.rows]
        case Table():
            return [block.caption, *(" | ".join(row) for row in (block.headings, *block.rows))]
        case Pictures():
            return [f"{each.title}: {each.words}" for each in block.shown]
        case Sheet():
            return [" | ".join(block.headings), *block.lines]


def plain(text: object) -> str:
    """`text` on one line, with what cannot be seen, or would turn what follows around, as its number: a name of a file
    must not look like another one."""
    return "".join(
        f"\\u{ord(letter):04x}" if unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") else letter
        for letter in str(text)
    )


def significant(value: int | float, digits: int = 3) -> str:
    """A number with so many significant digits, without an exponent: 0.0123, 12.3, 1230."""
    if value == 0:
        return "0"
    return f"{float(f'{value:.{digits - 1}e}'):.{_decimals(value, digits)}f}"


def interval(value: int | float, low: int | float, high: int | float, digits: int = 3) -> str:
    """A number with its interval, to one place: that of so many significant digits, or, where that is no further, of
    the second digit of the interval's half width: 0.030 [0.001, 0.057]."""
    decimals = _decimals(value, digits)
    if high > low:
        decimals = min(decimals, _decimals((high - low) / 2, 2))
    value, low, high = (round(each, decimals) + 0.0 for each in (value, low, high))  # no -0
    return f"{value:.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"


def ratio(log10_lr: float, bounds: Sequence[float]) -> str:
    """A likelihood ratio with two digits, its bounds in brackets, and whether it stands at one of them: `≥ 45 [0.042,
    45]`. Records round logarithms to four places: so near to a bound it stands at it."""
    low, high = bounds
    sign = "≥ " if log10_lr >= high - _ROUNDED else "≤ " if log10_lr <= low + _ROUNDED else ""
    value, least, most = (significant(10**each, 2) for each in (log10_lr, low, high))
    return f"{sign}{value} [{least}, {most}]"


def _decimals(value: int | float, digits: int) -> int:
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return max(0, digits - 1 - exponent)
