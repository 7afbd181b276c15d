"""`report.pdf`: the same document by ReportLab, which needs no program beside it and no network.

Letters are those of DejaVu Sans, which Matplotlib brings; what it does not have is written as its number.
"""

import importlib.util
import io
import math
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image as Pillow
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Image,
    KeepTogether,
    PageBreak,
    SimpleDocTemplate,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Paragraph as Flowing
from reportlab.platypus import Table as Grid

from dfrec_jax.forensics.report.document import (
    Block,
    Bullets,
    Document,
    Facts,
    Paragraph,
    Pictures,
    Section,
    Sheet,
    Table,
)
from dfrec_jax.pictures import reading

FONT, BOLD, MONO = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"
INK, SOFT, LINE, ALARM = (
    colors.HexColor("#1d2330"),
    colors.HexColor("#596273"),
    colors.HexColor("#c9ced8"),
    colors.HexColor("#962020"),
)
LARGEST_SCALE = 1.6  # points of a pixel, of a picture that stands alone
LARGEST = 1600  # pixels of a picture on the page; the file in the folder is whole
PADDING = 6  # points, of ReportLab's frames
WIDTH = A4[0] - 36 * mm - 2 * PADDING
STARTS_A_PAGE = ("features", "second-reader")
_CODE = re.compile(r"`([^`]*)`")


def write(document: Document, path: Path) -> None:
    """Writes the PDF; the same document gives the same bytes."""
    _register()
    out = SimpleDocTemplate(
        str(path), pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=20 * mm, bottomMargin=18 * mm,
        title=document.title, subject=document.standing, author="dfrec", invariant=1,
    )  # fmt: skip
    styles = _styles()
    story: list[Any] = [Flowing(_markup(document.title, styles["title"]), styles["title"])]
    story.append(Flowing(_markup(document.standing, styles["note"]), styles["note"]))
    for number, section in enumerate(document.sections, 1):
        story += _section(section, number, document.folder, styles)
    out.build(story, canvasmaker=lambda *given, **named: _Numbered(*given, standing=document.standing, **named))


@cache
def _register() -> None:
    package = importlib.util.find_spec("matplotlib")  # found, and not imported, which takes half a second
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"
    for name in (FONT, BOLD, MONO):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def _styles() -> dict[str, ParagraphStyle]:
    body = ParagraphStyle(
        "body", fontName=FONT, fontSize=9, leading=13, textColor=INK, spaceAfter=4, allowWidows=0, allowOrphans=0
    )
    return {
        "": body,
        "title": ParagraphStyle("title", body, fontName=BOLD, fontSize=16, leading=20, spaceAfter=6),
        "heading": ParagraphStyle("heading", body, fontName=BOLD, fontSize=12, leading=16, spaceBefore=10),
        "lead": ParagraphStyle("lead", body, fontName=BOLD, fontSize=13, leading=17, textColor=ALARM),
        "alarm": ParagraphStyle("alarm", body, borderColor=ALARM, borderWidth=0.7, borderPadding=4, spaceBefore=4,
                                spaceAfter=8),
        "note": ParagraphStyle("note", body, fontSize=7.8, leading=11, textColor=SOFT),
        "cell": ParagraphStyle("cell", body, fontSize=7.4, leading=9.6, spaceAfter=0),
        "name": ParagraphStyle("name", body, fontSize=7.8, leading=10.5, textColor=SOFT, spaceAfter=0),
    }  # fmt: skip


def _section(section: Section, number: int, folder: Path, styles: dict[str, ParagraphStyle]) -> list[Any]:
    heading = Flowing(_markup(f"{number}. {section.title}", styles["heading"]), styles["heading"])
    drawn = [part for block in section.blocks for part in _block(block, folder, styles)]
    start = [PageBreak()] if section.anchor in STARTS_A_PAGE else []
    return [*start, KeepTogether([heading, *drawn[:1]]), *drawn[1:]]


