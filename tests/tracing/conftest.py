"""The recogniser of drawn faces, loaded and compiled once for all tests of tracing."""

import pytest

from dfrec_jax.tracing.embedder import Embedder


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder("embedded-b", batch_size=4)
