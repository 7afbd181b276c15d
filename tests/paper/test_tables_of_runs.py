"""Tables from workdirs: which run fills which cell, and what is a dash with a reason."""

import json

import numpy as np
import pytest

from dfrec_jax import perceptors
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import scores
from dfrec_jax.evaluation.recoverers import COPY, DFREC, INPAINTING
from dfrec_jax.evaluation.request import Request
from dfrec_jax.files import whole
from dfrec_jax.paper import sources, tables_of_runs
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.reports import cells, figures
from dfrec_jax.weights.rules import WeightsError
from tests import tiny
from tests.evaluation import scored
from tests.paper.workdirs import run
from tests.reports.made_up import RUNS

NAMES = {
    "identity": "mobilefacenet-foamliu", "frechet": "lpips-like-squeezenet", "attributes": "attributes-resnet18",
    "pose": "3ddfa-v2",
}  # fmt: skip
NETWORKS = dict(
    zip(("frozen__metric", "frozen__frechet", "frozen__attribute_metric", "frozen__pose"), NAMES.values(), strict=True)
)


def without(monkeypatch, role):
    """Of `NETWORKS` all are at hand but one."""

    def load(name, config):
        if name == NAMES.get(role):
            raise WeightsError(f"{name} is nowhere")
        return scored.NETWORK.replace(name=name)

    monkeypatch.setattr(perceptors, "load_network", load)


def test_a_run_fills_the_cells_of_its_data_and_the_rest_are_dashes_with_reasons(tmp_path, made_up):
    text = tables_of_runs.evaluate([run(tmp_path / "a")], "1", "", Request(examples=16))
    table = cells.read(tmp_path / "a" / "results" / "table_1.json")
    assert (tmp_path / "a" / "tables" / "table_1.md").read_text() == text
    found = {(cell.row, cell.column, cell.metric): cell for cell in table.cells}
    dfrec, none = (found[row, "leak .1-.25", "idsim"] for row in (DFREC, "None"))
    assert dfrec.value == pytest.approx(1, abs=1e-6) and dfrec.paper == 0.7192 and not dfrec.is_papers_protocol
    assert (dfrec.run, dfrec.step, dfrec.pictures) == (str(tmp_path / "a"), 7, "kept")
    assert none.value == found[INPAINTING, "leak .1-.25", "idsim"].value < 0.9
    assert {cell.n for cell in (dfrec, none)} == {dfrec.n} and dfrec.n > 0
    assert found["None", "leak 0-.1", "idsim"].value is not None, "a forgery needs no run"
    missing = found["RECCE", "leak .1-.25", "frechet"]
    assert missing.value is None and "no run of it trained on the column's data" in missing.reason
    assert "| RECCE | - | - |" in text and "A dash for MAT; RePaint; RECCE" in text
    assert "FD (embedded-b)" in text and "| FID" not in text
    assert {cell.metric for cell in table.cells} == {"frechet", "idsim"}, "nor is it called so in records and CSV"
    assert "A dash for" not in "".join(table.footnotes)
    assert "`embedded-a` is a network of the losses too" in text, "tiny configs measure by what they train by"
    assert "same 8 forgeries and 8 pristine faces" in text and "trained for at most 2 steps at 32 px" in text


def test_a_table_that_was_preempted_goes_on_where_it_was(tmp_path, made_up, monkeypatch):
    path, calls, outputs_of = run(tmp_path / "a"), [], scores.outputs_of

    def counted(*arguments):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return outputs_of(*arguments)

    monkeypatch.setattr(scores, "outputs_of", counted)
    with pytest.raises(KeyboardInterrupt):
        tables_of_runs.evaluate([path], "2", str(tmp_path / "out"), Request(examples=16))
    text = tables_of_runs.evaluate([path], "2", str(tmp_path / "out"), Request(examples=16))
    made_up.clear()
    monkeypatch.setattr(scores, "outputs_of", outputs_of)
    assert text == tables_of_runs.evaluate([path], "2", str(tmp_path / "whole"), Request(examples=16))
    assert not (tmp_path / "out" / "results" / "unfinished").exists()
    assert len(calls) - 1 == 2 * len(made_up), "each row of both batches once, and the one that was interrupted again"


