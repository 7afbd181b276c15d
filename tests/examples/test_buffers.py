"""Arrays that are used again, and not before nobody holds them."""

import threading

import jax
import numpy as np

from dfrec_jax.examples import buffers
from dfrec_jax.examples.buffers import Buffers

SHAPE = (4, 256, 256, 3)


def address(array):
    return array.__array_interface__["data"][0]


def test_an_array_comes_again_when_it_is_let_go_and_not_before():
    pool = Buffers()
    first, second = pool.take(SHAPE), pool.take(SHAPE)
    assert first is not second
    where = address(first)
    del first
    assert address(pool.take(SHAPE)) == where
    other = pool.take((2, 2))
    assert other.shape == (2, 2) and address(other) not in (where, address(second))


def test_a_view_holds_an_array():
    pool = Buffers()
    view = pool.take(SHAPE)[1:2]
    assert not np.shares_memory(pool.take(SHAPE), view)


def test_an_array_on_a_device_keeps_what_it_was_given():
    """On a CPU the device's array may be the very memory."""
    pool = Buffers()
    on_device = []
    for number in range(6):
        array = pool.take(SHAPE)
        array[...] = number
        on_device.append(jax.device_put(array))
        del array
    for number, value in enumerate(on_device):
        assert np.all(np.asarray(value) == number)


def test_no_more_than_so_many_are_kept():
    pool = Buffers()
    held = [pool.take((3,)) for _ in range(buffers.MOST + 5)]
    assert len({id(array) for array in held}) == buffers.MOST + 5
    assert len(pool._kept[(3,)]) == buffers.MOST


def test_threads_are_never_given_the_same_array():
    pool, failures = Buffers(), []

    def use(number):
        for _ in range(300):
            array = pool.take((1000,))
            array[...] = number
            if np.any(array != number):
                failures.append(number)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(pool._kept[(1000,)]) <= 2 * 8  # a thread holds its last array while it takes the next
