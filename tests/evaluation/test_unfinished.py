"""An evaluation that was preempted goes on where it was, with the figures of one that was not."""

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, Mesh

from dfrec_jax.evaluation import collecting, recoverers, spread, unfinished
from dfrec_jax.evaluation.recoverers import DFREC, Recoverer
from tests import tiny
from tests.evaluation.on_hosts import SIZE, dimmed


def _batches():
    for number in range(3):
        numbers = np.arange(SIZE) + number * SIZE
        ids = {"source_id": numbers, "target_id": numbers + 100, "attack": numbers % 2, "is_valid": numbers < 21}
        yield {**tiny.batch(SIZE, seed=number), **ids}


@pytest.fixture(scope="module")
def devices():
    return spread.Spread(Mesh(np.array(jax.devices()[:1]), (spread.AXIS,), axis_types=(AxisType.Auto,)))


@pytest.fixture
def evaluate(devices, tmp_path):
    kept, calls = unfinished.of(tmp_path / "results" / "results.json", {"step": 5}), []

    def run(batches):
        def counted(variables, given):
            calls.append(1)  # once for each compilation
            return dimmed(variables, given)

        panels = {}
        rows = [recoverers.copy(), Recoverer(DFREC, {"share": np.float32(0.7)}, counted)]
        instruments = collecting.Instruments(tiny.network())
        found = collecting.collect(rows, DFREC, instruments, batches, 0, panels, devices, kept)
        return found, panels, len(calls)

    return run, kept


def test_what_was_measured_is_not_measured_again(evaluate, capsys):
    run, kept = evaluate
    want, want_panels, compiled = run(_batches())
    assert compiled == 1
    for path in (kept.folder / "000001.npz", kept.folder / "000002.npz"):  # as a kill leaves it, and a bad disk
        path.unlink() if "2" in path.name else path.write_bytes(path.read_bytes()[:-30])
    kept.say(3)
    assert "2 of 3 batches were measured before" in capsys.readouterr().err
    for _ in range(2):  # the second time nothing is left to measure
        found, panels, compiled = run(_batches())
        assert compiled == 2, "once for the two batches, and never again"
        assert jax.tree.structure(found) == jax.tree.structure(want)
        for got, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(want), strict=True):
            np.testing.assert_array_equal(got, wanted)
        assert [len(rows) for rows in panels.values()] == [len(rows) for rows in want_panels.values()] == [8, 8]
        for rows, wanted_rows in zip(panels.values(), want_panels.values(), strict=True):
            for row, wanted in zip(rows, wanted_rows, strict=True):
                for picture, wanted_picture in zip(row, wanted, strict=True):
                    np.testing.assert_array_equal(picture, wanted_picture)
    kept.remove()
    assert not kept.folder.exists() and not kept.folder.parent.exists()


def test_other_examples_count_for_nothing(tmp_path):
    kept = unfinished.of(tmp_path / "results.json", {})
    batch, other = tiny.batch(4, seed=0), tiny.batch(4, seed=1)
    inputs = unfinished.digests(batch)
    kept.write(0, inputs, unfinished.Kept({("examples", "attack"): np.arange(4)}))
    found = kept.read(0, inputs)
    assert found is not None and found.arrays["examples", "attack"].tolist() == [0, 1, 2, 3]
    assert kept.read(0, unfinished.digests(other)) is None and kept.read(1, inputs) is None


def test_another_network_has_another_folder(tmp_path):
    folders = {unfinished.of(tmp_path / "r.json", {"step": step, "seed": 0}).folder for step in (5, 6, 5)}
    assert len(folders) == 2
