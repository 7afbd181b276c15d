"""Faces that a record is made of."""

import pytest

from dfrec_jax.pictures.reading import ImageError
from dfrec_jax.preparation import cut_records
from tests.preparation import trees


@pytest.mark.parametrize(
    "box", [(-90.0, 0.0, -80.0, 20.0), (0.0, 64.0, 20.0, 90.0), (-1e300, -1e300, 1e300, 1e300)], ids=str
)
def test_a_given_box_of_another_picture_is_refused(tmp_path, box):
    options = trees.request(tmp_path).options
    with pytest.raises(ImageError, match="a.jpg: its given box does not lie in the picture"):
        cut_records.find(trees.picture(0), trees.make_tools(), options, "a.jpg", given=box)
    reaching_out = (-10.0, -10.0, 50.0, 60.0)
    assert cut_records.find(trees.picture(0), trees.make_tools(), options, "a.jpg", given=reaching_out)
