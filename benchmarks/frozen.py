"""FaceNet, VGG-19, the attribute network and RetinaFace: ours against PyTorch in one run.

Run:     python benchmarks/frozen.py [--networks ...] [--batch 8] [--size 224] [--repeats 9]
         (needs PyTorch: the `convert` extra; RetinaFace its weights in $DFREC_WEIGHTS)
Does:    of the first three the mean of all taps' mean squares and its gradient by the image, as in the losses; of
         RetinaFace its output. Random weights, equal on all sides (they go through our conversion rules); RetinaFace's
         are the published. Each side in a process of its own, by turns. PyTorch runs eager, in NCHW and with channels
         last.
Prints:  for each network and side the median in ms, the fastest and slowest turn, images/s, and the ratio of each
         PyTorch over ours: above 1, ours is faster. All sides are compared first; a difference above 1e-4 in the loss
         or 1e-2 in the gradient ends the run. (The gradient of a ReLU jumps where rounding decides a sign; in float64
         FaceNet's two gradients differ by 1e-15.)
"""

import argparse
import functools
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import side_by_side

NETWORKS = ("facenet-vggface2", "vgg19-imagenet", "attributes-resnet50", "retinaface-mobile025")
DETECTOR = "retinaface-mobile025"
SIDES = ("ours", "eager", "channels_last")
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", choices=NETWORKS, nargs="+", default=list(NETWORKS))
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--minutes", type=float, default=3.0, help="for each network, after which no turn begins")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        build = ours if arguments.side == "ours" else theirs
        side_by_side.serve(functools.partial(build, arguments))
        return
    print(f"{arguments.batch} images of {arguments.size} px; {side_by_side.processor()}")
    for network in arguments.networks:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            save_weights(network, folder)
            given = [*sys.argv[1:], "--networks", network, "--folder", name]
            commands = {side: [sys.executable, __file__, *given, "--side", side] for side in SIDES}
            timings = side_by_side.by_turns(commands, arguments.repeats, 60 * arguments.minutes)
            check_equal(network, {side: np.load(folder / f"{side}.npz") for side in SIDES})
        for side, timing in timings.items():
            ratio = "" if side == "ours" else f", ratio {timing.median / timings['ours'].median:.2f}"
            print(
                f"{network}, {side} ({timing.said['version']}): {1e3 * timing.median:.0f} ms ({timing.spread}), "
                f"{arguments.batch / timing.median:.1f} images/s{ratio}",
                flush=True,
            )


def save_weights(name: str, folder: Path) -> None:
    """Under their published names: random ones, RetinaFace's as published."""
    if name == DETECTOR:
        from dfrec_jax.weights import conversion, registry, resolution

        release = registry.find(name)
        np.savez(folder / "weights.npz", **conversion.read_release(resolution.locate(release), release))
        return
    import torch

    torch.manual_seed(0)
    peer = _peer(name)
    for layer in peer.modules():  # He et al.'s variance: with PyTorch's default the activations die out
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
        if hasattr(layer, "bn3"):
            torch.nn.init.constant_(layer.bn3.weight, 0.2)  # and those of sixteen residuals saturate the attributes
    np.savez(folder / "weights.npz", **{key: value.numpy() for key, value in peer.state_dict().items()})


