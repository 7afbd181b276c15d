"""The metrics, each written once: a table of the paper names those that it takes, a run's own table takes their numbers
of an example (`measure.py`), and to add one is to write it here.

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


def idsim(of: Compared) -> Float[Array, " b"]:
    """Identity similarity of the two: the cosine of their embeddings, which have unit length."""
    return jnp.sum(of.of_recovered["identity"] * of.of_target["identity"], axis=-1)


def to_input(of: Compared) -> Float[Array, " b"]:
    """Identity similarity of what was recovered and the input that it was made of, by which Acc_id judges."""
    return jnp.sum(of.of_recovered["identity"] * of.of_image["identity"], axis=-1)


def _attributes(of: Compared) -> Float[Array, " b"]:
    return 100 * _cosine(of.of_recovered["attributes"], of.of_target["attributes"])


def psnr(of: Compared) -> Float[Array, " b"]:
    """In dB, over the pixels that count; infinite where the two are equal there."""
    return image.psnr(of.recovered, of.target, of.region)


def ssim(of: Compared) -> Float[Array, " b"]:
    """With a uniform window of 7, over the windows whose middle counts."""
    return image.ssim_uniform(of.recovered, of.target, of.region)


def accuracy(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    """Acc_id, balanced over pristine and forged faces, from their similarities to the input; NaN of one kind alone."""
    return identity.balanced_accuracy(identity.judged_real(to_input), is_forgery)


def _fake_recall(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    return identity.fake_recall(identity.judged_real(to_input), is_forgery)


def _real_recall(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    return identity.real_recall(identity.judged_real(to_input), is_forgery)


def _equal_error_rate(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    return identity.equal_error_rate(to_input, ~is_forgery)


def _roc_curve(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> Curve:
    return identity.thinned(*identity.roc_curve(to_input, ~is_forgery))


def area(to_input: Float[np.ndarray, " n"], is_forgery: Bool[np.ndarray, " n"]) -> float:
    """Below the ROC curve of Acc_id, over all thresholds; NaN of one kind alone."""
    return identity.area_under_roc(to_input, ~is_forgery)


TO_INPUT = Number("to_input", "identity", to_input, decimals=identity.RANKED_DECIMALS)

# On Inception's features alone its heading is FID (`table_cells._heading`); records call it by what it always is.
FID = Metric("frechet", "FID", 2, BetweenSets("frechet", fid), more_is_better=False)
IDSIM = Metric("idsim", "IDSIM", 4, Mean(Number("idsim", "identity", idsim)))
ACCURACY = (
    Metric("acc_id", "Acc_id, %", 2, OverBoth(TO_INPUT, accuracy, 100.0)),
    Metric("fake_recall", "fake recall, %", 2, OverBoth(TO_INPUT, _fake_recall, 100.0)),
    Metric("real_recall", "real recall, %", 2, OverBoth(TO_INPUT, _real_recall, 100.0)),
    Metric("eer", "EER, %", 2, OverBoth(TO_INPUT, _equal_error_rate, 100.0), more_is_better=False),
    Metric("auc_real", "AUC", 3, OverBoth(TO_INPUT, area, curve=_roc_curve)),
)
QUALITY = (
    IDSIM,
    Metric("attr", "Attr", 2, Mean(Number("attr", "attributes", _attributes))),
    Metric("pose", "Pose, degrees", 2, Mean(NumberOnHost("pose", "pose", geodesic_degrees)), more_is_better=False),
    Metric("psnr", "PSNR", 2, Mean(Number("psnr", "", psnr))),
    Metric("ssim", "SSIM", 4, Mean(Number("ssim", "", ssim))),
)
# Beside the paper's: of the whole picture half is copied. A pose is that of a whole face, and has none.
REGION = (
    Metric("idsim_region", "IDSIM, region", 4, Mean(Number("idsim_region", "identity", idsim, is_of_region=True))),
    Metric("attr_region", "Attr, region", 2, Mean(Number("attr_region", "attributes", _attributes, is_of_region=True))),
    Metric("psnr_region", "PSNR, region", 2, Mean(Number("psnr_region", "", psnr, is_of_region=True))),
    Metric("ssim_region", "SSIM, region", 4, Mean(Number("ssim_region", "", ssim, is_of_region=True))),
)
