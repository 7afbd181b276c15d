"""The metrics of the tables, each written once: a table names those that it takes, and to add one is to write it here.

Definitions and protocols: FIDELITY 5.1; docs/evaluation.md.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from dfrec_jax.evaluation.metric import BetweenSets, Compared, Curve, Mean, Metric, Number, NumberOnHost, OverBoth
from dfrec_jax.metrics import identity, image
from dfrec_jax.metrics.fid import fid
from dfrec_jax.metrics.pose import geodesic_degrees


def _cosine(a: Float[Array, "b d"], b: Float[Array, "b d"]) -> Float[Array, " b"]:
    """`metrics.identity.cosine` in float32, so that a number comes to the host in place of two embeddings."""
    norms = jnp.linalg.norm(a, axis=-1) * jnp.linalg.norm(b, axis=-1)
    return jnp.sum(a * b, axis=-1) / jnp.maximum(norms, 1e-12)


def _idsim(of: Compared) -> Float[Array, " b"]:
    return _cosine(of.of_recovered["identity"], of.of_target["identity"])


def _to_input(of: Compared) -> Float[Array, " b"]:
    return _cosine(of.of_recovered["identity"], of.of_image["identity"])


def _attributes(of: Compared) -> Float[Array, " b"]:
    return 100 * _cosine(of.of_recovered["attributes"], of.of_target["attributes"])


def _psnr(of: Compared) -> Float[Array, " b"]:
    return image.psnr(jnp.float32(of.recovered) / 255, jnp.float32(of.target) / 255, jnp.float32(of.region))


def _ssim(of: Compared) -> Float[Array, " b"]:
    return image.ssim_uniform(jnp.float32(of.recovered) / 255, jnp.float32(of.target) / 255, jnp.float32(of.region))


def _accuracy(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    return identity.balanced_accuracy(identity.judged_real(to_input), is_forgery)


def _fake_recall(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    return identity.fake_recall(identity.judged_real(to_input), is_forgery)


def _real_recall(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    return identity.real_recall(identity.judged_real(to_input), is_forgery)


def _equal_error_rate(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    return identity.equal_error_rate(to_input, ~is_forgery)


def _roc_curve(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> Curve:
    return identity.thinned(*identity.roc_curve(to_input, ~is_forgery))


def _area(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    return identity.area_under_roc(to_input, ~is_forgery)


TO_INPUT = Number("to_input", "identity", _to_input, decimals=identity.RANKED_DECIMALS)

FID = Metric("fid", "FID", 2, BetweenSets("frechet", fid), more_is_better=False)
IDSIM = Metric("idsim", "IDSIM", 4, Mean(Number("idsim", "identity", _idsim)))
ACCURACY = (
    Metric("acc_id", "Acc_id, %", 2, OverBoth(TO_INPUT, _accuracy, 100.0)),
    Metric("fake_recall", "fake recall, %", 2, OverBoth(TO_INPUT, _fake_recall, 100.0)),
    Metric("real_recall", "real recall, %", 2, OverBoth(TO_INPUT, _real_recall, 100.0)),
    Metric("eer", "EER, %", 2, OverBoth(TO_INPUT, _equal_error_rate, 100.0), more_is_better=False),
    Metric("auc_real", "AUC", 3, OverBoth(TO_INPUT, _area, curve=_roc_curve)),
)
QUALITY = (
    IDSIM,
    Metric("attr", "Attr", 2, Mean(Number("attr", "attributes", _attributes))),
    Metric("pose", "Pose, degrees", 2, Mean(NumberOnHost("pose", "pose", geodesic_degrees)), more_is_better=False),
    Metric("psnr", "PSNR", 2, Mean(Number("psnr", "", _psnr))),
    Metric("ssim", "SSIM", 4, Mean(Number("ssim", "", _ssim))),
)
# Beside the paper's: of the whole picture half is copied.
REGION = (
    Metric("idsim_region", "IDSIM, region", 4, Mean(Number("idsim_region", "identity", _idsim, is_of_region=True))),
    Metric("psnr_region", "PSNR, region", 2, Mean(Number("psnr_region", "", _psnr, is_of_region=True))),
    Metric("ssim_region", "SSIM, region", 4, Mean(Number("ssim_region", "", _ssim, is_of_region=True))),
)
