"""The report: one file that says what the records say, runs nothing and asks nobody."""

import html
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from dfrec_jax.files import whole
from dfrec_jax.reports import cells, figures, report
from tests.reports.made_up import HOSTILE, OTHER, ROWS, RUNS, densities, grid, table


class Page(HTMLParser):
    """Its tags, its addresses and its words."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.names, self.words = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        self.names += [value for name, value in attrs if name == "id"]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A folder of records."""
    folder = tmp_path_factory.mktemp("out")
    results = folder / "results"
    cells.write(table(), results / "table_1.json")
    cells.write(table(6)._replace(made={}), results / "table_6.json")
    for made in (grid(results), densities(), grid(results)._replace(name="cases")):
        figures.write(made, results / (f"figure_{made.name}.json" if made.name != "cases" else "cases.json"))
    figures.write(figures.Figure("5", "nothing", missing=("Not shown: E4S.",)), results / "figure_5.json")
    whole.write_json(results / "runs.json", RUNS, indent=1)
    return folder


@pytest.fixture(scope="module")
def page(out):
    """The text of the page."""
    return report.render(out).read_text(encoding="utf-8")


def test_everything_stands_where_it_belongs(out, page):
    made = sorted(str(path.relative_to(out)) for path in out.rglob("*.*") if "results" not in path.parts)
    tables = [f"tables/table_{number}.{ending}" for number in (1, 6) for ending in ("csv", "md", "tex")]
    drawn = ["figures/cases.pdf", "figures/figure_1.pdf", "figures/figure_4.pdf"]
    assert made == sorted([*tables, *drawn, "report/index.html"])
    parsed = Page(page)
    assert {"table-1", "table-6", "figure-1", "figure-4", "figure-5", "figure-cases", "runs"} <= set(parsed.names)
    assert "Not shown: E4S." in page and "A dash for IDSIM of RECCE" in page
    local = [address for address in parsed.addresses if address.startswith("../")]
    assert local and all((out / "report" / address).is_file() for address in local)
    inside = {address[1:] for address in parsed.addresses if address.startswith("#")}
    assert inside <= set(parsed.names)


def test_the_first_line_counts_what_there_is(page):
    assert "2 tables with 22 of 24 cells measured, 2 of 3 figures drawn, from 1 run." in page
    assert report._lead([table()], [densities()], {}).endswith(
        "1 table with 11 of 12 cells measured, 1 of 1 figure drawn."
    )


def test_names_are_words_and_nothing_else(page):
    parsed = Page(page)
    assert "script" not in parsed.tags and "b>" not in "".join(parsed.tags)
    assert html.escape(HOSTILE, quote=False) not in page or "&lt;script&gt;" in page
    assert "<script" not in page
    assert any(HOSTILE in word for word in parsed.words) and any(OTHER in word for word in parsed.words)


def test_no_browser_asks_anybody(page):
    addresses = Page(page).addresses
    assert addresses and all(address.startswith(("#", "../", "data:image/")) for address in addresses)
    assert not re.findall(r"(?i)https?:|//[a-z]|@import|url\(", page)
    assert "default-src 'none'; img-src data:" in page


def test_a_difference_is_shown_only_where_it_is_allowed(page):
    shown = re.findall(r'<td class="difference[^>]*>([^<]*)<', page)
    assert shown == ["−0.0292", "+0.0833", "−0.0192"] * 2, "once a table, in the column on the paper's protocol"
    assert re.findall(r'<td class="other[^>]*>0.6967<', page)
    assert "paper, other data" in page


def test_the_page_says_how_it_was_made(page):
    words = "".join(Page(page).words)
    assert words.count(f"--runs={HOSTILE}") >= 2 and "by which command" not in words
    assert words.count("Random weights.") == 1, "an alarm stands once, at the top"
    assert f'"name": "{HOSTILE}"'.replace('"&', '\\"&').replace("\\input", "\\\\input") in words


def test_the_same_records_make_the_same_page(out, page):
    assert report.render(out).read_text(encoding="utf-8") == page


def test_a_figure_with_nothing_to_show_leaves_no_drawing_of_before(tmp_path):
    results = tmp_path / "results"
    drawn = tmp_path / "figures" / "figure_4.pdf"
    figures.write(grid(results), results / "figure_4.json")
    figures.write(grid(results)._replace(name="cases"), results / "cases.json")
    report.render(tmp_path)
    assert drawn.exists()
    figures.write(figures.Figure("4", "nothing", missing=("Not shown: E4S.",)), results / "figure_4.json")
    text = report.render(tmp_path).read_text(encoding="utf-8")
    assert [path.name for path in drawn.parent.iterdir()] == ["cases.pdf"] and "figure_4.pdf" not in text


def test_of_an_imported_run_the_file_is_named_with_its_digest(out):
    run = {**next(iter(RUNS.values())), "imported": {"source": "adm.pt", "source_sha256": "ab" * 32}}
    earlier = {**run, "imported": {"source": "recce.bin"}}
    said = report.html([table()], [], {"runs/adm": run, "runs/recce": earlier, "runs/own": RUNS[next(iter(RUNS))]}, out)
    words = "".join(Page(said).words)
    assert f"Config of runs/adm, imported from adm.pt, SHA-256 {'ab' * 32}" in words
    assert "Config of runs/recce, imported from recce.bin, SHA-256 not kept by the version" in words
    assert words.count("imported from") == 2


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(ValueError, match="results: there is no table_N.json"):
        report.render(tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_device_and_not_even_jax_is_needed(out):
    program = "import sys; from dfrec_jax.reports import report; "
    program += f"report.render({str(out)!r}); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100)
    assert done.stdout == "False\n", done.stderr


def test_rows_keep_their_order(page):
    body = page.split('id="table-1"')[1].split("</table>")[0]
    found = [html.unescape(label) for label in re.findall(r'<th scope="row" class="method">(.*?)</th>', body)]
    assert tuple(found) == ROWS
