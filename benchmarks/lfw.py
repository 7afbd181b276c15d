"""LFW verification with MobileFaceNet A and B, on faces that our RetinaFace found and our alignment brought into place.

Run:     DFREC_DATA=... DFREC_WEIGHTS=... python benchmarks/lfw.py
Pairs:   the 3,000 pairs of one person of View 2, and 3,000 of two different people drawn with seed 0, 300 in each
         fold, from the people who appear in that fold (so that folds share nobody).
Prints:  in how many of the 9,164 images the largest central face was found, which is one whose box holds the middle of
         the image (LFW's faces stand there), and the others by name; the accuracy at a threshold from the other nine
         folds. By each author's protocol the embeddings of a picture and of its mirror image are joined (A) or added
         (B). An image without a detection is aligned by LFW's mean landmarks, and counts.
Cache:   detections and embeddings stand in the user's cache, so that a run that was cut short goes on; `--afresh`
         empties it first.
"""

import argparse
import csv
import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import jax
import jax.numpy as jnp
import numpy as np
from rich.progress import track

from dfrec_jax.files import cache as users_cache
from dfrec_jax.frozen import mobilefacenet
from dfrec_jax.frozen.align import ARCFACE_TEMPLATE, align
from dfrec_jax.frozen.detection import Face, central_face, detect_faces
from dfrec_jax.frozen.load import load_network
from dfrec_jax.metrics.verification import verify

ARCHIVE = "lfw-deepfunneled-2plus.tar"
BATCH, SIDE = 32, 256  # LFW's images are 250 px
CACHE = users_cache.folder() / "benchmarks" / "lfw"


class Pair(NamedTuple):
    """Two images as `person_0001`, and the fold."""

    a: str
    b: str
    is_same: bool
    fold: int


class Network(NamedTuple):
    """A recogniser with its alignment, and how its authors use the mirror image: joined, or added."""

    name: str
    template: np.ndarray
    size: tuple[int, int]
    features: Callable[[Any, jax.Array], dict[str, jax.Array]]
    is_joined: bool


NETWORKS = (
    Network(
        "mobilefacenet-xiaoccer",
        mobilefacenet.TEMPLATE_A,
        mobilefacenet.SIZE_A,
        mobilefacenet.aligned_features_a,
        is_joined=True,
    ),
    Network(
        "mobilefacenet-foamliu",
        ARCFACE_TEMPLATE,
        mobilefacenet.SIZE_B,
        mobilefacenet.aligned_features_b,
        is_joined=False,
    ),
)


def main() -> None:
    """Prints the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--afresh", action="store_true", help="empty the cache first")
    if arguments.parse_args().afresh:
        shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(os.environ["DFREC_DATA"])
    names, landmarks, is_found = _detections(folder / ARCHIVE)
    print(f"largest central face found in {is_found.sum()} of {len(names)} images ({is_found.mean():.2%})")
    for name in names[~is_found]:
        print(f"  not in {name}")
    pairs = _pairs(folder / "lfw_pairs.csv", names)
    needed = sorted({name for pair in pairs for name in (pair.a, pair.b)})
    position = {name: i for i, name in enumerate(names)}
    chosen = landmarks[[position[name] for name in needed]]
    mean_landmarks = landmarks[is_found].mean(axis=0)
    chosen = np.where(np.isnan(chosen), mean_landmarks, chosen).astype(np.float32)
    similarities = _similarities(folder / ARCHIVE, needed, chosen, pairs)
    is_same, fold = (np.array([getattr(pair, field) for pair in pairs]) for field in ("is_same", "fold"))
    for name, similarity in similarities.items():
        result = verify(similarity, is_same, fold)
        wrong = (similarity >= result.thresholds[fold]) != is_same
        print(
            f"{name}: accuracy {result.accuracy:.2%} +- {result.standard_error:.2%} on {len(pairs)} pairs, threshold "
            f"{result.thresholds.mean():.3f}; wrong: {np.sum(wrong & is_same)} of one person, "
            f"{np.sum(wrong & ~is_same)} of two"
        )
        for i in np.flatnonzero(wrong)[np.argsort(-np.abs(similarity[wrong] - result.thresholds[fold[wrong]]))][:5]:
            print(f"  {pairs[i].a} {pairs[i].b} {'same' if pairs[i].is_same else 'different'}: {similarity[i]:.3f}")


def _images(archive: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Name without suffix, and RGB image, in the archive's order."""
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name.endswith(".jpg") else None
            if file is not None:
                pixels = np.frombuffer(file.read(), np.uint8)
                yield Path(member.name).stem, cv2.imdecode(pixels, cv2.IMREAD_COLOR_RGB)


