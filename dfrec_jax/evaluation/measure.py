"""What is measured on each example: a pure function from a batch and what was recovered of it to numbers."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from dfrec_jax.evaluation.metric import Compared
from dfrec_jax.evaluation.recoverers import COPY, Recovered
from dfrec_jax.evaluation.table_metrics import idsim, psnr, ssim, to_input
from dfrec_jax.forging.candidate_region import face_regions
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.frozen.squeezenet import lpips_like

NONE = "None"  # the forgery itself
OTHER = {"target": "source", "source": "target"}
ON_FACE = 0.5  # overlap with the face's region from which a map counts as lying on the face
GRAY = 0.5  # what stands outside the generated region where it is looked at alone
MEASURED = {"idsim": idsim, "psnr": psnr, "ssim_uniform": ssim}  # by name in the records of a run's own table


class Measured(NamedTuple):
    """Of one batch, `[b]` each: numbers by (role, row, metric); IDSIM between input and recovered target by row."""

    values: dict[tuple[str, str, str], Array]
    input_to_recovered: dict[str, Array]


def measure(
    rows: Mapping[str, Recovered],
    batch: Mapping[str, Array],
    region: Float[Array, "b h w 1"],
    metric: FrozenNetwork,
    distance: FrozenNetwork | None = None,
) -> Measured:
    """Measures every row against the true faces.

    In the region alone both pictures are gray outside it for IDSIM, so that what was copied from the input counts for
    nothing.

    Args:
      rows: what each recoverer gave; the copy of the input is measured as the row None too.
      batch: float pictures in [0, 1], see `examples/fields.py`.
      region: where a picture is looked at alone, the same for every row.
      metric: the identity network of the results.
      distance: `lpips-like-squeezenet`, where the LPIPS-like distance of the region alone is wanted.
    """
    image, landmarks = batch["image"], batch["landmarks"]
    own_landmarks = {"target": landmarks, "source": batch["source_landmarks"]}  # the target is the input's frame
    inside = batch.get("inside_mask")  # what lies beyond the picture's border has no truth, and is not measured
    if inside is not None:
        region = inside * region

    def embed(pictures: Array, landmarks: Array = landmarks) -> Array:
        return metric(pictures, landmarks)["embedding"]

    def alone(pictures: Array) -> Array:
        return region * pictures + (1 - region) * GRAY

    values: dict[tuple[str, str, str], Array] = {}
    of_image, input_to_recovered = {"identity": embed(image)}, {}
    for role in OTHER:
        reference, other = batch[role], batch[OTHER[role]]
        of_reference, of_alone = (
            {"identity": embed(picture, own_landmarks[role])} for picture in (reference, alone(reference))
        )
        of_other = {"identity": embed(other, own_landmarks[OTHER[role]])}
        for row, face in faces(rows, role).items():
            of_face = {"identity": embed(face)}
            if inside is not None and role == "target":  # a window over the border sees nothing of what is beyond
                face = inside * face + (1 - inside) * reference
            of_face_alone = {"identity": embed(alone(face))}
            whole = Compared(face, reference, inside, of_face, of_reference, of_image)
            in_region = whole._replace(region=region, of_recovered=of_face_alone, of_target=of_alone)
            found = {
                **{name: number(whole) for name, number in MEASURED.items()},
                **{f"{name}_region": number(in_region) for name, number in MEASURED.items()},
                "idsim_other": idsim(whole._replace(of_target=of_other)),  # to the wrong one of the two people
            }
            if distance is not None:
                found["lpips_like_region"] = lpips_like(distance, alone(face), alone(reference))
            values |= {(role, row, name): value for name, value in found.items()}
            if row == COPY:  # the None row measures the forgery itself
                values |= {(role, NONE, name): value for name, value in found.items()}
            if role == "target":
                input_to_recovered[row] = to_input(whole)
    for row, recovered in rows.items():
        if recovered.source_map is not None:
            overlap = map_overlap(recovered.source_map, landmarks, inside)
            values["target", row, "map_overlap"] = overlap
            values["target", row, "map_on_face"] = (overlap >= ON_FACE).astype(jnp.float32)
    return Measured(values, input_to_recovered)


def map_overlap(
    source_map: Float[Array, "b h w 1"], landmarks: Float[Array, "b 5 2"], inside: Float[Array, "b h w 1"] | None
) -> Float[Array, " b"]:
    """Intersection over union of a map and the face's region by its landmarks, both from a half on; 0 of an empty map.

    What lies beyond the border of the picture counts for neither.
    """
    is_mapped, is_face = source_map > 0.5, face_regions(landmarks, source_map.shape[1]) > 0.5
    if inside is not None:
        is_mapped, is_face = is_mapped & (inside > 0.5), is_face & (inside > 0.5)
    both, either = (jnp.sum(chosen, axis=(1, 2, 3)) for chosen in (is_mapped & is_face, is_mapped | is_face))
    return both / jnp.maximum(either, 1)


def faces(rows: Mapping[str, Recovered], role: str) -> dict[str, Float[Array, "b h w 3"]]:
    """The recovered faces of one role by row; a row that has none is left out."""
    found = {row: getattr(recovered, role) for row, recovered in rows.items()}
    return {row: face for row, face in found.items() if face is not None}
