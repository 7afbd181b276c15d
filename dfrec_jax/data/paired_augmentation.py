"""What an example suffers in training, its pictures and landmarks all by one draw: mirroring, colours, damage."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from dfrec_jax.data.augmentation import recoloured
from dfrec_jax.examples import fields
from dfrec_jax.examples.fields import Kind
from dfrec_jax.forging.landmarks import MIRRORED_5, MIRRORED_68
from dfrec_jax.forging.perturbing import draw_border, draw_damage, draw_perturbation, perturb, tighten, within

DAMAGE, NOISE, BORDER = range(1, 4)  # draws that were added: the others stay as they were
POINTS = ("points", *fields.names(Kind.POINTS_5))
AUGMENTED = (*fields.PICTURES, *POINTS, "is_forgery")


class Augmentation(NamedTuple):
    """What the pictures of an example suffer in training, all of them by one draw; by default nothing.

    Attributes:
      flip: probability of mirroring them.
      jitter: their brightness, contrast and saturation are multiplied by 1 +- jitter.
      perturbed: probability that the example's picture loses resolution and is coded by Face X-ray's draw. The
        references of a forgery stay as they are; a pristine face is its own reference.
      blurred: probability that a perturbed picture is blurred, before it is coded.
      noisy: probability that a perturbed picture gets noise, before it is coded.
      tightened: probability that the pictures end within their crop, forgery, target and mask alike, so that no data
        set of tight pictures is known by its borders.
    """

    flip: float = 0.0
    jitter: float = 0.0
    perturbed: float = 0.0
    blurred: float = 0.0
    noisy: float = 0.0
    tightened: float = 0.0


UNCHANGED = Augmentation()


def augment(key: PRNGKeyArray, example: dict[str, Array], augmentation: Augmentation) -> dict[str, Array]:
    """One example, its pictures uint8, with one draw for all of them: mirrored, its colours jittered, perturbed.

    Pristine faces and forgeries are drawn alike, so that nothing of this tells them apart.

    Args:
      key: of the draw.
      example: the fields `AUGMENTED`.
      augmentation: what is drawn, and how often.
    """
    flip, jitter, perturbed, blurred, noisy, tightened = augmentation
    for_numbers, for_perturbation = jax.random.split(key)
    numbers = jax.random.uniform(for_numbers, (5,))
    example = dict(example)
    if flip > 0:
        is_flipped = numbers[0] < flip
        for name in fields.PICTURES:
            example[name] = jnp.where(is_flipped, example[name][:, ::-1], example[name])
        for name in POINTS:
            example[name] = jnp.where(is_flipped, _mirrored(example[name], example["image"].shape[1]), example[name])
    if jitter > 0:
        factors = 1 + jitter * (2 * numbers[1:4] - 1)
        for name in fields.names(Kind.PICTURE):
            example[name] = to_8_bits(recoloured(to_float(example[name]), factors))  # the same map for every picture
    if tightened > 0:
        border = draw_border(jax.random.fold_in(for_perturbation, BORDER), tightened)
        for name in ("image", "target", "posed_source", "source_mask", "inside_mask"):
            example[name] = tighten(example[name], border)
        # The source has its own picture; that of a pristine face is the face's.
        example["source"] = jnp.where(example["is_forgery"], example["source"], tighten(example["source"], border))
        inside = within(border, *example["image"].shape[:2])
        example["inside_mask"] = jnp.where(inside, example["inside_mask"], 0).astype(jnp.uint8)
    if perturbed > 0:
        draw = draw_perturbation(for_perturbation)
        damage = for_noise = None
        if blurred > 0 or noisy > 0:
            damage = draw_damage(jax.random.fold_in(for_perturbation, DAMAGE), blurred, noisy)
            for_noise = jax.random.fold_in(for_perturbation, NOISE)
        changed = to_8_bits(perturb(to_float(example["image"]), draw, damage, for_noise))
        image = jnp.where(numbers[4] < perturbed, changed, example["image"])
        for name in ("source", "target"):
            example[name] = jnp.where(example["is_forgery"], example[name], image)
        example["image"] = image
    return example


def _mirrored(landmarks: Float[Array, "n 2"], width: int) -> Float[Array, "n 2"]:
    landmarks = landmarks[MIRRORED_5 if len(landmarks) == 5 else MIRRORED_68]
    return landmarks.at[:, 0].set(width - 1 - landmarks[:, 0])


def to_float(image: Array) -> Array:
    """In [0, 1]."""
    return image.astype(jnp.float32) / 255


def to_8_bits(image: Array) -> Array:
    """From [0, 1]."""
    return jnp.round(image * 255).astype(jnp.uint8)
