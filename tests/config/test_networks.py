"""Which network a field may name, held against what the networks give."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest

from dfrec_jax import perceptors
from dfrec_jax.config import networks, tasks
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.config.networks import KINDS
from dfrec_jax.evaluation import describing
from dfrec_jax.frozen import load
from dfrec_jax.synthetic import encoders
from dfrec_jax.weights.rules import WeightsError
from tests import tiny

NAMES = (*load.BLUEPRINTS, *encoders.MODULES)
OF_ROLE = {"metric": "identity", "frechet": "frechet", "attribute_metric": "attributes", "pose": "pose"}


def _gives(name: str) -> set[str]:
    """The fields that a network can stand in, by its taps and by what comes of it where it measures."""
    network = perceptors.network_shapes(name)
    pictures, points = jax.ShapeDtypeStruct((1, 96, 96, 3), "float32"), jax.ShapeDtypeStruct((1, 5, 2), "float32")
    features = jax.eval_shape(lambda one, *given: one(*given), network, pictures, points)
    made = {name: jnp.zeros(of.shape, of.dtype) for name, of in features.items()}
    described = replace(network, variables={}, apply=lambda variables, images, landmarks: made)
    found = set(network.taps)
    for field, role in OF_ROLE.items():
        try:
            describing.describe({role: described}, jnp.zeros(pictures.shape), jnp.zeros(points.shape))
        except WeightsError:
            continue
        found.add(field)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_table_says_what_a_network_gives(name):
    fields = {"identity", "perceptual", "attributes", *OF_ROLE}
    assert {field for field in fields if name in KINDS[field].names} == _gives(name)


def test_the_table_names_no_other_network():
    assert {name for kind in KINDS.values() for name in kind.names} <= set(NAMES)


@pytest.mark.parametrize(
    ("field", "name"),
    [("metric", "attributes-resnet18"), ("identity", "vgg19-imagenet"), ("frechet", "attributes-resnet50"),
     ("pose", "3ddfa-v2-mb05"), ("attribute_metric", "deep3d-resnet50"), ("distance", "squeezenet-imagenet"),
     ("detector", "3ddfa-v2"), ("metric", "")],
)  # fmt: skip
def test_a_network_of_another_kind_is_refused_with_those_of_the_right_one(field, name):
    config = tiny.config()
    config.frozen[field] = name
    with pytest.raises(ConfigError, match=rf"frozen.{field}='{name}': must be a network .*{KINDS[field].names[0]}"):
        tasks.validate(config)


def test_fields_that_may_name_none():
    config = tiny.config()
    for field in ("frechet", "attribute_metric", "pose", "distance", "detector"):
        config.frozen[field] = ""
    tasks.validate(config)


def test_other_networks_measure():
    config = tiny.config()
    found = networks.replaced(config, "frechet=lpips-like-squeezenet, pose=3ddfa-v2", networks.OF_TABLES)
    assert (found.frozen.frechet, found.frozen.pose) == ("lpips-like-squeezenet", "3ddfa-v2")
    assert config.frozen.frechet == config.frozen.pose == "" and found.frozen.metric == config.frozen.metric
    assert networks.replaced(found, "frechet=", networks.OF_TABLES).frozen.frechet == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("frechet", "frechet: must be FIELD=NAME, a field of metric, frechet, attribute_metric, pose"),
        ("detector=retinaface-mobile025", "detector=retinaface-mobile025: must be FIELD=NAME"),
        ("metric=embedded-b,", "an empty word: must be FIELD=NAME"),
        ("pose=3ddfa-v2,pose=embedded-b", "pose stands there twice"),
        ("metric=inception-fid", "--measure_by=metric=inception-fid: frozen.metric='inception-fid': must be a network"),
    ],
)
def test_what_cannot_measure_is_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        networks.replaced(tiny.config(), given, networks.OF_TABLES)
