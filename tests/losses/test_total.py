"""The sum of the terms: roles that are left out count for nothing."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.frozen.network import Perceptors
from dfrec_jax.losses.total import TERMS, loss_terms, needed_roles, weighted_sum
from dfrec_jax.models.dfrec import DfrecOutput
from tests import tiny
from tests.collectives import sent_by

BATCH = {name: jnp.asarray(value) for name, value in tiny.batch(2).items()}
BATCH |= {name: BATCH[name].astype(jnp.float32) / 255 for name in ("image", "source", "target", "source_mask")}


def _loss(**fields):
    loss = tiny.config().loss
    loss.update({"reduction": "norm", "classification": 0.0, "segmentation": 0.0} | fields)
    return loss


def _output(map_logits=None):
    picture, empty = BATCH["image"], jnp.zeros((2, 1))
    return DfrecOutput(
        source_map=picture[..., :1], used_map=picture[..., :1], map_logits=map_logits, source_region=picture,
        source_face=picture, target_face=picture, source_features=empty, target_features=empty, target_tokens=None,
        idx_keep=jnp.zeros((2, 1), int), idx_mask=jnp.ones((2, 1), int), target_patches=jnp.zeros((2, 1, 3 * 8 * 8)),
        masked_image=picture, logit=None,
    )  # fmt: skip


def _terms(perceptors):
    return jax.jit(lambda: loss_terms(_output(), BATCH, perceptors, _loss(), patch_size=8))()


def test_a_role_without_a_network_is_zero_and_the_others_are_as_before():
    whole = _terms(tiny.perceptors())
    partial = _terms(Perceptors(tiny.network(), None, None))
    assert whole["perceptual"] > 0 and whole["attribute"] > 0
    assert partial["perceptual"] == 0 and partial["attribute"] == 0
    np.testing.assert_allclose(partial["identity"], whole["identity"], rtol=1e-6)
    np.testing.assert_allclose(partial["patch"], whole["patch"], rtol=1e-6)


def test_pristine_faces_teach_their_own_recovery_or_an_empty_map():
    batch = {**BATCH, "is_forgery": jnp.array([True, False]), "has_mask": jnp.array([True, True])}
    batch["source_mask"] = jnp.ones_like(batch["source_mask"]).at[1].set(0.0)
    logits = jnp.stack([jnp.full((tiny.SIZE, tiny.SIZE, 1), 9.0), jnp.full((tiny.SIZE, tiny.SIZE, 1), 2.0)])

    @jax.jit
    def terms(target, source):
        given = {**batch, "target": target, "source": source}
        return [
            loss_terms(_output(logits), given, tiny.perceptors(), _loss(pristine_map=taught), patch_size=8)
            for taught in (False, True)
        ]

    recovered, mapped = terms(batch["target"], batch["source"])
    assert recovered["segmentation"] < 0.001  # the forgery's map alone, which is right
    np.testing.assert_allclose(mapped["segmentation"], (np.log1p(np.exp(2.0)) + np.log1p(np.exp(-9.0))) / 2, rtol=1e-4)
    other = terms(batch["target"].at[1].set(0.5), batch["source"].at[1].set(0.5))
    for name in ("identity", "perceptual", "attribute", "patch"):
        assert other[0][name] != recovered[name], name
        assert other[1][name] == mapped[name], name


def test_photographs_with_hidden_faces_teach_a_target_where_pristine_faces_teach_a_map():
    batch = {**BATCH, "is_forgery": jnp.zeros(2, bool), "has_mask": jnp.zeros(2, bool)}

    @jax.jit
    def patch(is_photograph):
        given = batch | {"is_photograph": is_photograph}
        return loss_terms(_output(), given, tiny.perceptors(), _loss(pristine_map=True), patch_size=8)["patch"]

    assert patch(jnp.array([True, True])) > 0 == patch(jnp.array([False, False]))


def test_without_the_sources_features_its_network_sees_the_target_alone():
    seen = []

    def watched(variables, images, landmarks):
        seen.append(images.shape[0])
        return tiny.network().apply(variables, images, landmarks)

    network = replace(tiny.network(), apply=watched)
    perceptors = Perceptors(network, network, network)

    def terms(source_face, source_features):
        output = _output()._replace(source_face=source_face)
        return loss_terms(output, BATCH, perceptors, _loss(source_features=source_features), patch_size=8)

    dark = jnp.full_like(BATCH["image"], 0.1)
    both, other_source = terms(BATCH["image"], 1.0), terms(dark, 1.0)
    assert set(seen) == {4}
    assert both["identity"] != other_source["identity"] and both["perceptual"] != other_source["perceptual"]
    seen.clear()
    target, same = terms(BATCH["image"], 0.0), terms(dark, 0.0)
    assert set(seen) == {2} and target["identity"] == same["identity"] and target["perceptual"] == same["perceptual"]
    twice = terms(BATCH["image"], 2.0)
    np.testing.assert_allclose(twice["identity"] - both["identity"], both["identity"] - target["identity"], rtol=1e-4)


def test_the_pixels_of_a_source_are_those_of_its_posed_picture_where_there_is_one():
    posed = BATCH["image"]
    given = {**BATCH, "posed_source": posed, "has_posed_source": jnp.array([True, False])}
    given |= {"has_mask": jnp.array([True, True]), "has_source": jnp.array([True, True])}
    given |= {"source_mask": jnp.ones_like(BATCH["source_mask"])}

    def pixels(batch):
        return loss_terms(_output(), batch, tiny.perceptors(), _loss(), patch_size=8)["source_pixels"]

    assert pixels(given) == 0  # the recovered source is the first posed picture; the second is not looked at
    moved = {**given, "posed_source": posed + jnp.array([0.1, 0.3])[:, None, None, None]}
    np.testing.assert_allclose(pixels(moved), 0.1, rtol=1e-4)
    unposed = {name: value for name, value in given.items() if "posed" not in name}
    np.testing.assert_allclose(pixels(unposed), np.abs(BATCH["image"] - BATCH["source"]).mean(), rtol=1e-4)


def test_the_sum_is_equation_10_and_what_the_paper_leaves_out():
    values = {term.name: jnp.float32(10.0**place) for place, term in enumerate(TERMS)}
    loss = _loss(perceptual=2.0, attribute=3.0, patch=4.0, classification=5.0, segmentation=6.0, source_pixels=7.0)
    assert weighted_sum(values, loss) == 7654321
    assert list(values)[:4] == ["identity", "perceptual", "attribute", "patch"]


def test_a_term_of_weight_0_asks_for_no_network():
    assert needed_roles(_loss()) == {"identity", "perceptual", "attributes"}
    assert needed_roles(_loss(perceptual=0.0)) == {"identity", "attributes"}
    assert needed_roles(_loss(perceptual=0.0, attribute=0.0)) == {"identity"}


def test_each_picture_is_aligned_by_its_own_landmarks():
    """A recovered source that is its reference moved to the pose of the input is no distance away from it."""
    shift = 4
    batch = {**BATCH, "has_source": jnp.ones(2, bool), "landmarks": BATCH["source_landmarks"] + shift}
    recovered = jnp.roll(batch["source"], (shift, shift), axis=(1, 2))
    output = _output()._replace(source_face=recovered, target_face=batch["target"])
    identity = jax.jit(
        lambda batch: loss_terms(
            output, batch, Perceptors(tiny.aligning_network(), None, None), _loss(target_identity=0.0), patch_size=8
        )["identity"]
    )
    assert identity(batch) < 1e-4
    assert identity({**batch, "source_landmarks": batch["landmarks"]}) > 0.1
    unknown = jnp.full_like(batch["source_landmarks"], jnp.nan)
    assert identity({**batch, "source_landmarks": unknown}) == 0  # what cannot be aligned counts for nothing


def test_pixels_beyond_the_picture_teach_nothing():
    inside = jnp.ones_like(BATCH["source_mask"]).at[:, :, : tiny.SIZE // 4].set(0.0)  # the first column of patches
    batch = {**BATCH, "posed_source": BATCH["source"][::-1], "has_posed_source": jnp.ones(2, bool)}
    batch |= {"has_source": jnp.ones(2, bool), "has_mask": jnp.ones(2, bool), "is_forgery": jnp.ones(2, bool)}
    weights = {"source_pixels": 1.0, "segmentation": 1.0, "source_features": 1.0}

    def total(face, logits, patches, inside, reduction):
        output = _output(logits)._replace(
            source_face=face, target_face=face, target_patches=patches, idx_mask=jnp.array([[0, 1], [4, 2]])
        )
        given = {**batch, **({} if inside is None else {"inside_mask": inside})}
        loss = _loss(reduction=reduction, **weights)
        values = loss_terms(output, given, tiny.perceptors(), loss, patch_size=8)
        return sum(values.values())

    @jax.jit
    def run(face, logits, patches):
        found = {}
        for reduction in ("norm", "root_mean_square"):
            gradients = jax.grad(total, argnums=(0, 1, 2))(face, logits, patches, inside, reduction)
            whole = total(face, logits, patches, jnp.ones_like(inside), reduction)
            found[reduction] = gradients, whole, total(face, logits, patches, None, reduction)
        return found

    face, patches = BATCH["target"][::-1], jnp.full((2, 2, 3 * 8 * 8), 0.4)
    for (of_face, of_logits, of_patches), whole, before in run(face, BATCH["source_mask"] - 0.4, patches).values():
        np.testing.assert_allclose(whole, before, rtol=1e-6)
        for gradient in (of_face, of_logits):
            beyond, within = gradient[:, :, : tiny.SIZE // 4], gradient[:, :, tiny.SIZE // 4 :]
            assert (beyond == 0).all() and np.abs(within).max() > 0
        of_patches = of_patches.reshape(2, 2, 8, 8, 3)
        assert (of_patches[0, 0] == 0).all() and (of_patches[1, 0] == 0).all(), "patches of the first column"
        assert np.abs(of_patches[:, 1]).min() > 0


def test_a_share_of_the_rows_is_looked_at_and_means_are_those_of_all():
    """The mean over draws is the term of all rows; rows without a reference are not drawn while others are left."""
    rng = np.random.default_rng(0)
    pictures = jnp.asarray(rng.uniform(size=(4, tiny.SIZE, tiny.SIZE, 3)), jnp.float32)
    batch = {name: jnp.concatenate([value, value]) for name, value in BATCH.items()} | {"target": pictures}
    batch |= {"has_target": jnp.array([True, True, False, True]), "has_source": jnp.zeros(4, bool)}
    output = jax.tree.map(lambda x: jnp.concatenate([x, x]), _output())

    def identity(key, **fields):
        loss = _loss(source_features=0.0, **fields)
        terms = loss_terms(output, batch, tiny.perceptors(), loss, patch_size=8, key=key)
        return terms["identity"]

    keys = jax.random.split(jax.random.key(0), 600)
    drawn = np.asarray(jax.jit(jax.vmap(lambda key: identity(key, target_rows=0.25)))(keys))
    each = np.unique(drawn.round(3))
    assert len(each) == 3 and each.min() > 0  # one row a draw, never the one without a target
    np.testing.assert_allclose(drawn.mean(), identity(None), rtol=0.02)
    np.testing.assert_allclose(identity(keys[0], target_rows=0.7), identity(None), rtol=1e-5)  # three of four rows


def test_the_networks_see_no_more_than_the_rows_that_are_drawn():
    seen = []

    def apply(variables, images, landmarks):
        seen.append(len(images))
        return tiny.network().apply(variables, images, landmarks)

    network = replace(tiny.network(), apply=apply)
    batch = {name: jnp.concatenate([value] * 4) for name, value in BATCH.items()}
    output = jax.tree.map(lambda x: jnp.concatenate([x] * 4), _output())
    loss = _loss(target_rows=0.5, source_rows=0.25)
    loss_terms(output, batch, Perceptors(network, None, None), loss, patch_size=8, key=jax.random.key(0))
    assert seen == [6, 6]  # of eight: four targets and two sources, recovered and true


@pytest.mark.parametrize(("target_rows", "source_rows"), [(1.0, 1.0), (0.5, 0.25)])
def test_the_networks_look_at_rows_where_they_lie(target_rows, source_rows):
    """Of sixteen rows on four devices no picture and no feature is sent, only sums: these are as many as numbers."""
    mesh = jax.make_mesh((4,), ("rows",), devices=jax.devices()[:4], axis_types=(jax.sharding.AxisType.Auto,))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("rows"))
    batch = {name: jnp.concatenate([value] * 8) for name, value in BATCH.items()}
    output = jax.tree.map(lambda x: jnp.concatenate([x] * 8), _output())
    loss = _loss(target_rows=target_rows, source_rows=source_rows, pristine_map=True)

    def of_faces(target_face, source_face, batch, output):
        output = output._replace(target_face=target_face, source_face=source_face)
        key = jax.random.key(0)
        terms = loss_terms(output, batch, tiny.perceptors(), loss, patch_size=8, key=key, num_groups=4)
        return terms["identity"] + terms["perceptual"] + terms["attribute"]

    given = jax.device_put((output.target_face, output.source_face, batch, output), sharding)
    compiled = jax.jit(jax.grad(of_faces, (0, 1)), out_shardings=sharding).lower(*given).compile()
    sent = sent_by(compiled)
    assert set(sent) <= {"all-reduce"} and sum(sent.values()) < 200, sent


def test_rows_are_drawn_of_each_group():
    seen = []

    def apply(variables, images, landmarks):
        seen.append(images[:, 0, 0, 0])
        return tiny.network().apply(variables, images, landmarks)

    @jax.jit
    def references(batch):
        loss_terms(output, batch, perceptors, loss, patch_size=8, key=jax.random.key(0), num_groups=2)
        return seen[1]

    batch = {name: jnp.concatenate([value] * 4) for name, value in BATCH.items()}
    batch["target"] = jnp.broadcast_to(jnp.arange(8.0)[:, None, None, None] / 8, batch["target"].shape)
    batch["has_target"] = jnp.array([True, False, False, False, True, True, True, False])
    output = jax.tree.map(lambda x: jnp.concatenate([x] * 4), _output())
    perceptors = Perceptors(replace(tiny.network(), apply=apply), None, None)
    loss = _loss(target_rows=0.5, source_features=0.0, pristine_map=True)
    of_first, of_second = np.split(np.asarray(references(batch)) * 8, 2)
    assert of_first.max() < 4 and 0 in of_first, "the only one that is given, and another to fill its place"
    assert set(of_second) <= {4, 5, 6}


def test_attributes_are_computed_of_targets_alone():
    seen = []

    def apply(variables, images, landmarks):
        seen.append((len(images), len(landmarks)))
        return tiny.network().apply(variables, images, landmarks)

    of_attributes = replace(tiny.network("another"), apply=apply)
    loss_of = lambda perceptors: loss_terms(_output(), BATCH, perceptors, _loss(), patch_size=8)  # noqa: E731
    terms = loss_of(Perceptors(tiny.network(), tiny.network(), of_attributes))
    assert seen == [(2, 2), (2, 2)]  # of four pictures, recovered and true
    shared = loss_of(tiny.perceptors())
    np.testing.assert_allclose(terms["attribute"], shared["attribute"], rtol=1e-6)
    assert float(shared["attribute"]) > 0
