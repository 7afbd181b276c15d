"""Deep3DFaceRecon's ResNet-50 (Deng et al. 2019): 257 coefficients of a 3D face, of which the Pose metric uses three.

Architecture and weights are sicxu/Deep3DFaceRecon_pytorch's (MIT; `epoch_20.pth` under `net_recon`). Pose needs neither
its renderer nor the Basel face model.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from dfrec_jax.frozen.blueprint import Blueprint, Part
from dfrec_jax.frozen.network import Features
from dfrec_jax.frozen.resnet import resnet50, torchvision_rules
from dfrec_jax.weights.layers import COUNTERS, pointwise

HEADS = (
    ("identity", 80),
    ("expression", 64),
    ("texture", 80),
    ("angles", 3),
    ("light", 27),
    ("shift", 2),
    ("depth", 1),
)
IMAGE_SIZE = 224
FACE_SCALE = 102.0  # pixels for one unit of the mean face below
# The mean face's eyes, nose tip and mouth corners (left first, as seen in the image): x right, y up, z to the camera.
MEAN_LANDMARKS = np.array(
    [
        (-0.31148657, 0.29036078, 0.13377953),
        (0.30979887, 0.28972036, 0.13179526),
        (0.0032535, -0.04617932, 0.55244243),
        (-0.25216928, -0.38133916, 0.22405732),
        (0.2484662, -0.38128236, 0.22235769),
    ],
    np.float32,
)


class FaceCoefficients(NamedTuple):
    """The coefficients by name; `angles` are pitch, yaw and roll in radians."""

    identity: Float[Array, "b 80"]
    expression: Float[Array, "b 64"]
    texture: Float[Array, "b 80"]
    angles: Float[Array, "b 3"]
    light: Float[Array, "b 27"]
    shift: Float[Array, "b 2"]
    depth: Float[Array, "b 1"]


class Deep3d(nn.Module):
    """ResNet-50 and seven linear heads, on aligned RGB faces of 224 px in [0, 1], not normalised."""

    @nn.compact
    def __call__(self, x: Float[Array, "b h w 3"]) -> FaceCoefficients:
        """The coefficients, in the order of the published vector of 257."""
        pooled = jnp.mean(resnet50("backbone")(x), axis=(1, 2))
        return FaceCoefficients(*(nn.Dense(width, name=name)(pooled) for name, width in HEADS))


def rotation(angles: Float[Array, "b 3"]) -> Float[Array, "b 3 3"]:
    """R = Rz Ry Rx for pitch, yaw and roll in radians; it turns column vectors (the published code turns rows by its
    transpose)."""
    (sx, sy, sz), (cx, cy, cz) = jnp.sin(angles).T, jnp.cos(angles).T
    rows = (
        (cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx),
        (sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx),
        (-sy, cy * sx, cy * cx),
    )
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)


def align(images: Float[Array, "b h w 3"], landmarks: Float[Array, "b 5 2"]) -> Float[Array, "b 224 224 3"]:
    """The published alignment: scale and shift, without rotation, that fit a weak-perspective mean face.

    The camera's two rows are a least-squares fit of `MEAN_LANDMARKS` to the landmarks; their mean length is the scale.
    The published code rounds the resized image and the crop to whole pixels; this does not.
    """
    height, width = images.shape[1:3]
    y_up = jnp.stack([landmarks[..., 0], height - 1 - landmarks[..., 1]], axis=-1)
    solve = np.linalg.pinv(np.concatenate([MEAN_LANDMARKS, np.ones((5, 1), np.float32)], axis=1)).astype(np.float32)
    camera = jnp.einsum("kn,bnd->bdk", solve, y_up, precision="highest")  # two rows of (x, y, z, shift)
    scale = FACE_SCALE / jnp.mean(jnp.linalg.norm(camera[..., :3], axis=-1), axis=-1)
    centre = jnp.stack([camera[:, 0, 3], height - camera[:, 1, 3]], axis=-1)

    def crop(image: Array, scale: Array, centre: Array) -> Array:
        translation = IMAGE_SIZE / 2 - centre * scale
        return jax.image.scale_and_translate(
            image, (IMAGE_SIZE, IMAGE_SIZE, 3), (0, 1), jnp.stack([scale, scale]), translation[::-1], "cubic"
        )

    return jnp.clip(jax.vmap(crop)(images, scale, centre), 0, 1)


MODULE = Deep3d()
RULES = (
    *torchvision_rules(r"backbone\.", "backbone/"),
    *(rule for i, (name, _) in enumerate(HEADS) for rule in pointwise(rf"final_layers\.{i}", name)),
    COUNTERS,
)


def aligned_features(variables: Any, faces: Float[Array, "b 224 224 3"]) -> Features:
    """The coefficients of aligned RGB faces in [0, 1] by name, all 257 as `coefficients`, and the `rotation`."""
    named: Any = MODULE.apply(variables, faces)
    joined = jnp.concatenate(named, axis=-1)
    return {**named._asdict(), "coefficients": joined, "rotation": rotation(named.angles)}


def features(variables: Any, images: Float[Array, "b h w 3"], landmarks: Array | None) -> Features:
    """As `aligned_features`, of images in which the face is aligned by five `landmarks` first."""
    assert landmarks is not None  # FrozenNetwork has checked
    return aligned_features(variables, align(images, landmarks))


BLUEPRINT = Blueprint(
    name="deep3d-resnet50",
    module=MODULE,
    parts=(Part("deep3d-resnet50", RULES),),
    features=features,
    taps={},
    input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
    needs_landmarks=True,
)
