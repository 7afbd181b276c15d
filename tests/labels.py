"""A made-up folder of pictures with CelebA's lists: the first attribute is a bright picture, the others are drawn."""

from pathlib import Path

import cv2
import numpy as np

from dfrec_jax.preparation.layouts.face_folders import CELEBA_ATTRIBUTES

NUMBERS = {"train": range(24), "validation": range(24, 36), "test": range(36, 48)}


def make_folder(root: Path) -> np.ndarray:
    """`root/img_align_celeba/000000.jpg`..., the two lists beside it; returns all labels, -1 and 1."""
    rng = np.random.default_rng(0)
    labels = rng.choice([-1, 1], (48, 40))
    (root / "img_align_celeba").mkdir(parents=True)
    for number, row in enumerate(labels):
        level = 200 if row[0] > 0 else 50
        picture = np.clip(rng.normal(level, 20, (28, 20, 3)), 0, 255).astype(np.uint8)
        cv2.imwrite(str(root / "img_align_celeba" / f"{number:06d}.jpg"), picture)
    lines = [f"{number:06d}.jpg " + " ".join(map(str, row)) for number, row in enumerate(labels)]
    (root / "list_attr_celeba.txt").write_text("\n".join(["48", " ".join(CELEBA_ATTRIBUTES), *lines, ""]))
    place = {number: str(code) for code, numbers in enumerate(NUMBERS.values()) for number in numbers}
    (root / "list_eval_partition.txt").write_text("".join(f"{number:06d}.jpg {place[number]}\n" for number in place))
    return labels


def configure(config, root: Path):
    """Points a config of `config_attributes` to that folder."""
    config.data.dir = str(root / "img_align_celeba")
    config.data.attributes = str(root / "list_attr_celeba.txt")
    config.data.partition = str(root / "list_eval_partition.txt")
    config.data.num_threads, config.data.prefetch, config.data.eval_batch_size = 1, 8, 8
    return config
