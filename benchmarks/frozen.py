"""FaceNet and VGG-19, forward and gradient of the input: ours against PyTorch in one run.

Run:     python benchmarks/frozen.py [--batch 8] [--size 224] [--repeats 7]      (needs PyTorch: the `convert` extra)
Does:    the mean of all taps' mean squares, and its gradient by the image, as in the losses; random weights, equal on
         both sides (they go through our conversion rules), same threads. The repeats of the two alternate, so that a
         busy machine slows both.
Prints:  a network, ms of each side (the fastest repeat), images/s, the ratio PyTorch / ours: above 1, ours is faster.
         Both sides are compared first; a difference above 1e-4 in the loss or 1e-2 in the gradient ends the run. (The
         gradient of a ReLU jumps where rounding decides a sign; in float64 FaceNet's two gradients differ by 1e-15.)
"""

import argparse
import os
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch_networks

from dfrec_jax.frozen import facenet, vgg
from dfrec_jax.frozen.blueprint import from_tensors

NETWORKS = (
    ("facenet-vggface2", facenet.BLUEPRINT, facenet.native_size_features, torch_networks.InceptionResnetV1),
    ("vgg19-imagenet", vgg.BLUEPRINT, vgg.features, torch_networks.Vgg19),
)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(0)
    images = np.random.default_rng(0).random((arguments.batch, arguments.size, arguments.size, 3), np.float32)
    print(f"{arguments.batch} images of {arguments.size} px, {jax.devices()[0].platform}")
    print(f"jax {jax.__version__}, torch {torch.__version__} on {torch.get_num_threads()} threads")
    for name, blueprint, features, original in NETWORKS:
        peer = original().eval().requires_grad_(False).apply(_spread)
        tensors = {key: value.numpy() for key, value in peer.state_dict().items()}
        network = from_tensors(blueprint, tensors)
        taps = next(iter(blueprint.taps.values()))

        @jax.jit
        def gradient(variables, images, features=features, taps=taps):  # noqa: ANN001, ANN202
            def loss(images):  # noqa: ANN001, ANN202
                outputs = features(variables, images)
                return sum(jnp.mean(jnp.square(outputs[tap])) for tap in taps) / len(taps)

            return jax.value_and_grad(loss)(images)

        normalise = _standardise if blueprint is facenet.BLUEPRINT else _imagenet

        def ours(network=network, gradient=gradient) -> tuple[float, np.ndarray]:  # noqa: ANN001
            loss, grad = jax.block_until_ready(gradient(network.variables, images))
            return float(loss), np.asarray(grad)

        def theirs(peer=peer, normalise=normalise) -> tuple[float, np.ndarray]:  # noqa: ANN001
            x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().requires_grad_()
            outputs = peer(normalise(x))
            loss = sum(output.square().mean() for output in outputs) / len(outputs)
            loss.backward()
            return loss.item(), x.grad.permute(0, 2, 3, 1).numpy()

        _check_equal(name, ours(), theirs())
        times = {"ours": [], "torch": []}
        for _ in range(arguments.repeats):
            times["ours"].append(_seconds(ours))
            times["torch"].append(_seconds(theirs))
        best = {side: min(seconds) for side, seconds in times.items()}
        sides = (f"{side} {1e3 * t:.0f} ms ({arguments.batch / t:.1f} images/s)" for side, t in best.items())
        print(f"{name}: {', '.join(sides)}, ratio {best['torch'] / best['ours']:.2f}")


def _spread(layer: torch.nn.Module) -> None:
    """He et al.'s variance: PyTorch's default lets the activations of a deep network die out, and the gradient."""
    if isinstance(layer, torch.nn.Conv2d):
        torch.nn.init.kaiming_normal_(layer.weight)


def _standardise(x: torch.Tensor) -> torch.Tensor:
    return (255 * x - 127.5) / 128


def _imagenet(x: torch.Tensor) -> torch.Tensor:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (x - mean.reshape(1, 3, 1, 1)) / std.reshape(1, 3, 1, 1)


def _check_equal(name: str, ours: tuple[float, np.ndarray], theirs: tuple[float, np.ndarray]) -> None:
    loss_error = abs(ours[0] - theirs[0]) / abs(theirs[0])
    gradient_error = np.linalg.norm(ours[1] - theirs[1]) / np.linalg.norm(theirs[1])
    print(f"{name}: relative difference of the loss {loss_error:.1e}, of the gradient {gradient_error:.1e}")
    if loss_error > 1e-4 or gradient_error > 1e-2:
        sys.exit(f"{name}: the two sides do not compute the same")


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
