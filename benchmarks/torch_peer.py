"""A training step of DFREC in plain PyTorch, for the comparisons in this folder only.

The released network (`torch_dfrec`), the frozen networks of its losses (`torch_networks`), Eq. 2 to 10 in root mean
squares, as `configs` have them by default, and AdamW. `tests/benchmarks/test_torch_peer.py` holds its loss and
gradients to ours on the same weights and batch.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
import torch_dfrec
import torch_networks
from torch import Tensor, nn

EPSILON = 1e-12  # under every root, as in ours
ALPHA = BETA = 2.0
LAMBDAS = {"identity": 1.0, "perceptual": 0.5, "attribute": 0.5, "patch": 0.5}
LEARNING_RATE, WEIGHT_DECAY = 1e-4, 1e-5
FACENET_SIZE, ATTRIBUTES_SIZE = 160, 224


class Faces(NamedTuple):
    """What the frozen networks see of some faces; a list of taps for each role."""

    identity: list[Tensor]
    perceptual: list[Tensor]
    attributes: list[Tensor]


class Frozen(nn.Module):
    """FaceNet, VGG-19 and the attribute network on RGB in [0, 1], each with its own preprocessing; never trained."""

    def __init__(self):
        super().__init__()
        self.identity = torch_networks.InceptionResnetV1()
        self.perceptual = torch_networks.Vgg19()
        self.attributes = torch_networks.Attributes()
        self.requires_grad_(False).eval()
        for name, value in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
            self.register_buffer(name, torch.tensor(value).reshape(1, 3, 1, 1))

    def train(self, mode: bool = True) -> "Frozen":
        """BatchNorm keeps its running statistics in training, too."""
        return super().train(False)

    def forward(self, images: Tensor, num_attributes: int) -> Faces:
        """The taps of Eq. 2, Eq. 5 and, of the first rows alone, Eq. 8."""
        normalised = (images - self.mean) / self.std
        return Faces(
            self.identity((255 * _resized(images, FACENET_SIZE) - 127.5) / 128),
            self.perceptual(normalised),
            [self.attributes(_resized(normalised[:num_attributes], ATTRIBUTES_SIZE))],
        )


class Peer(nn.Module):
    """The network, the frozen ones, and the loss of a batch."""

    def __init__(self, width: int, depth: int, heads: int, image_size: int):
        super().__init__()
        self.network = torch_dfrec.Dfrec(width, depth, heads, image_size)
        self.frozen = Frozen()

    def forward(self, batch: Mapping[str, Tensor], noise: Tensor) -> Tensor:
        """The loss, Eq. 10, of uint8 pictures NHWC and the flags of `dfrec_jax.examples.fields`."""
        image, source, target = (_pixels(batch[name]) for name in ("image", "source", "target"))
        out = self.network(image, noise)
        recovered = self.frozen(torch.cat([out.target_face, out.source_face]), len(image))
        with torch.no_grad():
            reference = self.frozen(torch.cat([target, source]), len(image))
        has_target, has_source = batch["has_target"].float(), batch["has_source"].float()
        terms = {
            role: _distance(getattr(recovered, role), getattr(reference, role), has_target, has_source, weight)
            for role, weight in (("identity", ALPHA), ("perceptual", BETA))
        }
        smooth = F.smooth_l1_loss(recovered.attributes[0], reference.attributes[0], reduction="none")
        terms["attribute"] = _mean(smooth.mean(1), has_target)
        patches = torch_dfrec.patchify(target).gather(1, out.idx_mask[..., None].expand_as(out.target_patches))
        distance = ((out.target_patches - patches).square().mean(2) + EPSILON).sqrt().mean(1)
        terms["patch"] = _mean(distance, has_target)
        return sum(LAMBDAS[name] * value for name, value in terms.items())


class Step:
    """`step(batch)` takes one optimiser step and returns the loss, on the device."""

    def __init__(self, peer: Peer, *, is_compiled: bool, is_bfloat16: bool):
        """`peer` stands on its device, in its memory format."""
        self.peer = peer.train()
        self.forward = torch.compile(peer) if is_compiled else peer
        self.optimizer = torch.optim.AdamW(
            peer.network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=True
        )
        self.device = next(peer.parameters()).device
        self.is_bfloat16 = is_bfloat16

    def __call__(self, batch: Mapping[str, Tensor]) -> Tensor:
        """One step on a batch that stands on the host or on the device."""
        batch = {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}
        patches = torch_dfrec.num_patches(batch["image"].shape[1])
        noise = torch.rand(len(batch["image"]), patches, device=self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_bfloat16):
            loss = self.forward(batch, noise)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()


def _pixels(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 3, 1, 2).float() / 255


def _resized(images: Tensor, side: int) -> Tensor:
    if images.shape[2] == side:
        return images
    return F.interpolate(images, (side, side), mode="bilinear", align_corners=False, antialias=True)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)


def _distance(
    recovered: list[Tensor], reference: list[Tensor], has_target: Tensor, has_source: Tensor, target_weight: float
) -> Tensor:
    """L_src + target_weight L_tgt of Eq. 4 and 7; the targets' rows come first."""
    each = sum(
        ((a.float() - b.float()).square().flatten(1).mean(1) + EPSILON).sqrt()
        for a, b in zip(recovered, reference, strict=True)
    )
    half = len(has_target)
    return target_weight * _mean(each[:half], has_target) + _mean(each[half:], has_source)