def _detections(archive: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Names, landmarks (NaN where no face was found in the middle) and whether one was found."""
    network = load_network("retinaface-mobile025", weights_dir="", allow_random=False, image_size=SIDE)
    cache = CACHE / f"detections-{archive.stat().st_size}-{SIDE}.npz"
    if not cache.exists():
        names: list[str] = []
        landmarks: list[np.ndarray] = []
        batch: list[np.ndarray] = []

        def flush() -> None:
            padding = [batch[-1]] * (BATCH - len(batch))
            for image, faces in zip(batch, detect_faces(network, batch + padding, side=SIDE), strict=False):
                landmarks.append(_central_landmarks(faces, *image.shape[:2]))
            batch.clear()

        for name, image in track(_images(archive), "detecting", total=9164):
            names.append(name)
            batch.append(image)
            if len(batch) == BATCH:
                flush()
        if batch:
            flush()
        np.savez(cache, names=np.array(names), landmarks=np.stack(landmarks))
    saved = np.load(cache)
    return saved["names"], saved["landmarks"], np.isfinite(saved["landmarks"]).all(axis=(1, 2))


def _central_landmarks(faces: list[Face], height: int, width: int) -> np.ndarray:
    face = central_face(faces, height, width)
    middle = (width / 2, height / 2)
    if face is None or not (np.all(face.box[:2] <= middle) and np.all(face.box[2:] >= middle)):
        return np.full((5, 2), np.nan, np.float32)
    return face.landmarks


def _pairs(path: Path, names: np.ndarray) -> list[Pair]:
    same = [
        Pair(*(f"{row[f'person_{x}']}_{int(row[f'image_{x}']):04d}" for x in "ab"), is_same=True, fold=int(row["fold"]))
        for row in csv.DictReader(path.open())
        if row["same"] == "1"
    ]
    images: dict[str, list[str]] = {}
    for name in names:
        images.setdefault(name.rsplit("_", 1)[0], []).append(str(name))
    rng = np.random.default_rng(0)
    different: list[Pair] = []
    for fold in sorted({pair.fold for pair in same}):
        people = sorted({pair.a.rsplit("_", 1)[0] for pair in same if pair.fold == fold})
        drawn: set[tuple[str, str]] = set()
        while len(drawn) < sum(pair.fold == fold for pair in same):
            first, second = sorted(rng.choice(people, 2, replace=False))
            drawn.add((str(rng.choice(images[first])), str(rng.choice(images[second]))))
        different += [Pair(*pair, is_same=False, fold=fold) for pair in sorted(drawn)]
    return same + different


def _similarities(archive: Path, names: list[str], landmarks: np.ndarray, pairs: list[Pair]) -> dict[str, np.ndarray]:
    """Cosine of each pair's embeddings, by each network."""
    position = {name: i for i, name in enumerate(names)}
    images = np.empty((len(names), 250, 250, 3), np.uint8)
    for name, image in track(_images(archive), "reading", total=9164):
        if name in position:
            images[position[name]] = image
    a, b = (np.array([position[getattr(pair, side)] for pair in pairs]) for side in "ab")
    result = {}
    for network in NETWORKS:
        embeddings = _embeddings(network, images, landmarks)
        result[network.name] = np.sum(embeddings[a] * embeddings[b], axis=-1)
    return result


def _embeddings(network: Network, images: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Unit-length embeddings by the authors' protocol, of the picture and of its mirror image."""
    variables = load_network(network.name, weights_dir="", allow_random=False, image_size=250).variables

    @jax.jit
    def embed(variables: Any, images: jax.Array, landmarks: jax.Array) -> jax.Array:
        faces = align(images.astype(jnp.float32) / 255, landmarks, network.template, network.size)
        both = [network.features(variables, view)["linear"] for view in (faces, faces[:, :, ::-1])]
        embedding = jnp.concatenate(both, axis=-1) if network.is_joined else both[0] + both[1]
        return embedding / jnp.linalg.norm(embedding, axis=-1, keepdims=True)

    cache = CACHE / f"{network.name}-{hashlib.sha256(landmarks.tobytes()).hexdigest()[:16]}.npy"
    done = list(np.load(cache)) if cache.exists() else []
    for start in track(range(len(done), len(images), BATCH), network.name):
        part = slice(start, start + BATCH)
        padding = [(0, BATCH - len(images[part])), (0, 0), (0, 0)]
        batch = np.pad(images[part], [*padding, (0, 0)]), np.pad(landmarks[part], padding, mode="edge")
        done += list(np.asarray(embed(variables, *batch))[: len(images[part])])
        if start // BATCH % 8 == 7 or len(done) == len(images):
            np.save(cache.with_suffix(".part.npy"), np.stack(done))
            cache.with_suffix(".part.npy").replace(cache)
    return np.stack(done)


if __name__ == "__main__":
    main()
