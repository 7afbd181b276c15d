"""The page's server in a thread of a test, on a free port of this machine."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from dfrec_jax.forensics.serve.jobs import Jobs
from dfrec_jax.forensics.serve.server import Server


@contextlib.contextmanager
def serving(recover: Callable[..., Any], network: str, most: int) -> Iterator[Server]:
    """A server whose jobs are done by `recover`, of `network`, for uploads of `most` bytes."""
    jobs = Jobs(lambda say: recover)
    jobs.start()
    server = Server("127.0.0.1", 0, jobs, {"network": network, "assume": "", "visible": []}, most)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
    jobs.close()
