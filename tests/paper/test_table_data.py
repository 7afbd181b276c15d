"""What a column is measured on: the same examples, perturbed alike, on any number of hosts."""

import numpy as np
import pytest

from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import spread
from dfrec_jax.evaluation.perturbations import PERTURBATIONS
from dfrec_jax.paper.table_data import Data, Examples, Measured
from tests import tiny


@pytest.mark.parametrize("perturbation", ["", *PERTURBATIONS])
def test_a_column_has_the_same_pictures_on_any_number_of_hosts(monkeypatch, perturbation):
    config, given = tiny.config(), tiny.batch(11)
    example = lambda number: {name: values[number] for name, values in given.items()}  # noqa: E731
    monkeypatch.setattr(pipeline, "_eval_examples", lambda config, split: (example, 11))
    measured = Measured(Data("embedded", "leak 0 to 0.1"), "", tiny.SIZE, 0, 8)

    def arrived(process_count, seed=0):
        found = {}
        for process in range(process_count):
            host = {"process_index": process, "process_count": process_count}
            monkeypatch.setattr(spread, "hosts", lambda host=host: host)
            for batch in Examples(measured, config, perturbation, seed):
                found |= dict(zip(batch["number"].tolist(), batch["image"], strict=True))
        return np.stack([found[number] for number in range(11)])

    alone = arrived(1)
    for process_count in (2, 4):
        np.testing.assert_array_equal(arrived(process_count), alone)
    changed = (alone != given["image"]).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(changed, given["is_forgery"] & bool(perturbation))
    assert (arrived(2, seed=1) != alone).any() == bool(perturbation)
