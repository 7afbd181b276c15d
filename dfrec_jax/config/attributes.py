"""The config of the attribute classifier: its defaults and its rules. `configs/attributes.py` is made of it."""

from ml_collections import ConfigDict

from dfrec_jax.config import defaults, rules, training_rules, types
from dfrec_jax.config.allowed import Rule, check
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.files.addresses import is_address

NETWORKS = ("attributes-resnet50", "attributes-resnet18")  # at 224 and at 112 px
FOLDER = "folder"
SCORE = "balanced_accuracy"  # which the best checkpoint is kept by
# Fields, and sections, that DFREC's config has as well.
_SHARED = (
    "optimizer.", "train.", "checkpoint.", "mesh.", "seed",
    "data.flip", "data.jitter", "data.num_threads", "data.prefetch", "data.eval_batch_size",
)  # fmt: skip


def attributes() -> ConfigDict:
    """The default config: ResNet-50 on a folder of pictures and CelebA's lists."""
    run = defaults.dfrec()
    config = ConfigDict()
    config.task = "attributes"
    config.name = "attributes"
    config.seed = 0
    config.network = NETWORKS[0]

    config.loss = ConfigDict()
    config.loss.balanced = True  # rare attributes count like frequent ones: 0 is the threshold of balanced accuracy

    config.data = ConfigDict()
    config.data.dataset = FOLDER  # 'folder', or the name of a prepared data set under data.dir
    config.data.dir = ""
    config.data.attributes = ""  # of a folder: list_attr_celeba.txt, or a CSV with columns file and the 40 names
    config.data.partition = ""  # of a folder: list_eval_partition.txt, or a CSV with columns file and split
    config.data.crop = 1.0  # of a folder: side of the central square that is taken, in shorter sides of the picture
    config.data.flip = 0.5  # probability of mirroring a picture
    config.data.jitter = 0.2  # brightness, contrast and saturation times 1 +- jitter
    config.data.zoom = (0.9, 1.2)  # range of enlargement
    config.data.shift = 0.05  # largest shift, in sides of the picture
    config.data.num_threads = 0  # 0: as many as processors that the process may use
    config.data.prefetch = 256  # examples
    config.data.eval_batch_size = 32
    config.data.validation_examples = 0  # 0: the whole split

    config.optimizer, config.train, config.checkpoint, config.mesh = (
        run[section] for section in ("optimizer", "train", "checkpoint", "mesh")
    )
    return config


_RULES: tuple[Rule, ...] = (
    *(rule for rule in rules.FIELDS if rule[0].startswith(_SHARED)),
    ("network", lambda name: name in NETWORKS, f"one of {NETWORKS}"),
    ("data.crop", lambda crop: 0 < crop <= 1, "above 0 and at most 1"),
    ("data.zoom", lambda zoom: len(zoom) == 2 and 0 < zoom[0] <= zoom[1], "(low, high) with 0 < low <= high"),
    ("data.shift", lambda shift: 0 <= shift < 1, "0 or more and below 1"),
    ("data.validation_examples", lambda count: count >= 0, "0 (the whole split) or more"),
)


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule that `config` breaks; touches no device and no file."""
    types.check(config, attributes())
    check(config, _RULES)
    training_rules.validate_schedule(config)
    data = config.data
    if not data.dir:
        raise ConfigError(
            "data.dir='': name the folder of pictures, or the one that `dfrec prepare faces --attributes` wrote, "
            "--config.data.dir=DIR"
        )
    if data.dataset == FOLDER and is_address(data.dir):
        raise ConfigError(
            f"data.dir={data.dir!r} with data.dataset={FOLDER!r}: a folder of pictures is read from this machine; copy "
            "it here, or prepare it (`dfrec prepare faces --attributes`) and copy that to the store"
        )
    for field, file in (("attributes", "list_attr_celeba.txt"), ("partition", "list_eval_partition.txt")):
        if bool(data[field]) != (data.dataset == FOLDER):
            raise ConfigError(
                f"data.{field}={data[field]!r} with data.dataset={data.dataset!r}: "
                + (f"name CelebA's {file}, or a CSV" if data.dataset == FOLDER else "its records hold it; leave it out")
            )
