"""Every network of the light set against its original: the published file, run by PyTorch, on real faces.

Run:     DFREC_DATA=... DFREC_WEIGHTS=... python benchmarks/originals.py      (needs PyTorch: the `convert` extra)
Prints:  a network and the relative error ||ours - original|| / ||original|| a line; exits 1 where one exceeds 1e-4.
         The original file is read by PyTorch itself (`weights_only`) or h5py, ours by this project's readers.
"""

import os
import sys
from pathlib import Path

import cv2
import h5py
import jax
import numpy as np
import torch
import torch_networks

from dfrec_jax.frozen import mobilefacenet, retinaface, squeezenet, threeddfa
from dfrec_jax.frozen.load import load_network
from dfrec_jax.nets.normalisation import IMAGENET_MEAN, IMAGENET_STD
from dfrec_jax.weights.registry import find
from dfrec_jax.weights.resolution import locate

TOLERANCE = 1e-4
jax.config.update("jax_default_matmul_precision", "highest")


def main() -> None:
    """Prints the errors."""
    folder = Path(os.environ["DFREC_DATA"]) / "celeba_people"
    paths = sorted(folder.glob("*/*.jpg"))[::500]
    photographs = [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in paths]

    def faces(height: int, width: int) -> np.ndarray:
        return np.stack([cv2.resize(image, (width, height)) for image in photographs])

    errors: dict[str, float] = {}
    scaled = lambda x: (x - 127.5) / 128  # noqa: E731
    errors["mobilefacenet-xiaoccer"] = _compare(
        "mobilefacenet-xiaoccer",
        lambda v, x: mobilefacenet.aligned_features_a(v, x)["linear"],
        lambda t, x: torch_networks.mobilefacenet_xiaoccer(t, scaled(x)),
        faces(112, 96),
    )
    mean, std = (torch.tensor(value).reshape(1, 3, 1, 1) for value in (IMAGENET_MEAN, IMAGENET_STD))
    errors["mobilefacenet-foamliu"] = _compare(
        "mobilefacenet-foamliu",
        lambda v, x: mobilefacenet.aligned_features_b(v, x)["linear"],
        lambda t, x: torch_networks.mobilefacenet_foamliu(t, (x / 255 - mean) / std),
        faces(112, 112),
    )

    def threeddfa_outputs(variables: dict, crops: jax.Array) -> jax.Array:
        outputs = threeddfa.crop_features(variables, crops)
        points = outputs["points"] / (threeddfa.IMAGE_SIZE / 2) - 1
        return jax.numpy.concatenate([outputs["raw"], points.transpose(0, 2, 1).reshape(len(crops), -1)], axis=-1)

    errors["3ddfa-v2"] = _compare(
        "3ddfa-v2",
        threeddfa_outputs,
        lambda t, x: torch_networks.threeddfa(t, scaled(x.flip(1))),
        faces(120, 120),
    )

    def retinaface_outputs(variables: dict, images: jax.Array) -> jax.Array:
        raw = retinaface.raw_detections(variables, images)
        landmarks = raw.landmarks.reshape(*raw.scores.shape, 10)
        return jax.numpy.concatenate([raw.boxes, raw.scores[..., None], landmarks], axis=-1)

    bgr_mean = torch.tensor(retinaface.BGR_MEAN).reshape(1, 3, 1, 1)
    errors["retinaface-mobile025"] = _compare(
        "retinaface-mobile025",
        retinaface_outputs,
        lambda t, x: torch_networks.retinaface(t, x.flip(1) - bgr_mean),
        faces(256, 320),
    )
    errors |= _compare_squeezenet(faces(224, 224))
    for name, error in errors.items():
        print(f"{name} {error:.2e}")
    sys.exit(max(errors.values()) > TOLERANCE)


def _relative_error(ours: np.ndarray, original: np.ndarray) -> float:
    return float(np.linalg.norm(ours - original) / np.linalg.norm(original))


def _nchw(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


def _compare(name: str, ours, original, images: np.ndarray) -> float:  # noqa: ANN001
    network = load_network(name, weights_dir="", allow_random=False, image_size=224)
    release = find(name)
    tensors = torch.load(locate(release), map_location="cpu", weights_only=True)
    tensors = tensors[release.entry] if release.entry else tensors
    tensors = {key.removeprefix(release.prefix): value for key, value in tensors.items()}
    with torch.inference_mode():
        want = original(tensors, _nchw(images)).numpy()
    return _relative_error(np.asarray(jax.jit(ours)(network.variables, images.astype(np.float32) / 255)), want)


def _compare_squeezenet(images: np.ndarray) -> dict[str, float]:
    tensors: dict[str, torch.Tensor] = {}

    def collect(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            layer = name.split("/")[0] if name.startswith("conv") else "/".join(name.split("/")[:2])
            tensors[f"{layer}/{'kernel' if item.ndim == 4 else 'bias'}"] = torch.from_numpy(item[()])

    with h5py.File(locate(find("squeezenet-imagenet"))) as file:
        file.visititems(collect)
    heads = torch.load(locate(find("lpips-squeezenet")), map_location="cpu", weights_only=True)
    mean = torch.tensor(squeezenet.BGR_MEAN).reshape(1, 3, 1, 1)
    reversed_images = np.ascontiguousarray(images[::-1])
    with torch.inference_mode():
        taps = torch_networks.squeezenet(tensors, _nchw(images).flip(1) - mean)
        reversed_taps = torch_networks.squeezenet(tensors, _nchw(reversed_images).flip(1) - mean)
        distance = torch_networks.lpips_like(taps, reversed_taps, heads).numpy()
    network = load_network("squeezenet-imagenet", weights_dir="", allow_random=False, image_size=224)
    ours = jax.jit(squeezenet.features)(network.variables, images.astype(np.float32) / 255)
    errors = [
        _relative_error(np.asarray(ours[name]), tap.permute(0, 2, 3, 1).numpy())
        for name, tap in zip(squeezenet.TAPS, taps, strict=True)
    ]
    lpips = load_network("lpips-like-squeezenet", weights_dir="", allow_random=False, image_size=224)
    our_distance = squeezenet.lpips_like(
        lpips, images.astype(np.float32) / 255, reversed_images.astype(np.float32) / 255
    )
    return {
        "squeezenet-imagenet (worst of seven taps)": max(errors),
        "lpips-like-squeezenet": _relative_error(np.asarray(our_distance), distance),
    }


if __name__ == "__main__":
    main()
