"""`report/index.html`: every table and figure below a folder as one file that asks nothing of anywhere.

The page is a Jinja template: it escapes whatever is put into it, and it reads as the page that it makes. Beside it
stand the tables as Markdown, CSV and LaTeX, and the figures as PDF.
"""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from dfrec_jax.files import whole
from dfrec_jax.reports import cells, csv_tables, drawing, embedded, figures, latex
from dfrec_jax.reports.cells import CellTable
from dfrec_jax.reports.figures import Figure
from dfrec_jax.reports.layout import OTHER_DATA, ROMAN, Kind, Layout

TITLE = "DFREC-JAX: tables and figures"
READING = (
    "A figure in brackets below another is the 95 % interval of resampling people; what stands in bold is the best "
    "figure of a run in its column, if several runs have one.",
    "An arrow says which way is better. A dash is a cell that was not measured; why stands below the table.",
    f"“{OTHER_DATA}” is what the paper reports for the cell that ours is the counterpart of, measured on other "
    "data, another split or by another network: the two do not compare. A difference stands only where data, split and "
    "network are the paper's.",
)


def render(folder: str | Path) -> Path:
    """Renders all records in `<folder>/results` once more; no device, no data and no run is needed.

    Args:
      folder: the `--out` of evaluations.

    Returns:
      The page; tables stand in `tables/` and figures in `figures/` beside its folder.

    Raises:
      ValueError: where no record is there, or one cannot be read.
    """
    folder = Path(folder)
    results = folder / "results"
    tables = [cells.read(path) for path in sorted(results.glob("table_[1-7].json"))]
    shown = [figures.read(path) for path in (*sorted(results.glob("figure_[1-8].json")), results / "cases.json")
             if path.exists()]  # fmt: skip
    if not tables and not shown:
        raise ValueError(f"{results}: there is no table_N.json and no figure_N.json; name the --out of an evaluation")
    for table in tables:
        for ending, text in (("md", cells.markdown), ("csv", csv_tables.table), ("tex", latex.table)):
            whole.write_text(folder / "tables" / f"table_{table.number}.{ending}", text(table))
    for figure in shown:
        if not figure.is_empty:
            drawing.write(figure, results, folder / "figures" / f"{_file(figure)}.pdf")
    runs_file = results / "runs.json"
    runs = json.loads(runs_file.read_text(encoding="utf-8")) if runs_file.exists() else {}
    page = folder / "report" / "index.html"
    whole.write_text(page, html(tables, shown, runs, results))
    return page


def html(
    tables: Sequence[CellTable], shown: Sequence[Figure], runs: Mapping[str, Mapping[str, Any]], results: Path
) -> str:
    """The page.

    Args:
      tables: in order.
      shown: figures in order.
      runs: what each run is, by workdir.
      results: the folder of results, where the figures' pictures are kept.
    """
    package = resources.files("dfrec_jax.reports")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((package / "page.html.j2").read_text(encoding="utf-8"))
    anchors = {workdir: f"run-{number}" for number, workdir in enumerate(runs, 1)}
    made = [(f"Table {ROMAN[table.number]}", table.made) for table in tables]
    made += [(_label(figure), figure.made) for figure in shown]
    return template.render(
        title=TITLE,
        style=markupsafe.Markup((package / "page.css").read_text(encoding="utf-8")),
        lead=_lead(tables, shown, runs),
        alarms=_alarms(tables),
        tables=[_table(table, anchors) for table in tables],
        figures=[_figure(figure, results) for figure in shown],
        runs=[_run(workdir, run, anchors) for workdir, run in runs.items()],
        everything_made=_together(made),
        provenance=_provenance,
        reading=READING,
    )


def _lead(tables: Sequence[CellTable], shown: Sequence[Figure], runs: Mapping[str, Any]) -> str:
    num_cells = sum(cell.value is not None for table in tables for cell in table.cells)
    total = sum(len(table.cells) for table in tables)
    of_paper = [figure for figure in shown if figure.name != "cases"]
    drawn = sum(not figure.is_empty for figure in of_paper)
    parts = [
        f"{len(tables)} tables with {num_cells} of {total} cells measured" if tables else "",
        f"{drawn} of {len(of_paper)} figures drawn" if of_paper else "",
        f"from {len(runs)} run{'s' if len(runs) > 1 else ''}" if runs else "",
    ]
    return "Of DFREC, DeepFake Identity Recovery (Yu et al.): " + ", ".join(part for part in parts if part) + "."


