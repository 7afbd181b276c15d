"""SIGTERM and Ctrl-C: heard at once, even while XLA compiles, and acted on by all hosts after the same step."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax
import numpy as np
from jax.sharding import Mesh

from dfrec_jax.training import sharding

HANDLED = (signal.SIGTERM, signal.SIGINT)
ENDED_BY_CTRL_C = 128 + signal.SIGINT


def never() -> bool:
    """Nobody is told to stop."""
    return False


class Stop:
    """Whether this process was told to stop."""

    is_set = False


@contextmanager
def stop_signal() -> Iterator[Stop]:
    """SIGTERM and Ctrl-C set `Stop.is_set`, and a line says so at once; a second Ctrl-C ends the process.

    Python runs its signal handlers between two of its own instructions, and a compilation is one of minutes. The
    interpreter writes the number of a signal to a file the moment it comes, though, on which a thread waits here.
    JAX's own handler of SIGTERM, which tells of preemptions, is replaced: hosts agree by `make_agreement`.
    """
    stop = Stop()
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    listener = threading.Thread(target=_listen, args=(ours, stop), daemon=True)
    before = [signal.signal(number, lambda *_: None) for number in HANDLED]  # without one the signal would end us
    woken_before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    listener.start()
    try:
        yield stop
    finally:
        signal.set_wakeup_fd(woken_before)
        for number, handler in zip(HANDLED, before, strict=True):
            signal.signal(number, handler)
        theirs.close()  # which ends the thread
        listener.join()
        ours.close()


def _listen(signals: socket.socket, stop: Stop) -> None:
    while heard := signals.recv(1):
        number = heard[0]
        if number not in HANDLED:
            continue
        if stop.is_set and number == signal.SIGINT:
            print("ended at once; the last checkpoint is from before", file=sys.stderr, flush=True)
            os._exit(ENDED_BY_CTRL_C)
        if not stop.is_set:
            print(
                f"told to stop by {signal.Signals(number).name}: a checkpoint is written after the step under way, for "
                "which a compilation may have to end; Ctrl-C once more ends it without one",
                file=sys.stderr,
                flush=True,
            )
        stop.is_set = True


def make_agreement(stop: Stop, mesh: Mesh) -> Callable[[], bool]:
    """`() -> bool`, called by every host after each step and before each batch of a validation: whether some host was
    told to stop before its last call.

    A sum over the devices, read one call later so that they are never waited for: all hosts get the same answer at the
    same step. With one host it is its own `stop`, and of this very moment.
    """
    if jax.process_count() == 1:
        return lambda: stop.is_set
    whole, split = sharding.replicated(mesh), sharding.batch_sharding(mesh)
    total = jax.jit(lambda told: told.sum(), out_shardings=whole)
    before = None

    def agreed() -> bool:
        nonlocal before
        told = np.full(jax.local_device_count(), stop.is_set, np.int32)
        now = total(jax.make_array_from_process_local_data(split, told))
        is_stopped = before is not None and bool(before > 0)
        before = now
        return is_stopped

    return agreed
