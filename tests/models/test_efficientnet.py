from functools import partial

import jax
import numpy as np
import pytest

from dfrec_jax.models.efficientnet import EfficientNet, scaled_blocks, scaled_features


@pytest.mark.parametrize(
    ("features", "width", "want"), [(32, 1.0, 32), (40, 0.5, 24), (24, 0.5, 16), (16, 0.1, 8), (32, 1.1, 32)]
)
def test_width_rule(features, width, want):
    assert scaled_features(features, width) == want  # 40 / 2 = 20 rounds to 24; 17.6 would lose more than 10 % of 35.2


def test_feature_maps_of_the_released_size():
    image = jax.ShapeDtypeStruct((2, 224, 224, 3), np.float32)
    key = jax.random.key(0)
    out, variables = jax.eval_shape(lambda image: EfficientNet().init_with_output(key, image, train=False), image)
    assert [feature.shape[1:] for feature in out] == [
        (112, 112, 16),
        (56, 56, 24),
        (28, 28, 40),
        (14, 14, 112),
        (14, 14, 320),
    ]
    assert sum(leaf.size for leaf in jax.tree.leaves(variables["params"])) == 3_595_388  # B0 without its classifier


def test_depth_rule():
    assert [scaled_blocks(4, depth) for depth in (1.0, 0.5, 0.3, 0.2)] == [4, 2, 2, 1]


@pytest.mark.parametrize("depth", [0.2, 0.5])
def test_a_shallow_network_has_the_grids_of_the_whole_one(depth):
    image = jax.ShapeDtypeStruct((1, 64, 64, 3), np.float32)

    def grids(network):
        out, _ = jax.eval_shape(partial(network.init_with_output, jax.random.key(0), train=False), image)
        return [feature.shape for feature in out]

    assert grids(EfficientNet(depth=depth)) == grids(EfficientNet())
