import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines import methods
from dfrec_jax.examples import fields
from dfrec_jax.forging import components
from dfrec_jax.training.tasks import compared_losses
from tests import stand_in, tiny
from tests.training.tasks.test_compared import _config


@pytest.fixture(scope="module")
def delocate_loss():
    """The loss and its gradient by pictures, of a batch whose first half are forgeries."""
    config = _config("delocate")
    module = methods.build(config)
    shapes = jnp.zeros((1, tiny.SIZE, tiny.SIZE, 3)), jnp.zeros((1, (tiny.SIZE // 8) ** 2))
    params = stand_in.variables(module, *shapes)["params"]
    loss = compared_losses.make_delocate_loss(module, config)
    batch = {name: jnp.asarray(value) for name, value in fields.to_float(tiny.batch()).items()}

    def of(pictures, has_target, seed):
        return loss(params, {}, (), {**batch, **pictures, "has_target": has_target}, jax.random.key(seed))[0]

    return batch, jax.jit(jax.value_and_grad(of))


def test_delocate_learns_from_real_faces_alone(delocate_loss):
    batch, of = delocate_loss
    pictures, has_target = {name: batch[name] for name in ("image", "source", "target")}, np.ones(8, bool)
    value, gradient = of(pictures, has_target, 0)
    assert value > 0 and (gradient["image"] == 0).all() and (gradient["source"] == 0).all()
    assert (np.abs(gradient["target"]).max(axis=(1, 2, 3)) > 0).all()
    has_target[2] = False
    assert (of(pictures, has_target, 0)[1]["target"][2] == 0).all()


def test_delocate_hides_other_patches_in_another_step(delocate_loss):
    batch, of = delocate_loss
    pictures = {name: batch[name] for name in ("image", "source", "target")}
    values = [float(of(pictures, np.ones(8, bool), seed)[0]) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_delocate_hides_by_68_landmarks_where_they_are_known(delocate_loss):
    batch, of = delocate_loss
    laid_on = components.points_of(batch["landmarks"], None, tiny.SIZE)
    pictures, has_target = {name: batch[name] for name in ("image", "source", "target")}, np.ones(8, bool)
    value_of = lambda points: float(of(pictures | {"points": points}, has_target, 0)[0])  # noqa: E731
    by_five, corner = float(of(pictures, has_target, 0)[0]), laid_on / 4
    assert value_of(laid_on) == value_of(jnp.full_like(laid_on, jnp.nan)) == by_five
    assert value_of(corner) != by_five
