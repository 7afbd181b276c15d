"""The rules of training: losses, optimiser, schedule, and the network that it starts from."""

from ml_collections import ConfigDict

from dfrec_jax.config.allowed import LARGEST_SEED, Rule, not_negative, one_of, positive, value_of
from dfrec_jax.config.defaults import DTYPES, OPTIMIZERS, REDUCTIONS, SCHEDULES, task_of
from dfrec_jax.config.errors import ConfigError, require

FIELDS: tuple[Rule, ...] = (
    ("seed", lambda seed: 0 <= seed <= LARGEST_SEED, f"from 0 to {LARGEST_SEED}"),
    ("compute_dtype", one_of(DTYPES), f"one of {DTYPES}"),
    ("loss.classification", not_negative, "0 or more"),
    ("loss.segmentation", not_negative, "0 or more"),
    ("loss.target_rows", lambda share: 0 < share <= 1, "above 0 and at most 1"),
    ("loss.source_rows", lambda share: 0 < share <= 1, "above 0 and at most 1"),
    ("loss.reduction", one_of(REDUCTIONS), f"one of {REDUCTIONS}"),
    ("optimizer.name", one_of(OPTIMIZERS), f"one of {OPTIMIZERS}"),
    ("optimizer.learning_rate", positive, "above 0"),
    ("optimizer.weight_decay", not_negative, "0 or more"),
    ("optimizer.schedule", one_of(SCHEDULES), f"one of {SCHEDULES}"),
    ("optimizer.warmup_steps", not_negative, "0 or more"),
    ("optimizer.beta2", lambda beta: 0 < beta < 1, "between 0 and 1, both excluded"),
    ("optimizer.clip_norm", not_negative, "0 (no clipping) or more"),
    ("optimizer.ema", lambda decay: 0 <= decay < 1, "0 (none) or below 1"),
    ("train.num_steps", positive, "1 or more"),
    ("train.batch_size", positive, "1 or more"),
    ("train.accumulate", positive, "1 or more"),
    ("train.log_every", positive, "1 or more"),
    ("train.validate_every", positive, "1 or more"),
    ("train.profile_steps", not_negative, "0 (none) or more steps"),
    ("train.patience", not_negative, "0 (trains to the end) or more validations"),
    ("train.samples_every", positive, "1 or more"),
    ("train.skip_nonfinite", not_negative, "0 (stops at the first step that is not finite) or more steps"),
    ("checkpoint.every", positive, "1 or more"),
    ("checkpoint.keep", positive, "1 or more"),
    ("mesh.data", lambda size: size == -1 or size > 0, "-1 (all that fsdp leaves) or 1 or more"),
    ("mesh.fsdp", positive, "1 or more"),
)  # fmt: skip


def validate(config: ConfigDict) -> None:
    """Raises ConfigError where the fields of training do not go together."""
    for name, value in config.loss.items():  # whatever is a number there is a weight
        if isinstance(value, float):
            require(not_negative(value), f"loss.{name}", value, "0 or more")
    validate_schedule(config)
    _validate_start(config)
    _validate_ism_alone(config)


def validate_schedule(config: ConfigDict) -> None:
    """Raises ConfigError where the warm-up would outlast the run, a batch does not fall into `train.accumulate`, or a
    part is to learn alone that the network has not."""
    if config.train.batch_size % config.train.accumulate:
        raise ConfigError(
            f"train.accumulate={config.train.accumulate}: must divide train.batch_size={config.train.batch_size}"
        )
    if config.optimizer.warmup_steps >= config.train.num_steps:
        raise ConfigError(
            f"optimizer.warmup_steps={config.optimizer.warmup_steps}: must be below "
            f"train.num_steps={config.train.num_steps}"
        )
    if config.train.ism_alone and task_of(config) != "dfrec":
        raise ConfigError(
            f"train.ism_alone=True with task={task_of(config)!r}: only a DFREC has an ISM; set train.ism_alone=False"
        )


def _validate_ism_alone(config: ConfigDict) -> None:
    is_taught = config.loss.segmentation + config.loss.classification > 0
    if config.train.ism_alone and not (config.ism.enabled and is_taught):
        raise ConfigError(
            f"train.ism_alone=True with ism.enabled={config.ism.enabled}, loss.segmentation={config.loss.segmentation} "
            f"and loss.classification={config.loss.classification}: there is no ISM, or nothing that teaches it; set "
            "train.ism_alone=False, or give it a loss"
        )


def _validate_start(config: ConfigDict) -> None:
    start = config.train.initialise
    for field in ("ism.initialisation", "tirm.initialisation"):
        if start and value_of(config, field):
            raise ConfigError(
                f"train.initialise={start!r} with {field}={value_of(config, field)!r}: a whole network leaves that "
                "part nothing to start from; leave one of them empty"
            )
    if config.train.initialise_fresh and not start:
        raise ConfigError(
            f"train.initialise_fresh={config.train.initialise_fresh!r} with train.initialise='': everything begins "
            "anew; name the network that the rest starts from, or leave it empty"
        )
