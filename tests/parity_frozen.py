"""Fixtures of the frozen networks and of the metrics; see `parity.py` on how to add one."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.frozen import deep3d, facenet, inception, mobilefacenet, retinaface, threeddfa, vgg
from dfrec_jax.frozen.blueprint import Blueprint, from_tensors
from dfrec_jax.frozen.load import load_network
from dfrec_jax.metrics import fid, image
from dfrec_jax.weights.resolution import WeightsMissing
from tests.parity_case import Arrays, Case, Covered, NotAtHand, channels_first

Run = Callable[[Any, jax.Array], Any]


def _recipe(case: Case, blueprint: Blueprint, run: Run) -> Any:
    """`run(variables, image)` under the recipe's weights."""
    return jax.jit(run)(from_tensors(blueprint, case.fill()).variables, jnp.asarray(case.image()))


def _real(case: Case, name: str, run: Run) -> Any:
    """`run(variables, image)` under the published weights, which `$DFREC_WEIGHTS` holds."""
    folder = os.environ.get("DFREC_WEIGHTS", "")
    if not Path(folder, case.facts["weights"]).is_file():
        raise NotAtHand(f"{case.facts['weights']} is not in $DFREC_WEIGHTS ({folder or 'not set'})")
    try:
        network = load_network(name, weights_dir=folder, allow_random=False, image_size=112)
    except WeightsMissing as error:
        raise NotAtHand(str(error)) from error
    return jax.jit(run)(network.variables, jnp.asarray(case.image()))


def facenet_taps(case: Case) -> Arrays:
    """Every tap at the images' own size; of the wide ones the first sixteen channels."""
    taps = _recipe(case, facenet.BLUEPRINT, facenet.native_size_features)
    return {name: channels_first(tap)[:, :16] if tap.ndim == 4 else tap for name, tap in taps.items()}


def vgg_taps(case: Case) -> Arrays:
    """The first eight channels, thinned to 28 rows and columns."""
    taps = _recipe(case, vgg.BLUEPRINT, vgg.features)
    return {name: _thin(channels_first(tap)[:, :8], tap.shape[1] // 28) for name, tap in taps.items()}


def inception_blocks(case: Case) -> Arrays:
    """pool3 whole; of the blocks the first eight channels, thinned."""
    blocks = _recipe(case, inception.BLUEPRINT, inception.features)
    steps = {"block0": 4, "block1": 2, "block2": 1}
    thinned = {name: _thin(channels_first(blocks[name])[:, :8], step) for name, step in steps.items()}
    return {"pool3": blocks["pool3"], **thinned}


def _thin(x: np.ndarray, step: int) -> np.ndarray:
    return x[:, :, :: max(step, 1), :: max(step, 1)]


def deep3d_coefficients(case: Case) -> Arrays:
    """The whole vector."""
    return {"coefficients": _recipe(case, deep3d.BLUEPRINT, deep3d.aligned_features)["coefficients"]}


def mobilefacenet_a(case: Case) -> Arrays:
    """The embedding before it is brought to unit length."""
    return {"embedding": _real(case, "mobilefacenet-xiaoccer", mobilefacenet.aligned_features_a)["linear"]}


def mobilefacenet_b(case: Case) -> Arrays:
    """As A's."""
    return {"embedding": _real(case, "mobilefacenet-foamliu", mobilefacenet.aligned_features_b)["linear"]}


def threeddfa_heads(case: Case) -> Arrays:
    """Both heads as the network gives them; the fixture's image is BGR."""
    outputs = _real(case, "3ddfa-v2", lambda variables, image: threeddfa.crop_features(variables, image[..., ::-1]))
    points = np.asarray(outputs["points"]) / (threeddfa.IMAGE_SIZE / 2) - 1
    return {"params": outputs["raw"], "landmark_head": points.transpose(0, 2, 1).reshape(len(points), -1)}


def retinaface_heads(case: Case) -> Arrays:
    """Every anchor's output before decoding; the fixture's image is BGR."""
    raw = _real(
        case, "retinaface-mobile025", lambda variables, image: retinaface.raw_detections(variables, image[..., ::-1])
    )
    scores = np.asarray(raw.scores)
    return {
        "loc": raw.boxes,
        "conf": np.stack([1 - scores, scores], axis=-1),
        "landmarks": np.asarray(raw.landmarks).reshape(*scores.shape, 10),
    }


def image_metrics(case: Case) -> Arrays:
    """PSNR and both SSIMs of every pair; the fixture's images are NHWC."""
    a, b = (jnp.asarray(case.arrays[name], jnp.float32) / 255 for name in "ab")
    metrics = {"psnr": image.psnr, "ssim_uniform": image.ssim_uniform, "ssim_gaussian": image.ssim_gaussian}
    return {name: jax.jit(metric)(a, b) for name, metric in metrics.items()}


def frechet_distances(case: Case) -> Arrays:
    """Of a and b, and of a and c, which has fewer samples than dimensions."""
    with warnings.catch_warnings(category=UserWarning, action="ignore"):  # that the sets are small
        return {
            f"fid_a{other}": np.array(fid.fid(*(fid.Moments.of(case.arrays[name]) for name in ("a", other))))
            for other in "bc"
        }


IMAGE = ("image_u8",)
COVERED: dict[str, Covered] = {
    "facenet_inception_resnet_v1_160": Covered(IMAGE, facenet_taps),
    "facenet_inception_resnet_v1_224": Covered(IMAGE, facenet_taps),
    "vgg19_features": Covered(IMAGE, vgg_taps),
    "fid_inception_v3": Covered(IMAGE, inception_blocks),
    "deep3d_resnet50": Covered(IMAGE, deep3d_coefficients),
    "light_mobilefacenet_xiaoccer": Covered(IMAGE, mobilefacenet_a),
    "light_mobilefacenet_foamliu": Covered(IMAGE, mobilefacenet_b),
    "light_3ddfa_v2_mb05": Covered(IMAGE, threeddfa_heads),
    "light_retinaface_mobile025": Covered(IMAGE, retinaface_heads),
    "image_metrics": Covered(("a", "b"), image_metrics),
    "frechet_distance": Covered(("a", "b", "c"), frechet_distances),
}
