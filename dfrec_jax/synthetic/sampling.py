"""How people and pictures are drawn at random: the spread of every factor."""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dfrec_jax.synthetic.factors import (
    Attributes,
    Brows,
    Expression,
    Eyes,
    FaceShape,
    Hair,
    Identity,
    Light,
    Marks,
    Mouth,
    Nose,
    Pose,
    Rgb,
    Skin,
    Surroundings,
)

_MOST_DRAWS = 96  # by one `_Draws`
_SKIN_TONES = np.array(
    [
        [0.99, 0.86, 0.77],
        [0.95, 0.78, 0.66],
        [0.90, 0.70, 0.55],
        [0.80, 0.58, 0.43],
        [0.64, 0.43, 0.31],
        [0.45, 0.29, 0.21],
    ],
    np.float32,
)
_HAIR_COLOURS = np.array(
    [[0.10, 0.08, 0.08], [0.19, 0.12, 0.09], [0.33, 0.20, 0.12], [0.47, 0.30, 0.17], [0.72, 0.54, 0.31],
     [0.86, 0.72, 0.48], [0.56, 0.24, 0.11], [0.62, 0.61, 0.61], [0.30, 0.27, 0.30]],
    np.float32,
)  # fmt: skip
_IRIS_COLOURS = np.array(
    [[0.25, 0.14, 0.08], [0.40, 0.25, 0.12], [0.48, 0.40, 0.18], [0.30, 0.46, 0.30], [0.28, 0.48, 0.66],
     [0.45, 0.58, 0.66], [0.42, 0.45, 0.48]],
    np.float32,
)  # fmt: skip


class _Draws:
    """Independent draws from one key, in the order of the calls; all are made at once, which is what costs least."""

    def __init__(self, key: Key[Array, ""]):
        self._uniforms, self._count = jax.random.uniform(key, (_MOST_DRAWS,)), 0

    def uniform(self, low: float, high: float, shape: tuple[int, ...] = ()) -> Array:
        first, self._count = self._count, self._count + math.prod(shape)
        assert self._count <= _MOST_DRAWS
        return low + (high - low) * self._uniforms[first : self._count].reshape(shape)

    def normal(self, mean: float, deviation: float, shape: tuple[int, ...] = ()) -> Array:
        """Normal, cut at two deviations so that no face falls apart."""
        within = math.erf(math.sqrt(2.0))  # the probability of two deviations
        return mean + deviation * math.sqrt(2.0) * jax.scipy.special.erfinv(self.uniform(-within, within, shape))

    def sometimes(self, share: float, low: float, high: float, shape: tuple[int, ...] = ()) -> Array:
        """Uniform in [low, high] with probability `share`, else 0."""
        return self.uniform(low, high, shape) * (self.uniform(0.0, 1.0, shape) < share)

    def palette(self, colours: Float[np.ndarray, "n 3"], jitter: float) -> Rgb:
        """A point between two neighbours of a palette, jittered in brightness and in each channel."""
        place = self.uniform(0.0, colours.shape[0] - 1.001)
        low = place.astype(int)
        below, above = jnp.asarray(colours)[low], jnp.asarray(colours)[low + 1]
        c = below + (above - below) * (place - low)
        return jnp.clip(c * (1.0 + self.normal(0.0, jitter)) + self.normal(0.0, jitter / 3, (3,)), 0.03, 0.98)


def sample_hair(key: Key[Array, ""]) -> Hair:
    """Draws a hair style and colour."""
    d = _Draws(key)
    return Hair(
        colour=d.palette(_HAIR_COLOURS, 0.12), line=d.normal(-0.54, 0.06), volume=d.uniform(0.02, 0.2),
        length=d.uniform(0.0, 1.0), fringe=d.sometimes(0.5, 0.3, 1.0), parting=d.uniform(-0.35, 0.35),
        curl=d.sometimes(0.6, 0.0, 1.0), temple=d.uniform(0.0, 0.3), amount=1.0 - d.sometimes(0.07, 0.6, 0.95),
        phase=d.uniform(0.0, 6.28),
    )  # fmt: skip


def sample_face(key: Key[Array, ""]) -> FaceShape:
    """Draws the outline of a head and its ears."""
    d = _Draws(key)
    return FaceShape(
        width=d.normal(0.595, 0.028), crown=d.normal(0.86, 0.02), chin=d.normal(0.83, 0.035), jaw=d.normal(0.045, 0.05),
        cheek=d.normal(0.02, 0.025), chin_width=d.normal(0.0, 0.03), ear_size=d.normal(0.15, 0.02),
        ear_height=d.normal(0.06, 0.025),
    )  # fmt: skip


