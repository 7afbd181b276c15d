"""Trains the two encoders of the embedded faces and writes their weights into the package: `make encoders`.

Each learns who is drawn (supervised contrast between people of the training split, Khosla et al. 2020) and how
(regression of the attributes). In half of the pictures a person wears another's hair, so that the inner face counts for
more than hair. Ends with the verification accuracy on people of the validation split. About 12 minutes on two cores.
"""

import argparse
import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key
from safetensors.numpy import save_file

from dfrec_jax.files import whole
from dfrec_jax.synthetic import dataset, encoders, factors, sampling
from dfrec_jax.synthetic.augment import augment
from dfrec_jax.synthetic.renderer import render


@dataclasses.dataclass(frozen=True)
class Settings:
    """Sizes of a training run."""

    num_people: int = 6000
    num_views: int = 8
    people_a_batch: int = 48
    views_a_batch: int = 4
    num_steps: int = 1200
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    temperature: float = 0.1
    attribute_weight: float = 0.5
    hair_change: float = 0.5
    world: int = 0


class Views(NamedTuple):
    """Pictures of people, several each."""

    images: np.ndarray  # uint8 [people, views, 64, 64, 3]
    attributes: np.ndarray  # float32 [people, views, a]


class Verification(NamedTuple):
    """How well an encoder tells people apart, on pairs of pictures in different attributes."""

    accuracy: float  # of same or different, at the threshold that is best on the other half of the people
    same: float  # mean cosine of two pictures of one person
    different: float  # mean cosine of pictures of two people
    attribute_error: float  # mean absolute error of the attributes, in their scale


