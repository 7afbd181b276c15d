"""What was measured of a row of a table is not measured again by an evaluation that was preempted."""

import numpy as np
import pytest

from dfrec_jax.evaluation import scores, spread
from dfrec_jax.evaluation.table_metrics import FID, IDSIM
from dfrec_jax.paper import measured_rows
from dfrec_jax.paper.fitted_tables import Place, Wanted
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.paper.table_data import Data
from tests import tiny

PLACE, ROW = Place(Data("faces", "", "photos"), "blur"), Wanted("DFREC", "runs/a", None)
DEVICES = spread.over_all_devices(8)
MEASURES = scores.Measures((IDSIM,), {"identity": tiny.network()})


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Measures a row of a batch; gives the figures, and how often something was measured so far."""
    asked = []

    def outputs_of(measures, truth, target, generated, devices):
        asked.append(truth)
        return {"idsim": target.mean(axis=(1, 2, 3)), "is_forgery": np.ones(len(target), bool)}

    monkeypatch.setattr(scores, "outputs_of", outputs_of)
    batch = {**tiny.batch(4), "number": np.arange(4)}

    def run(number=0, place=PLACE, row=ROW, measures=MEASURES, **pictures):
        kept_in = measured_rows.kept_by(tmp_path / "results", measures)(place, row)
        pictures = Kept(**{"target": batch["target"]} | pictures)
        return measured_rows.outputs(kept_in, number, batch, pictures, measures, lambda: "truth", DEVICES), len(asked)

    return run


def test_what_is_there_is_read_and_its_truth_is_not_asked_for(measured):
    want, count = measured()
    got, again = measured()
    assert count == again == 1
    assert {name: (array.dtype, array.tolist()) for name, array in got.items()} == {
        name: (array.dtype, array.tolist()) for name, array in want.items()
    }


@pytest.mark.parametrize(
    "other",
    [
        {"number": 1},
        {"place": PLACE._replace(perturbation="noise")},
        {"row": ROW._replace(workdir="runs/b")},
        {"measures": MEASURES._replace(networks={"identity": tiny.network("another")})},
        {"measures": scores.Measures((IDSIM, FID), {"identity": tiny.network(), "frechet": tiny.network()})},
        {"target": tiny.batch(4, seed=1)["target"]},
        {"generated": np.ones((4, tiny.SIZE, tiny.SIZE, 1), bool)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_of_anything_else_it_is_measured(measured, other):
    measured()
    assert measured(**other)[1] == 2
