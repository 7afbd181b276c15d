"""A sweep: trainings as small changes of one config. Files under `configs/sweeps/` list them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.config import config_files
from dfrec_jax.config.errors import ConfigError

# What runs of one table share, whatever they train; of `data` all but what a batch is made up of.
_SHARED = ("seed", "image_size", "frozen", "data", "mesh")
_OWN_DATA = (
    "real_share", "original_share", "recorded_share", "bi_share", "photograph_share", "neural_share", "neural_network",
)  # fmt: skip


class SweptRun(NamedTuple):
    """One training of a sweep.

    Attributes:
      name: of its folder; two sweeps with one folder share the runs of one name.
      overrides: field to value, over the config.
      config: a file, `FILE` or `FILE:ARGUMENT`, that takes the place of the base: of another method. It takes over
        seed, image size, data, frozen networks and mesh of the base, which runs of one table must share.
    """

    name: str
    overrides: Mapping[str, Any]
    config: str = ""


class Sweep(NamedTuple):
    """Trainings, and which table of the paper `evaluate.py --table` makes of them; empty: none."""

    runs: tuple[SweptRun, ...]
    table: str = ""


GetSweep = Callable[[str, ConfigDict], Sweep]  # what a file under configs/sweeps/ has, as `get_sweep`


def configs_of(given: str, base: str, changes: tuple[str, ...] = ()) -> tuple[Sweep, dict[str, ConfigDict]]:
    """The sweep of a file, and the config of each of its runs by name.

    Args:
      given: the sweep, `FILE:ARGUMENT`.
      base: the config, `FILE` or `FILE:ARGUMENT`.
      changes: `FIELD=VALUE` each, of the base and of every run that has the field (`recce.width` is of RECCE's alone);
        the last word.

    Raises:
      ConfigError: for files that are none, for two runs of one name, and for fields that are not there.
    """
    get_sweep, argument = config_files.function_of("SWEEP", given, "get_sweep")
    done: set[str] = set()

    def changed(config: ConfigDict) -> ConfigDict:
        for text in changes:
            if config_files.has_field(config, text.partition("=")[0]):
                config_files.set_field(config, *config_files.parsed(config, text, "--set"), "--set")
                done.add(text)
        return config

    def new_base() -> ConfigDict:  # read anew each time: a copy forgets the types of fields that are left open
        return changed(config_files.config_of("--base", base))

    sweep: Sweep = get_sweep(argument, new_base())
    configs: dict[str, ConfigDict] = {}
    for run in sweep.runs:
        if run.name in configs:
            raise ConfigError(f"SWEEP={given}: two of its runs are called {run.name}; give each a name of its own")
        configs[run.name] = config = new_base()
        if run.config:
            configs[run.name] = config = _sharing(config_files.config_of(f"{run.name}: config", run.config), config)
        for field, value in run.overrides.items():
            config_files.set_field(config, field, value, f"{given}, {run.name}")
        changed(config).name = run.name
    for text in changes:
        if text not in done:
            config_files.parsed(new_base(), text, "--set")  # which says that there is no such field
    return sweep, configs


def _sharing(config: ConfigDict, base: ConfigDict) -> ConfigDict:
    for name in _SHARED:
        if not isinstance(base[name], ConfigDict):
            config[name] = base[name]
            continue
        kept = _OWN_DATA if name == "data" else ()
        of_base = {field: value for field, value in base[name].items() if field not in kept and value is not None}
        config[name].update(of_base)
    return config
