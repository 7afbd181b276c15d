"""Recovered pictures on disk: made once, and never taken for others."""

import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.evaluation import spread
from dfrec_jax.evaluation.recoverers import Recovered, Recoverer
from dfrec_jax.paper import recovered_pictures

MADE_OF = {"config": "{}", "data": ["embedded", ""], "perturbation": None}


def recoverer(weight=0.5):
    def recover(variables, given):
        dimmed = given.image * variables["weight"]
        region = (given.image[..., :1] > 0.5).astype(jnp.float32)
        return Recovered(dimmed, source_map=region, generated=region, logit=dimmed.mean(axis=(1, 2, 3)))

    return Recoverer("dimmed", {"weight": np.float32(weight)}, recover)


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (3, 5, 5, 3), dtype=np.uint8)


LANDMARKS = np.zeros((3, 5, 2), np.float32)


class Counted:
    """A jitted recoverer that counts."""

    def __init__(self, one):
        self.run, self.calls = recovered_pictures.jitted(one), 0

    def __call__(self, *args):
        self.calls += 1
        return self.run(*args)


def make(workdir, image, one=None, made_of=MADE_OF, number=0, seed=0):
    one = one or recoverer()
    devices = spread.over_all_devices(len(image))
    store, run = recovered_pictures.store(workdir, one, made_of, seed, devices), Counted(one)
    return recovered_pictures.recovered(store, number, image, LANDMARKS, run), run.calls, store


def test_the_second_time_they_are_read(tmp_path, image):
    first, calls, store = make(tmp_path, image)
    assert calls == 1
    again, calls, _ = make(tmp_path, image)
    assert calls == 0
    for name, value in first._asdict().items():
        np.testing.assert_array_equal(getattr(again, name), value, err_msg=name)
    np.testing.assert_allclose(first.target, image * 0.5, atol=0.51)
    assert first.source is None and again.source is None
    one = recovered_pictures.read_example(store.folder, 3, 2)
    assert set(one) == {"target", "source_map", "generated", "logit"}
    np.testing.assert_array_equal(one["target"], first.target[2])


@pytest.mark.parametrize(
    "other",
    [
        {"one": recoverer(0.25)},
        {"one": recoverer()._replace(made="by other landmarks")},
        {"made_of": {**MADE_OF, "perturbation": {"name": "blur", "seed": 0}}},
        {"made_of": {**MADE_OF, "config": "{1}"}},
        {"seed": 1},
        {"number": 1},
    ],
)
def test_other_weights_config_data_or_seed_are_other_pictures(tmp_path, image, other):
    make(tmp_path, image)
    assert make(tmp_path, image, **other)[1] == 1
    assert make(tmp_path, image)[1] == 0, "and those of before are still there"


def test_of_other_inputs_nothing_is_taken(tmp_path, image):
    make(tmp_path, image)
    found, calls, _ = make(tmp_path, image[::-1].copy())
    assert calls == 1
    np.testing.assert_allclose(found.target, image[::-1] * 0.5, atol=0.51)


@pytest.mark.parametrize("content", [b"", b"PK torn", None])
def test_a_torn_file_is_made_again(tmp_path, image, content):
    first, _, store = make(tmp_path, image)
    path = store.folder / "000000.npz"
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    found, calls, _ = make(tmp_path, image)
    assert calls == 1
    np.testing.assert_array_equal(found.target, first.target)
