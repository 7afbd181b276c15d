"""What every test runs under: eight virtual CPU devices, strict rank promotion, and the folders of real data."""

import gc
import os
import signal
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts by `&` ignore Ctrl-C
gc.set_threshold(100_000)  # tracing makes so many objects that a tenth of the time went into looking through them
# Programs here run once or twice on next to nothing: unoptimised code compiles in a seventh of the time.
COMPILE_QUICKLY = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = f"{COMPILE_QUICKLY} {os.environ.get('XLA_FLAGS', '')}"

import jax  # noqa: E402  reads XLA_FLAGS
import pytest  # noqa: E402

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")
os.environ["DFREC_OFFLINE"] = "1"  # a test that lacks weights must not download them

pytest_plugins = ("tests.prepared_data", "tests.local_s3", "tests.small_disk")
LONGEST = ("training/test_step.py", "models/test_dfrec.py", "frozen/test_networks.py", "forensics/test_recover.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files of the longest tests first: a worker that began one last would leave the others idle.

    `make test` hands files out in this order (`--no-loadscope-reorder`) and not by their numbers of tests.
    """
    items.sort(key=lambda item: not str(item.path).endswith(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The user's cache of converted weights is left alone, and of compiled programs there is none."""
    os.environ["DFREC_COMPILE_CACHE"] = "off"
    os.environ["DFREC_CACHE"] = str(tmp_path_factory.mktemp("cache"))


def _folder(variable: str) -> Path:
    path = os.environ.get(variable, "")
    if not path or not Path(path).is_dir():
        pytest.skip(f"${variable} does not name a folder: real files are not at hand")
    return Path(path)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real faces, `$DFREC_DATA`; skips where it is absent."""
    return _folder("DFREC_DATA")


@pytest.fixture(scope="session")
def shared_weights() -> Path:
    """The folder of small real networks, `$DFREC_WEIGHTS`; skips where it is absent."""
    return _folder("DFREC_WEIGHTS")


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The network-parity fixtures that the project holds itself."""
    return Path(__file__).parent / "fixtures"