def ours(arguments: argparse.Namespace) -> tuple[Callable[[], float], dict[str, Any]]:
    """Our network: the output of RetinaFace, loss and gradient of the others."""
    import jax
    import jax.numpy as jnp

    from dfrec_jax.commands import startup
    from dfrec_jax.frozen import blueprint, facenet, load, retinaface
    from dfrec_jax.frozen.resnet import torchvision_rules
    from dfrec_jax.training.step import compiler_options
    from dfrec_jax.weights.layers import COUNTERS, dense

    startup.prepare_libraries()
    (name,) = arguments.networks
    tensors = dict(np.load(arguments.folder / "weights.npz"))
    plan = load.find_blueprint(name)
    if name == "attributes-resnet50":
        rules = (*torchvision_rules("", "backbone/"), *dense("fc", "attributes"), COUNTERS)
        plan = plan._replace(parts=(blueprint.Part(name, rules),))
    variables = blueprint.from_tensors(plan, tensors).variables
    images = jnp.asarray(_images(arguments))
    features = facenet.native_size_features if plan.name == facenet.BLUEPRINT.name else plan.features

    def loss(images: jax.Array, variables: Any) -> jax.Array:
        outputs = features(variables, images)
        taps = next(iter(plan.taps.values()))
        return sum(jnp.mean(jnp.square(outputs[tap])) for tap in taps) / len(taps)

    def detect(images: jax.Array, variables: Any) -> tuple[jax.Array, ...]:
        raw = retinaface.raw_detections(variables, images)
        landmarks = raw.landmarks.reshape(*raw.landmarks.shape[:2], 10)
        return jnp.concatenate([raw.boxes, raw.scores[..., None], landmarks], -1), jnp.zeros(())

    work = jax.jit(detect if name == DETECTOR else jax.value_and_grad(loss), compiler_options=compiler_options())
    return _timed(
        lambda: tuple(np.asarray(part) for part in work(images, variables)),
        arguments,
        f"jax {jax.__version__}, {jax.devices()[0].platform}",
    )


def theirs(arguments: argparse.Namespace) -> tuple[Callable[[], float], dict[str, Any]]:
    """PyTorch's."""
    import torch
    import torch_networks

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    (name,) = arguments.networks
    layout = torch.contiguous_format if arguments.side == "eager" else torch.channels_last
    tensors = {key: torch.from_numpy(value) for key, value in np.load(arguments.folder / "weights.npz").items()}
    images = torch.from_numpy(_images(arguments)).permute(0, 3, 1, 2).contiguous(memory_format=layout)

    if name == DETECTOR:
        kernels = {k: v.contiguous(memory_format=layout) if v.ndim == 4 else v for k, v in tensors.items()}
        mean = torch.tensor([104.0, 117.0, 123.0]).reshape(1, 3, 1, 1)

        def run() -> tuple[np.ndarray, np.ndarray]:
            with torch.inference_mode():
                found = torch_networks.retinaface(kernels, 255 * images.flip(1) - mean)
            return found.numpy(), np.zeros(())
    else:
        peer = _peer(name).eval().requires_grad_(False)
        peer.load_state_dict(tensors)
        peer = peer.to(memory_format=layout)
        mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))

        def run() -> tuple[np.ndarray, np.ndarray]:
            x = images.detach().requires_grad_()
            taps = peer((255 * x - 127.5) / 128 if name == "facenet-vggface2" else (x - mean) / std)
            taps = [taps] if isinstance(taps, torch.Tensor) else taps
            loss = sum(tap.square().mean() for tap in taps) / len(taps)
            loss.backward()
            return loss.detach().numpy(), x.grad.permute(0, 2, 3, 1).numpy()

    return _timed(run, arguments, f"torch {torch.__version__} on {torch.get_num_threads()} threads")


def _peer(name: str) -> Any:
    import torch_networks

    return {
        "facenet-vggface2": torch_networks.InceptionResnetV1,
        "vgg19-imagenet": torch_networks.Vgg19,
        "attributes-resnet50": torch_networks.Attributes,
    }[name]()


def _images(arguments: argparse.Namespace) -> np.ndarray:
    return np.random.default_rng(0).random((arguments.batch, arguments.size, arguments.size, 3), np.float32)


def _timed(
    run: Callable[[], tuple[np.ndarray, ...]], arguments: argparse.Namespace, version: str
) -> tuple[Callable[[], float], dict[str, Any]]:
    value, gradient = run()
    np.savez(arguments.folder / f"{arguments.side}.npz", value=value, gradient=gradient)
    run()
    return lambda: side_by_side.seconds_of(run), {"version": version}


def check_equal(name: str, outputs: dict[str, Any]) -> None:
    """Ends the run where a side computes something else than ours."""
    for side, got in outputs.items():
        for what, allowed in (("value", 1e-4), ("gradient", 1e-2)):
            want = outputs["ours"][what]
            error = np.linalg.norm(got[what] - want) / max(np.linalg.norm(want), 1e-30)
            if not error <= allowed:
                sys.exit(f"{name}, {side}: its {what} differs from ours by {error:.1e}")


if __name__ == "__main__":
    main()
