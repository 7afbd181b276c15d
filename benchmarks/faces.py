"""RetinaFace, 3DDFA_V2 and FSA-Net on the faces of celeba_people, against its MTCNN labels and against each other.

Run:     DFREC_DATA=... DFREC_WEIGHTS=... python benchmarks/faces.py [--images 3561]
Prints:  how many faces were found; the distance of RetinaFace's landmarks from MTCNN's; where RetinaFace's box lies in
         the ArcFace template (`threeddfa.BOX_CENTRE`, `BOX_SIZE`); how far 3DDFA and FSA-Net are apart, and each from
         itself on the mirror image.
"""

import argparse
import csv
import os
from pathlib import Path

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from dfrec_jax.frozen import align, threeddfa
from dfrec_jax.frozen.detection import Face, central_face, detect_faces
from dfrec_jax.frozen.load import load_network
from dfrec_jax.frozen.second_opinions import FsaNet

LABELS = ("eye_r", "eye_l", "nose", "mouth_r", "mouth_l")  # the person's right is the image's left
SIDE, BATCH = 256, 32


def main() -> None:
    """Prints the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--images", type=int, default=3561, help="how many, drawn with seed 0")
    count = arguments.parse_args().images
    folder = Path(os.environ["DFREC_DATA"]) / "celeba_people"
    rows = list(csv.DictReader((folder / "faces.csv").open()))
    rows = [rows[i] for i in sorted(np.random.default_rng(0).permutation(len(rows))[:count])]
    images = np.stack([cv2.imread(str(folder / row["file"]), cv2.IMREAD_COLOR_RGB) for row in rows])
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    found, found_mirrored = _central_faces(images), _central_faces(mirrored)
    kept = [i for i in range(len(rows)) if found[i] and found_mirrored[i]]
    print(f"faces found: {sum(face is not None for face in found)} of {len(rows)}")
    labels = np.array([[[float(rows[i][f"{name}_{axis}"]) for axis in "xy"] for name in LABELS] for i in kept])
    boxes, landmarks = (np.array([getattr(found[i], field) for i in kept]) for field in ("box", "landmarks"))
    boxes_mirrored = np.array([found_mirrored[i].box for i in kept])
    _print_landmarks(landmarks, labels)
    _print_template_box(boxes, landmarks)
    _print_pose(images[kept], mirrored[kept], boxes, boxes_mirrored)


def _central_faces(images: np.ndarray) -> list[Face | None]:
    network = load_network("retinaface-mobile025", weights_dir="", allow_random=False, image_size=SIDE)
    faces: list[Face | None] = []
    for start in range(0, len(images), BATCH):
        faces += [
            central_face(each, SIDE, SIDE) for each in detect_faces(network, images[start : start + BATCH], side=SIDE)
        ]
    return faces


def _print_landmarks(landmarks: np.ndarray, labels: np.ndarray) -> None:
    error = np.linalg.norm(landmarks - labels, axis=-1)
    each = ", ".join(f"{name} {median:.2f}" for name, median in zip(LABELS, np.median(error, axis=0), strict=True))
    print(
        f"landmarks from MTCNN's: median {np.median(error):.2f} px, 95 % within {np.percentile(error, 95):.2f} ({each})"
    )


def _print_template_box(boxes: np.ndarray, landmarks: np.ndarray) -> None:
    transforms = align.similarity(jnp.array(landmarks), jnp.array(align.ARCFACE_TEMPLATE))
    corners = np.asarray(align.apply(transforms, jnp.array((boxes[:, :2] + boxes[:, 2:])[:, None] / 2)))[:, 0]
    scale = np.linalg.norm(np.asarray(transforms)[:, 0, :2], axis=-1, keepdims=True)
    sizes = scale * (boxes[:, 2:] - boxes[:, :2])
    print(f"RetinaFace's box in the template: centre {np.median(corners, axis=0)}, size {np.median(sizes, axis=0)}")


def _print_pose(images: np.ndarray, mirrored: np.ndarray, boxes: np.ndarray, boxes_mirrored: np.ndarray) -> None:
    network = load_network("3ddfa-v2", weights_dir="", allow_random=False, image_size=SIDE)
    features = jax.jit(threeddfa.box_features)

    def ours(images: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        batches = [
            features(network.variables, jnp.float32(images[i : i + BATCH]) / 255, jnp.array(boxes[i : i + BATCH]))[
                "pose"
            ]
            for i in range(0, len(images), BATCH)
        ]
        return np.concatenate(batches)

    opinion = FsaNet()
    signs = np.array([-1, 1, -1])  # a mirror turns yaw and roll round
    estimates = {}
    for name, pose in (
        ("3DDFA_V2", ours),
        ("FSA-Net", lambda images, boxes: np.array([opinion.pose(*pair) for pair in zip(images, boxes, strict=True)])),
    ):
        estimates[name] = pose(images, boxes)
        asymmetry = np.median(np.abs(pose(mirrored, boxes_mirrored) - signs * estimates[name]), axis=0)
        print(f"{name} on the mirror image: median change of yaw, pitch, roll {asymmetry.round(2)} degrees")
    difference = estimates["3DDFA_V2"] - estimates["FSA-Net"]
    print(f"3DDFA_V2 from FSA-Net: median of yaw, pitch, roll {np.median(np.abs(difference), axis=0).round(2)} degrees")
    print(
        f"  of which constant: {np.median(difference, axis=0).round(2)}; standard deviation of yaw over these faces: "
        f"{estimates['FSA-Net'][:, 0].std():.1f}"
    )


if __name__ == "__main__":
    main()
