"""Whatever text or JSON comes, our parsers say what it means, or refuse it by the error that their docstrings name."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as any_of

from dfrec_jax.config import config_files, defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files import json_text
from dfrec_jax.forensics import reference
from dfrec_jax.forensics.report import contents
from dfrec_jax.preparation.inputs import tables
from dfrec_jax.preparation.plan import PreparationError
from dfrec_jax.records import index
from dfrec_jax.reports import cells, csv_tables, figures, known_runs, latex, report, results
from dfrec_jax.runs import goodput, muster
from dfrec_jax.tracing import calibration, gallery
from dfrec_jax.training import will_it_fit
from tests.reports import made_up

DRAWN = settings(max_examples=60, deadline=None, derandomize=True, database=None)
# The names that the readers ask for, so that what is drawn gets past the first of them.
SOURCES = "".join(Path(module.__file__).read_text() for module in (cells, figures, results, calibration, gallery))
NAMES = sorted(set(re.findall(r'"([a-z_0-9]+)"', SOURCES)))
LEAVES = any_of.none() | any_of.booleans() | any_of.integers() | any_of.floats() | any_of.text(max_size=8)
JSON = any_of.recursive(
    LEAVES,
    lambda inner: any_of.lists(inner, max_size=3) | any_of.dictionaries(any_of.sampled_from(NAMES), inner, max_size=8),
    max_leaves=25,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("any")


@given(text=any_of.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@example(text=b"[" * 100_000)
@DRAWN
def test_json(text):
    try:
        assert json.loads(json.dumps(json_text.parsed(text))) is not ...
    except ValueError:
        pass


@pytest.mark.parametrize(
    "read, file, refusal",
    [
        (lambda folder: cells.read(folder / "table_1.json"), "table_1.json", ValueError),
        (lambda folder: figures.read(folder / "figure_1b.json"), "figure_1b.json", ValueError),
        (lambda folder: results.read(folder / "results.json"), "results.json", ValueError),
        (calibration.read, calibration.RECORD, ConfigError),
        (gallery.read, gallery.RECORD, ConfigError),
        (lambda folder: reference.read(folder, "0" * 64), reference.FILE, ConfigError),
        (contents.read, contents.RECORD, ValueError),
    ],
)
def test_records_of_ours(read, file, refusal, folder):
    @given(said=JSON | any_of.dictionaries(any_of.sampled_from(NAMES), JSON, max_size=len(NAMES)))
    @DRAWN
    def check(said):
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(json.dumps(said))
        try:
            read(folder)
        except refusal as error:
            assert str(error)

    check()


def _places(said):
    """Every place in some JSON, as the containers and keys that lead to it."""
    inner = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for key, value in list(inner):
        yield said, key
        yield from _places(value)


@pytest.mark.filterwarnings("ignore:Glyph")  # what the font of a plot has not is drawn as a box, and said
@pytest.mark.parametrize("kind", ["table", "grid", "densities", "runs"])
def test_a_record_that_was_changed_at_one_place_is_shown_or_refused(kind, folder):
    """Not only read: what the page, Markdown, CSV and LaTeX are made of then is of its type."""
    results_of = folder / kind
    (results_of / "results").mkdir(parents=True, exist_ok=True)
    file = results_of / "results" / {"table": "table_1.json", "runs": "runs.json"}.get(kind, "figure_4.json")
    cells.write(made_up.table(), results_of / "results" / "table_1.json")
    if kind in ("grid", "densities"):
        made = made_up.grid(file.parent) if kind == "grid" else made_up.densities()
        figures.write(made, file)
    if kind == "runs":
        file.write_text(json.dumps(made_up.RUNS))
    whole = file.read_text()
    counted = len(list(_places(json.loads(whole))))

    @given(number=any_of.integers(0, counted - 1), other=LEAVES | any_of.lists(LEAVES, max_size=2) | any_of.just({}))
    @settings(DRAWN, max_examples=150)
    def check(number, other):
        said = json.loads(whole)
        inner, key = list(_places(said))[number]
        inner[key] = other
        file.write_text(json.dumps(said))
        try:
            tables = [cells.read(results_of / "results" / "table_1.json")]
            shown = [figures.read(file)] if file.name.startswith("figure") else []
            runs = known_runs.read(results_of / "results" / "runs.json")
            made = [text(table) for table in tables for text in (cells.markdown, csv_tables.table, latex.table)]
            assert all([*made, report.html(tables, shown, runs, results_of / "results")])
        except ValueError as error:
            assert str(file) in str(error) or "is damaged" in str(error), error
        except FileNotFoundError as error:  # of a picture by another name
            assert error.filename

    check()
    file.write_text(whole)


@given(lines=any_of.lists(JSON, max_size=4))
@DRAWN
def test_the_account_of_a_run_passes_over_what_is_no_line_of_it(lines, folder):
    (folder / goodput.TIMING).write_text("\n".join(map(json.dumps, lines)))
    goodput.read(folder)


@given(names=JSON)
@DRAWN
def test_names_beside_an_index(names, folder):
    (folder / "index-train.npz").write_bytes(b"PK\x05\x06" + bytes(18))  # a zip without entries
    (folder / "names.json").write_text(json.dumps(names))
    with pytest.raises(index.DamagedIndex):
        index.read(folder, "train")


@given(data=any_of.binary(max_size=120) | any_of.text(max_size=120).map(str.encode))
@example(data=b"a,b\n1,2,3\n")
@example(data="a,b\n1,2\n".encode("utf-16"))
@DRAWN
def test_tables(data, folder):
    (folder / "table.csv").write_bytes(data)
    try:
        rows = tables.read_table(str(folder / "table.csv"))
    except PreparationError as error:
        assert "table.csv" in str(error)
    else:
        assert all(isinstance(value, str) for row in rows for value in row.values())


@given(words=any_of.text(max_size=30) | any_of.from_regex(r"[0-9.]{1,8} ?(KiB|MiB|GiB|TiB)", fullmatch=True))
@example(words="१GiB")
@DRAWN
def test_sizes(words):
    try:
        assert will_it_fit.bytes_of(words) >= 0
    except ConfigError as error:
        assert "must be a number and a unit" in str(error)


@given(words=any_of.text(max_size=30) | any_of.from_regex(r"\[?[a-z0-9:]{0,8}\]?:[0-9]{0,6}", fullmatch=True))
@DRAWN
def test_addresses(words):
    try:
        name, port = muster.split_address(words)
    except ConfigError as error:
        assert "must be HOST:PORT" in str(error)
    else:
        assert name and 0 < port < 65536


FIELDS = any_of.sampled_from(("seed", "ism.width", "data.leak", "mode", "ism", "no.such"))


@given(words=any_of.text(max_size=30) | any_of.tuples(FIELDS, any_of.text(max_size=12)).map("=".join))
@example(words="seed=" + "(" * 10_000)
@example(words="seed=1+'a'")
@DRAWN
def test_overrides(words):
    try:
        config_files.parsed(defaults.dfrec(), words, "--override")
    except ConfigError as error:
        assert "--override" in str(error)
