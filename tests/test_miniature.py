"""The paper's three data sets in small, by the documented commands: prepared, swept, evaluated; every cell is filled.

Twelve drawn people in the layouts in which CelebA-MegaFS, FaceForensics++ and FFHQ-E4S are published. `dfrec prepare`
runs with a stand-in for detector and landmarks, which were trained on photographs.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import jax
import numpy as np
import pytest

from dfrec_jax import cli
from dfrec_jax.commands import face_tools
from dfrec_jax.config import compared_methods
from dfrec_jax.evaluation.recoverers import COPY
from dfrec_jax.paper import runs_at_hand
from dfrec_jax.paper.tables import NONE, TABLES
from dfrec_jax.reports import cells
from dfrec_jax.synthetic import dataset, sampling
from dfrec_jax.synthetic.swap import swap
from tests.preparation import trees

REPOSITORY = Path(__file__).parent.parent
PEOPLE, SIZE, SOURCES = 12, 64, (1, 2, 5)  # the sources of a target: those so many further on
LEAK = {"ftm": 0.2, "idinjection": 0.35, "lcr": 0.05}  # what tells the attacks apart here
FOLDERS = {"ftm": "MegaFS-FTM", "idinjection": "MegaFS-IDInjection", "lcr": "MegaFS-LCR"}
VIDEOS = {"Deepfakes": "ftm", "FaceShifter": "idinjection", "LCR": "lcr"}
BASE = """
from tests import tiny

def get_config():
    config = tiny.config()
    config.data.dataset, config.data.attack, config.data.real_share = "celeba_megafs", "ftm", 0.25
    config.data.crop, config.data.margin = None, None
    config.frozen.metric = "embedded-b"
    config.frozen.frechet = config.frozen.attribute_metric = config.frozen.pose = "embedded-b"
    return config
"""
COMPARED = tuple(compared_methods.METHODS)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def faces():
    """The originals, uint8 by number, and the swaps without leak by (target, source)."""
    people = [dataset.identity_of(0, number) for number in range(PEOPLE)]
    attributes = [sampling.sample_attributes(jax.random.key(number)) for number in range(PEOPLE)]
    originals, swaps = {}, {}
    for target in range(PEOPLE):
        for step in SOURCES:
            source = (target + step) % PEOPLE
            around = attributes[source].surroundings
            drawn = swap(people[source], people[target], attributes[target], around, 0.0, 0.5, SIZE)
            originals[target] = np.asarray(drawn.target)
            swaps[target, source] = np.asarray(drawn.forgery)
    return originals, swaps


def _bytes(picture):
    return np.round(255 * picture).astype(np.uint8)


def _with_leak(faces, target, source, attack):
    originals, swaps = faces
    return _bytes(LEAK[attack] * originals[target] + (1 - LEAK[attack]) * swaps[target, source])


def _moving(picture):
    """Four frames in which the light changes."""
    return [np.clip(picture.astype(int) + 3 * frame, 0, 255).astype(np.uint8) for frame in range(4)]


def _lay_out(root, faces):
    """The three data sets, as they are published."""
    originals, swaps = faces
    for number, picture in originals.items():
        trees.save(root / "megafs" / "CelebA-HQ-img" / f"{number}.jpg", _bytes(picture))
        trees.save(root / "ffhq" / "images1024x1024" / "00000" / f"{number:05d}.png", _bytes(picture))
        trees.save_video(
            root / "ffpp/original_sequences/youtube/c23/videos" / f"{number:03d}.mp4", _moving(_bytes(picture))
        )
    for target, source in swaps:
        for attack, folder in FOLDERS.items():
            trees.save(root / "megafs" / folder / f"{target}_{source}.jpg", _with_leak(faces, target, source, attack))
        trees.save(root / "e4s" / f"{target:05d}_{source:05d}.png", _with_leak(faces, target, source, "ftm"))
    pairs = {"train": [(0, 1), (2, 3), (4, 5)], "val": [(6, 7)], "test": [(8, 9), (10, 11)]}
    for split, those in pairs.items():
        path = root / "splits" / f"{split}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([[f"{a:03d}", f"{b:03d}"] for a, b in those]))
    for one, other in (pair for those in pairs.values() for pair in those):
        for attack, like in VIDEOS.items():
            # The step from one to the next is among SOURCES; back it is not, and the swap of another source stands in.
            for target, source, drawn in ((one, other, other), (other, one, (other + 1) % PEOPLE)):
                name = f"{target:03d}_{source:03d}.mp4"
                picture = _with_leak(faces, target, drawn, like)
                trees.save_video(root / f"ffpp/manipulated_sequences/{attack}/c23/videos" / name, _moving(picture))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, faces):
    """What the documented commands make of them."""
    root = tmp_path_factory.mktemp("miniature")
    _lay_out(root, faces)
    by_image = ("--split-by", "image", "--shares", "2:1:1", "--crop", "box")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(face_tools, "make_tools", lambda weights_dir: trees.make_tools())
        for words in (
            ["celeba_megafs", "--source", f"{root}/megafs", *by_image],
            ["ffhq_e4s", "--source", f"{root}/e4s", "--originals", f"{root}/ffhq", *by_image],
            ["faceforensics", "--source", f"{root}/ffpp", "--split-file", f"{root}/splits", "--frames", "2"],
        ):  # fmt: skip
            with pytest.raises(SystemExit) as end:
                cli.main(["prepare", *words, "--out", f"{root}/prepared", "--size", "32", "--processes", "1"])
            assert end.value.code == 0
    return root / "prepared"


@pytest.fixture(scope="module")
def program(tmp_path_factory, prepared):
    """Runs a program of the repository to its end; what is compiled is kept for the next."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "base.py").write_text(BASE)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu", "DFREC_COMPILE_CACHE": "on"}

    def run(*words):
        done = subprocess.run([sys.executable, *words], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-5000:]
        return done

    return run, folder / "base.py"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """One folder for all sweeps: a run that two of them need is trained once."""
    return tmp_path_factory.mktemp("tables")


