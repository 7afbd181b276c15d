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
from dfrec_jax.reports import cells, csv_tables, drawing, figures, known_runs, latex, page_parts, rocs
from dfrec_jax.reports.cells import CellTable
from dfrec_jax.reports.figures import Figure
from dfrec_jax.reports.layout import OTHER_DATA, ROMAN

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
        rocs.write(table, folder / "figures" / f"table_{table.number}_roc.pdf")
    for figure in shown:
        drawn = folder / "figures" / f"{page_parts.file_name(figure)}.pdf"
        if figure.is_empty:
            drawn.unlink(missing_ok=True)  # of an earlier record, which had something to show
        else:
            drawing.write(figure, results, drawn)
    runs = known_runs.read(results / known_runs.FILE)
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
    made += [(page_parts.label(figure), figure.made) for figure in shown]
    return template.render(
        title=TITLE,
        style=markupsafe.Markup((package / "page.css").read_text(encoding="utf-8")),
        lead=_lead(tables, shown, runs),
        alarms=page_parts.alarms(tables),
        tables=[page_parts.table(table, anchors) for table in tables],
        figures=[page_parts.figure(figure, results) for figure in shown],
        runs=[page_parts.run(workdir, run, anchors) for workdir, run in runs.items()],
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
        f"{_counted(len(tables), 'table')} with {num_cells} of {total} cells measured" if tables else "",
        f"{drawn} of {_counted(len(of_paper), 'figure')} drawn" if of_paper else "",
        f"from {_counted(len(runs), 'run')}" if runs else "",
    ]
    return "Of DFREC, DeepFake Identity Recovery (Yu et al.): " + ", ".join(part for part in parts if part) + "."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


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
