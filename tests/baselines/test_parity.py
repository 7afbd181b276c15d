"""RECCE and the ADM U-Net under the recipe's weights."""

import pytest

from tests.parity import COVERED, compare
from tests.parity_case import load


@pytest.mark.parametrize("name", ["recce_xception", "adm_unet"])
def test_a_network_matches_its_reference(fixtures, name):
    compared = list(compare(load(fixtures / "parity", name), COVERED[name]))
    assert compared and all(each.is_close for each in compared), compared
