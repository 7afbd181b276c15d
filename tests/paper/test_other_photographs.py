"""Tables and figures of runs on other photographs than the paper's: their columns, their rows, what is refused."""

import json

import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import describing
from dfrec_jax.evaluation.describing import Networks
from dfrec_jax.evaluation.recoverers import DFREC, INPAINTING
from dfrec_jax.evaluation.request import Request
from dfrec_jax.paper import (
    asked_runs,
    cases,
    figures_of_runs,
    fitted_tables,
    masks,
    pictures_of_others,
    runs_at_hand,
    sources,
    table_cells,
    table_data,
    tables_of_runs,
)
from dfrec_jax.paper.fitted_tables import fitted
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.paper.table_data import Data, Measured, covers, of_config, of_folders
from dfrec_jax.paper.tables import TABLES
from dfrec_jax.reports import cells, figures
from dfrec_jax.reports.cells import Cell
from tests import tiny
from tests.paper.workdirs import run

REQUEST = Request(examples=16)


@pytest.fixture
def folders(prepared, tmp_path):
    """The prepared data under two names: photographs, and swaps."""
    found = []
    for name in ("FACES", "SWAPS"):
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / name).symlink_to(prepared, target_is_directory=True)
        found.append(tmp_path / "data" / name)
    return found


@pytest.fixture
def runs(folders, tmp_path):
    """One on photographs alone, one on photographs and recorded swaps."""
    faces, swaps = folders
    fields = {"data__dataset": "faces", "data__crop": "none", "data__eval_batch_size": 8}
    fields |= {"frozen__frechet": "embedded-b", "frozen__attribute_metric": "embedded-b", "frozen__pose": "embedded-b"}
    one = run(tmp_path / "one", data__dir=str(faces), **fields)
    both = run(tmp_path / "both", data__dir=f"{faces},triplets:{swaps}", **fields)
    return [one, both]


@pytest.fixture
def made_up(monkeypatch):
    """Runs without a network, which recover the target as it is."""
    asked = []

    def source(wanted, measured, perturbation, request):
        asked.append((wanted.workdir[-4:], str(measured.data), perturbation, measured.folder))

        def pictures(number, batch):
            maps = np.zeros((*batch["image"].shape[:3], 1), np.uint8)
            return Kept(batch["target"], batch["source"], maps) if wanted.workdir else Kept(batch["image"])

        return sources.Source(pictures, 7, "kept")

    monkeypatch.setattr(sources, "source_of", source)
    networks = Networks({"identity": tiny.network(), "frechet": tiny.network()}, {})
    monkeypatch.setattr(describing, "load", lambda config, roles=(): networks)
    return asked


def test_a_data_set_is_told_by_its_name_and_a_run_covers_those_it_was_trained_on():
    config = tiny.config()
    config.data.dataset, config.data.dir = "faces", "/a/LFW,triplets:/a/DFDC"
    both = of_config(config)
    assert str(both) == "LFW + DFDC" and both == of_folders("triplets:/b/DFDC,faces:/b/LFW", "faces", "")
    lfw, dfdc, other = (Data(kind, "", f"/c/{name}") for kind, name in
                        (("faces", "LFW"), ("triplets", "DFDC"), ("triplets", "LFW")))  # fmt: skip
    assert covers(both, lfw) and covers(both, dfdc) and not covers(both, other) and not covers(lfw, both)
    assert len({lfw, Data("faces", "", "/d/LFW"), other}) == 2
    simswap = dfdc._replace(attack="SimSwap")
    assert covers(both, simswap) and not covers(simswap, dfdc) and covers(simswap, dfdc, of_any_attack=True)
    stored = of_folders("s3://bucket/LFW,triplets:s3://bucket/DFDC", "faces", "")
    assert stored == both and [part.folders for part in table_data.single_sets(stored)] == [
        "s3://bucket/LFW", "s3://bucket/DFDC",
    ]  # fmt: skip
    assert lfw.words() == ["faces", "", "LFW"] and str(simswap) == "DFDC, SimSwap"