def test_the_worst_the_median_and_the_best_are_kept_with_what_the_runs_are(tmp_path, made_up):
    path, results = run(tmp_path / "a"), tmp_path / "a" / "results"
    whole.write_json(results / "runs.json", {"of before": next(iter(RUNS.values()))}, indent=1)
    tables_of_runs.evaluate([path], "2", "", Request(examples=16))
    shown = figures.read(results / "cases.json")
    labels = [line.label.partition(": ")[2].split(", ") for line in shown.lines]
    assert [word for word, _ in labels] == ["worst", "median", "best"]
    assert {int(number) for _, number in labels} <= {0, 1, 2, 3, 8, 9, 10, 11}, "forgeries, of both batches"
    for line in shown.lines:
        places = dict(zip(shown.headings, line.places, strict=True))
        assert places["recovered target"].picture == places["true target"].picture, "the run that is made up"
        assert places["input"].picture and not places["map"].picture
    assert f"{path} at step 7" in shown.caption[2]
    runs = json.loads((results / "runs.json").read_text())
    assert list(runs) == [path], "no record names the one of before"
    assert runs[path]["method"] == DFREC and runs[path]["config"]["image_size"] == tiny.SIZE
    two = cells.read(results / "table_2.json")
    made = two.made
    assert not two.rocs and made["device"].endswith("cpu") and made["environment"]["jax"] and shown.made == made


def copied(monkeypatch, share_of):
    """Recoverers that mix so much of the true target into the input, by the last name of the workdir."""

    def source(wanted, measured, perturbation, request):
        share = share_of[wanted.workdir[-1:]]
        mix = lambda batch: share * batch["target"] + (1 - share) * batch["image"]  # noqa: E731
        return sources.Source(lambda number, batch: Kept(target=mix(batch).astype(np.uint8)), 7, "kept")

    monkeypatch.setattr(sources, "source_of", source)


def test_a_cell_that_stands_in_two_tables_is_one_figure(tmp_path, made_up, monkeypatch):
    """FIDELITY 5.4, 8: the diagonal of II is I, and so are the last rows of VI and VII."""
    leaks = {"leak .1-.25": (0.1, 0.25), "leak .25-.4": (0.25, 0.4), "leak 0-.1": (0.0, 0.1)}
    copied(monkeypatch, {"": 0.0, "0": 0.3, "1": 0.5, "2": 0.7})
    without(monkeypatch, "nothing")
    runs = [run(tmp_path / str(number), leak, **NETWORKS) for number, leak in enumerate(leaks.values())]
    for number in "1267":  # those of Acc_id, whose intervals take seconds, have none of these cells
        named = runs[:1] if number == "7" else runs
        tables_of_runs.evaluate(named, number, str(tmp_path / "out"), Request(examples=16))
    found = {
        (number, cell.row, cell.column): cell.value
        for number in (1, 2, 6, 7)
        for cell in cells.read(tmp_path / "out" / "results" / f"table_{number}.json").cells
        if cell.metric == "idsim"
    }
    first = {column: found[1, DFREC, column] for column in leaks}
    assert len(set(first.values())) == 3, "the runs differ"
    assert {column: found[2, f"{DFREC}, trained on {column}", column] for column in leaks} == first
    assert {column: found[6, "with ISM, with fusion", column] for column in leaks} == first
    assert found[7, "identity + perceptual + patch + attribute", "leak .1-.25"] == first["leak .1-.25"]
    assert found[2, f"{DFREC}, trained on leak 0-.1", "leak .1-.25"] != first["leak .1-.25"]


