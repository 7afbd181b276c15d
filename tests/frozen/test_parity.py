"""Parity of the large networks under the recipe's weights; `python -m tests.parity` runs more, and the light set."""

import pytest

from tests.parity import COVERED, compare
from tests.parity_case import load


@pytest.mark.parametrize(
    "name", ["facenet_inception_resnet_v1_160", "vgg19_features", "fid_inception_v3", "deep3d_resnet50"]
)
def test_a_network_matches_its_reference(fixtures, name):
    compared = list(compare(load(fixtures / "parity", name), COVERED[name]))
    assert compared
    for array, error, is_close in compared:
        assert is_close and error < 1e-5, f"{array}: {error}"


@pytest.mark.parametrize(
    "name", ["mobilefacenet_xiaoccer", "mobilefacenet_foamliu", "3ddfa_v2_mb05", "retinaface_mobile025"]
)
def test_a_light_network_matches_its_original(shared_weights, name):
    folder = shared_weights.parent / "parity"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: the light fixtures may not be copied into the project")
    compared = list(compare(load(folder, f"light_{name}"), COVERED[f"light_{name}"]))
    assert compared and all(each.is_close for each in compared), compared
