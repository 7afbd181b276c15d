"""Where Scenic is: a checkout that the user names, at the commit that this project was tested with."""

import hashlib
import importlib.util
import os
import sys
from pathlib import Path

from dfrec_jax.config.errors import ConfigError

VARIABLE = "DFREC_SCENIC"
REPOSITORY = "https://github.com/google-research/scenic"
COMMIT = "4a38d475ee89cb821078c0e2bf2065ee030e1535"
# What of it is used here, by its SHA-256 at that commit: a checkout may be an archive, which does not know its commit.
FILES = {
    "scenic/app.py": "b5f497a55165effebf04e3e72f22ee7144316096e91145b11d0fdedc52a073c8",
    "scenic/model_lib/base_models/base_model.py": "b0ff777aa3e9d1f612bfc98a16241a447edd9331b7ab2495b564363975f8ff00",
    "scenic/dataset_lib/datasets.py": "7b08a0f9930aae6bd9f050558227b39a9e1f413442c1429c8b566fed49755894",
    "scenic/dataset_lib/dataset_utils.py": "6ba67b846cc87ba489b6d56b52620c390d3d37479989732807350d0c5e16f3f7",
    "scenic/train_lib/train_utils.py": "63fe9fc1e0b557b8a716ae71860b3a9c624caf2384bcc746731a1288f86c8532",
}
_GET_IT = f"`git clone {REPOSITORY}`, `git -C scenic checkout {COMMIT}`, and {VARIABLE}=DIR (or --scenic DIR) names it"


def put_on_path(folder: str | os.PathLike[str] | None = None) -> Path:
    """Makes `import scenic` mean the checkout; returns its folder.

    Args:
      folder: of the checkout, in which the folder `scenic` is; None: `$DFREC_SCENIC`.

    Raises:
      ConfigError: where none is named, it is none, or not at the commit; where the `scenic` of PyPI, a language for
        scenes, is in its place; where TensorFlow or tensorboard, which it needs, is not installed. Says what to do.
    """
    named = folder or os.environ.get(VARIABLE)
    if not named:
        found = importlib.util.find_spec("scenic")
        place = next(iter(found.submodule_search_locations or ()), None) if found else None
        if place is not None and not (Path(place) / "app.py").is_file():
            raise ConfigError(
                f"{place}: the scenic that is installed is another project, a language for scenes, which has the name "
                f"on PyPI: pip uninstall scenic. Google's is a checkout: {_GET_IT}"
            )
        raise ConfigError(f"Scenic is not named, and is on no package index: {_GET_IT}")
    path = Path(named).absolute()
    if not (path / "scenic" / "app.py").is_file():
        raise ConfigError(f"{VARIABLE}={named}: is no checkout of Google's Scenic, it has no scenic/app.py: {_GET_IT}")
    for name, wanted in FILES.items():
        file = path / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != wanted:
            raise ConfigError(
                f"{VARIABLE}={named}: {name} is not that of commit {COMMIT[:12]}, with which this project was tested: "
                f"git -C {named} checkout {COMMIT}"
            )
    for package in ("tensorflow", "tensorboard"):
        if importlib.util.find_spec(package) is None:
            raise ConfigError(f"Scenic needs {package}: pip install 'dfrec-jax[scenic]'")
    loaded = sys.modules.get("scenic")
    if loaded is not None and path / "scenic" not in map(Path, loaded.__path__):
        raise ConfigError(f"another scenic is imported already, from {next(iter(loaded.__path__), '?')}: start anew")
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
    return path
