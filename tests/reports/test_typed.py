"""Records of a file are of their types, all the way down."""

import pytest

from dfrec_jax.reports.cells import Cell
from dfrec_jax.reports.figures import Curve, Panel, Shown
from dfrec_jax.reports.typed import checked


def test_what_is_of_its_type_comes_back():
    for record in (Cell("a", "b", "c", None), Cell("a", "b", "c", 1, 0.5, n=3), Panel("p", (Curve("c", (1, 0.5)),))):
        assert checked(record) == record
    assert isinstance(checked(Cell("a", "b", "c", 1)).value, float), "JSON of others writes no point"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Cell(1, "b", "c", None), "row is 1, which is no str"),  # pyright: ignore
        (Cell("a", "b", "c", "0.5"), "value is '0.5'"),  # pyright: ignore
        (Cell("a", "b", "c", True), "value is True"),
        (Cell("a", "b", "c", 0.5, n=1.5), "n is 1.5, which is no int"),  # pyright: ignore
        (Shown("a", insets=("b", None)), "insets is"),  # pyright: ignore
        (Panel("p", (Curve("c", ("x",)),)), "values is"),  # pyright: ignore
    ],
)
def test_what_is_not_is_refused(record, message):
    with pytest.raises(ValueError, match=message):
        checked(record)
