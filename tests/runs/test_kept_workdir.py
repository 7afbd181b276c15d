"""A workdir as commit e5f54aa wrote it goes on to be read, recovered from and trained on.

`tests/fixtures/workdir/e5f54aa.tar.xz`: two steps of `tests/tiny.py` on drawn faces, and `recovered.npy`, what that
commit recovered with it: source, target and map (three times) of the picture and key below.
"""

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.data import pipeline
from dfrec_jax.models import dfrec
from dfrec_jax.runs import trained, training_run
from dfrec_jax.training import sharding, state
from dfrec_jax.training.tasks.dfrec import DfrecTask

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def workdir(fixtures, tmp_path):
    with tarfile.open(fixtures / "workdir" / "e5f54aa.tar.xz") as archive:
        archive.extractall(tmp_path / "run", filter="data")
    return tmp_path / "run"


def test_it_recovers_what_it_did(workdir):
    run = trained.load(workdir, "newest")
    network = dfrec.build(run.config)
    image = jnp.asarray(np.random.default_rng(0).random((1, 32, 32, 3), np.float32))
    keys = jax.random.split(jax.random.key(0), 1)
    found = jax.jit(lambda variables: network.apply(variables, image, keys, train=False))(run.variables)
    source_map = np.broadcast_to(found.source_map, image.shape)
    found = np.concatenate([found.source_face, found.target_face, source_map])
    np.testing.assert_allclose(found, np.load(workdir / "recovered.npy"), atol=1e-5)


def test_every_number_of_its_training_has_its_place(workdir):
    config = trained.load(workdir, "newest").config
    config.train.num_steps = 3
    task = DfrecTask(config)
    abstract, _ = state.abstract(task.init, sharding.make_mesh(config.mesh))
    read = []

    def check(meta):
        read.append(pipeline.check_fingerprint(meta["data"], task.fingerprint()))

    items = state.to_items(abstract)
    with training_run.opened(workdir, config, task.score_name, items, check) as (writer, found):
        assert read and (found.step, int(state.from_items(found.items).step)) == (2, 2)
        assert jax.tree.structure(found.items) == jax.tree.structure(items)
        assert writer.best_score() == pytest.approx(0.04057691097259521)


@pytest.mark.slow
def test_the_programs_go_on_with_it(workdir):
    """About a minute: a third step, an evaluation and a recovery."""

    def run(*command):
        done = subprocess.run([sys.executable, *command], cwd=REPOSITORY, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert not re.search("Warning|site-packages", done.stderr), done.stderr  # of no library
        return done.stdout

    config = workdir.parent / "config.py"
    config.write_text(
        "from tests import tiny\n\ndef get_config():\n    config = tiny.config()\n    config.train.num_steps = 3\n"
        "    config.train.validate_every, config.train.samples_every, config.checkpoint.every = 2, 1000, 2\n"
        "    return config\n"
    )
    run("train.py", f"--config={config}", f"--workdir={workdir}")
    steps = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in steps if "loss" in line] == [1, 2, 3]
    assert "None" in run("evaluate.py", f"--workdir={workdir}", "--checkpoint=newest", "--examples=8")
    program, faces, out = "from dfrec_jax.cli import main; main()", workdir.parent / "faces", workdir.parent / "out"
    run("-c", program, "draw", "--out", str(faces), "--count", "1", "--size", "32")
    run("-c", program, "recover", str(faces), "--workdir", str(workdir), "--out", str(out))
    assert list(out.rglob("target.png"))
