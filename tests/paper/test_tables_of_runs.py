"""Tables from workdirs: which run fills which cell, what is refused, and what is a dash with a reason."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from dfrec_jax.commands import evaluate as evaluation
from dfrec_jax.config import compared
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import describing, scores
from dfrec_jax.evaluation.recoverers import COPY, DFREC, INPAINTING
from dfrec_jax.evaluation.request import AS_TRAINED, Request
from dfrec_jax.files import whole
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.paper import recovered_pictures, runs_at_hand, table_cells, table_data, tables_of_runs
from dfrec_jax.paper.fitted_tables import Place, Wanted, fitted, places_of
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.table_cells import OfColumn, OfRow
from dfrec_jax.paper.table_data import Data
from dfrec_jax.paper.tables import DELOCATE, DFI, REPAINT, TABLES
from dfrec_jax.reports import cells, figures
from dfrec_jax.runs import stored_config
from dfrec_jax.runs.errors import CheckpointError
from tests import tiny


def run(folder, leak=(0.1, 0.25), **fields):
    """A workdir with a config and nothing else."""
    config = tiny.config()
    config.data.leak = leak
    for name, value in fields.items():
        section, _, field = name.partition("__")
        config[section][field] = value
    folder.mkdir(parents=True)
    stored_config.save(folder, config)
    return str(folder)


@pytest.fixture
def made_up(monkeypatch):
    """A network that dims, and no real one."""
    loaded = []

    real_source = tables_of_runs.source_of

    def source(wanted, measured, perturbation, request):
        if isinstance(wanted.run, Given):
            return real_source(wanted, measured, perturbation, request)
        loaded.append((wanted.method, measured.data, perturbation))
        if wanted.run is None:
            return tables_of_runs.Source(lambda number, batch: Kept(target=batch["image"]))
        share = {DFREC: 1.0, INPAINTING: 0.0}[wanted.method]
        mix = lambda batch: share * batch["target"] + (1 - share) * batch["image"]  # noqa: E731
        return tables_of_runs.Source(lambda number, batch: Kept(target=mix(batch).astype(np.uint8)), 7, "kept")

    monkeypatch.setattr(tables_of_runs, "source_of", source)
    eval_batches = pipeline.eval_batches

    def batches(config, split, *, max_examples, **hosts):
        """Two of random pictures; they are not drawn, which takes long to compile."""
        if config.data.dataset != pipeline.EMBEDDED:
            yield from eval_batches(config, split, max_examples=max_examples)
        for first in (0, 8):
            rows = first + np.arange(8)
            yield {**tiny.batch(8, seed=first), "number": rows, "target_id": rows % 6, "is_valid": rows < max_examples}

    monkeypatch.setattr(pipeline, "eval_batches", batches)
    return loaded


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
    missing = found["RECCE", "leak .1-.25", "fid"]
    assert missing.value is None and "no run of it trained on the column's data" in missing.reason
    assert "| RECCE | - | - |" in text and "A dash for MAT; RePaint; RECCE" in text
    assert "FD (embedded-b)" in text and "| FID" not in text
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
    whole.write_json(results / "runs.json", {"of before": {}}, indent=1)
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
    made = cells.read(results / "table_2.json").made
    assert made["device"].endswith("cpu") and made["environment"]["jax"] and shown.made == made


def test_a_split_is_the_papers_where_it_is_as_large():
    papers = lambda data, n: table_cells._is_papers_split(Data(*data), n)  # noqa: E731
    ftm, drawn = ("celeba_megafs", "ftm"), ("embedded", "leak 0.1 to 0.25")
    assert papers(ftm, 3004) and papers(ftm, 2900) and papers(("faceforensics", "LCR"), 20_000)
    assert not papers(ftm, 128) and not papers(ftm, 30_038) and not papers(drawn, 3004) and not papers(drawn, 0)


def test_perturbed_columns_and_another_training_set_have_their_own_places(tmp_path, made_up):
    one, other = run(tmp_path / "a"), run(tmp_path / "b", (0.25, 0.4))
    runs = [runs_at_hand.open_run(path) for path in (one, other)]
    two, five = fitted(TABLES[1], runs), fitted(TABLES[4], runs)
    wanted = places_of([two], runs)
    assert all({row.workdir for row in rows} == {one, other} for rows in wanted.values()) and len(wanted) == 3
    assert {place.perturbation for place in places_of([five], runs)} == {"blur", "jpeg", "noise"}
    labels = [column.label for column in fitted(TABLES[3], runs).columns]
    assert labels == ["leak .1-.25", "leak .25-.4", "leak 0-.1", "outdoors .1-.25", "outdoors .25-.4", "outdoors 0-.1"]


def copied(monkeypatch, share_of):
    """Recoverers that mix so much of the true target into the input, by the last name of the workdir."""

    def source(wanted, measured, perturbation, request):
        share = share_of[wanted.workdir[-1:]]
        mix = lambda batch: share * batch["target"] + (1 - share) * batch["image"]  # noqa: E731
        return tables_of_runs.Source(lambda number, batch: Kept(target=mix(batch).astype(np.uint8)), 7, "kept")

    monkeypatch.setattr(tables_of_runs, "source_of", source)


def test_a_cell_that_stands_in_two_tables_is_one_figure(tmp_path, made_up, monkeypatch):
    """FIDELITY 5.4, 8: the diagonal of II is I, and so are the last rows of VI and VII."""
    leaks = {"leak .1-.25": (0.1, 0.25), "leak .25-.4": (0.25, 0.4), "leak 0-.1": (0.0, 0.1)}
    copied(monkeypatch, {"": 0.0, "0": 0.3, "1": 0.5, "2": 0.7})
    runs = [run(tmp_path / str(number), leak) for number, leak in enumerate(leaks.values())]
    tables_of_runs.evaluate(runs, "all", str(tmp_path / "out"), Request(examples=16))
    found = {
        (number, cell.row, cell.column): cell.value
        for number in (1, 2, 6, 7)
        for cell in cells.read(tmp_path / "out" / "results" / f"table_{number}.json").cells
        if cell.metric == "idsim"
    }
    three = cells.read(tmp_path / "out" / "results" / "table_3.json")
    areas = {(cell.row, cell.column) for cell in three.cells if cell.metric == "auc_real" and cell.value is not None}
    assert {(roc.row, roc.column) for roc in three.rocs} == areas != set() and not cells.read(
        tmp_path / "out" / "results" / "table_2.json"
    ).rocs
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


def test_a_run_on_another_leak_has_a_column_of_its_own(tmp_path):
    runs = [runs_at_hand.open_run(run(tmp_path / "a", (0.1, 0.4)))]
    assert fitted(TABLES[0], runs).columns[-1].data == Data("embedded", "leak 0.1 to 0.4")
    config = table_data.Measured(runs[0].trained_on, "", 32, 4, 4).config(runs[0].config)
    assert tuple(config.data.leak) == (0.1, 0.4)


@pytest.mark.parametrize(
    ("fields", "without"),
    [
        ({}, ()),
        ({"ism__enabled": False}, ("ISM",)),
        ({"tirm__fusion": "none", "loss__patch": 0.0}, ("fusion", "patch")),
        ({"loss__perceptual": 0.0, "loss__attribute": 0.0}, ("perceptual", "attribute")),
    ],
)
def test_an_ablation_is_told_by_its_config(tmp_path, fields, without):
    assert runs_at_hand.open_run(run(tmp_path / "a", **fields)).without == set(without)


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
    refused([one, run(tmp_path / "f", (0.25, 0.4), frozen__metric="embedded-b")], "one network for a metric")
    framed = {"data__dataset": "celeba_megafs", "data__dir": "/nowhere", "data__crop": "box"}
    margins = [
        run(tmp_path / f"margin{m}", data__attack=a, data__margin=m, **framed) for m, a in ((0.3, "ftm"), (0.5, "lcr"))
    ]
    refused(margins, "margin0.3 was trained on faces of `--crop box --margin 0.3`, .*margin0.5 on those of .*0.5")
    with pytest.raises(CheckpointError, match="nowhere"):
        tables_of_runs.evaluate([one, "nowhere"], "1", "", Request())
    assert not made_up


def test_data_that_are_not_there_are_dashes(tmp_path, made_up):
    fields = {"data__dataset": "celeba_megafs", "data__attack": "ftm", "data__dir": str(tmp_path / "nowhere")}
    networks = {"frozen__frechet": "embedded-b", "frozen__pose": "embedded-b"}
    path = run(tmp_path / "a", **fields, **networks)
    text = tables_of_runs.evaluate([path], "2", "", Request())
    assert "| DFREC, trained on FTM | - | - | - |" in text and "its data are not there" in text


@pytest.mark.parametrize(("num_forgeries", "num_pristine"), [(0, 16), (1, 15), (16, 0)])
def test_a_split_that_lacks_a_kind_of_face_is_dashes_that_say_so(
    tmp_path, made_up, monkeypatch, num_forgeries, num_pristine
):
    batches = pipeline.eval_batches

    def of_few_kinds(config, split, **options):
        for batch in batches(config, split, **options):
            yield batch | {"is_forgery": batch["number"] < num_forgeries}

    monkeypatch.setattr(pipeline, "eval_batches", of_few_kinds)
    text = tables_of_runs.evaluate([run(tmp_path / "a")], "all", "", Request(examples=16))
    there = f"{num_forgeries} forgeries with a known target and {num_pristine} pristine faces"
    assert f"measured there were {there}, too few for it" in text
    one, three = (cells.read(tmp_path / "a" / "results" / f"table_{number}.json") for number in (1, 3))
    measured = {cell.metric for cell in one.cells if cell.row == DFREC and cell.value is not None}
    assert measured == {name for name, least in (("fid", 2), ("idsim", 1)) if num_forgeries >= least}
    is_judged = [cell.value is not None for cell in three.cells if cell.row == DFREC and cell.column == "leak .1-.25"]
    assert is_judged == [bool(num_forgeries and num_pristine)] * len(three.metrics)


def test_a_table_of_another_request_stands_in_the_way(tmp_path, made_up):
    path = run(tmp_path / "a")
    tables_of_runs.evaluate([path], "6", "", Request(examples=16))
    tables_of_runs.evaluate([path], "6", "", Request(examples=16))
    refused([path], "record of another request .*examples: 16 -> 9", table="6", request=Request(examples=9))


def test_flags_that_do_not_go_together(tmp_path):
    for flags in (("", "", "1", "", False, ""), ("a", "b", "", "7", False, ""), ("", "", "", "", False, "")):
        with pytest.raises(ConfigError, match="exactly one of them"):
            evaluation.asked(*flags, Request())
    with pytest.raises(ConfigError, match="--runs=a: goes with a table"):
        evaluation.asked("", "a", "", "", False, "", Request())
    with pytest.raises(ConfigError, match="--out=a: goes with a table"):
        evaluation.asked("w", "", "", "", False, "a", Request())
    with pytest.raises(ConfigError, match="--render-only: wants --out=DIR"):
        evaluation.asked("w", "", "1", "", True, "a", Request())


def test_a_copy_needs_no_run(tmp_path, made_up):
    text = tables_of_runs.evaluate([run(tmp_path / "a")], "3", "", Request(examples=16))
    line = next(line for line in text.splitlines() if line.startswith(f"| {COPY} |"))
    assert line.split(" | ")[1].startswith("50.00")


def pictures_of_another_program(root, order=range(16), attack="0.1-to-0.25"):
    """The true targets of the made-up batches, under the numbers of the examples."""
    folder = root / f"embedded-leak-{attack}"
    folder.mkdir(parents=True)
    targets = np.concatenate([tiny.batch(8, seed=first)["target"] for first in (0, 8)])
    for number, which in enumerate(order):
        Image.fromarray(targets[which]).save(folder / f"{number:06d}.png")
    return folder


def test_pictures_of_another_program_fill_a_row_by_the_numbers_of_the_examples(tmp_path, made_up):
    pictures_of_another_program(tmp_path / "mat")
    pictures_of_another_program(tmp_path / "mine", [*range(1, 16), 0])
    rows = [f"MAT={tmp_path / 'mat'}", f"mine={tmp_path / 'mine'}"]
    text = tables_of_runs.evaluate([run(tmp_path / "a")], "1", "", Request(examples=16), rows=rows)
    table = cells.read(tmp_path / "a" / "results" / "table_1.json")
    found = {(cell.row, cell.column, cell.metric): cell for cell in table.cells}
    mat, mine = (found[row, "leak .1-.25", "idsim"] for row in ("MAT", "mine"))
    assert mat.value == pytest.approx(1, abs=1e-6) and mine.value < 0.99 and mat.n == mine.n == 8
    assert mat.paper == 0.3928 and mine.paper is None and table.rows[-1] == "mine"
    assert (mat.run, mat.step, mat.pictures) == (str(tmp_path / "mat"), 0, "embedded-leak-0.1-to-0.25")
    one = recovered_pictures.read_example(tmp_path / "mat" / mat.pictures, 8, 9)
    np.testing.assert_array_equal(one["target"], tiny.batch(8, seed=8)["target"][1], "as what a run recovered is read")
    lacking = found["MAT", "leak 0-.1", "idsim"]
    assert lacking.value is None and "mat has no folder embedded-leak-0-to-0.1" in lacking.reason
    assert "| mine | " in text
    caption = " ".join(figures.read(tmp_path / "a" / "results" / "cases.json").caption)
    assert f"{tmp_path / 'a'} at step 7." in caption and "mat" not in caption, "whose cases are shown, and no other's"


def test_a_network_of_any_runs_losses_is_marked():
    """DFREC learns by another than what measures, DFI-min by the very same."""
    base = tiny.config()
    base.frozen.metric = "embedded-b"
    other = compared.compared("dfi", base)
    other.frozen.identity = "embedded-b"
    runs = [Run(name, config, (name,), frozenset(), Data("embedded")) for name, config in ((DFREC, base), (DFI, other))]
    networks = describing.Networks({"identity": FrozenNetwork({}, "embedded-b", lambda *given: {}, {})}, {})
    said = [
        table_cells.header_of(TABLES[1]._replace(columns=()), {}, networks, base, some) for some in (runs[:1], runs)
    ]
    assert ["network of the losses too" in " ".join(header) for header in said] == [False, True]
    assert "`embedded-b` is a network of the losses too, of DFI-min" in " ".join(said[1])


@pytest.mark.parametrize(
    ("methods", "known", "said"),
    [
        ((DELOCATE,), 8, "Delocate-min: the parts of a face are found by 68 landmarks, of 8 of 8 faces."),
        ((DELOCATE, REPAINT), 6, "RePaint and Delocate-min: .* of 6 of 8 faces, of the others by five landmarks, a"),
        ((REPAINT,), 0, "RePaint: the parts of a face are found by five landmarks, a mean face's 68 laid on them: no"),
        ((DFREC,), 8, ""),
    ],
)
def test_the_header_says_by_which_landmarks_parts_of_a_face_are_hidden(methods, known, said):
    table = TABLES[0]._replace(columns=TABLES[0].columns[:1])
    rows = {Wanted(method, "run", None): OfRow(None, 7, "") for method in methods}
    column = OfColumn(rows, 6, 2, num_with_points=known)
    networks = describing.Networks({}, {})
    header = table_cells.header_of(table, {Place(table.columns[0].data, ""): column}, networks, tiny.config(), [])
    found = [sentence for sentence in header if "parts of a face" in sentence]
    assert len(found) == bool(said) and re.match(said, "".join(found))


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "000003.png").unlink(), r"000000.png to 000015.png.*: 1 missing \(000003.png\)$"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], r"16 missing \(000000.png, .*png, ...\)"),
        (lambda folder: (folder / "000016.png").write_bytes(b""), r": 1 of no example \(000016.png\)$"),
        (lambda folder: Image.new("RGB", (8, 9)).save(folder / "000002.png"), "1 of another kind .000002.png is 8 x 9"),
        (lambda folder: Image.new("L", (32, 32)).save(folder / "000002.png"), "000002.png has the channels L"),
        (lambda folder: (folder / "000002.png").write_bytes(b"torn"), "000002.png cannot be read"),
    ],
)  # fmt: skip
def test_pictures_that_are_not_those_of_the_examples_are_counted_and_named(tmp_path, made_up, change, message):
    change(pictures_of_another_program(tmp_path / "mat"))
    with pytest.raises(ConfigError, match=message):
        tables_of_runs.evaluate([run(tmp_path / "a")], "1", "", Request(examples=16), rows=[f"MAT={tmp_path / 'mat'}"])
    assert not made_up, "and nothing was measured"


def test_the_faults_of_all_columns_and_rows_are_one_error(tmp_path, made_up):
    for attack in ("0-to-0.1", "0.25-to-0.4"):
        (pictures_of_another_program(tmp_path / "mat", attack=attack) / "000005.png").unlink()
    (pictures_of_another_program(tmp_path / "lama") / "000007.png").unlink()
    rows = [f"{name}={tmp_path / name}" for name in ("mat", "lama")]
    with pytest.raises(ConfigError) as refused:
        tables_of_runs.evaluate([run(tmp_path / "a")], "1", "", Request(examples=16), rows=rows)
    assert str(refused.value).count("1 missing (000005.png)") == 2 and "1 missing (000007.png)" in str(refused.value)
    assert not made_up


def test_rows_of_pictures_that_cannot_be(tmp_path, made_up):
    one, folder = run(tmp_path / "a"), tmp_path / "mat"
    pictures_of_another_program(folder)

    def refused(message, *rows, table="1"):
        with pytest.raises(ConfigError, match=message):
            tables_of_runs.evaluate([one], table, "", Request(examples=16), rows=rows)

    refused("--row=MAT: must be NAME=DIR", "MAT")
    refused("--row=MAT=/nowhere: /nowhere is no folder", "MAT=/nowhere")
    refused("MAT is given twice", f"MAT={folder}", f"MAT={tmp_path}")
    refused("the row None is the input itself", f"None={folder}")
    refused("/a is DFREC too", f"DFREC={folder}")
    refused("such a row stands in tables 1 and 3 and in figures 3 to 5 alone", f"MAT={folder}", table="2")
    refused("holds none of the folders embedded-leak-0.1-to-0.25, .*one for the pictures", f"MAT={tmp_path}")
    with pytest.raises(ConfigError, match="--row=MAT=x: goes with a table"):
        evaluation.asked("w", "", "", "", False, "", Request(), ["MAT=x"])
    assert not made_up