def draw_views(people: range, num_views: int, hair_change: float, world: int = 0, threads: int = 2) -> Views:
    """Draws each of `people` `num_views` times, each with probability `hair_change` in another's hair."""
    key = jax.random.fold_in(jax.random.key(world, impl="threefry2x32"), 3)

    def draw(index: int) -> tuple[np.ndarray, np.ndarray]:
        person, view = people[index // num_views], index % num_views
        identity, attributes, vector = _draw_view(key, world, person, view, hair_change)
        return np.asarray(_to_uint8(render(identity, attributes, encoders.INPUT_SIZE).image)), np.asarray(vector)

    with ThreadPoolExecutor(threads) as pool:
        images, vectors = zip(*pool.map(draw, range(len(people) * num_views)), strict=True)
    shape = (len(people), num_views)
    return Views(
        np.stack(images).reshape(*shape, *images[0].shape), np.stack(vectors).reshape(*shape, *vectors[0].shape)
    )


@jax.jit
def _draw_view(
    key: Key[Array, ""], world: dataset.Whole, person: dataset.Whole, view: dataset.Whole, hair_change: dataset.Share
) -> tuple[factors.Identity, factors.Attributes, Array]:
    keys = jax.random.split(jax.random.fold_in(jax.random.fold_in(key, person), view), 3)
    identity = dataset.identity_of(world, person)
    changed = jax.random.uniform(keys[0]) < hair_change
    hair = jax.tree.map(lambda new, own: jnp.where(changed, new, own), sampling.sample_hair(keys[1]), identity.hair)
    attributes = sampling.sample_attributes(keys[2])
    return identity._replace(hair=hair), attributes, factors.attribute_vector(attributes)


@jax.jit
def _to_uint8(image: Array) -> Array:
    return jnp.round(image * 255.0).astype(jnp.uint8)


def contrast(embeddings: Float[Array, "p v d"], temperature: float) -> Float[Array, ""]:
    """Supervised contrastive loss: of all other pictures of the batch, a picture is to pick those of its person."""
    people, views, width = embeddings.shape
    flat = embeddings.reshape(people * views, width)
    person = jnp.repeat(jnp.arange(people), views)
    itself = jnp.eye(people * views, dtype=bool)
    logits = jnp.where(itself, -1e9, flat @ flat.T / temperature)
    right = (person[:, None] == person[None, :]) & ~itself
    return -jnp.mean(jnp.sum(jnp.where(right, jax.nn.log_softmax(logits), 0.0), axis=-1)) / (views - 1)


def train(name: str, views: Views, settings: Settings, seed: int) -> Any:
    """Trains one encoder; prints its progress; returns its variables."""
    module = encoders.MODULES[name]()
    variables = module.init(jax.random.key(seed), jnp.zeros((1, encoders.INPUT_SIZE, encoders.INPUT_SIZE, 3)))
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, settings.learning_rate, min(100, settings.num_steps // 10), settings.num_steps
    )
    tx = optax.adamw(schedule, weight_decay=settings.weight_decay)
    opt_state = tx.init(variables["params"])

    @jax.jit
    def step(variables: Any, opt_state: Any, images: Array, wanted: Array) -> tuple:
        grouped = (settings.people_a_batch, settings.views_a_batch, -1)

        def loss_fn(params: Any) -> tuple[Array, tuple]:
            features, updated = module.apply(
                {**variables, "params": params}, images, train=True, mutable=["batch_stats"]
            )
            identity = contrast(features["embedding"].reshape(grouped), settings.temperature)
            attribute = jnp.mean(optax.huber_loss(features["attributes"], wanted))
            return identity + settings.attribute_weight * attribute, (updated, identity, attribute)

        (_, (updated, identity, attribute)), grads = jax.value_and_grad(loss_fn, has_aux=True)(variables["params"])
        updates, opt_state = tx.update(grads, opt_state, variables["params"])
        return {"params": optax.apply_updates(variables["params"], updates), **updated}, opt_state, identity, attribute

    draws, began = np.random.default_rng(seed), time.perf_counter()
    for i in range(settings.num_steps):
        variables, opt_state, identity, attribute = step(variables, opt_state, *_batch(views, settings, draws))
        if (i + 1) % 100 == 0 or i + 1 == settings.num_steps:
            if not np.isfinite(float(identity) + float(attribute)):
                raise FloatingPointError(f"{name}: the loss is not finite at step {i + 1}")
            seconds = time.perf_counter() - began
            print(f"{name} step {i + 1}/{settings.num_steps}  identity {float(identity):.3f}  "
                  f"attributes {float(attribute):.3f}  {seconds:.0f} s", flush=True)  # fmt: skip
    return variables


def _batch(views: Views, settings: Settings, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Disturbed pictures, the views of a person side by side, and their attributes."""
    people = draws.choice(len(views.images), settings.people_a_batch, replace=False)
    chosen = [(p, v) for p in people for v in draws.permutation(views.images.shape[1])[: settings.views_a_batch]]
    images, attributes = zip(*(augment(views.images[i], views.attributes[i], draws) for i in chosen), strict=True)
    return np.stack(images), np.stack(attributes)


def verify(network: Any, views: Views) -> Verification:
    """Verification on `views`: every pair of pictures of one person against as many pairs of neighbours in the list."""
    apply = jax.jit(lambda images: network(images.astype(jnp.float32) / 255.0))
    features = [jax.tree.map(np.asarray, apply(images)) for images in views.images]
    embeddings = np.stack([one["embedding"] for one in features])
    people, num_views = embeddings.shape[:2]
    first, second = np.triu_indices(num_views, 1)
    same = np.einsum("pvd,pvd->pv", embeddings[:, first], embeddings[:, second])
    others = np.roll(embeddings, 1, axis=0)
    different = np.einsum("pvd,pvd->pv", embeddings[:, first], others[:, second])
    half = people // 2
    accuracies = [
        _accuracy(_best_threshold(same[fit], different[fit]), same[held], different[held])
        for fit, held in ((slice(half), slice(half, None)), (slice(half, None), slice(half)))
    ]
    error = np.abs(np.stack([one["attributes"] for one in features]) - views.attributes).mean()
    return Verification(float(np.mean(accuracies)), float(same.mean()), float(different.mean()), float(error))


def _accuracy(threshold: float, same: np.ndarray, different: np.ndarray) -> float:
    return 0.5 * float((same > threshold).mean() + (different <= threshold).mean())


def _best_threshold(same: np.ndarray, different: np.ndarray) -> float:
    candidates = np.linspace(-1.0, 1.0, 401)
    return float(max(candidates, key=lambda threshold: _accuracy(threshold, same, different)))


def main(arguments: list[str] | None = None) -> None:
    """Draws the faces, trains both encoders, verifies them on people they never saw, writes their weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the weights")
    parser.add_argument("--steps", type=int, default=Settings.num_steps)
    parser.add_argument("--people", type=int, default=Settings.num_people)
    options = parser.parse_args(arguments)
    settings = Settings(num_people=options.people, num_steps=options.steps)

    began = time.perf_counter()
    first = dataset.split_of("train").first_identity
    views = draw_views(range(first, first + settings.num_people), settings.num_views, settings.hair_change)
    print(f"drew {views.images[:, :, 0, 0, 0].size} faces in {time.perf_counter() - began:.0f} s", flush=True)
    first = dataset.split_of("validation").first_identity
    held_out = draw_views(range(first, first + 300), 4, 0.0)
    for seed, name in enumerate(encoders.MODULES, start=1):
        tensors = encoders.to_tensors(train(name, views, settings, seed))
        path = options.out / encoders.weights_file(name).name
        with whole.replacing(path) as unfinished:
            save_file(tensors, unfinished)
        result = verify(encoders.from_tensors(name, tensors), held_out)
        print(f"{name}: verification {100 * result.accuracy:.2f} %, cosine of one person {result.same:.3f}, of two "
              f"{result.different:.3f}, attributes off by {result.attribute_error:.3f}; "
              f"{path} ({path.stat().st_size} bytes)", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
