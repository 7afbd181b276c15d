import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict
from safetensors.numpy import save_file

from dfrec_jax.frozen.attributes import ATTRIBUTES, BLUEPRINT_SMALL, SMALL, _features
from dfrec_jax.frozen.blueprint import from_random
from dfrec_jax.frozen.load import load_network
from dfrec_jax.weights import registry


def test_there_are_forty_attributes_in_celebas_order():
    assert len(set(ATTRIBUTES)) == 40
    assert ATTRIBUTES[0] == "5_o_Clock_Shadow" and ATTRIBUTES[20] == "Male" and ATTRIBUTES[39] == "Young"


def test_they_stand_in_the_data_in_this_order(shared_data):
    header = (shared_data / "celeba_people" / "faces.csv").read_text().split("\n", 1)[0].split(",")
    assert tuple(header[-40:]) == ATTRIBUTES


def test_training_updates_the_running_statistics():
    image = jax.ShapeDtypeStruct((2, 64, 64, 3), jnp.float32)
    variables = jax.eval_shape(SMALL.init, jax.random.key(0), image)
    train = lambda v, x: SMALL.apply(v, x, train=True, mutable=["batch_stats"])  # noqa: E731
    logits, updated = jax.eval_shape(train, variables, image)
    assert logits.shape == (2, 40)
    assert jax.tree.structure(updated["batch_stats"]) == jax.tree.structure(variables["batch_stats"])


def test_the_feature_of_the_loss_is_twice_the_probability_less_one():
    class Fixed(nn.Module):
        def __call__(self, images):
            return jnp.array([[0.0, np.log(3.0)]])  # probabilities of a half and three quarters

    features = _features(Fixed(), 8, {"params": {"kernel": jnp.zeros(1)}}, jnp.ones((1, 8, 8, 3)))
    np.testing.assert_allclose(features["attributes"], [[0.0, 0.5]], atol=1e-6)


def test_what_we_train_is_loaded_by_its_own_names(tmp_path, monkeypatch):
    trained = from_random(BLUEPRINT_SMALL, seed=3)
    flat = {path: np.asarray(leaf) for path, leaf in flatten_dict(trained.variables, sep="/").items()}
    save_file(flat, tmp_path / registry.find("attributes-resnet18").file)
    monkeypatch.setenv("DFREC_CACHE", str(tmp_path / "cache"))
    loaded = load_network("attributes-resnet18", weights_dir=str(tmp_path), allow_random=False, image_size=64)
    assert not loaded.is_random
    jax.tree.map(np.testing.assert_array_equal, loaded.variables, trained.variables)
