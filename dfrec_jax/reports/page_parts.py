"""What the template of the page is filled with: plain words and lists, of one table, one figure or one run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import markupsafe

from dfrec_jax.reports import cells, drawing, embedded, figures, rocs
from dfrec_jax.reports.cells import CellTable
from dfrec_jax.reports.figures import Figure
from dfrec_jax.reports.layout import LONGEST_WORD, ROMAN, Kind, Layout

DIGIT = 0.56  # rem, of a figure in the widest fonts that browsers have for the page
GRID = 53.0  # rem, beside the labels of a grid of pictures on a page of 1,280 pixels


def alarms(tables: Sequence[CellTable]) -> list[str]:
    """Sentences of headers that Markdown has in bold, or that every table has: each once, at the top."""
    said = dict.fromkeys(sentence for table in tables for sentence in table.header)
    bold = [sentence.strip("*") for sentence in said if sentence.startswith("**")]
    everywhere = [sentence for sentence in said if sentence.startswith("Drawn faces in place")]
    return [plain(sentence) for sentence in everywhere + bold]


def table(table: CellTable, anchors: Mapping[str, str]) -> dict[str, Any]:
    """Of one table; `anchors` are the places of runs in the page, by workdir."""
    layout = Layout(table)
    sources = [
        {"row": row, "run": run, "anchor": anchors.get(run, "runs"), "step": step or "", "pictures": pictures,
         "columns": "all" if len(columns) == len(table.columns) else ", ".join(columns)}
        for row, run, step, columns, pictures in layout.sources()
    ]  # fmt: skip
    header = [sentence for sentence in table.header if plain(sentence.strip("*")) not in alarms([table])]
    return {
        "number": table.number,
        "roman": ROMAN[table.number],
        "title": _capital(table.title),
        "short": table.title,
        "label_width": round(DIGIT * layout.label_width(), 1),
        "header": [plain(sentence) for sentence in header],
        "blocks": [_block(layout, groups) for groups in layout.blocks()],
        "rocs": embedded.svg(rocs.encoded(table, "svg")) if table.rocs else "",
        "rocs_across": min(len(rocs.columns(table)), drawing.PANELS_ACROSS),
        "rocs_caption": rocs.CAPTION,
        "reasons": [
            coded(sentence)
            for sentence in (*cells.reasons(table), *cells.lacking(table), *cells.without_interval(table))
        ],
        "footnotes": [coded(sentence) for sentence in table.footnotes],
        "sources": sources,
        "files": [
            *(f"tables/table_{table.number}.{ending}" for ending in ("md", "csv", "tex")),
            *([f"figures/table_{table.number}_roc.pdf"] if table.rocs else []),
        ],
        "made": table.made,
    }


def _block(layout: Layout, groups: Sequence[Any]) -> dict[str, Any]:
    leaves = [(group, leaf, place == 0) for group in groups for place, leaf in enumerate(group.leaves)]
    headings = []
    for _, leaf, is_first in leaves:
        arrow, better = ("↑", "more is better") if leaf.metric.more_is_better else ("↓", "less is better")
        of_ours = {"arrow": arrow, "better": better} if leaf.kind is Kind.OURS else {"arrow": "", "better": ""}
        headings.append(
            {
                "heading": _minus(leaf.heading) if leaf.kind is Kind.DIFFERENCE else _unbroken(leaf.heading),
                "kind": leaf.kind.value,
                "is_first": is_first,
                **of_ours,
            }
        )
    rows = []
    for row in layout.table.rows:
        entries = [
            {**layout.entry(row, group.label, leaf)._asdict(), "kind": leaf.kind.value, "is_first": is_first}
            for group, leaf, is_first in leaves
        ]
        for entry in entries:
            entry["text"], entry["interval"] = (_minus(entry[name]) for name in ("text", "interval"))
        rows.append({"label": row, "entries": entries})
    return {"groups": [{"label": g.label, "width": len(g.leaves)} for g in groups], "leaves": headings, "rows": rows}


def figure(figure: Figure, results: Path) -> dict[str, Any]:
    """Of one figure; its pictures are read from below `results`."""
    pictures = results / figures.PICTURES
    lines = [
        {"label": line.label.replace("example ", "example\N{NO-BREAK SPACE}"), "places": [
            {"picture": embedded.picture(pictures / place.picture) if place.picture else "",
             "insets": [embedded.picture(pictures / name) if name else "" for name in place.insets],
             "number": None if place.number is None else _minus(f"{place.number:z.2f}"),
             "alt": f"{line.label}, {heading}"}
            for heading, place in zip(figure.headings, line.places, strict=True)
        ]}
        for line in figure.lines
    ]  # fmt: skip
    return {
        "name": figure.name,
        "label": {"cases": "+", "1": "1(b)"}.get(figure.name, figure.name),
        "short": figure.title.partition(" (")[0],
        "title": figure.title,
        "heading": f"{label(figure)}. {_capital(figure.title)}" if figure.name != "cases" else label(figure),
        "drawn": embedded.svg(drawing.encoded(figure, results, "svg")) if figure.panels else "",
        "panels_across": min(len(figure.panels), drawing.PANELS_ACROSS),
        "headings": figure.headings,
        "lines": lines,
        "side": _side(figure),
        "caption": " ".join(figure.caption),
        "missing": [coded(sentence) for sentence in figure.missing],
        "file": "" if figure.is_empty else f"{file_name(figure)}.pdf",
        "made": figure.made,
    }


def _side(figure: Figure) -> float:
    """Of its pictures in rem, so that a line of them fits beside its label; what stands at their side counts too."""
    insets = 1.25 if any(place.insets for line in figure.lines for place in line.places) else 1.0
    return round(min(6.5, (GRID / max(len(figure.headings), 1) - 0.25) / insets), 2)


def run(workdir: str, run: Mapping[str, Any], anchors: Mapping[str, str]) -> dict[str, Any]:
    """Of one run; arguments as of `table`."""
    config = run["config"]
    return {
        "workdir": workdir,
        "anchor": anchors[workdir],
        "method": run["method"],
        "trained_on": run["trained_on"],
        "without": ", ".join(run["without"]) or "nothing",
        "image_size": config.get("image_size", ""),
        "num_steps": config.get("train", {}).get("num_steps", ""),
        "batch_size": config.get("train", {}).get("batch_size", ""),
        "seed": config.get("seed", ""),
        "imported": _imported(run.get("imported", {})),
        "config": json.dumps(config, indent=2),
    }


def _imported(said: Mapping[str, str]) -> str:
    """Which published file a run was made of; empty of a run that was trained."""
    if not said:
        return ""
    return f"{said['source']}, SHA-256 {said.get('source_sha256', 'not kept by the version that imported it')}"


def label(figure: Figure) -> str:
    """What it is called."""
    names = {"1": "Figure 1(b)", "cases": "Worst, median and best cases"}
    return names.get(figure.name, f"Figure {figure.name}")


def file_name(figure: Figure) -> str:
    """Of its drawing, without its ending."""
    return figure.name if figure.name == "cases" else f"figure_{figure.name}"


def plain(sentence: str) -> str:
    """Without the marks of Markdown."""
    return sentence.replace("`", "").replace("**", "")


def coded(sentence: str) -> markupsafe.Markup:
    """What Markdown has between two backticks, as a command, in the letters of code; all of it escaped."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:  # a backtick that has no other belongs to a name
        return markupsafe.escape(sentence)
    code = markupsafe.Markup("<code>{}</code>")
    return markupsafe.Markup("").join(code.format(part) if place % 2 else part for place, part in enumerate(parts))


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]


def _unbroken(text: str) -> str:
    """Broken at spaces alone, and a long word after its hyphens."""
    words = (
        word if len(word) > LONGEST_WORD else word.replace("-", "\N{NON-BREAKING HYPHEN}") for word in text.split()
    )
    return " ".join(words)


def _minus(text: str) -> str:
    """A hyphen as the sign that is as wide as a plus."""
    return text.replace("-", "\N{MINUS SIGN}")
