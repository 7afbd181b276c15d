"""What is measured on each example: one jitted function from a batch to numbers and embeddings for each method."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.frozen.squeezenet import lpips_like
from dfrec_jax.metrics import image as image_metrics
from dfrec_jax.models.dfrec import Dfrec
from dfrec_jax.nets.patches import unpatchify

NONE, COPY, INPAINTING, DFREC = "None", "copy of the input", "inpainting without f_t", "DFREC"
TARGET_ROWS = (COPY, INPAINTING, DFREC)
SOURCE_ROWS = (COPY, DFREC)
OTHER = {"target": "source", "source": "target"}
GRAY = 0.5  # what stands outside the generated region where it is looked at alone


class Measured(NamedTuple):
    """Of one batch, `[b]` each: numbers by (role, row, metric); IDSIM between input and recovered target by row; the
    logit of the classification head, if there is one."""

    values: dict[tuple[str, str, str], Array]
    input_to_recovered: dict[str, Array]
    forgery_logit: Array | None


class Recovered(NamedTuple):
    """The pictures that were measured: `[b, h, w, 3]` in [0, 1] by (role, row), and what a panel shows beside them."""

    faces: dict[tuple[str, str], Array]
    source_map: Array
    masked_image: Array


def generated_region(idx_mask: Int[Array, "b m"], num_patches: int, patch_size: int) -> Float[Array, "b h w 1"]:
    """1 on the pixels of the masked patches, which are generated; 0 where the input's own pixels stand."""
    masked = jax.vmap(lambda row: jnp.zeros(num_patches).at[row].set(1.0))(idx_mask)
    pixels = jnp.broadcast_to(masked[..., None], (*masked.shape, 3 * patch_size**2))
    return unpatchify(pixels, patch_size, math.isqrt(num_patches))[..., :1]


def measure(
    model: Dfrec,
    variables: Any,
    metric: FrozenNetwork,
    batch: dict[str, Array],
    mask_keys: Array,
    *,
    num_patches: int,
    patch_size: int,
    distance: FrozenNetwork | None = None,
) -> tuple[Measured, Recovered]:
    """Runs DFREC on `batch["image"]` and measures it beside the methods that a reader should compare it with.

    The generated region is DFREC's masked patches for every row. In the region alone both pictures are gray outside it
    for IDSIM, so that what was copied from the input counts for nothing.

    Args:
      model: the modules.
      variables: of one checkpoint.
      metric: the identity network of the results.
      batch: float pictures in [0, 1], see `examples/fields.py`.
      mask_keys: one key for each example.
      num_patches: n of Algorithm 1.
      patch_size: in pixels.
      distance: `lpips-like-squeezenet`, where the LPIPS-like distance of the region alone is wanted.
    """
    image, landmarks = batch["image"], batch["landmarks"]
    own_landmarks = {"target": landmarks, "source": batch["source_landmarks"]}  # the target is the input's frame
    output: Any = model.apply(variables, image, mask_keys, train=False)
    plain: Any = model.apply(variables, image, mask_keys, train=False, use_target_tokens=False)
    region = generated_region(output.idx_mask, num_patches, patch_size)

    def embed(pictures: Array, landmarks: Array = landmarks) -> Array:
        return metric(pictures, landmarks)["embedding"]

    def similarity(a: Array, b: Array) -> Array:
        return jnp.sum(a * b, axis=-1)

    def alone(pictures: Array) -> Array:
        return region * pictures + (1 - region) * GRAY

    recovered = {
        "target": dict(zip(TARGET_ROWS, (image, plain.target_face, output.target_face), strict=True)),
        "source": dict(zip(SOURCE_ROWS, (image, output.source_face), strict=True)),
    }
    values: dict[tuple[str, str, str], Array] = {}
    input_embedding, input_to_recovered = embed(image), {}
    for role, rows in recovered.items():
        reference, other = batch[role], batch[OTHER[role]]
        embedding, embedding_alone = (embed(picture, own_landmarks[role]) for picture in (reference, alone(reference)))
        other_embedding = embed(other, own_landmarks[OTHER[role]])
        for row, face in rows.items():
            face_embedding = embed(face)
            found = {
                "idsim": similarity(face_embedding, embedding),
                "idsim_other": similarity(face_embedding, other_embedding),  # to the wrong one of the two people
                "psnr": image_metrics.psnr(face, reference),
                "ssim_uniform": image_metrics.ssim_uniform(face, reference),
                "idsim_region": similarity(embed(alone(face)), embedding_alone),
                "psnr_region": image_metrics.psnr(face, reference, region),
                "ssim_uniform_region": image_metrics.ssim_uniform(face, reference, region),
            }
            if distance is not None:
                found["lpips_like_region"] = lpips_like(distance, alone(face), alone(reference))
            values |= {(role, row, name): value for name, value in found.items()}
            if row == COPY:  # the None row measures the forgery itself
                values |= {(role, NONE, name): value for name, value in found.items()}
            if role == "target":
                input_to_recovered[row] = similarity(input_embedding, face_embedding)
    faces = {(role, row): face for role, rows in recovered.items() for row, face in rows.items()}
    return Measured(values, input_to_recovered, output.logit), Recovered(faces, output.source_map, output.masked_image)