def _block(block: Block, folder: Path, styles: dict[str, ParagraphStyle]) -> list[Any]:
    match block:
        case Paragraph():
            style = styles[block.kind]
            return [Flowing(_markup(block.text, style), style)]
        case Bullets():
            style = ParagraphStyle("bullet", styles[""], leftIndent=10, bulletIndent=0)
            return [Flowing(_markup(item, style), style, bulletText="•") for item in block.items]
        case Facts():
            name, value = styles["name"], styles["cell"]
            rows = [[Flowing(_markup(a, name), name), Flowing(_markup(b, value), value)] for a, b in block.rows]
            grid = Grid(rows, colWidths=[45 * mm, WIDTH - 45 * mm], hAlign="LEFT")
            written_on = [("LINEBELOW", (1, i), (1, i), 0.4, SOFT) for i, (_, b) in enumerate(block.rows) if not b]
            grid.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 2),
                                      ("BOTTOMPADDING", (0, 0), (-1, -1), 2), ("LEFTPADDING", (0, 0), (0, -1), 0),
                                      *written_on]))  # fmt: skip
            return [grid, Spacer(1, 4)]
        case Table():
            return _table(block, styles)
        case Pictures():
            return _pictures(block, folder, styles)
        case Sheet():
            return [_sheet(block, styles["cell"]), Spacer(1, 6)]


def _table(block: Table, styles: dict[str, ParagraphStyle]) -> list[Any]:
    left = styles["cell"]
    right = ParagraphStyle("right", left, alignment=2)
    head = [ParagraphStyle("head", each, fontName=BOLD) for each in (left, right)]
    block = _held_together(block, left, head[0])
    of = [i in block.numbers for i in range(len(block.headings))]
    rows = [[Flowing(_markup(words, head[is_number]), head[is_number])
             for words, is_number in zip(block.headings, of, strict=True)]]  # fmt: skip
    for row in block.rows:
        kinds = [right if is_number else left for is_number in of]
        rows.append([Flowing(_markup(words, kind), kind) for words, kind in zip(row, kinds, strict=True)])
    grid = Grid(rows, colWidths=_widths(block, left, head[0]), repeatRows=1, hAlign="LEFT")
    grid.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, 0), 0.7, INK),
                              ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE), ("TOPPADDING", (0, 0), (-1, -1), 2),
                              ("BOTTOMPADDING", (0, 0), (-1, -1), 2), ("LEFTPADDING", (0, 0), (-1, -1), 2),
                              ("RIGHTPADDING", (0, 0), (-1, -1), 3)]))  # fmt: skip
    caption = [Flowing(_markup(block.caption, styles["note"]), styles["note"])] if block.caption else []
    return [grid, Spacer(1, 3), *caption]


def _held_together(block: Table, cell: ParagraphStyle, head: ParagraphStyle) -> Table:
    """With numbers and their intervals on one line each, where all of them fit."""
    rows = tuple(
        tuple(words.replace(" ", "\u00a0") if i in block.numbers else words for i, words in enumerate(row))
        for row in block.rows
    )
    held = block._replace(rows=rows)
    return held if sum(_least(held, cell, head)) <= WIDTH else block


def _widths(block: Table, cell: ParagraphStyle, head: ParagraphStyle) -> list[float]:
    """No word is broken where all longest words fit; what is left goes to the columns with the longest lines."""
    least = _least(block, cell, head)
    columns = zip(block.headings, *block.rows, strict=True)
    wanted = [max(_width(words, cell, head) for words in column) for column in columns]
    left = WIDTH - sum(least)
    if left <= 0:
        return [WIDTH * width / sum(least) for width in least]
    more = [max(0.1, full - width) for full, width in zip(wanted, least, strict=True)]
    return [width + left * share / sum(more) for width, share in zip(least, more, strict=True)]


def _least(block: Table, cell: ParagraphStyle, head: ParagraphStyle) -> list[float]:
    """Of each column, the width of its longest word."""
    columns = zip(block.headings, *block.rows, strict=True)
    return [max(_width(word, cell, head) for words in column for word in words.split(" ")) for column in columns]


