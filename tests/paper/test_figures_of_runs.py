"""Figures from workdirs: whose pictures stand where, what is missing, what is refused."""

import numpy as np
import pytest

from dfrec_jax.commands import evaluate as evaluation
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import describing
from dfrec_jax.evaluation.describing import Networks
from dfrec_jax.evaluation.request import Request
from dfrec_jax.paper import figure_grids, figures_of_runs, sources, tables_of_runs
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.paper.shown_examples import PARTS
from dfrec_jax.paper.tables import TABLES
from dfrec_jax.reports import figures
from tests import tiny
from tests.paper.workdirs import pictures_of_another_program, run

REQUEST = Request(examples=16)


def batch(seed=0):
    rows = np.arange(8)
    people = {"number": rows + seed, "source_id": 10 + rows % 3, "target_id": rows % 4, "is_valid": rows < 7}
    return {**tiny.batch(8, seed=seed), **people}


@pytest.fixture
def made_up(monkeypatch):
    """Runs without a network, which recover the target as it is, and data that are not drawn."""
    asked, real_source = [], sources.source_of

    def source(wanted, measured, perturbation, request):
        if isinstance(wanted.run, Given):
            return real_source(wanted, measured, perturbation, request)
        asked.append((wanted.method, wanted.workdir, measured.data.attack))
        maps = np.full((8, 32, 32, 1), 255, np.uint8)
        return sources.Source(lambda number, batch: Kept(batch["target"], batch["source"], maps), 7, "kept")

    monkeypatch.setattr(sources, "source_of", source)
    monkeypatch.setattr(describing, "load", lambda config, roles: Networks({"identity": tiny.network()}, {}))
    monkeypatch.setattr(pipeline, "eval_batches", lambda config, split, **_: iter([batch(0), batch(8)]))
    return asked


def made(out, name):
    return figures.read(out / "results" / f"figure_{name}.json")


def test_every_figure_from_the_runs_that_are_there(tmp_path, made_up):
    one, other = run(tmp_path / "a"), run(tmp_path / "b", (0.0, 0.1))
    without = run(tmp_path / "c", (0.0, 0.1), ism__enabled=False)
    out = tmp_path / "out"
    text = figures_of_runs.evaluate([one, other, without], "all", str(out), REQUEST)

    grid = made(out, "4")
    assert grid.headings == ("input", "true target", "DFREC", "DFREC, source", "true source")
    labels = [f"{leak}, example {number}" for leak in ("leak .1-.25", "leak 0-.1") for number in (0, 1)]
    assert [line.label for line in grid.lines] == labels
    first = grid.lines[0].places
    assert first[0].number is not None and first[0].number < 0.999 and first[1].number is None, "of the input, too"
    assert grid.lines[0].places[2].picture == grid.lines[0].places[1].picture
    assert grid.lines[0].places[2].number == pytest.approx(1, abs=1e-6)
    assert any("MAT; RePaint; RECCE; Delocate-min; DFI-min; DFREC (leak .25-.4): no run" in s for s in grid.missing)
    assert "embedded, leak 0.1 to 0.25; embedded, leak 0 to 0.1" in grid.caption[0] and "step 7" in grid.caption[3]

    crossing = made(out, "6")
    assert [line.label for line in crossing.lines] == ["DFREC, trained on leak .1-.25", "DFREC, trained on leak 0-.1"]
    assert crossing.headings[-3:] == ("leak .1-.25", "leak .25-.4", "leak 0-.1") and len(crossing.headings) == 6
    assert all(len(place.insets) == 4 for line in crossing.lines for place in line.places)

    parts = made(out, "7")
    assert parts.headings == PARTS
    assert [line.label for line in parts.lines[:3]] == ["leak .1-.25, forgery 0", "leak .1-.25, forgery 1",
                                                        "leak .1-.25, pristine 6"]  # fmt: skip
    ism = made(out, "8")
    assert ism.headings == ("input", "true target", "without ISM", "with ISM")
    assert {column for method, workdir, column in made_up if workdir == without} == {"leak 0 to 0.1"}
    assert made(out, "5").is_empty and "was trained on its data" in made(out, "5").missing[0]
    assert "**Figure 5: FFHQ-E4S" in text and "nothing to draw" in text
    assert [panel.title for panel in made(out, "1").panels][-3:] == ["leak .1-.25", "leak .25-.4", "leak 0-.1"]


def test_without_a_network_that_tells_identities_pictures_stand_without_numbers(tmp_path, made_up, monkeypatch):
    monkeypatch.setattr(describing, "load", lambda config, roles: Networks({}, {"identity": "it is nowhere"}))
    out, path = tmp_path / "out", run(tmp_path / "a")
    for name in ("1", "4", "7"):
        figures_of_runs.evaluate([path], name, str(out), REQUEST)
        assert made(out, name).missing[-1] == "Not shown: identity similarities: it is nowhere."
    assert made(out, "1").is_empty and not made(out, "1").caption
    for name in ("4", "7"):
        places = [place for line in made(out, name).lines for place in line.places]
        assert any(place.picture for place in places) and all(place.number is None for place in places)
        assert "similarity" not in " ".join(made(out, name).caption)


def test_a_forgery_is_held_against_a_third_person():
    both = batch()
    both["source_id"][:4], both["target_id"][:4] = [1, 2, 9, 9], [0, 0, 1, 2]
    found = figure_grids.similarities(tiny.network(), both)
    assert {name: len(values) for name, values in found.items()} == {"source": 4, "target": 4, "another person": 4}
    assert figure_grids._another(both, np.arange(4), 0) == 3, "1 is of the same person, 2 of its source"
    alone = {**both, "is_forgery": np.arange(8) < 1}
    found = figure_grids.similarities(tiny.network(), alone)
    assert len(found["source"]) == 1 and not len(found["another person"]), "there is nobody else"


