"""The config of the autoencoder of faces: its defaults and its rules. `configs/autoencoder.py` is made of it."""

from ml_collections import ConfigDict

from dfrec_jax.config import compared, data_rules, training_rules
from dfrec_jax.config.allowed import Rule, positive
from dfrec_jax.config.errors import ConfigError

TASK = "autoencoder"
_NOT_AUGMENTED = ("jitter", "perturbed", "blurred", "noisy", "tightened")  # a face is mirrored, and no more
SCORE = "psnr"  # which the best checkpoint is kept by


def autoencoder() -> ConfigDict:
    """The default config: faces of 64 px out of pictures of 128."""
    config = compared.with_shared(TASK)
    config.image_size = 128
    config.data.dataset = "faces"
    config.data.photograph_share = 1.0
    config.data.real_share = config.data.bi_share = 0.0
    for name in _NOT_AUGMENTED:
        config.data[name] = 0.0
    own = config.autoencoder = ConfigDict()
    own.size = 64  # side of an upright face, in pixels
    own.features = (24, 64, 128)
    own.latent = 64
    own.seams = 0.7  # share of the training faces in which a seam is made, that is to be left out
    return config


_RULES: tuple[Rule, ...] = (
    ("autoencoder.size", lambda size: 32 <= size <= 224, "from 32 to 224 pixels"),
    ("autoencoder.features", lambda features: bool(features) and min(features) > 0, "one or more, each 1 or more"),
    ("autoencoder.latent", positive, "1 or more"),
    ("autoencoder.seams", lambda share: 0 <= share <= 1, "between 0 and 1"),
)


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule that `config` breaks; touches no device and no file."""
    compared.check_fields(config, autoencoder(), _RULES)
    data_rules.validate(config)
    training_rules.validate_schedule(config)
    own, stride = config.autoencoder, 2 ** len(config.autoencoder.features)
    if own.size % stride:
        raise ConfigError(
            f"autoencoder.size={own.size} with {len(own.features)} levels of features: must be a multiple of {stride}"
        )
    asked = [f"data.{name}={config.data[name]}" for name in _NOT_AUGMENTED if config.data[name]]
    if asked:
        raise ConfigError(
            f"{', '.join(asked)} with task='autoencoder': its faces are mirrored (data.flip) and not changed "
            "otherwise; use 0"
        )
    if config.data.photograph_share != 1 or config.train.initialise or config.train.initialise_fresh:
        raise ConfigError(
            f"data.photograph_share={config.data.photograph_share} and train.initialise={config.train.initialise!r} "
            "with task='autoencoder': it learns from photographs alone and from the start; use 1.0 and ''"
        )
