"""What a network is told in training: maps, hidden regions, identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.models import dfrec
from dfrec_jax.training.tasks import conditioning
from dfrec_jax.training.tasks.dfrec import make_loss
from tests import stand_in, tiny

NUMBERS = jnp.arange(1000)
BATCH = {
    "image": jnp.zeros((1000, 2, 2, 3)),
    "source_mask": jnp.ones((1000, 2, 2, 1)),
    "has_mask": NUMBERS % 2 == 0,
    "has_source": jnp.ones(1000, bool),
    "is_forgery": NUMBERS >= 100,
}
PHOTOGRAPHS = BATCH | {"is_photograph": NUMBERS < 50}
KEY = jax.random.key(0)


def config(**fields):
    changed = tiny.config()
    changed.update_from_flattened_dict({name.replace("__", "."): value for name, value in fields.items()})
    return changed


def test_a_share_of_the_known_masks_is_given():
    def draw(share, seed=0, pristine=True):
        asked = config(ism__known_map=share, loss__pristine_map=pristine)
        return np.asarray(conditioning.known_maps(BATCH, asked, jax.random.key(seed)).is_known)

    assert conditioning.known_maps(BATCH, config(), KEY) is None
    np.testing.assert_array_equal(draw(1.0), BATCH["has_mask"])
    np.testing.assert_array_equal(draw(1.0, pristine=False), BATCH["has_mask"] & BATCH["is_forgery"])
    assert 0.12 < draw(0.3).mean() < 0.18 and not draw(0.3)[1::2].any()
    assert not np.array_equal(draw(0.3), draw(0.3, seed=1))


def test_the_regions_of_photographs_are_known_whatever_is_drawn():
    known = conditioning.known_maps(PHOTOGRAPHS, config(data__photograph_share=0.05), KEY)
    np.testing.assert_array_equal(known.is_known, PHOTOGRAPHS["is_photograph"])
    assert conditioning.known_maps(PHOTOGRAPHS, config(data__photograph_share=1.0), KEY).is_known.all()


def test_photographs_and_a_share_of_the_forgeries_are_hidden():
    assert conditioning.hidden(BATCH, config(), KEY) is None
    is_hidden = conditioning.hidden(PHOTOGRAPHS, config(data__photograph_share=0.05, sirm__feature_dropout=0.3), KEY)
    assert is_hidden[:50].all() and not is_hidden[50:100].any() and 0.25 < is_hidden[100:].mean() < 0.35
    np.testing.assert_array_equal(conditioning.judged(BATCH, config(), is_hidden)["has_source"], ~is_hidden)


def test_where_the_head_gives_the_verdict_no_pristine_face_teaches_a_map():
    np.testing.assert_array_equal(conditioning.judged(BATCH, config(), None)["has_mask"], BATCH["has_mask"])
    judged = conditioning.judged(BATCH, config(ism__verdict="product"), None)
    np.testing.assert_array_equal(judged["has_mask"], BATCH["has_mask"] & BATCH["is_forgery"])


def test_a_photograph_is_told_by_another_picture_of_the_person():
    batch = {name: jnp.asarray(value) for name, value in tiny.batch().items()}
    batch |= {name: batch[name] / 255.0 for name in ("image", "source", "target")}
    batch |= {"is_photograph": jnp.arange(8) < 4}
    batch["source_landmarks"] = batch["source_landmarks"].at[3].set(jnp.nan)  # of the other picture: then its own
    asked = config(tirm__identity_width=4, tirm__identity_cosine=(1.0, 1.0), tirm__identity_dropout=0.0)
    given = conditioning.identities(batch, tiny.perceptors(), asked, KEY)
    embedded = {name: tiny.network()(batch[name])["embedding"] for name in ("source", "target")}
    want = jnp.where((jnp.arange(8) < 3)[:, None], embedded["source"], embedded["target"])
    visible = jnp.roll(want, 1, axis=0)
    np.testing.assert_allclose(jnp.sum(given * visible, -1), 0.0, atol=1e-4)
    left = want - jnp.sum(want * visible, -1, keepdims=True) * visible
    np.testing.assert_allclose(jnp.sum(given * left, -1), jnp.linalg.norm(left, axis=-1), rtol=1e-3)
    asked.tirm.identity_dropout = 1.0
    assert not conditioning.identities(batch, tiny.perceptors(), asked, KEY).any()


def test_an_embedding_of_another_width_is_refused():
    conditioning.check_identity_width(config(), tiny.perceptors())
    conditioning.check_identity_width(config(tirm__identity_width=4), tiny.perceptors())
    with pytest.raises(ConfigError, match="tirm.identity_width=128: frozen.identity='tiny' makes embeddings of 4"):
        conditioning.check_identity_width(config(tirm__identity_width=128), tiny.perceptors())


@pytest.mark.slow
def test_photographs_teach_the_way_to_the_target_and_no_other():
    asked = config(
        data__photograph_share=1.0, tirm__identity_width=4, tirm__pixels="unet", loss__pristine_map=True,
        loss__classification=0.0,
    )  # fmt: skip
    model = dfrec.build(asked)
    batch = {name: jnp.asarray(value) for name, value in tiny.batch().items()}
    batch |= {name: batch[name] / 255.0 for name in ("image", "source", "target", "source_mask")}
    none = jnp.zeros(8, bool)
    batch |= {"is_photograph": ~none, "is_forgery": none, "has_source": none, "has_mask": none}
    variables = stand_in.variables(model, batch["image"][:1], tiny.keys(1), train=False)
    loss = make_loss(model, asked)
    (value, _), slopes = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        variables["params"], variables["batch_stats"], tiny.perceptors(), batch, KEY
    )
    leaves = jax.tree_util.tree_leaves_with_path(slopes)
    moved = {"/".join(key.key for key in path[:2]) for path, leaf in leaves if leaf.any()}
    assert value > 0 and not any(part.startswith("ism") for part in moved)
    assert "sirm/encode_0" in moved and "tirm/decoder" in moved and "sirm/to_rgb" not in moved
    assert np.any(slopes["tirm"]["decoder"]["to_pixels"]["identity_0"]["kernel"])