def test_the_papers_and_drawn_data_keep_the_keys_of_their_pictures():
    config = tiny.config()
    assert of_config(config).words() == ["embedded", "leak 0.1 to 0.4"]
    for folders in ("prepared", "here,there", "celeba_megafs:here"):
        config.data.dataset, config.data.dir, config.data.attack = "celeba_megafs", folders, "ftm"
        data = of_config(config)
        assert data == Data("celeba_megafs", "ftm") and not data.folders
        words = Measured(data, "prepared", 32, 4, 4).words("", 0)
        assert words == {"data": ["celeba_megafs", "ftm"], "image_size": 32, "batch_size": 4, "perturbation": None}
    config.data.dir = "here,triplets:there"
    assert str(of_config(config)) == "here + there, ftm"


def test_a_table_has_a_row_for_each_of_two_runs_on_the_data_of_a_column(runs, made_up, tmp_path):
    text = tables_of_runs.evaluate(runs, "1", str(tmp_path / "out"), REQUEST)
    table = cells.read(tmp_path / "out" / "results" / "table_1.json")
    assert table.columns == ("FACES", "SWAPS") and all(cell.paper is None for cell in table.cells)
    assert [row for row in table.rows if row.startswith((DFREC, INPAINTING))] == [
        f"{method}, trained on {data}" for method in (INPAINTING, DFREC) for data in ("FACES", "FACES + SWAPS")
    ]
    found = {(cell.row, cell.column): cell for cell in table.cells if cell.metric == "idsim"}
    there = found[f"{DFREC}, trained on FACES + SWAPS", "SWAPS"]
    assert there.value == pytest.approx(1, abs=1e-6) and there.run == runs[1]
    lacking = found[f"{DFREC}, trained on FACES", "SWAPS"]
    assert lacking.value is None and lacking.reason == "it was not trained on the column's data"
    none = found["None", "SWAPS"].value
    assert none is not None and none < 0.99
    assert "FACES: photographs with forgeries of our own" in text and "SWAPS: recorded swaps (triplets:" in text
    assert "for every row (FACES " in text and " pristine; SWAPS " in text
    assert not any(words in text for words in ("In the paper", "MAT on E4S", "own design", "re-implementations"))
    labels = [line.label for line in figures.read(tmp_path / "out" / "results" / "cases.json").lines]
    assert labels[0].startswith("FACES: worst") and labels[3].startswith("FACES, trained on FACES + SWAPS: worst")
    assert (
        json.loads((tmp_path / "out" / "results" / "runs.json").read_text())[runs[1]]["trained_on"] == "FACES + SWAPS"
    )


def test_every_table_and_figure_is_fitted(runs):
    opened = [runs_at_hand.open_run(path) for path in runs]
    faces, swaps = others = asked_runs._others(opened, "")
    two, five, six = (fitted(TABLES[i], opened, others) for i in (1, 4, 5))
    assert [row.label for row in two.rows] == [f"{DFREC}, trained on {data}" for data in ("FACES", "FACES + SWAPS")]
    found = [runs_at_hand.choose(opened, row, data)[0] for row in two.rows for data in (faces, swaps)]
    assert [one and one.workdir for one in found] == [runs[0]] * 2 + [runs[1]] * 2
    labels = [f"{name} {data}" for name in ("blur", "JPEG", "noise") for data in ("FACES", "SWAPS")]
    assert [column.label for column in five.columns] == labels and five.columns[2].perturbation == "jpeg"
    assert "Gaussian blur" in five.footnotes[0] and not any("In the paper" in note for note in five.footnotes)
    assert any(row.label == "with ISM, with fusion, trained on FACES" for row in six.rows)
    alone = fitted(TABLES[0], opened[1:], others)
    assert [row.label for row in alone.rows] == [row.label for row in TABLES[0].rows], "one run fills its method's row"
    assert runs_at_hand.choose(opened[1:], alone.rows[-1], faces)[0] is opened[1]


def test_figures_show_each_run_and_say_where_there_is_no_source(runs, made_up, tmp_path, monkeypatch):
    out = tmp_path / "out"
    text = figures_of_runs.evaluate(runs, "all", str(out), REQUEST)

    def made(name):
        return figures.read(out / "results" / f"figure_{name}.json")

    assert [panel.title for panel in made("1").panels] == ["FACES", "SWAPS"] and not made("1").missing
    labels = [line.label for line in made("7").lines]
    assert any(label.startswith("FACES, pristine") and label.endswith(", trained on FACES + SWAPS") for label in labels)
    assert {label.partition(",")[0] for label in labels if label.endswith(", trained on FACES")} == {"FACES"}
    assert made("3").is_empty and made("5").is_empty and not made("4").is_empty
    assert made("4").title == "targets recovered by every method"
    assert "FACES: photographs with forgeries of our own" in made("7").caption[0] and "Figure 4" in text
    similarities = {"source": np.zeros(0), "target": np.zeros(0), "another person": np.zeros(0)}
    monkeypatch.setattr(figures_of_runs.figure_grids, "similarities", lambda network, batch: similarities)
    figures_of_runs.evaluate(runs, "1", str(out), REQUEST)
    assert made("1").is_empty and made("1").missing[0].startswith(
        "Not shown: FACES; SWAPS: no forgery has a known source"
    )