def test_a_run_without_a_place_is_refused_unless_a_table_has_one(tmp_path, made_up):
    one, ablated = run(tmp_path / "a"), run(tmp_path / "b", loss__patch=0.0)
    with pytest.raises(ConfigError, match="without patch loss has no cell in figure 7"):
        figures_of_runs.evaluate([one, ablated], "7", str(tmp_path / "out"), REQUEST)
    figures_of_runs.evaluate([one, ablated], "7", str(tmp_path / "out"), REQUEST, [TABLES[6]])
    assert not made(tmp_path / "out", "7").is_empty


def test_all_figures_take_every_run_of_the_tables_and_no_other(tmp_path, made_up, monkeypatch):
    """One list of runs does for `--table=all --figure=all`, and for `--figure=all` alone."""
    one, ablated = run(tmp_path / "a"), run(tmp_path / "b", loss__patch=0.0)
    figures_of_runs.evaluate([one, ablated], "all", str(tmp_path / "out"), REQUEST)
    assert {workdir for _, workdir, _ in made_up} == {one}
    nowhere = run(tmp_path / "c", ism__enabled=False, loss__patch=0.0)
    with pytest.raises(ConfigError, match="c: DFREC .*has no cell in the figures, nor in a table"):
        figures_of_runs.evaluate([one, nowhere], "all", str(tmp_path / "out"), REQUEST)

    beside = []
    monkeypatch.setattr(tables_of_runs, "evaluate", lambda *given: beside.extend(given[4]) or "")
    monkeypatch.setattr(figures_of_runs, "evaluate", lambda *given: "")
    monkeypatch.setattr(evaluation, "_rendered", lambda folder: "")
    evaluation.asked("", f"{one},{ablated}", "6", "all", False, "out", REQUEST)
    assert TABLES[6] in beside, "with all figures a run of Table VII may be named beside Table VI"


def test_pictures_of_another_program_stand_among_the_methods(tmp_path, made_up):
    pictures_of_another_program(tmp_path / "mat")
    pictures_of_another_program(tmp_path / "mine")
    rows, out = [f"MAT={tmp_path / 'mat'}", f"mine={tmp_path / 'mine'}"], tmp_path / "out"
    one = run(tmp_path / "a")
    evaluation.asked(one, "", "", "4", False, str(out), REQUEST, rows)
    grid = made(out, "4")
    assert grid.headings == ("input", "true target", "MAT", "mine", "DFREC", "DFREC, source", "true source")
    places = dict(zip(grid.headings, grid.lines[0].places, strict=True))
    assert places["MAT"].picture == places["true target"].picture and places["MAT"].number == pytest.approx(1, abs=1e-6)
    assert f"Pictures of other programs: MAT ({tmp_path / 'mat'}), mine (" in " ".join(grid.caption)
    assert grid.runs == (one,) and "mat has no folder embedded-leak-0-to-0.1" in " ".join(grid.missing)

    (tmp_path / "mine" / "embedded-leak-0.1-to-0.25" / "000003.png").unlink()
    with pytest.raises(ConfigError, match="1 missing .000003.png"):
        evaluation.asked(one, "", "", "4", False, str(out), REQUEST, rows)
    with pytest.raises(ConfigError, match="such a row stands in tables 1 and 3 and in figures 3 to 5 alone"):
        evaluation.asked(one, "", "", "7", False, str(out), REQUEST, rows[:1])


def test_what_cannot_be_is_refused_before_anything_is_measured(tmp_path, made_up):
    one, out = run(tmp_path / "a"), tmp_path / "out"
    for flags, message in (
        (("1", "2"), "--figure=2: must be one of 1, 3, 4, 5, 6, 7, 8 .*or all"),
        (("8", "all"), "--table=8: must be 1 to 7"),
        (("", "8"), "a: DFREC trained on embedded, leak 0.1 to 0.25 has no cell in figure 8"),
    ):
        with pytest.raises(ConfigError, match=message):
            evaluation.asked(one, "", *flags, False, str(out), REQUEST)
    assert not made_up and not out.exists()


def test_a_figure_of_another_request_stands_in_the_way(tmp_path, made_up):
    one, out = run(tmp_path / "a"), str(tmp_path / "out")
    figures_of_runs.evaluate([one], "7", out, REQUEST)
    figures_of_runs.evaluate([one], "7", out, REQUEST)
    with pytest.raises(ConfigError, match="record of another request .*examples: 16 -> 9"):
        figures_of_runs.evaluate([one], "7", out, Request(examples=9))


def test_the_report_is_made_and_rendered_again_without_a_device(tmp_path, made_up, monkeypatch):
    one, out = run(tmp_path / "a"), tmp_path / "out"
    text = evaluation.asked(one, "", "", "7", False, str(out), REQUEST)
    page = out / "report" / "index.html"
    assert f"The report: {page}" in text and (out / "figures" / "figure_7.pdf").exists()
    before = page.read_text()
    page.unlink()

    def refuse(*_):
        raise AssertionError("a device was asked for")

    monkeypatch.setattr("jax._src.xla_bridge.backends", refuse)
    assert str(page) in evaluation.asked("", "", "", "", True, str(out), Request())
    assert page.read_text() == before
    with pytest.raises(ConfigError, match="there is no table_N.json"):
        evaluation.asked("", "", "", "", True, str(tmp_path / "nowhere"), Request())


def test_a_figure_of_the_data_alone_needs_no_run_of_its_own(tmp_path, made_up):
    figures_of_runs.evaluate([run(tmp_path / "a")], "1", str(tmp_path / "out"), REQUEST)
    assert len(made(tmp_path / "out", "1").panels) == 3 and not made_up
