"""DFREC as a model of Scenic: the network, its loss (Eq. 10) and two metrics, by the contract of its `BaseModel`.

Imported when `checkout.put_on_path` has found Scenic.
"""

from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from ml_collections import ConfigDict
from scenic.model_lib.base_models import base_model, model_utils  # pyright: ignore[reportMissingImports]

from dfrec_jax import perceptors
from dfrec_jax.config import defaults, rules
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.losses.total import loss_terms, weighted_sum
from dfrec_jax.models import dfrec

Metrics = dict[str, tuple[Any, Any]]  # sums and counts by name


class Recovery(nn.Module):
    """DFREC with Scenic's call: the noise of the masks is drawn here.

    Attributes:
      network: all of it.
    """

    network: dfrec.Dfrec

    @nn.compact
    def __call__(self, inputs: Float[Array, "b h w 3"], *, train: bool, debug: bool = False) -> dfrec.DfrecOutput:
        """Takes RGB in [0, 1]; draws from `dropout`, the one stream that Scenic's trainers give, in training alone."""
        del debug
        key = self.make_rng("dropout") if train else jax.random.key(0)
        keys = jax.random.split(key, len(inputs)) if train else jnp.broadcast_to(key, len(inputs))
        return self.network(inputs, keys, train=train)


class DfrecModel(base_model.BaseModel):
    """See `scenic.model_lib.base_models.base_model.BaseModel`.

    The loss is Eq. 10 on one plain pass; what a run of `train.py` may do besides (known and hidden maps, identities
    that are told) is the trainer's, `dfrec_jax/training`, and not here.
    """

    def __init__(self, config: ConfigDict | None, dataset_meta_data: Mapping[str, Any]):
        """Takes a config with DFREC's own in `dfrec`, and loads the networks of its loss.

        Raises:
          ConfigError: for a config that cannot be run, or one whose loss looks at a share of the rows: Scenic gives a
            loss no key to draw them by.
          WeightsError: for frozen weights that are not at hand.
        """
        config = self.default_flax_model_config() if config is None else config
        self.own = defaults.resolve(config.dfrec)
        rules.validate(self.own)
        if min(self.own.loss.target_rows, self.own.loss.source_rows) < 1:
            raise ConfigError(
                f"loss.target_rows={self.own.loss.target_rows}, loss.source_rows={self.own.loss.source_rows}: must be "
                "1 in a Scenic model, whose loss has no key to draw rows by"
            )
        self.perceptors = perceptors.load_perceptors(self.own)
        super().__init__(config, dict(dataset_meta_data))

    def build_flax_model(self) -> nn.Module:
        """The module that Scenic initialises and applies."""
        return Recovery(dfrec.build(self.own))

    def loss_function(self, logits: dfrec.DfrecOutput, batch: Mapping[str, Array], model_params: Any = None) -> Array:
        """L of Eq. 10; `logits`, as Scenic calls what a model puts out, are all that DFREC does."""
        del model_params  # weight decay is the optimiser's
        terms = loss_terms(logits, batch, self.perceptors, self.own.loss, patch_size=self.own.tirm.patch_size)
        return weighted_sum(terms, self.own.loss)

    def get_metrics_fn(self, split: str | None = None) -> Callable[[dfrec.DfrecOutput, Mapping[str, Array]], Metrics]:
        """Sums and counts over all devices of a `pmap` whose axis is `batch`, as Scenic's trainers have it."""
        metrics = self.get_metrics_fn_jit(split)

        def over_devices(logits: dfrec.DfrecOutput, batch: Mapping[str, Array]) -> Metrics:
            return {name: model_utils.psum_metric_normalizer(metric) for name, metric in metrics(logits, batch).items()}

        return over_devices

    def get_metrics_fn_jit(
        self, split: str | None = None
    ) -> Callable[[dfrec.DfrecOutput, Mapping[str, Array]], Metrics]:
        """Squared error of target and source: a sum over the pixels of each picture that has the reference; a count."""
        del split

        def metrics(logits: dfrec.DfrecOutput, batch: Mapping[str, Array]) -> Metrics:
            valid = jnp.asarray(batch.get("batch_mask", jnp.ones(len(batch["inputs"]))), jnp.float32)
            found = {}
            for role, recovered in (("target", logits.target_face), ("source", logits.source_face)):
                weights = valid * batch[f"has_{role}"]
                error = jnp.sum(jnp.square(recovered - batch[role]), axis=(1, 2, 3))
                found[f"{role}_squared_error"] = (jnp.sum(error * weights), jnp.sum(weights))
            return found

        return metrics

    def default_flax_model_config(self) -> ConfigDict:
        """DFREC's defaults, on the embedded faces and their own encoders: nothing has to be at hand."""
        own = defaults.dfrec()
        own.image_size, own.data.bi_share = 64, 0.0
        own.tirm.patch_size = 8
        for role in ("identity", "perceptual", "attributes"):
            own.frozen[role] = "embedded-a"
        own.frozen.metric = "embedded-b"
        return ConfigDict({"dfrec": own})
