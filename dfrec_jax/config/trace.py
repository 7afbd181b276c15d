"""The config of the trace head: its defaults and its rules. `configs/trace.py` is made of it."""

from ml_collections import ConfigDict

from dfrec_jax.config import compared, data_rules, training_rules
from dfrec_jax.config.allowed import DEEPEST, WIDEST, Rule, not_negative, positive, share, up_to
from dfrec_jax.config.errors import ConfigError

TASK = "trace"
SCORE = "rank_1"  # which the best checkpoint is kept by


def trace() -> ConfigDict:
    """The default config: on the recogniser of `dfrec trace`, from warped and recorded swaps alone."""
    config = compared.with_shared(TASK)
    config.image_size = 128
    config.frozen.identity = "mobilefacenet-foamliu"  # whose space it is; the one that galleries are made with
    config.data.dataset = "faces"
    config.data.real_share = config.data.bi_share = 0.0
    own = config.trace = ConfigDict()
    own.width = 128  # channels of its map
    own.depth = 2  # residual blocks
    own.hidden = 512
    own.dropout = 0.2  # share of the values before the last layer that training leaves out
    own.pictures = 4  # of each person, at most, that stand for them in the softmax, as in a gallery
    own.scale = 24.0  # of the cosines in the softmax over the training people
    own.margin = 0.1  # by which the true person's cosine is lowered there
    own.untold = 0.3  # share of the swaps with a known source whose visible person is not given
    own.reference_cosine = (0.5, 1.0)  # of the reference of the visible person that is given to one without noise
    return config


_RULES: tuple[Rule, ...] = (
    ("trace.width", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("trace.depth", lambda depth: 0 <= depth <= DEEPEST, f"from 0 to {DEEPEST}"),
    ("trace.hidden", up_to(WIDEST), f"from 1 to {WIDEST}"),
    ("trace.dropout", lambda dropout: 0 <= dropout < 1, "0 or more and below 1"),
    ("trace.pictures", lambda count: count >= 2, "2 or more: the one that was swapped is left out"),
    ("trace.scale", positive, "above 0"),
    ("trace.margin", not_negative, "0 or more"),
    ("trace.untold", share, "between 0 and 1"),
    (
        "trace.reference_cosine",
        lambda cosine: len(cosine) == 2 and 0 < cosine[0] <= cosine[1] <= 1,
        "(low, high) with 0 < low <= high <= 1",
    ),
)


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule that `config` breaks; touches no device and no file."""
    compared.check_fields(config, trace(), _RULES)
    data_rules.validate(config)
    training_rules.validate_schedule(config)
    if config.data.dataset == "embedded":
        raise ConfigError(
            "data.dataset='embedded' with task='trace': a drawn person has one picture, and a gallery needs others "
            "than the one that was swapped; name a prepared data set with several of each"
        )
    if config.data.photograph_share > 0 or config.train.initialise or config.train.initialise_fresh:
        raise ConfigError(
            f"data.photograph_share={config.data.photograph_share} and train.initialise={config.train.initialise!r} "
            "with task='trace': it learns from swaps, and from the start; use 0.0 and ''"
        )
