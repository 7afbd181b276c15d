"""How a table is laid out: where a difference may stand, what the best figure is, how wide tables are broken."""

from dfrec_jax.reports.cells import Heading
from dfrec_jax.reports.layout import GROUP, PADDING, Entry, Kind, Layout, Leaf, parted
from tests.reports.made_up import COMPARABLE, FID, IDSIM, OTHER, ROWS, cell, table


def kinds(group):
    return [(leaf.metric.name, leaf.kind) for leaf in group.leaves]


def test_a_difference_stands_only_where_data_split_and_network_are_the_papers():
    layout = Layout(table())
    comparable, other = layout.groups()
    assert kinds(comparable) == [
        ("idsim", Kind.OURS), ("idsim", Kind.PAPER), ("idsim", Kind.DIFFERENCE),
        ("frechet", Kind.OURS), ("frechet", Kind.OTHER),
    ]  # fmt: skip
    assert kinds(other) == [("idsim", Kind.OURS), ("idsim", Kind.OTHER), ("frechet", Kind.OURS)], "the paper has no FID"
    difference = Leaf(IDSIM, Kind.DIFFERENCE)
    assert layout.entry(ROWS[-1], COMPARABLE, difference).text == "-0.0192"
    assert layout.entry("RECCE", COMPARABLE, difference).text == "+0.0833"
    assert layout.entry(ROWS[-1], OTHER, difference).text == "", "though both figures are there"


def test_the_papers_column_says_that_it_is_of_other_data():
    assert Leaf(IDSIM, Kind.OTHER).heading == "paper, other data" and Leaf(IDSIM, Kind.PAPER).heading == "paper"
    assert Leaf(FID, Kind.OTHER).heading == "paper's FID, other data", "ours is a distance of another kind"
    of_before = FID._replace(name="fid")
    assert Leaf(of_before, Kind.OTHER).heading == "paper's FID, other data", "as an earlier version wrote it"


def test_figures_intervals_and_dashes():
    layout, ours = Layout(table()), Leaf(IDSIM, Kind.OURS)
    assert layout.entry("RECCE", COMPARABLE, ours)[:2] == ("0.3333", "[0.3000, 0.4000]")
    missing = layout.entry("RECCE", OTHER, ours)
    assert missing.text == "-" and missing.detail.startswith("no run of")
    assert layout.entry("RECCE", OTHER, Leaf(IDSIM, Kind.OTHER)) == Entry("")
    assert layout.entry("None", OTHER, ours).text == "-0.0123"
    assert layout.entry(ROWS[-1], OTHER, ours).detail.startswith("n 100, runs/")


def test_the_best_is_the_best_of_several_runs():
    layout = Layout(table())
    assert [layout.entry(row, COMPARABLE, Leaf(IDSIM, Kind.OURS)).is_best for row in ROWS] == [False, False, True]
    assert [layout.entry(row, COMPARABLE, Leaf(FID, Kind.OURS)).is_best for row in ROWS] == [False, True, False]
    assert not any(layout.entry(row, OTHER, Leaf(IDSIM, Kind.OURS)).is_best for row in ROWS), "there is one run"


def test_wide_tables_are_broken_into_parts_of_equally_many_groups():
    columns, metric = tuple(f"column {i}" for i in range(9)), Heading("idsim", "IDSIM", 4, True)
    cells = tuple(cell("None", column, "idsim", 0.5) for column in columns)
    layout = Layout(table()._replace(rows=("None",), columns=columns, metrics=(metric,), cells=cells))
    each = PADDING + GROUP * (len("column 0") - 0.5)
    widths = ((9.1, [9]), (8.1, [5, 4]), (5.1, [3, 3, 3]), (4.1, [3, 3, 3]), (0.1, [1] * 9))
    for width, sizes in ((number * each, sizes) for number, sizes in widths):
        parts = layout.blocks(width)
        assert [len(part) for part in parts] == sizes
        assert [group.label for part in parts for group in part] == list(columns)


def _across(label, rows=("None",), metric=IDSIM, num_columns=9):
    """How many columns of such labels stand side by side on a page."""
    columns = tuple(f"{label} {i}" for i in range(num_columns))
    cells = tuple(cell(row, column, metric.name, 0.5) for row in rows for column in columns)
    made_up = table()._replace(rows=rows, columns=columns, metrics=(metric,), cells=cells)
    return max(len(part) for part in Layout(made_up).blocks())


def test_what_stands_above_and_before_figures_needs_its_room():
    assert _across("x") == 9
    assert _across("noise of pictures") == 3, "a wide label of a column"
    assert _across("noise o") == 9 and _across("noise o", ("DFREC, without attribute loss, trained on LFW",)) < 9
    whole, broken = (IDSIM._replace(text=f"FD ({name})") for name in ("lpipslikesqueezenet", "lpips-like-squeezenet"))
    assert _across("x", metric=whole, num_columns=6) == 3 and _across("x", metric=broken, num_columns=6) == 6
    assert parted("FD (embedded-b)") == ["FD", "(embedded-b)"]
    assert parted("FD (lpips-like-squeezenet)") == ["FD", "(lpips-", "like-", "squeezenet)"]


def test_a_group_that_is_too_wide_is_broken_between_its_metrics():
    parts = [kinds(group) for (group,) in Layout(table()).blocks(31.0)]
    assert [{name for name, _ in part} for part in parts] == [{"idsim"}, {"frechet"}, {"idsim", "frechet"}]
    assert sum(parts, []) == sum((kinds(group) for group in Layout(table()).groups()), [])


def test_the_sources_of_a_row():
    sources = Layout(table()).sources()
    assert [(row, step, columns) for row, _, step, columns, _ in sources] == [
        ("None", 0, [COMPARABLE, OTHER]), ("RECCE", 7, [COMPARABLE, OTHER]), (ROWS[-1], 7, [COMPARABLE, OTHER])
    ]  # fmt: skip