def test_what_copies_is_as_far_off_as_its_input_was_perturbed(tmp_path, made_up, monkeypatch):
    """FIDELITY 5.4, 8: V is not above I."""
    copied(monkeypatch, {"": 0.0, "a": 0.0})
    batches = pipeline.eval_batches
    monkeypatch.setattr(
        pipeline,
        "eval_batches",
        lambda *given, **options: (b | {"image": b["target"]} for b in batches(*given, **options)),
    )
    path, out = run(tmp_path / "a"), tmp_path / "out"
    for table in "15":
        tables_of_runs.evaluate([path], table, str(out), Request(examples=16))
    one, five = ({c.column: c.value for c in cells.read(out / "results" / f"table_{number}.json").cells
                  if c.row == DFREC and c.metric == "idsim"} for number in (1, 5))  # fmt: skip
    assert one["leak .1-.25"] == pytest.approx(1, abs=1e-6)
    for name in ("blur", "JPEG", "noise"):
        assert 0 < five[f"{name} leak .1-.25"] < 1 - 1e-6, name


def test_data_that_are_not_there_are_dashes(tmp_path, made_up):
    fields = {"data__dataset": "celeba_megafs", "data__attack": "ftm", "data__dir": str(tmp_path / "nowhere")}
    networks = {"frozen__frechet": "embedded-b", "frozen__pose": "embedded-b"}
    path = run(tmp_path / "a", **fields, **networks)
    text = tables_of_runs.evaluate([path], "2", "", Request())
    assert "| DFREC, trained on FTM | - | - | - |" in text and "its data are not there" in text


@pytest.mark.parametrize(
    ("table", "role", "lacking"),
    [
        ("7", "identity", {"idsim", "idsim_region"}),
        ("7", "attributes", {"attr", "attr_region"}),
        ("7", "pose", {"pose"}),
        ("1", "frechet", {"frechet"}),
    ],
)
def test_a_network_that_is_not_at_hand_is_a_dash_in_what_it_measures(
    tmp_path, made_up, monkeypatch, table, role, lacking
):
    without(monkeypatch, role)
    copied(monkeypatch, {"": 0.0, "a": 0.5})
    text = tables_of_runs.evaluate([run(tmp_path / "a", **NETWORKS)], table, "", Request(examples=8))
    record = cells.read(tmp_path / "a" / "results" / f"table_{table}.json")
    found = [cell for cell in record.cells if cell.row == record.rows[-1] and cell.column == "leak .1-.25"]
    assert {cell.metric for cell in found if cell.value is None} == lacking
    assert {cell.reason for cell in found if cell.value is None} == {f"{NAMES[role]} is nowhere"}
    headings = ", ".join(metric.text for metric in record.metrics if metric.name in lacking)
    assert f"A dash for {headings} of" in text and f"`{NAMES[role]}`" not in text
    assert (tmp_path / "a" / "results" / "cases.json").exists() == (role != "identity"), "by which cases are told"


def test_other_networks_than_the_runs_own_measure_where_they_are_asked_for(tmp_path, made_up, monkeypatch):
    """Of runs that are trained, and that name different ones; they and their kept pictures stay what they are."""
    asked, source_of = [], sources.source_of
    monkeypatch.setattr(sources, "source_of", lambda wanted, *rest: asked.append(wanted) or source_of(wanted, *rest))
    one, two = run(tmp_path / "a", frozen__metric="embedded-b"), run(tmp_path / "b", (0.25, 0.4))
    request, out = Request(examples=16, measure_by="metric=embedded-b,frechet=embedded-a"), tmp_path / "out"
    text = tables_of_runs.evaluate([one, two], "1", str(out), request)
    table = cells.read(out / "results" / "table_1.json")
    assert "Frechet distance by `embedded-a`, identity by `embedded-b`" in text and "FD (embedded-a)" in text
    assert {cell.network for cell in table.cells if cell.value is not None} == {"embedded-a", "embedded-b"}
    assert table.protocol["metrics"]["identity"] == "embedded-b"
    assert {wanted.run.config.frozen.metric for wanted in asked if wanted.run} == {"embedded-a", "embedded-b"}
    assert json.loads((out / "results" / "runs.json").read_text())[two]["config"]["frozen"]["frechet"] == ""
    with pytest.raises(ConfigError, match="record of another request .*measure_by: "):
        tables_of_runs.evaluate([one], "1", str(out), Request(examples=16))


