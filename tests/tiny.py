"""The smallest DFREC, frozen network and batch that tests of training and evaluation run on."""

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config import defaults, rules
from dfrec_jax.frozen.network import FrozenNetwork, Perceptors

SIZE = 32


def config() -> ConfigDict:
    """32-pixel images, sixteen 8-pixel patches; resolved and valid."""
    tiny = defaults.dfrec()
    tiny.image_size = SIZE
    tiny.ism.width, tiny.ism.depth, tiny.ism.decoder_features, tiny.ism.rates = 0.1, 0.25, 8, (1, 1, 1)
    tiny.sirm.features, tiny.sirm.bottleneck = (4, 8, 8), 16
    tiny.tirm.fusion, tiny.tirm.token_width = "grid", 8
    tiny.tirm.width, tiny.tirm.depth, tiny.tirm.heads = 32, 1, 2
    tiny.tirm.patch_size, tiny.tirm.decoder_depth, tiny.tirm.decoder_width, tiny.tirm.decoder_heads = 8, 1, 32, 2
    tiny.data.bi_share, tiny.data.validation_examples, tiny.data.test_examples = 0.0, 8, 16
    tiny.data.eval_batch_size = 8
    for role in ("identity", "perceptual", "attributes", "metric"):
        tiny.frozen[role] = "embedded-a"
    tiny.train.batch_size, tiny.train.num_steps, tiny.train.log_every = 8, 2, 1
    tiny.train.validate_every = tiny.train.samples_every = tiny.checkpoint.every = 1000
    tiny = defaults.resolve(tiny)
    rules.validate(tiny)
    return tiny


def full_size(mode: str = "paper") -> ConfigDict:
    """The default config, on the embedded faces: not tiny, and valid once it is resolved."""
    config = defaults.dfrec(mode)
    config.data.bi_share = 0.0
    return config


def _apply(variables, images, landmarks):
    first = jnp.tanh(images @ variables["first"])
    pooled = jnp.mean(first, axis=(1, 2))
    embedding = pooled @ variables["second"]
    return {
        "first": first,
        "pooled": pooled,
        "embedding": embedding / jnp.linalg.norm(embedding, axis=-1, keepdims=True),
    }


def network(name: str = "tiny") -> FrozenNetwork:
    """A frozen network of two random matrices; it plays every role."""
    rng = np.random.default_rng(0)
    variables = {
        "first": rng.normal(size=(3, 6)).astype(np.float32),
        "second": rng.normal(size=(6, 4)).astype(np.float32),
    }
    taps = {"identity": ("first", "embedding"), "perceptual": ("first",), "attributes": ("pooled",)}
    return FrozenNetwork(variables=variables, name=name, apply=_apply, taps=taps)


def aligning_network() -> FrozenNetwork:
    """A frozen network that looks at one place alone: the seven pixels a side around the first landmark."""

    def apply(variables, images, landmarks):
        del variables

        def crop(image, point):
            x, y = jnp.round(point).astype(int)
            return jax.lax.dynamic_slice(image, (y - 3, x - 3, 0), (7, 7, 3)).reshape(-1) - 0.5

        found = jax.vmap(crop)(images, landmarks[:, 0])
        found = jnp.where(jnp.isfinite(landmarks).all(axis=(1, 2))[:, None], found, jnp.nan)
        return {"embedding": found / jnp.linalg.norm(found, axis=-1, keepdims=True)}

    return FrozenNetwork(variables={}, name="aligning", apply=apply, taps={"identity": ("embedding",)})


def perceptors() -> Perceptors:
    """The tiny network in all three roles."""
    return Perceptors(network(), network(), network())


def batch(size: int = 8, seed: int = 0) -> dict[str, np.ndarray]:
    """Random pictures; the first half are forgeries, the last row has no source and the first no known mask.

    They are coarse and differ in brightness: where all rows had the same mean, batch norm would divide by next to
    nothing, and rounding would pass for a difference.
    """
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, size=(3, size, 4, 4, 3)) * rng.uniform(0.2, 1.0, size=(3, size, 1, 1, 3))
    fine = rng.integers(-20, 21, size=(3, size, SIZE, SIZE, 3))
    pictures = np.clip(np.kron(coarse, np.ones((1, 1, SIZE // 4, SIZE // 4, 1))) + fine, 0, 255).astype(np.uint8)
    rows = np.arange(size)
    return {
        "image": pictures[0],
        "source": pictures[1],
        "target": pictures[2],
        "source_mask": rng.integers(0, 256, size=(size, SIZE, SIZE, 1), dtype=np.uint8),
        "is_forgery": rows < size // 2,
        "has_source": rows < size - 1,
        "has_target": np.ones(size, bool),
        "has_mask": rows > 0,
        "landmarks": np.full((size, 5, 2), SIZE / 2, np.float32),
        "source_landmarks": np.full((size, 5, 2), SIZE / 2, np.float32),
    }


def keys(size: int, seed: int = 0) -> jax.Array:
    """One key for each example."""
    return jax.random.split(jax.random.key(seed), size)
