import re

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from dfrec_jax.baselines import adm_unet, published, recce
from dfrec_jax.commands import weights_check
from dfrec_jax.weights import registry
from dfrec_jax.weights.rules import WeightsError
from dfrec_jax.weights.torch_writer import write_pytorch
from tests import recipe
from tests.parity_case import load as load_fixture


def foreign_tensors(fixtures, fixture, network):
    """The fixture's names over the shapes of a narrower network, from ours by the way back of each layout."""
    facts = load_fixture(fixtures / "parity", fixture).facts
    ours = published.expected_shapes(network)
    tensors = {}
    for name, shape in facts["tensors"].items():
        rule, path = published_rule(network, name)
        if rule.target is None:
            tensors[name] = recipe.fill(name, (1,) * len(shape))
            continue
        back = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[len(ours[path])]
        laid_out = tuple(ours[path][axis] for axis in back)
        tensors[name] = recipe.fill(name, laid_out + (1,) * (len(shape) - len(laid_out)))
    return tensors


def published_rule(network, name):
    rule, match = next((rule, match) for rule in network.rules if (match := re.fullmatch(rule.source, name)))
    return rule, rule.target and match.expand(rule.target)


@pytest.fixture
def narrow_recce(fixtures, monkeypatch):
    narrow = published.find("recce-ffpp-c23")._replace(module=recce.Recce(width=1 / 64), image_size=32)
    monkeypatch.setitem(published.NETWORKS, "recce-ffpp-c23", narrow)
    return foreign_tensors(fixtures, "recce_xception", narrow)


@pytest.mark.parametrize("entry", ["model", ""])
def test_recce_is_read_from_its_checkpoint_however_it_was_saved(tmp_path, narrow_recce, entry):
    path = tmp_path / registry.find("recce-ffpp-c23").file
    if entry:
        write_pytorch(path, ((entry, name, tensor) for name, tensor in narrow_recce.items()))
    else:
        safetensors.numpy.save_file(narrow_recce, path)
    variables = published.load("recce-ffpp-c23", weights_dir=str(tmp_path))
    np.testing.assert_array_equal(variables["params"]["logit"]["kernel"], narrow_recce["fc.weight"].T)
    del narrow_recce["decoder6.0.weight"]
    safetensors.numpy.save_file(narrow_recce, path)
    with pytest.raises(WeightsError, match="1 of our variables were not filled.*to_rgb"):
        published.load("recce-ffpp-c23", weights_dir=str(tmp_path))


def test_a_denoiser_is_imported_and_checked_by_name(tmp_path, fixtures, monkeypatch):
    module = adm_unet.AdmUnet(image_size=64, features=4, attention_sides=(8, 4, 2), head_features=4)
    narrow = published.find("adm-celeba256")._replace(module=module, image_size=64)
    monkeypatch.setitem(published.NETWORKS, "adm-celeba256", narrow)
    tensors = foreign_tensors(fixtures, "adm_unet", narrow)
    path = tmp_path / registry.find("adm-celeba256").file
    safetensors.numpy.save_file(tensors, path)
    counted, variables, _ = weights_check.examine(registry.find("adm-celeba256"), path)
    assert counted == f"{len(tensors)}: {len(tensors)} matched, 0 unmatched"
    np.testing.assert_array_equal(
        variables["params/middle_attention/qkv/kernel"], tensors["middle_block.1.qkv.weight"][..., 0].T
    )


def test_a_forward_pass_shows_what_was_imported(fixtures, monkeypatch):
    module = adm_unet.AdmUnet(8, 4, (1,), 1, attention_sides=(), head_features=4)
    network = published.find("adm-celeba256")._replace(module=module, image_size=8)
    variables = {path: np.ones(shape, np.float32) for path, shape in published.expected_shapes(network).items()}
    features = weights_check._run_published(network, variables)
    assert set(features) == {"noise", "variance"} and features["noise"].shape == (1, 8, 8, 3)
    assert jnp.isfinite(features["noise"]).all()


def test_an_unknown_name_says_the_known_ones():
    with pytest.raises(WeightsError, match="'recce'; there are: adm-celeba256, recce-ffpp-c23"):
        published.find("recce")
