"""The page of forgeries is made of the pairs that training forges."""

import numpy as np
import pytest

from dfrec_jax.audit.forged_examples import forged_examples
from dfrec_jax.data import mixture


def test_each_row_is_a_pair_and_two_forgeries_of_it(make_config):
    split = mixture.split_of(make_config(), "train")
    rows = forged_examples(split, count=5, size=48)
    assert rows.shape == (5, 4, 48, 48, 3)
    for target, source, *forged in rows.astype(int):
        assert np.abs(target - source).mean() > 5
        for picture in forged:
            corner, middle = (slice(0, 6), slice(0, 6)), (slice(20, 30), slice(18, 30))
            assert np.abs(picture - target)[corner].mean() < 6 < np.abs(picture - target)[middle].mean()
    np.testing.assert_array_equal(rows, forged_examples(split, count=5, size=48))


def test_a_split_of_one_person_is_refused(make_config):
    config = make_config()
    alone = mixture.PreparedSplit(config.data.dir, "faces", "train")
    alone.index = alone.index._replace(partners=np.zeros((len(alone.faces), 0), np.int32))
    with pytest.raises(ValueError, match="no pristine faces of two people"):
        forged_examples(alone, count=1, size=48)