def test_data_dir_names_the_columns(runs, folders):
    opened = [runs_at_hand.open_run(path) for path in runs]
    faces, swaps = folders
    moved = f"triplets:{swaps}, {faces}"
    assert [str(data) for data in asked_runs._others(opened, moved)] == ["SWAPS", "FACES"]
    recorded = opened[0]._replace(config=opened[0].config.copy_and_resolve_references())
    recorded.config.data.dataset = "triplets"
    with pytest.raises(
        ConfigError, match=r"--data_dir=.*FACES may be of faces or triplets; say which, as faces:.*FACES"
    ):
        asked_runs._others([recorded, opened[1]], moved)
    for clash in (f"{faces},triplets:{faces}", f"{faces},/elsewhere/FACES"):
        with pytest.raises(ConfigError, match="are both called FACES, as columns are by their folder's last name"):
            asked_runs._others(opened, clash)


def test_runs_of_two_kinds_stand_in_no_table(runs, made_up, tmp_path):
    papers = run(
        tmp_path / "papers", data__dataset="celeba_megafs", data__attack="ftm", data__dir="/nowhere",
        frozen__frechet="embedded-b", frozen__attribute_metric="embedded-b", frozen__pose="embedded-b",
    )  # fmt: skip
    with pytest.raises(ConfigError, match="runs on other photographs than the paper's and on the paper's photographs"):
        tables_of_runs.evaluate([*runs, papers], "1", str(tmp_path / "out"), REQUEST)
    assert not made_up


def test_masks_go_where_a_table_looks_for_the_pictures(runs, folders, tmp_path):
    faces, swaps = folders
    measured, _ = masks.asked(runs[0], "", "", "", 0, 0)
    assert pictures_of_others.folder_name(measured.data) == "faces" and measured.folder == str(faces)
    with pytest.raises(ConfigError, match=f"several data sets.*or --dataset=triplets --data-dir={swaps}"):
        masks.asked(runs[1], "", "", "", 0, 0)
    measured, _ = masks.asked(runs[1], "triplets", str(swaps), "", 0, 0)
    assert pictures_of_others.folder_name(measured.data) == "swaps" and measured.data.dataset == "triplets"


def test_a_run_without_a_part_fills_the_row_of_its_method_which_says_so(runs, folders, tmp_path):
    """On photographs not every loss has its network, and two runs that lack the same are no ablation."""
    opened = [runs_at_hand.open_run(path)._replace(without=frozenset({"attribute"})) for path in runs]
    others = asked_runs._others(opened, "")
    one, two, six = (fitted(TABLES[i], opened, others) for i in (0, 1, 5))
    named = [f"{DFREC}, without attribute loss, trained on {data}" for data in ("FACES", "FACES + SWAPS")]
    assert [row.label for row in one.rows if row.method == DFREC] == [row.label for row in two.rows] == named
    assert [row.label for row in six.rows] == [row.label for row in TABLES[5].rows], "an ablation is left as it is"
    for table in (one, two):
        asked_runs.check_used(opened, [table], "it")
    with pytest.raises(ConfigError, match="without attribute loss has no cell in table 6"):
        asked_runs.check_used(opened, [six], "table 6")
    place = fitted_tables.Place(others[0], "")
    assert cases.is_shown(fitted_tables.Wanted(DFREC, runs[0], opened[0]), place)


def test_a_distance_on_other_features_shows_as_many_digits_as_it_needs():
    fid = TABLES[0].metrics[0]

    def digits(*values):
        return table_cells._digits(fid, [Cell("row", "column", "frechet", value) for value in values])

    assert digits(11.35, 0.5) == digits(0.0, None) == digits() == 2
    assert digits(1.6e-5, 3.6e-4) == 6 and digits(1e-12) == 6
