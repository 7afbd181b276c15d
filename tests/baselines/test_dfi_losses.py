"""DFI-min's losses by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dfrec_jax.baselines.dfi import DfiOutput
from dfrec_jax.baselines.dfi_losses import cosine, dfi_loss
from dfrec_jax.frozen.network import FrozenNetwork, Perceptors

WHITE, RED = jnp.ones((2, 2, 3)), jnp.zeros((2, 2, 3)).at[..., 0].set(1.0)


def _network():
    """The mean colour, and its direction."""

    def apply(variables, images, landmarks):
        mean = jnp.mean(images, axis=(1, 2)) + 0 * jnp.sum(landmarks)
        return {"mean": mean, "embedding": mean / jnp.linalg.norm(mean, axis=-1, keepdims=True)}

    return FrozenNetwork(variables=(), name="mean", apply=apply, taps={"perceptual": ("mean",)})


PERCEPTORS = Perceptors(_network(), _network(), None)


def _batch(**changed):
    """A forgery of a white target and a red source, and a pristine red face."""
    known = jnp.zeros((2, 5, 2))
    pictures = {"image": [WHITE, RED], "target": [WHITE, RED], "source": [RED, RED]}
    flags = {"is_forgery": [True, False], "has_source": [True, True], "has_target": [True, True]}
    given = {name: jnp.stack(value) for name, value in pictures.items()}
    given |= {name: jnp.array(value) for name, value in flags.items()}
    return given | {"landmarks": known, "source_landmarks": known} | changed


def _output(**changed):
    """Everything as it should be."""
    parts = {
        "target_face": jnp.stack([WHITE, RED]),
        "target_features": jnp.array([[1.0, 0.0]] * 2),
        "source_features": jnp.array([[0.0, 1.0]] * 2),
        "target_embedding": jnp.array([[2.0, 2.0, 2.0], [3.0, 0.0, 0.0]]),
        "source_embedding": jnp.array([[4.0, 0.0, 0.0]] * 2),
    }
    return DfiOutput(**parts | changed)


@jax.jit
def _computed(output, batch):
    return dfi_loss(output, batch, PERCEPTORS), jax.grad(lambda o: dfi_loss(o, batch, PERCEPTORS).total)(output)


def _loss(output, **batch):
    loss, _ = _computed(output, _batch(**batch))
    return {name: float(value) for name, value in loss._asdict().items()}


def test_a_perfect_recovery_costs_nothing():
    assert _loss(_output())["total"] == pytest.approx(0, abs=1e-5)


def test_a_red_face_in_place_of_a_white_one():
    found = _loss(_output(target_face=jnp.stack([RED, RED])))
    assert found["pixels"] == pytest.approx(0.5 * 2 / 3)  # two channels of three, one face of two
    assert found["perceptual"] == pytest.approx(0.5 * np.sqrt(2 / 3), rel=1e-4)
    assert found["identity"] == pytest.approx(0.5 * (1 - 1 / np.sqrt(3)), rel=1e-5)
    want = found["pixels"] + 0.5 * found["perceptual"] + found["identity"]
    assert found["total"] == pytest.approx(want, rel=1e-4)


def test_each_half_says_whose_it_is():
    found = _loss(_output(target_embedding=jnp.array([[1.0, 0.0, 0.0]] * 2)))
    assert found["target_embedding"] == pytest.approx(0.5 * (1 - 1 / np.sqrt(3)), rel=1e-5)
    assert found["total"] == pytest.approx(0.5 * found["target_embedding"], abs=1e-5)
    found = _loss(_output(source_embedding=jnp.array([[-1.0, 0.0, 0.0]] * 2)))
    assert found["source_embedding"] == pytest.approx(2) and found["total"] == pytest.approx(1, abs=1e-5)
    found = _loss(_output(source_features=jnp.array([[3.0, 0.0]] * 2)))
    assert found["orthogonality"] == pytest.approx(1) and found["total"] == pytest.approx(0.1, abs=1e-5)


def test_a_pristine_face_is_not_taught_to_hold_two_people():
    pristine = jnp.zeros(2, bool)
    output = _output(source_embedding=-jnp.ones((2, 3)), source_features=jnp.array([[3.0, 0.0]] * 2))
    _, gradient = _computed(output, _batch(is_forgery=pristine))
    assert (gradient.source_embedding == 0).all() and (gradient.source_features == 0).all()
    assert np.isfinite(gradient.target_face).all()


def test_what_is_not_at_hand_teaches_nothing():
    wrong = _output(
        target_face=jnp.stack([RED, RED]), source_embedding=-jnp.ones((2, 3)), target_embedding=-jnp.ones((2, 3))
    )
    found = _loss(wrong, has_target=jnp.zeros(2, bool), source_landmarks=jnp.full((2, 5, 2), jnp.nan))
    assert found["total"] == 0
    _, gradient = _computed(wrong, _batch(source_landmarks=jnp.full((2, 5, 2), jnp.nan)))
    assert all(np.isfinite(part).all() for part in gradient)


def test_beyond_the_border_nothing_is_compared():
    inside = jnp.ones((2, 2, 2, 1)).at[:, 0].set(0.0)
    beyond = jnp.stack([WHITE.at[0].set(0.3), RED.at[0].set(0.7)])
    assert _loss(_output(target_face=beyond), inside_mask=inside)["total"] == pytest.approx(0, abs=1e-5)
    assert _loss(_output(target_face=beyond))["pixels"] > 0.1


def test_the_cosine_of_nothing_is_zero_and_has_a_gradient():
    rows = jnp.array([[3.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(cosine(rows, jnp.array([[1.0, 1.0]] * 2)), [np.sqrt(0.5), 0], rtol=1e-6)
    assert np.isfinite(jax.grad(lambda x: cosine(x, x + 1).sum())(rows)).all()
