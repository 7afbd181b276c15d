import importlib

import pytest

from dfrec_jax.config import compared, defaults
from dfrec_jax.config.errors import ConfigError
from tests import tiny


@pytest.mark.parametrize("method", compared.METHODS)
def test_the_full_size_and_that_of_drawn_faces_are_valid(method):
    configs = importlib.import_module("configs.compared")
    full, drawn = configs.get_config(method), configs.get_config(f"{method}_drawn")
    for config in (full, drawn):
        config.data.dir = "prepared"
        compared.validate(config)
    assert full.image_size == 224 and full.data.dataset == "celeba_megafs" and method in defaults.TASKS
    assert drawn.image_size == 64 and drawn.data.dataset == "embedded" and drawn.frozen.metric == "embedded-b"


@pytest.mark.parametrize(
    ("task", "own", "said"),
    [
        ("recce", {"image_size": 16}, "recce.image_size=16: must be 32 pixels or more"),
        ("delocate", {"patch_size": 10}, "image_size=32 with delocate.patch_size=10"),
        ("delocate", {"patch_size": 8, "mask_ratio": 0.99}, "delocate.mask_ratio=0.99 hides 16 of 16"),
        ("delocate", {"patch_size": 8, "heads": 5}, "delocate.width=768: must be .* of delocate.heads=5"),
        ("delocate", {"part_ratio": 0.0}, "delocate.part_ratio=0.0: must be above 0"),
        ("dfi", {"features": (1, 8)}, "dfi.features=.* each from 2 to 65536"),
        ("dfi", {"features": (4, 4, 4, 4, 4, 4)}, "image_size=32 with 6 levels in dfi.features: .* multiple of 64"),
        ("dfi", {"bottleneck": 7}, "dfi.bottleneck=7: must be even"),
        ("dfi", {"identity_width": 0}, "dfi.identity_width=0: must be 1 or more"),
    ],
)
def test_sizes_that_cannot_be_are_refused_by_name(task, own, said):
    config = compared.compared(task, tiny.config())
    config[task].update(own)
    with pytest.raises(ConfigError, match=said):
        compared.validate(config)


def test_another_method_and_what_only_dfrec_has_are_refused():
    with pytest.raises(ConfigError, match="task='mat': must be one of"):
        compared.compared("mat")
    config = compared.compared("recce", tiny.config())
    config.data.real_share = 2.0
    with pytest.raises(ConfigError, match="data.real_share=2.0"):
        compared.validate(config)
    config = compared.compared("dfi", tiny.config())
    config.train.initialise = "runs/mine"
    with pytest.raises(ConfigError, match="it names a DFREC; leave it empty$"):
        compared.validate(config)