def test_where_nothing_can_be_measured_nothing_is_recovered(tmp_path, made_up, monkeypatch):
    without(monkeypatch, "identity")
    text = tables_of_runs.evaluate([run(tmp_path / "a", **NETWORKS)], "2", "", Request(examples=8))
    assert "| DFREC, trained on leak .1-.25 | - | - | - |" in text and not made_up
    assert "A dash for DFREC, trained on leak .1-.25: mobilefacenet-foamliu is nowhere." in text
    assert "Measured" not in text


@pytest.mark.parametrize(("num_forgeries", "num_pristine"), [(0, 16), (1, 15), (16, 0)])
def test_a_split_that_lacks_a_kind_of_face_is_dashes_that_say_so(
    tmp_path, made_up, monkeypatch, num_forgeries, num_pristine
):
    batches = pipeline.eval_batches

    def of_few_kinds(config, split, **options):
        for batch in batches(config, split, **options):
            yield batch | {"is_forgery": batch["number"] < num_forgeries}

    monkeypatch.setattr(pipeline, "eval_batches", of_few_kinds)
    without(monkeypatch, "nothing")
    path = run(tmp_path / "a", **NETWORKS)
    text = "".join(tables_of_runs.evaluate([path], number, "", Request(examples=16)) for number in "13")
    there = f"{num_forgeries} forgeries with a known target and {num_pristine} pristine faces"
    assert f"measured there were {there}, too few for it" in text
    one, three = (cells.read(tmp_path / "a" / "results" / f"table_{number}.json") for number in (1, 3))
    measured = {cell.metric for cell in one.cells if cell.row == DFREC and cell.value is not None}
    assert measured == {name for name, least in (("frechet", 2), ("idsim", 1)) if num_forgeries >= least}
    is_judged = [cell.value is not None for cell in three.cells if cell.row == DFREC and cell.column == "leak .1-.25"]
    assert is_judged == [bool(num_forgeries and num_pristine)] * len(three.metrics)


def test_a_copy_needs_no_run_and_curves_are_kept_of_what_was_judged(tmp_path, made_up):
    text = tables_of_runs.evaluate([run(tmp_path / "a")], "3", "", Request(examples=16))
    line = next(line for line in text.splitlines() if line.startswith(f"| {COPY} |"))
    assert line.split(" | ")[1].startswith("50.00")
    three = cells.read(tmp_path / "a" / "results" / "table_3.json")
    areas = {(cell.row, cell.column) for cell in three.cells if cell.metric == "auc_real" and cell.value is not None}
    assert {(roc.row, roc.column) for roc in three.rocs} == areas != set()


def test_faces_with_68_landmarks_are_counted(tmp_path, made_up, monkeypatch):
    batches, headers = pipeline.eval_batches, []

    def with_points(config, split, **options):
        for batch in batches(config, split, **options):
            points = np.zeros((8, 68, 2), np.float32)
            points[0] = np.nan
            yield batch | {"points": points}

    monkeypatch.setattr(pipeline, "eval_batches", with_points)
    monkeypatch.setattr(tables_of_runs, "header_of", lambda table, columns, *_: headers.append(columns) or [])
    tables_of_runs.evaluate([run(tmp_path / "a")], "2", "", Request(examples=12))
    measured = [(of.num_with_points, of.num_forgeries, of.num_pristine) for of in headers[0].values()]
    assert measured == [(10, 8, 4)] * 3
