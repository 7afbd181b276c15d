"""Every example's numbers, whatever the devices: and no picture comes to the host that is not kept."""

import jax
import numpy as np
from jax.sharding import AxisType, Mesh

from dfrec_jax.evaluation import collecting, recoverers, spread
from dfrec_jax.evaluation.recoverers import DFREC, Recoverer
from tests import tiny
from tests.evaluation.on_hosts import SIZE, dimmed


def collected(num_devices, batches=2, panels=None):
    mesh = Mesh(np.array(jax.devices()[:num_devices]), (spread.AXIS,), axis_types=(AxisType.Auto,))
    rows = [recoverers.copy(), Recoverer(DFREC, {"share": np.float32(0.7)}, dimmed)]
    given = []
    for number in range(batches):
        numbers = np.arange(SIZE) + number * SIZE
        ids = {"source_id": numbers, "target_id": numbers + 100, "attack": numbers % 2, "is_valid": numbers < 13}
        given.append({**tiny.batch(SIZE, seed=number), **ids})
    instruments = collecting.Instruments(tiny.network())
    panels = {} if panels is None else panels
    return collecting.collect(rows, DFREC, instruments, given, 0, panels, spread.Spread(mesh))


def test_it_is_the_same_on_one_device_and_on_eight():
    panels = {}, {}
    one, eight = (collected(number, panels=kept) for number, kept in zip((1, 8), panels, strict=True))
    assert len(one.examples["target_id"]) == 13 and one.values.keys() == eight.values.keys()
    for name, values in one.examples.items():
        np.testing.assert_array_equal(eight.examples[name], values, err_msg=name)
    for name, values in (one.values | one.input_to_recovered).items():
        found = (eight.values | eight.input_to_recovered)[name]
        np.testing.assert_allclose(found, values, rtol=1e-5, atol=1e-6, err_msg=str(name))
    np.testing.assert_allclose(eight.forgery_logit, one.forgery_logit, rtol=1e-5)
    assert {number: len(rows) for number, rows in panels[0].items()} == {0: 7, 1: 6}
    for a, b in zip(panels[0][1][5], panels[1][1][5], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_face_is_fetched_only_where_it_is_kept(monkeypatch):
    fetched, fetch = [], spread.Spread.fetch

    def counted(devices, rows):
        found = fetch(devices, rows)
        fetched.append(sum(leaf.nbytes for leaf in jax.tree.leaves(found)))
        return found

    monkeypatch.setattr(spread.Spread, "fetch", counted)
    full = {number: [[]] * collecting.LOOKED_AT for number in (0, 1)}
    collected(8, panels=full)
    assert len(fetched) == 2 and max(fetched) < SIZE * 300, "numbers alone"
    collected(8)
    assert len(fetched) == 6 and fetched[3] > SIZE * tiny.SIZE**2, "and the pictures of a panel"


def test_of_two_rows_of_one_network_the_variables_are_passed_once():
    network = {"share": np.float32(0.7)}
    rows = [Recoverer(name, network, dimmed) for name in ("a", "b")] + [recoverers.copy()]
    assert [collecting._number_of(one, rows) for one in rows] == [0, 0, 1]


def test_it_says_that_it_compiles(capsys):
    collected(1)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and said[0].startswith("compiling ") and said[1].startswith("compiled in ")
