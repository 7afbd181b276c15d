"""The one definition of an example: what is declared is what data sets make, and nothing else passes."""

import numpy as np
import pytest

from dfrec_jax.examples import fields
from dfrec_jax.examples.fields import Kind, Use
from dfrec_jax.synthetic import dataset
from tests import tiny


def test_what_data_sets_make_is_declared_and_complete(make_config):
    from dfrec_jax.data import mixture
    from dfrec_jax.examples.encoded import collate

    made = {"embedded": dataset.render_batch([0, 1], "test", size=32)}
    for name in ("faces", "triplets"):
        config = make_config(name)
        train, held_out = mixture.TrainRows(config), mixture.EvaluationRows(config, "test")
        made[f"{name}, training"] = collate([train(row) for row in range(8)])
        made[f"{name}, evaluation"] = collate([held_out(0), held_out(1)])
    needed = {name for name, field in fields.FIELDS.items() if field.use == Use.ALWAYS}
    for name, batch in made.items():
        fields.check(batch)
        optional = {"leak", "inside_mask", "points"}  # of drawn faces; of cut ones; of photographs
        assert needed - set(batch) == ({"attributes", "identity"} | (optional - set(batch))), name


def test_pictures_become_float_and_everything_else_stays():
    batch = tiny.batch()
    got = fields.to_float(batch)
    assert set(fields.names(Kind.PICTURE)) == {"image", "source", "target", "posed_source"}
    for name, value in batch.items():
        if name in fields.PICTURES:
            assert got[name].dtype == np.float32
            np.testing.assert_allclose(got[name], value / np.float32(255), rtol=1e-6)
        else:
            assert got[name] is value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": np.zeros(8)}, "colour: no field of an example; declare it in dfrec_jax/examples/fields.py"),
        (
            {"landmarks": np.zeros((8, 68, 2), np.float32)},
            r"landmarks: float32 \(8, 68, 2\); must be float32 \(8, 5, 2\)",
        ),
        ({"source": np.zeros((8, 16, 32, 3), np.uint8)}, r"source: uint8 .* must be uint8 \(8, 32, 32, 3\)"),
        ({"has_mask": np.zeros(8, np.int32)}, "has_mask: int32 .* must be bool"),
        ({"target_id": np.zeros(7, np.int32)}, r"target_id: int32 \(7,\); must be integer \(8,\)"),
    ],
)
def test_what_is_not_of_its_layout_is_refused(changes, message):
    fields.check(tiny.batch())
    with pytest.raises(ValueError, match=message):
        fields.check({**tiny.batch(), **changes})


def test_fields_leave_by_their_use():
    batch = {name: name for name in ("image", "kind", "posed_source", "is_valid")}
    assert set(fields.without(batch, Use.FORGING, Use.LOSSES)) == {"image", "is_valid"}
