"""Which lines there are, and what stands in them."""

from dfrec_jax.reports import averages, tables
from dfrec_jax.reports.results import Record


def _record(metric, value, *, table="recovery", attack="all", row="DFREC", n=9, over="examples", clusters=6):
    ends = (value, value) if clusters >= 5 else (None, None)
    return Record(table, row, "triplets", attack, "target", metric, value, *ends, n, "b", over, clusters)


def test_without_groups_the_mean_over_examples_is_shown_and_attacks_of_five():
    records = [
        _record("idsim", 0.25), _record("idsim_gain", 0.01), _record("idsim", 0.2, row="None"),
        _record("idsim", 0.3, attack="many", n=5, clusters=4), _record("idsim", 0.4, attack="few", n=4),
    ]  # fmt: skip
    lines = [line for line in averages.markdown(records).splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[:5] for line in lines] == [
        ["| mean over", "method", "n", "clusters", "IDSIM"],
        ["| examples", "None", "9", "6", "0.200 [0.200, 0.200]"],
        ["| examples", "DFREC", "9", "6", "0.250 [0.250, 0.250]"],
        ["| attack", "method", "n", "people", "IDSIM"],
        ["| many", "DFREC", "5", "4", "0.300 [-]"],
    ]
    assert averages.markdown([]) == ""


def test_with_groups_their_means_take_the_place():
    records = [
        _record("idsim", 0.25),
        _record("idsim", 0.26, table="groups"),
        _record("idsim", 0.27, table="groups", over="groups"),
        _record("idsim", 0.28, table="groups", attack="without big", over="groups", clusters=5),
    ]
    lines = [line for line in averages.markdown(records).splitlines() if line.startswith(("| examples", "| groups"))]
    assert [line.split(" | ")[:5] for line in lines] == [
        ["| examples", "DFREC", "9", "6", "0.260 [0.260, 0.260]"],
        ["| groups", "DFREC", "9", "6", "0.270 [0.270, 0.270]"],
        ["| groups, without big", "DFREC", "9", "5", "0.280 [0.280, 0.280]"],
    ]


def test_a_mean_over_too_few_groups_to_resample_has_a_dash_for_its_interval():
    few = [_record("idsim", 0.25, table="groups", over="groups", clusters=4)]
    enough = [few[0]._replace(low=0.2, high=0.3, clusters=5)]
    assert "| 4 | 0.250 [-] |" in averages.markdown(few) and "[-]" not in averages.markdown(enough)
    assert "4 people or groups" in tables.without_interval(few, (averages.AVERAGES,))[0]
    assert tables.without_interval(enough, (averages.AVERAGES,)) == []
    assert tables.without_interval([few[0]._replace(clusters=None)], (averages.AVERAGES,)) == []