def small(methods):
    """Every method as narrow as on drawn faces, or narrower; `--set` refuses a field that no run of a sweep has."""
    narrow = {"train.num_steps": 5, "train.batch_size": 8}
    for method in methods:
        narrow |= compared_methods.METHODS[method].drawn
    if "recce" in methods:
        narrow |= {"recce.image_size": 32, "recce.width": 0.02}
    return [f"{field}={value}" for field, value in narrow.items() if not field.startswith(("data.", "optimizer."))]


def sweep(program, prepared, out, table, methods):
    run, base = program
    settings = [word for text in (*small(methods), f"data.dir={prepared}") for word in ("--set", text)]
    dfrec = ("-c", "from dfrec_jax import cli; cli.main()")
    return run(*dfrec, "sweep", f"configs/sweeps/tables.py:{table}", f"--base={base}", f"--out={out}", *settings)


def check_filled(folder, number):
    """Every cell of a table, but those of methods that no run can be: MAT's pictures are made by another program."""
    at_hand = {NONE, COPY} | {method for methods, _ in runs_at_hand.METHODS.values() for method in methods}
    table = cells.read(folder / "results" / f"table_{number}.json")
    spec = TABLES[number - 1]
    by_run = {row.label for row in spec.rows if row.method in at_hand}
    assert table.columns == tuple(column.label for column in spec.columns)
    empty = [cell for cell in table.cells if cell.value is None and cell.row in by_run]
    assert not empty, empty
    filled = {cell.row for cell in table.cells if cell.value is not None}
    assert filled == by_run
    return table


def test_every_data_set_has_every_split(prepared):
    for name in ("celeba_megafs", "faceforensics", "ffhq_e4s"):
        counts = json.loads((prepared / name / "1.0.0" / "dataset_info.json").read_text())["splits"]
        assert {split["name"] for split in counts} == {"train", "validation", "test"}
    assert cv2.imread(str(prepared / "faceforensics" / "1.0.0" / "sheet.jpg")) is not None


def test_table_2_by_sweep_and_a_second_sweep_trains_nothing(program, prepared, out):
    sweep(program, prepared, out, "2", ["dfi"])
    check_filled(out, 2)
    again = sweep(program, prepared, out, "2", ["dfi"])
    assert "to train" not in again.stderr and "dfrec_megafs_ftm: finished at step 5" in again.stderr


def test_all_tables_by_sweep_and_by_evaluate(program, prepared, out, tmp_path):
    sweep(program, prepared, out, "all", COMPARED)
    for number in range(1, 8):
        check_filled(out, number)
    workdirs = ",".join(sorted(str(path.parent) for path in out.glob("*/config.json")))
    run, _ = program
    run("evaluate.py", "--table=all", f"--runs={workdirs}", f"--out={tmp_path}")
    for number in range(1, 8):
        ours, theirs = (cells.read(folder / "results" / f"table_{number}.json") for folder in (tmp_path, out))
        assert [cell.value for cell in ours.cells] == [cell.value for cell in theirs.cells]
