"""The rules that a config of DFREC must satisfy before a device is touched: of each field, then of fields together."""

from ml_collections import ConfigDict

from dfrec_jax.config import data_rules, model_rules, training_rules, types
from dfrec_jax.config.allowed import Rule, check
from dfrec_jax.config.defaults import dfrec

FIELDS: tuple[Rule, ...] = (*model_rules.FIELDS, *data_rules.FIELDS, *training_rules.FIELDS)


def validate(config: ConfigDict) -> None:
    """Raises ConfigError for the first rule that a resolved `config` breaks; touches no device."""
    types.check(config, dfrec())
    check(config, FIELDS)
    model_rules.validate(config)
    data_rules.validate(config)
    training_rules.validate(config)