def _alarms(tables: Sequence[CellTable]) -> list[str]:
    """Sentences of headers that Markdown has in bold, or that every table has: each once, at the top."""
    said = dict.fromkeys(sentence for table in tables for sentence in table.header)
    bold = [sentence.strip("*") for sentence in said if sentence.startswith("**")]
    everywhere = [sentence for sentence in said if sentence.startswith("Drawn faces in place")]
    return [_plain(sentence) for sentence in everywhere + bold]


def _table(table: CellTable, anchors: Mapping[str, str]) -> dict[str, Any]:
    layout = Layout(table)
    sources = [
        {"row": row, "run": run, "anchor": anchors.get(run, "runs"), "step": step or "", "pictures": pictures,
         "columns": "all" if len(columns) == len(table.columns) else ", ".join(columns)}
        for row, run, step, columns, pictures in layout.sources()
    ]  # fmt: skip
    header = [sentence for sentence in table.header if _plain(sentence.strip("*")) not in _alarms([table])]
    return {
        "number": table.number,
        "roman": ROMAN[table.number],
        "title": _capital(table.title),
        "short": table.title,
        "header": [_plain(sentence) for sentence in header],
        "blocks": [_block(layout, groups) for groups in layout.blocks()],
        "reasons": [*cells.reasons(table), *cells.lacking(table)],
        "footnotes": table.footnotes,
        "sources": sources,
        "files": [f"table_{table.number}.{ending}" for ending in ("md", "csv", "tex")],
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
                "heading": _minus(leaf.heading) if leaf.kind is Kind.DIFFERENCE else leaf.heading,
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


def _figure(figure: Figure, results: Path) -> dict[str, Any]:
    pictures = results / figures.PICTURES
    lines = [
        {"label": line.label, "places": [
            {"picture": embedded.picture(pictures / place.picture) if place.picture else "",
             "insets": [embedded.picture(pictures / name) if name else "" for name in place.insets],
             "number": None if place.number is None else _minus(f"{place.number:.2f}"),
             "alt": f"{line.label}, {heading}"}
            for heading, place in zip(figure.headings, line.places, strict=True)
        ]}
        for line in figure.lines
    ]  # fmt: skip
    return {
        "name": figure.name,
        "label": "+" if figure.name == "cases" else figure.name,
        "short": figure.title,
        "title": figure.title,
        "heading": f"{_label(figure)}. {_capital(figure.title)}" if figure.name != "cases" else _label(figure),
        "drawn": embedded.svg(drawing.encoded(figure, results, "svg")) if figure.panels else "",
        "headings": figure.headings,
        "lines": lines,
        "has_insets": any(place.insets for line in figure.lines for place in line.places),
        "caption": " ".join(figure.caption),
        "missing": figure.missing,
        "file": "" if figure.is_empty else f"{_file(figure)}.pdf",
        "made": figure.made,
    }


def _run(workdir: str, run: Mapping[str, Any], anchors: Mapping[str, str]) -> dict[str, Any]:
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
        "config": json.dumps(config, indent=2),
    }


def _together(made: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One entry for all that one command made."""
    found: dict[str, dict[str, Any]] = {}
    for what, how in made:
        if how:
            entry = found.setdefault(json.dumps([how.get("command"), how.get("commit")]), {"what": "", "made": how})
            entry["what"] += f", {what}" if entry["what"] else what
    return list(found.values())


def _provenance(made: Mapping[str, Any]) -> markupsafe.Markup:
    """A list of names and words; empty where the record does not say."""
    named = {
        "command": made.get("command"),
        "commit": made.get("commit") or "not from a repository",
        "time": made.get("time"),
        "device": made.get("device"),
        "environment": ", ".join(f"{name} {version}" for name, version in made.get("environment", {}).items()),
    }
    if not made:
        return markupsafe.Markup("")
    item = markupsafe.Markup("<dt>{}</dt><dd><code>{}</code></dd>")
    items = markupsafe.Markup("").join(item.format(name, value) for name, value in named.items() if value)
    return markupsafe.Markup("<dl>{}</dl>").format(items)


def _label(figure: Figure) -> str:
    names = {"1": "Figure 1(b)", "cases": "Worst, median and best cases"}
    return names.get(figure.name, f"Figure {figure.name}")


def _file(figure: Figure) -> str:
    return figure.name if figure.name == "cases" else f"figure_{figure.name}"


def _plain(sentence: str) -> str:
    """Without the marks of Markdown."""
    return sentence.replace("`", "").replace("**", "")


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]


def _minus(text: str) -> str:
    """A hyphen as the sign that is as wide as a plus."""
    return text.replace("-", "\N{MINUS SIGN}")
