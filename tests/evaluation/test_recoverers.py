"""What a recoverer gives: what it copied, what it generated, and nothing of what it does not have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.evaluation import recoverers
from dfrec_jax.evaluation.recoverers import COPY, DFREC, INPAINTING, SURROUNDINGS, VISIBLE_ESTIMATED, VISIBLE_GIVEN
from dfrec_jax.examples import fields
from dfrec_jax.models import dfrec
from dfrec_jax.runs import trained
from tests import stand_in, tiny

SIZE = 2


@pytest.fixture(scope="module")
def given():
    return recoverers.seen(fields.to_float(tiny.batch(SIZE)), tiny.keys(SIZE))


@pytest.fixture(scope="module")
def recovered(given):
    config = tiny.config()
    model = dfrec.build(config)
    variables = stand_in.variables(model, np.asarray(given.image[:1]), tiny.keys(1), train=False)
    network = trained.Trained(config, model, variables, 0)
    rows = (recoverers.copy(), recoverers.inpainting(network), recoverers.dfrec(network))
    recover = {row.name: row.recover for row in rows}
    run = jax.jit(lambda variables, given: recoverers.run_all(recover, variables, given))
    return run({row.name: row.variables for row in rows}, given)


@pytest.mark.parametrize("name", [INPAINTING, DFREC])
def test_outside_of_what_was_generated_stands_the_input(given, recovered, name):
    """FIDELITY 5.4, 2: half of the patches differ, and where they do not the difference is 0."""
    one = recovered[name]
    differs = np.abs(one.target - given.image).max(axis=-1, keepdims=True) > 0
    assert not differs[np.asarray(one.generated) == 0].any()
    assert differs[np.asarray(one.generated) == 1].mean() > 0.99
    assert np.asarray(one.generated).mean() == 0.5  # of 16 patches 8


def test_a_copy_is_the_input(given, recovered):
    np.testing.assert_array_equal(recovered[COPY].target, given.image)
    np.testing.assert_array_equal(recovered[COPY].source, given.image)
    assert recovered[COPY].logit is None and recovered[COPY].generated is None


def test_what_is_recovered_is_a_picture(recovered):
    """FIDELITY 5.4, 6."""
    for one in recovered.values():
        for picture in (one.target, one.source, one.source_map, one.masked_image):
            assert picture is None or (np.min(picture) >= 0 and np.max(picture) <= 1)
    assert recovered[INPAINTING].source is None, "without f_t there is no other source"


@pytest.fixture(scope="module")
def told():
    """The same recoverers of a network that may be told who is seen, for a swap and the same swap of another face."""
    config = tiny.config()
    config.sirm.features, config.sirm.stem = (8,), 4  # one level: five passes are compiled, in one program
    config.tirm.identity_width = 4
    model = dfrec.build(config)
    batch = fields.to_float(tiny.batch(SIZE))
    variables = stand_in.variables(model, np.asarray(batch["image"][:1]), tiny.keys(1), train=False)
    network, recogniser = trained.Trained(config, model, variables, 0), tiny.network()
    rows = (
        recoverers.dfrec(network, "region"),
        recoverers.surroundings(network, "region"),
        recoverers.visible_given(network, recogniser, "region"),
        recoverers.visible_estimated(network, recogniser, "region"),
    )
    recover = {row.name: row.recover for row in rows}
    run = jax.jit(lambda variables, given: recoverers.run_all(recover, variables, given))

    def recovered(**changes):
        given = recoverers.seen(batch | changes, tiny.keys(SIZE))
        return given, run({row.name: row.variables for row in rows}, given)

    return recovered


def test_surroundings_alone_know_nothing_of_the_face(told):
    unknown = jnp.full((SIZE, 5, 2), jnp.nan, jnp.float32)  # the region is the middle of the picture
    given, first = told(landmarks=unknown)
    face = first[DFREC].source_map >= 0.5
    _, other = told(landmarks=unknown, image=jnp.where(face, 1 - given.image, given.image))
    generated = np.asarray(first[SURROUNDINGS].generated)[..., 0] == 1
    hidden = [np.asarray(one[SURROUNDINGS].target)[generated] for one in (first, other)]
    seen = [np.asarray(one[DFREC].target)[generated] for one in (first, other)]
    np.testing.assert_array_equal(*hidden)
    assert not np.array_equal(*seen)


def test_the_visible_person_is_of_use_to_the_rows_that_are_told(told):
    _, first = told()
    _, other = told(source=jnp.asarray(fields.to_float(tiny.batch(SIZE, seed=1))["source"]))
    for name in (DFREC, SURROUNDINGS, VISIBLE_ESTIMATED):
        np.testing.assert_array_equal(first[name].target, other[name].target)
    assert not np.array_equal(first[VISIBLE_GIVEN].target, other[VISIBLE_GIVEN].target)
    assert not np.array_equal(first[VISIBLE_ESTIMATED].target, first[DFREC].target)
    assert first[VISIBLE_GIVEN].source is None
