"""The rules of the data: which shares a batch may be made of, and what each data set needs."""

from ml_collections import ConfigDict

from dfrec_jax.config.allowed import Rule, not_negative, one_of, positive, share
from dfrec_jax.config.defaults import SCENES
from dfrec_jax.config.errors import ConfigError

FIELDS: tuple[Rule, ...] = (
    ("data.crop", one_of((None, "box", "align", "none")), "box, align or none, or unset: as the data were prepared"),
    ("data.margin", lambda margin: margin is None or margin >= 0, "0 or more, or unset: as the data were prepared"),
    ("data.real_share", share, "between 0 and 1"),
    ("data.original_share", share, "between 0 and 1"),
    ("data.recorded_share", lambda value: value is None or share(value), "between 0 and 1, or unset"),
    ("data.bi_share", share, "between 0 and 1"),
    ("data.neural_share", share, "between 0 and 1"),
    ("data.photograph_share", share, "between 0 and 1"),
    ("data.flip", share, "between 0 and 1"),
    ("data.jitter", lambda jitter: 0 <= jitter < 1, "0 or more and below 1"),
    ("data.reduced", share, "between 0 and 1"),
    ("data.perturbed", share, "between 0 and 1"),
    ("data.blurred", share, "between 0 and 1"),
    ("data.noisy", share, "between 0 and 1"),
    ("data.tightened", share, "between 0 and 1"),
    ("data.leak", lambda leak: len(leak) == 2 and 0 <= leak[0] <= leak[1] < 1, "(low, high) with 0 <= low <= high < 1"),
    ("data.scene", one_of(SCENES), f"one of {SCENES}"),
    ("data.num_threads", not_negative, "0 (as many as processors) or more"),
    ("data.prefetch", positive, "1 or more"),
    ("data.eval_batch_size", positive, "1 or more"),
    ("data.validation_examples", positive, "1 or more"),
    ("data.test_examples", not_negative, "0 (the whole split) or more"),
)  # fmt: skip


def validate(config: ConfigDict) -> None:
    """Raises ConfigError where the fields of the data section do not go together."""
    data = config.data
    if (data.crop is None) != (data.margin is None):
        raise ConfigError(
            f"data.crop={data.crop!r} with data.margin={data.margin!r}: they are one frame; set both, or neither"
        )
    kinds = ("real", "bi", "neural", "original", "recorded", "photograph")
    shares = {name: data[f"{name}_share"] or 0.0 for name in kinds}
    if sum(shares.values()) > 1 + 1e-9:
        said = " and ".join(f"data.{name}_share={share}" for name, share in shares.items() if share)
        raise ConfigError(f"{said}: their sum must be at most 1")
    if data.dataset == "embedded" and (data.recorded_share is not None or data.original_share):
        raise ConfigError(
            f"data.recorded_share={data.recorded_share} and data.original_share={data.original_share} with "
            "data.dataset='embedded': nothing is recorded there; leave them out"
        )
    if data.dataset == "embedded" and data.photograph_share > 0:
        raise ConfigError(
            f"data.photograph_share={data.photograph_share} with data.dataset='embedded': drawn faces are no "
            "photographs and have no 68 landmarks; set it to 0"
        )
    if (data.neural_share > 0) != bool(data.neural_network):
        raise ConfigError(
            f"data.neural_share={data.neural_share} with data.neural_network={data.neural_network!r}: a share needs "
            "the run of configs/autoencoder.py that draws them, and without one nothing does; set both, or neither"
        )
    if data.dataset == "embedded" and data.neural_share > 0:
        raise ConfigError(
            f"data.neural_share={data.neural_share} with data.dataset='embedded': drawn faces have no 68 landmarks to "
            "warp by; set it to 0"
        )
    if data.dataset != "embedded" and not data.dir:
        raise ConfigError(
            f"data.dataset={data.dataset!r} with data.dir='': name the folder that `dfrec prepare` wrote, "
            "--config.data.dir=DIR"
        )
    if data.dataset == "embedded" and data.bi_share > 0:
        raise ConfigError(
            f"data.bi_share={data.bi_share} with data.dataset='embedded': embedded swaps have known masks and need "
            "no BI; set data.bi_share=0"
        )