def sample_identity(key: Key[Array, ""]) -> Identity:
    """Draws a person: a pure function of the key."""
    keys = jax.random.split(key, 3)
    d = _Draws(keys[0])
    tone = d.palette(_SKIN_TONES, 0.05)
    lip = tone * jnp.array([0.92, 0.62, 0.62]) + jnp.array([0.02, -0.03, -0.01])
    return Identity(
        face=sample_face(keys[1]),
        skin=Skin(tone=tone, blush=d.uniform(0.0, 0.6), gloss=d.uniform(0.2, 1.0)),
        eyes=Eyes(
            height=d.normal(-0.05, 0.025), spacing=d.normal(0.275, 0.022), width=d.normal(0.155, 0.016),
            opening=d.normal(0.077, 0.016), tilt=d.normal(-0.08, 0.1), skew=d.normal(0.1, 0.2),
            crease=d.uniform(0.0, 1.0), lash=d.uniform(0.1, 1.0), socket=d.normal(0.5, 0.25),
            iris_size=d.normal(0.075, 0.007), iris=d.palette(_IRIS_COLOURS, 0.12),
        ),
        brows=Brows(
            height=d.normal(0.172, 0.03), length=d.normal(0.17, 0.018), thickness=d.normal(0.03, 0.011),
            arch=d.normal(0.035, 0.022), peak=d.normal(0.15, 0.25), tilt=d.normal(-0.015, 0.03),
            gap=d.normal(0.0, 0.02), shade=d.uniform(0.35, 0.95),
        ),
        nose=Nose(
            base=d.normal(0.24, 0.04), width=d.normal(0.105, 0.021), bridge=d.normal(0.05, 0.012),
            relief=d.normal(1.0, 0.25), tip=d.normal(0.07, 0.014),
            nostril=d.normal(0.6, 0.22), hook=d.normal(0.0, 0.02),
        ),
        mouth=Mouth(
            height=d.normal(0.475, 0.03), width=d.normal(0.215, 0.032), upper=d.normal(0.05, 0.016),
            lower=d.normal(0.066, 0.019), bow=d.uniform(0.05, 0.55), corner=d.normal(0.0, 0.012),
            tint=jnp.clip(lip + d.normal(0.0, 0.07, (3,)), 0.05, 0.95),
        ),
        hair=sample_hair(keys[2]),
        marks=Marks(
            freckles=d.sometimes(0.25, 0.3, 1.0), phase=d.uniform(0.0, 6.28, (4,)),
            moles=d.uniform(-1.0, 1.0, (3, 2)) * jnp.array([[0.4, 0.4]]) + jnp.array([[0.0, 0.28]]),
            mole_size=d.sometimes(0.25, 0.012, 0.028, (3,)), scar=d.sometimes(0.1, 0.5, 1.0),
            scar_place=d.uniform(-1.0, 1.0, (3,)), age=d.sometimes(0.5, 0.0, 1.0), beard=d.sometimes(0.22, 0.3, 1.0),
            beard_reach=d.uniform(0.0, 1.0), moustache=d.sometimes(0.18, 0.4, 1.0),
        ),
    )  # fmt: skip


def sample_attributes(key: Key[Array, ""], scene: str = "usual") -> Attributes:
    """Draws what a photograph adds, background and clothes included; pose and expression are those of any scene.

    Raises:
      ValueError: for an unknown scene.
    """
    if scene not in SCENES:
        raise ValueError(f"scene={scene!r}: must be one of {tuple(SCENES)}")
    sample_light, sample_surroundings = SCENES[scene]
    keys = jax.random.split(key, 4)
    d = _Draws(keys[0])
    pose = Pose(
        yaw=d.normal(0.0, 0.22), pitch=d.normal(0.0, 0.14), roll=d.normal(0.0, 0.1), scale=d.uniform(1.0, 1.16),
        shift=d.normal(0.0, 0.025, (2,)),
    )  # fmt: skip
    d = _Draws(keys[1])
    expression = Expression(
        smile=d.uniform(-0.4, 1.0), mouth_open=d.sometimes(0.5, 0.0, 1.0), brow_raise=d.normal(0.0, 0.5),
        eye_open=d.uniform(0.55, 1.25), gaze=d.normal(0.0, 0.5, (2,)),
    )  # fmt: skip
    return Attributes(pose, expression, sample_light(keys[2]), sample_surroundings(keys[3]))


