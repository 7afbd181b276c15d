"""What a program costs, by hand."""

import jax
import jax.numpy as jnp

from dfrec_jax.training.program_cost import HELD_ON_CPU, cost_of

X = jax.ShapeDtypeStruct((8, 16), jnp.float32)
W = jax.ShapeDtypeStruct((16, 32), jnp.float32)
V = jax.ShapeDtypeStruct((32, 4), jnp.bfloat16)


def test_a_product_and_what_is_fused_into_the_sum_after_it():
    cost = cost_of(jax.make_jaxpr(lambda x, w: jnp.sum(jnp.tanh(x @ w) * 2))(X, W))
    assert cost.products == {4: 2 * 8 * 16 * 32}
    assert cost.kept == 0 and cost.passing == 8 * 32 * 4, "the product; tanh and doubling are no arrays"


def test_what_a_second_product_reads_is_an_array_of_its_own_width():
    cost = cost_of(jax.make_jaxpr(lambda x, w, v: (x @ w).astype(jnp.bfloat16) @ v)(X, W, V))
    assert cost.products == {4: 2 * 8 * 16 * 32, 2: 2 * 8 * 32 * 4}
    assert cost.passing == 8 * 32 * (4 + 2), "the result is the caller's"


def test_a_convolution_and_its_gradients():
    image, kernel = jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.float32), jax.ShapeDtypeStruct((3, 3, 3, 5), jnp.float32)

    def loss(kernel, image):
        found = jax.lax.conv_general_dilated(image, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return jnp.sum(jnp.square(found))

    forward = 2 * (2 * 5) * (8 * 3 - 2) ** 2 * 3  # at each border a third of the window is padding
    assert cost_of(jax.make_jaxpr(loss)(kernel, image)).products == {4: forward}
    gradients = cost_of(jax.make_jaxpr(jax.grad(loss))(kernel, image))
    assert gradients.products[4] == 2 * forward, "of the kernel alone"


def test_what_waits_for_the_backward_pass_is_kept():
    def loss(weights, x):
        for weight in weights:
            x = jnp.tanh(x @ weight)
        return jnp.sum(x)

    def kept(depth):
        closed = jax.make_jaxpr(jax.value_and_grad(loss))([jax.ShapeDtypeStruct((16, 16), jnp.float32)] * depth, X)
        return cost_of(closed, lambda outputs: outputs[0]).kept

    layer = 8 * 16 * 4  # its product, or its tanh, which the next product reads
    assert kept(8) - kept(4) in (4 * layer, 8 * layer)


def test_a_loop_is_counted_as_often_as_it_runs():
    def loop(x, w):
        return jax.lax.scan(lambda x, _: (jnp.tanh(x @ w), None), x, length=5)[0]

    square = jax.ShapeDtypeStruct((16, 16), jnp.float32)
    assert cost_of(jax.make_jaxpr(loop)(X, square)).products == {4: 5 * 2 * 8 * 16 * 16}


def test_what_calls_another_program_is_looked_into():
    inner = jax.jit(lambda x, w: x @ w)
    cost = cost_of(jax.make_jaxpr(jax.jit(lambda x, w: inner(x, w)))(X, W))
    assert cost.products == {4: 2 * 8 * 16 * 32}


def test_of_the_branches_of_several_platforms_one_is_counted():
    def several(x, w):
        return jax.lax.platform_dependent(x, w, cpu=lambda x, w: x[:4] @ w, default=lambda x, w: (x @ w)[:4])

    cost = cost_of(jax.make_jaxpr(several)(X, W))
    assert cost.products == {4: 2 * 8 * 16 * 32}, "the definition's, whatever a platform does in its place"


def test_differences_that_a_norm_reads_again_are_arrays_where_they_are_held():
    def norm(x, w):
        made = x @ w
        apart = made - jnp.mean(made)
        return jnp.sum(apart * jax.lax.rsqrt(jnp.mean(jnp.square(apart))))

    closed = jax.make_jaxpr(norm)(X, W)
    product = 8 * 32 * 4
    assert product <= cost_of(closed).passing < 1.1 * product, "they are computed again of the product"
    assert 2 * product <= cost_of(closed, held=HELD_ON_CPU).passing < 2.1 * product
