"""What is refused before anything is measured: runs that do not go together, and what stands in the way of a record."""

import json

import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.request import AS_TRAINED, Request
from dfrec_jax.files import whole
from dfrec_jax.paper import asked_runs, tables_of_runs
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_data import Data
from dfrec_jax.reports import cells, figures
from dfrec_jax.runs.errors import CheckpointError
from tests import tiny
from tests.paper.workdirs import run
from tests.reports.made_up import table


def test_a_field_that_is_newer_than_the_record_counts_as_what_was_done_before(tmp_path):
    path = tmp_path / "figure_7.json"
    older = {field: value for field, value in AS_TRAINED.conditions().items() if field != "only"}
    figures.write(figures.Figure("7", "a figure", protocol={**older, "metrics": {"metric": "a"}}), path)
    asked_runs.check_free(path, {**AS_TRAINED.conditions(), "metrics": {"metric": "a"}}, figures.read)
    with pytest.raises(ConfigError, match="record of another request .*only: '' -> 'half=one'"):
        asked_runs.check_free(path, Request(only="half=one").conditions(), figures.read)
    with pytest.raises(ConfigError, match="metrics: .*'a'.* -> .*'b'"):
        asked_runs.check_free(path, {"metrics": {"metric": "b"}}, figures.read)


def test_what_is_no_record_stands_in_the_way(tmp_path):
    (tmp_path / "figure_7.json").write_text("{")
    with pytest.raises(ConfigError, match="a record cannot be kept there"):
        asked_runs.check_free(tmp_path / "figure_7.json", {}, figures.read)
    asked_runs.check_free(tmp_path / "figure_8.json", {}, figures.read)


@pytest.fixture
def results(tmp_path):
    """A folder that knows five runs: two that a table and a figure name, one that is asked for, and two of before."""
    found = table()._replace(cells=tuple(one._replace(run="of a table") for one in table().cells))
    cells.write(found, tmp_path / "table_1.json")
    drawn = figures.Figure("1", "densities", panels=(figures.Panel("a", ()),), runs=("of a figure",))
    figures.write(drawn, tmp_path / "figure_1.json")
    figures.write(figures.Figure("5", "nothing"), tmp_path / "figure_5.json")
    names = ("of a table", "of a figure", "asked for", "of before", "of long before")
    whole.write_json(tmp_path / "runs.json", dict.fromkeys(names, {}), indent=1)
    return tmp_path


ASKED = [Run("asked for", tiny.config(), ("DFREC",), frozenset(), Data("embedded"))]


def _kept(results):
    asked_runs.drop_unnamed(ASKED, results)
    return list(json.loads((results / "runs.json").read_text()))


def test_runs_that_no_record_names_any_more_are_dropped(results):
    assert _kept(results) == ["of a table", "of a figure", "asked for"]
    (results / "table_1.json").unlink()
    assert _kept(results) == ["of a figure", "asked for"]


def test_where_a_record_does_not_say_its_runs_nothing_is_dropped(results):
    said = figures.read(results / "figure_1.json")
    figures.write(said._replace(runs=()), results / "figure_1.json")  # as an earlier version wrote it
    assert len(_kept(results)) == 5
    (results / "figure_1.json").write_text("{")
    assert len(_kept(results)) == 5


def refused(workdirs, message, table="1", request=AS_TRAINED, out=""):
    with pytest.raises(ConfigError, match=message):
        tables_of_runs.evaluate(workdirs, table, out, request)


def test_what_cannot_be_is_refused_before_anything_is_measured(tmp_path, made_up):
    one, same = run(tmp_path / "a"), run(tmp_path / "b")
    refused([one, same], "a and .*b are both DFREC trained on embedded, leak 0.1 to 0.25")
    refused([one], "--table=8: must be 1 to 7, or all", table="8")
    refused([one], "--forge: a table of the paper says itself", request=Request(forge=True))
    refused([one], "--name=mine: a table", request=Request(name="mine"))
    refused([run(tmp_path / "c", (0.1, 0.4))], "leak 0.1 to 0.4 has no cell in table 2", table="2")
    refused([run(tmp_path / "d", ism__enabled=False)], "without ISM has no cell in table 1")
    photographs = run(tmp_path / "e", data__dataset="celeba_megafs", data__attack="ftm", data__dir="/nowhere")
    refused([one, photographs], "measured by|drawn faces and on photographs")
    refused([one, run(tmp_path / "f", (0.25, 0.4), frozen__metric="embedded-b")], "one network .*--measure_by=FIELD")
    refused([run(tmp_path / "g", frozen__pose="vgg19-imagenet")], "frozen.pose='vgg19-imagenet': must be a network")
    refused([one], "--measure_by=metric=pfld: frozen.metric='pfld': must", request=Request(measure_by="metric=pfld"))
    refused([one], "--measure_by=detector=: detector=: must be", request=Request(measure_by="detector="))
    framed = {"data__dataset": "celeba_megafs", "data__dir": "/nowhere", "data__crop": "box"}
    margins = [
        run(tmp_path / f"margin{m}", data__attack=a, data__margin=m, **framed) for m, a in ((0.3, "ftm"), (0.5, "lcr"))
    ]
    refused(margins, "margin0.3 was trained on faces of `--crop box --margin 0.3`, .*margin0.5 on those of .*0.5")
    refused([one], "--data_dir=/x: .*a was trained on drawn faces", request=Request(data_dir="/x"))
    empty = run(tmp_path / "empty", (0.25, 0.4))
    (tmp_path / "empty" / "checkpoints" / "7").rmdir()
    for workdirs, which, message in (
        ([one, "nowhere"], "best", "^nowhere: there is no config.json in it"),
        ([one], "9", "a: --checkpoint=9: must be best, newest, or one of the saved steps .7.$"),
        ([one, empty], "best", "empty: .*checkpoints holds no checkpoint: train first"),
        (["drawn"], "7", "^drawn: --checkpoint=7: the packed network drawn is of step [0-9]+ alone"),
    ):
        with pytest.raises(CheckpointError, match=message):
            tables_of_runs.evaluate(workdirs, "1", "", Request(checkpoint=which))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()].count("runs.json") == 0, "nothing is written"
    assert not made_up


def test_a_table_of_another_request_stands_in_the_way(tmp_path, made_up):
    path, earlier = run(tmp_path / "a"), table(6)._replace(protocol=Request(examples=16).conditions())
    cells.write(earlier, tmp_path / "a" / "results" / "table_6.json")
    refused([path], "record of another request .*examples: 16 -> 9", table="6", request=Request(examples=9))
    assert not made_up
