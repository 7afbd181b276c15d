"""The losses of the compared methods for `make_train_step`, on the pipeline's batches; terms are among the metrics."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from dfrec_jax.baselines import delocate, methods
from dfrec_jax.baselines.delocate import Delocate
from dfrec_jax.baselines.dfi import Dfi
from dfrec_jax.baselines.dfi_losses import dfi_loss
from dfrec_jax.baselines.facial_parts import part_shares
from dfrec_jax.baselines.recce import Recce
from dfrec_jax.baselines.recce_losses import recce_loss
from dfrec_jax.forging import components
from dfrec_jax.frozen.network import Perceptors
from dfrec_jax.training.step import Loss
from dfrec_jax.training.step_metrics import Numbers
from dfrec_jax.training.streams import stream


def make_loss(module: methods.Network, config: ConfigDict) -> Loss:
    """The loss of the method that `module` is of; its constants are the `Perceptors` of `compared_methods`' roles."""
    if isinstance(module, Recce):
        return make_recce_loss(module, config)
    if isinstance(module, Delocate):
        return make_delocate_loss(module, config)
    return make_dfi_loss(module)


def make_recce_loss(module: Recce, config: ConfigDict) -> Loss:
    """RECCE's (`recce_losses`)."""
    resized: Callable[[jax.Array], jax.Array] = methods.resizer(config.recce.image_size)

    def loss(
        params: Any, batch_stats: Any, constants: Any, batch: Mapping[str, jax.Array], rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        del constants
        image = 2 * resized(batch["image"]) - 1
        output, updated = module.apply(
            {"params": params, "batch_stats": batch_stats},
            image,
            train=True,
            rngs={"noise": stream(rng, "white noise"), "dropout": stream(rng, "dropout")},
            mutable=["batch_stats"],
        )
        terms = recce_loss(output, image, batch["is_forgery"])
        return terms.total, (updated["batch_stats"], _metrics(terms))

    return loss


def make_delocate_loss(module: Delocate, config: ConfigDict) -> Loss:
    """Delocate-min's: the hidden pixels of real faces alone.

    Of a forgery the real face is its original, which has its landmarks; of a pristine face itself. What was forged is
    never seen.
    """

    def loss(
        params: Any, batch_stats: Any, constants: Any, batch: Mapping[str, jax.Array], rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        del constants
        faces = batch["target"]
        points = components.points_of(batch["landmarks"], batch.get("points"), faces.shape[1])
        shares = part_shares(points, faces.shape[1], module.patch_size)
        keys = jax.random.split(stream(rng, "facial parts"), len(faces))
        scores = delocate.training_scores(shares, keys, config.delocate.part_ratio)
        output: Any = module.apply({"params": params}, faces, scores)
        inside = batch.get("inside_mask")
        error = delocate.masked_error(output, faces, module.patch_size, batch["has_target"], inside)
        return error, (batch_stats, {"loss_hidden_pixels": error})

    return loss


def make_dfi_loss(module: Dfi) -> Loss:
    """DFI-min's (`dfi_losses`)."""

    def loss(
        params: Any, batch_stats: Any, perceptors: Perceptors, batch: Mapping[str, jax.Array], rng: jax.Array
    ) -> tuple[jax.Array, tuple[Any, Numbers]]:
        del rng
        variables = {"params": params, "batch_stats": batch_stats}
        output, updated = module.apply(variables, batch["image"], train=True, mutable=["batch_stats"])
        terms = dfi_loss(output, batch, perceptors)
        return terms.total, (updated["batch_stats"], _metrics(terms))

    return loss


def _metrics(terms: Any) -> Numbers:
    return {f"loss_{name}": value for name, value in terms._asdict().items() if name != "total"}
