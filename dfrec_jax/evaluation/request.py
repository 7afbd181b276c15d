"""What a person asks of evaluate.py: on what a network is measured."""

from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.config import defaults, networks, rules
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import pipeline
from dfrec_jax.records import joint


class Request(NamedTuple):
    """On what a network is measured; each field is a flag of evaluate.py.

    Attributes:
      name: of the files (see `output_files.py`); empty for one that the other fields make.
      checkpoint: `best` by validation, `newest`, or a step.
      seed: of the masking noise, the same for every example (of a classifier: of the resampling of people).
      dataset, data_dir: prepared data in place of those that the network was trained on; empty for the same.
      forge: whether the pristine faces of the split are forged anew by every generator of training, in place of the
        forgeries that the data set holds.
      groups: CSVs, with commas between, whose columns `id` and `repository` say which examples are not independent, by
        which intervals are resampled in place of people; empty for none. See `groups.read`.
      only: which examples, by columns of those lists: `half=development`, `repository!=NAME`; empty for all.
      examples: how many of each attack where forgeries are made anew, otherwise of all; 0 for what the config says.
      mask_ratio, patch_threshold: of Algorithm 1, in place of those of training; no parameter depends on them. 0 for
        the same.
      verdict: who says that a picture is a swap: `network`; `given`: it is one, and the face's region by its landmarks
        takes the place of a map that leaves the face out; `region`: it is one, and that region is the map.
      measure_by: networks that measure in place of those that the run's config names, FIELD=NAME with commas between;
        see `networks.replaced`.
    """

    name: str = ""
    checkpoint: str = "best"
    seed: int = 0
    dataset: str = ""
    data_dir: str = ""
    forge: bool = False
    groups: str = ""
    only: str = ""
    examples: int = 0
    mask_ratio: float = 0.0
    patch_threshold: float = 0.0
    verdict: str = "network"
    measure_by: str = ""

    def conditions(self) -> dict[str, Any]:
        """All but the name: what results must have in common to be results of one thing."""
        return {field: value for field, value in self._asdict().items() if field != "name"}

    def flags(self) -> str:
        """What was asked for beyond the plain evaluation, as it is typed; empty for nothing."""
        plain = AS_TRAINED.conditions()
        changed = {field: value for field, value in self.conditions().items() if value != plain[field]}
        return " ".join(f"--{field}" if value is True else f"--{field}={value}" for field, value in changed.items())


AS_TRAINED = Request()
VERDICTS = ("network", "given", "region")


def measured_config(config: ConfigDict, request: Request) -> ConfigDict:
    """The config of a trained network, its data section and Algorithm 1 as the request wants them.

    Raises:
      ConfigError: for a request that does not fit the network or its data; names the flag.
    """
    trained_with, config = config, config.copy_and_resolve_references()
    config = networks.replaced(config, request.measure_by, networks.OF_RUN)
    if request.dataset:
        is_named = any(name for name, _ in joint.named_folders(config.data.dir, ""))
        if is_named and not request.data_dir and request.dataset != pipeline.EMBEDDED:
            raise ConfigError(
                f"--dataset={request.dataset}: the run's folders name their own data sets ({config.data.dir}); say "
                "where this one is, --data_dir=DIR"
            )
        config.data.dataset, config.data.attack = request.dataset, ""
    if request.data_dir:
        config.data.dir = request.data_dir
    if request.examples:
        config.data.test_examples = request.examples
    if request.mask_ratio:
        config.tirm.mask_ratio = request.mask_ratio
    if request.patch_threshold:
        config.tirm.patch_threshold = request.patch_threshold
    _check_data(config, request)
    if request.only and not request.groups:
        raise ConfigError(f"--only={request.only}: chooses by columns of lists; name them, --groups=A.csv,B.csv")
    if request.verdict not in VERDICTS:
        raise ConfigError(f"--verdict={request.verdict}: must be one of {VERDICTS}")
    if request.verdict != "network" and not config.ism.enabled:
        raise ConfigError(
            f"--verdict={request.verdict}: this network (ism.enabled=False) takes every picture for a swap, and the "
            "face's region for the map; leave it out"
        )
    if request.mask_ratio:
        _check_kept(trained_with, config)
    try:
        rules.validate(config)
    except ConfigError as error:
        raise ConfigError(f"{request.flags()}: {error}" if request.flags() else str(error)) from error
    return config


def _check_data(config: ConfigDict, request: Request) -> None:
    data = config.data
    if data.dataset != pipeline.EMBEDDED:
        if not data.dir:
            raise ConfigError(
                f"--dataset={data.dataset}: the network was trained on drawn faces, so the folder that `dfrec prepare` "
                "wrote must be named, --data_dir=DIR"
            )
        return
    for kind in ("bi", "neural", "original", "photograph"):  # of training batches, which are not made here
        data[f"{kind}_share"] = 0.0
    data.recorded_share, data.neural_network = None, ""
    for flag, value in (("data_dir", request.data_dir), ("groups", request.groups), ("forge", request.forge)):
        if value:
            raise ConfigError(
                f"--{flag}{'' if value is True else f'={value}'}: the faces of `{pipeline.EMBEDDED}` are drawn, as "
                "forgeries and of independent people, and read from no folder; leave it out, or name a prepared data "
                "set, --dataset=NAME"
            )


def _check_kept(trained_with: ConfigDict, config: ConfigDict) -> None:
    is_bound = config.tirm.fusion == "rank" or config.mode == "released"
    if is_bound and config.tirm.mask_ratio != trained_with.tirm.mask_ratio:
        raise ConfigError(
            f"--mask_ratio={config.tirm.mask_ratio}: this network (mode={config.mode!r}, "
            f"tirm.fusion={config.tirm.fusion!r}) has a row of f_t for each of the {defaults.num_kept(trained_with)} "
            f"patches that a ratio of {trained_with.tirm.mask_ratio} keeps, and for no other number; leave it out"
        )
