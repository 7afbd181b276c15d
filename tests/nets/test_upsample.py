import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.nets.upsample import DoublingConv, conv_by_phases, conv_of_repeated

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.standard_normal((2, 3, 5, 4), np.float32))
KERNEL = jnp.asarray(RNG.standard_normal((3, 3, 4, 6), np.float32))


def test_by_hand():
    x = jnp.array([[1.0, 2.0]]).reshape(1, 1, 2, 1)
    kernel = jnp.zeros((3, 3, 1, 1)).at[1, 0].set(1.0)  # the left neighbour on the doubled grid, 1 1 2 2
    y = DoublingConv(1).apply({"params": {"kernel": kernel, "bias": jnp.array([10.0])}}, x)
    np.testing.assert_array_equal(y[0, :, :, 0], [[10, 11, 11, 12]] * 2)


def test_both_forms_agree_and_so_do_their_gradients():
    def value_and_gradients(form):
        def loss(x, kernel):
            y = form(x, kernel)
            return jnp.mean(y**2), y

        (_, y), gradients = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(X, KERNEL)
        return y, *gradients

    for got, want in zip(value_and_gradients(conv_by_phases), value_and_gradients(conv_of_repeated), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