def _mix_grey(colours: Float[Array, "n 3"], share: float) -> Float[Array, "n 3"]:
    """Less saturated colours: each mixed with its mean."""
    return colours + share * (jnp.mean(colours, axis=-1, keepdims=True) - colours)


def _unit(vector: Float[Array, " n"]) -> Float[Array, " n"]:
    return vector / jnp.sqrt(jnp.sum(vector * vector) + 1e-6)


class _Lights(NamedTuple):
    """How lights are spread: ranges of a uniform draw, but where it says otherwise."""

    across: tuple[float, float]  # of the direction, as the rest of it
    down: tuple[float, float]  # below 0 the light comes from above
    forward: tuple[float, float]
    warmth: Callable[[_Draws], Array]  # draws what red gains and blue loses
    strength: tuple[float, float]
    ambient: tuple[float, float]
    green: float  # deviation of a normal draw about 1
    exposure: tuple[float, float]


_INDOORS = _Lights(
    across=(-0.9, 0.9), down=(-0.9, 0.25), forward=(0.55, 1.0), warmth=lambda d: d.normal(0.0, 0.07),
    strength=(0.3, 0.75), ambient=(0.36, 0.62), green=0.015, exposure=(0.85, 1.15),
)  # fmt: skip
# Hard light from high up, warm or cold, over little of the sky.
_SUNLIGHT = _Lights(
    across=(-0.9, 0.9), down=(-1.0, -0.3), forward=(0.35, 0.8), warmth=lambda d: d.uniform(-0.12, 0.16),
    strength=(0.6, 0.95), ambient=(0.28, 0.45), green=0.02, exposure=(0.9, 1.2),
)  # fmt: skip


def _sample_light(lights: _Lights, key: Key[Array, ""]) -> Light:
    d = _Draws(key)
    direction = jnp.stack([d.uniform(*lights.across), d.uniform(*lights.down), d.uniform(*lights.forward)])
    warmth = lights.warmth(d)
    return Light(
        direction=_unit(direction), strength=d.uniform(*lights.strength), ambient=d.uniform(*lights.ambient),
        tint=jnp.stack([1.0 + warmth, 1.0 + d.normal(0.0, lights.green), 1.0 - warmth]),
        exposure=d.uniform(*lights.exposure),
    )  # fmt: skip


def _sample_surroundings(key: Key[Array, ""]) -> Surroundings:
    d = _Draws(key)
    base = _mix_grey(d.uniform(0.1, 0.9, (1, 3)), 0.5)
    return Surroundings(
        backdrop=jnp.clip(base + _mix_grey(d.normal(0.0, 0.2, (3, 3)), 0.5), 0.03, 0.97),
        pattern=jax.nn.one_hot((d.uniform(0.0, 3.999)).astype(int), 4), place=d.uniform(-1.0, 1.0, (4, 2)),
        frequency=d.uniform(3.0, 9.0), direction=_unit(d.normal(0.0, 1.0, (2,))),
        clothes=_mix_grey(d.uniform(0.05, 0.95, (2, 3)), 0.4),
        neckline=d.uniform(0.0, 1.0), glasses=d.sometimes(0.12, 0.99, 1.0), glasses_shape=d.uniform(0.0, 1.0, (2,)),
    )  # fmt: skip


def _sample_open_air(key: Key[Array, ""]) -> Surroundings:
    """A coloured sky or leaves in place of walls, coats and scarves in place of shirts, more glasses."""
    d = _Draws(key)
    sky, leaves = jnp.array([0.45, 0.65, 0.9]), jnp.array([0.3, 0.5, 0.25])
    base = sky + (leaves - sky) * (d.uniform(0.0, 1.0) < 0.5)
    usual = _sample_surroundings(key)
    return usual._replace(
        backdrop=jnp.clip(base[None] * d.uniform(0.6, 1.3, (3, 1)) + d.normal(0.0, 0.06, (3, 3)), 0.03, 0.97),
        frequency=d.uniform(8.0, 14.0), clothes=_mix_grey(d.uniform(0.02, 0.5, (2, 3)), 0.6),
        neckline=d.uniform(0.0, 0.4), glasses=d.sometimes(0.25, 0.99, 1.0),
    )  # fmt: skip


# How the people of a data set are lit, and what is around them.
SCENES = {
    "usual": (partial(_sample_light, _INDOORS), _sample_surroundings),
    "outdoors": (partial(_sample_light, _SUNLIGHT), _sample_open_air),
}
