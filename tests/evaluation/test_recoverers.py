"""What a recoverer gives: what it copied, what it generated, and nothing of what it does not have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.evaluation import recoverers
from dfrec_jax.evaluation.recoverers import COPY, DFREC, INPAINTING
from dfrec_jax.examples import fields
from dfrec_jax.models import dfrec
from dfrec_jax.models.masking import PatchSplit
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


def test_the_generated_region_is_the_masked_patches():
    split = PatchSplit(jnp.array([[0, 3]]), jnp.array([[2, 1]]))
    region = recoverers.generated_region(split.idx_mask, 4, 2)
    want = np.kron([[0, 1], [1, 0]], np.ones((2, 2)))
    np.testing.assert_array_equal(region[0, :, :, 0], want)


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