def _width(words: str, cell: ParagraphStyle, head: ParagraphStyle) -> float:
    return 7 + max(pdfmetrics.stringWidth(words, style.fontName, style.fontSize) for style in (cell, head))


def _sheet(block: Sheet, style: ParagraphStyle) -> Any:
    rows: list[list[Any]] = [[Flowing(_markup(words, style), style) for words in block.headings]]
    if not any(block.headings):
        rows = []
    empty = [""] * (len(block.headings) - 1)
    rows += [[Flowing(_markup(line, style), style), *empty] for line in block.lines]
    first = 48 * mm
    widths = [first, *[(WIDTH - first) / (len(block.headings) - 1)] * (len(block.headings) - 1)]
    heights = [None] * any(block.headings) + [11 * mm] * len(block.lines)
    grid = Grid(rows, colWidths=widths, rowHeights=heights, repeatRows=int(any(block.headings)), hAlign="LEFT")
    grid.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.4, SOFT), ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return grid


def _pictures(block: Pictures, folder: Path, styles: dict[str, ParagraphStyle]) -> list[Any]:
    count = 1 if block.is_wide else max(4, len(block.shown))
    width = (130 * mm if block.is_wide else WIDTH / count - 3 * mm)  # fmt: skip
    cells = []
    for each in block.shown:
        data, (w, h) = _picture(folder / each.file)
        scale = min(width / w, 110 * mm / h, LARGEST_SCALE if block.is_wide else math.inf)
        words = f"<b>{_markup(each.title, styles['note'])}</b> {_markup(each.words, styles['note'])} "
        words += f'<font name="{MONO}">{_markup(each.file, styles["note"])}</font>'
        cells.append([Image(data, w * scale, h * scale), Flowing(words, styles["note"])])
    cells += [""] * (count - len(cells))
    grid = Grid([cells], colWidths=[width + 3 * mm] * count, hAlign="LEFT")
    grid.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return [grid, Spacer(1, 4)]


def _picture(path: Path) -> tuple[io.BytesIO, tuple[int, int]]:
    out = io.BytesIO()
    with Pillow.open(path) as opened:
        reading.check_size(opened.size, path.stat().st_size, path)
        picture = opened.convert("RGB")
    picture.thumbnail((LARGEST, LARGEST))
    picture.save(out, format="PNG")
    out.seek(0)
    return out, picture.size


def _markup(text: str, style: ParagraphStyle) -> str:
    """For ReportLab, which reads XML: code in its own letters, and what the font does not have as its number."""
    letters = pdfmetrics.getFont(style.fontName).face.charToGlyph  # type: ignore[attr-defined]
    known = "".join(each if ord(each) in letters else f"\\u{ord(each):04x}" for each in text)
    return _CODE.sub(rf'<font name="{MONO}" size="{style.fontSize * 0.94:.2f}">\1</font>', escape(known))


class _Numbered(Canvas):
    """Pages that say, above and below, what they are of, and which of how many."""

    def __init__(self, *given: Any, standing: str, **named: Any):
        super().__init__(*given, **named)
        self._standing, self._kept = standing, []

    def showPage(self) -> None:  # noqa: N802  ReportLab's name
        """Keeps the page until their number is known."""
        self._kept.append(dict(self.__dict__))
        self._startPage()  # pyright: ignore[reportAttributeAccessIssue]

    def save(self) -> None:
        """Draws what stands on every page, and writes all."""
        for number, kept in enumerate(self._kept, 1):
            self.__dict__.update(kept)
            self.setFont(FONT, 7)
            self.setFillColor(SOFT)
            self.drawString(18 * mm, A4[1] - 12 * mm, self._standing)
            self.drawRightString(A4[0] - 18 * mm, 10 * mm, f"page {number} of {len(self._kept)}")
            super().showPage()
        super().save()
