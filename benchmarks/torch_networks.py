"""The frozen networks in plain PyTorch, written from their publications, for the comparisons in this folder only.

`InceptionResnetV1` and `Vgg19` carry the published names of their tensors, so that a state dict of either goes through
our conversion rules. The light networks are functions of their published state dict.
"""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Tensors = Mapping[str, Tensor]


class _ConvNorm(nn.Module):
    def __init__(self, width: int, features: int, kernel: tuple[int, int] = (1, 1), stride: int = 1, pad: bool = False):
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2) if pad else 0
        self.conv = nn.Conv2d(width, features, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(features, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Residual(nn.Module):
    def __init__(self, width: int, branches: list[nn.Module], features: int, scale: float, has_relu: bool = True):
        super().__init__()
        for i, branch in enumerate(branches):
            self.add_module(f"branch{i}", branch)
        self.conv2d = nn.Conv2d(features, width, 1)
        self.branches, self.scale, self.has_relu = len(branches), scale, has_relu

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([getattr(self, f"branch{i}")(x) for i in range(self.branches)], 1)
        x = x + self.scale * self.conv2d(joined)
        return F.relu(x) if self.has_relu else x


class _Reduction(nn.Module):
    def __init__(self, branches: list[nn.Module]):
        super().__init__()
        for i, branch in enumerate(branches):
            self.add_module(f"branch{i}", branch)
        self.branches = len(branches)

    def forward(self, x: Tensor) -> Tensor:
        parts = [getattr(self, f"branch{i}")(x) for i in range(self.branches)]
        return torch.cat([*parts, F.max_pool2d(x, 3, 2)], 1)


def _block35() -> nn.Module:
    c = _ConvNorm
    branches = [
        c(256, 32),
        nn.Sequential(c(256, 32), c(32, 32, (3, 3), pad=True)),
        nn.Sequential(c(256, 32), c(32, 32, (3, 3), pad=True), c(32, 32, (3, 3), pad=True)),
    ]
    return _Residual(256, branches, 96, 0.17)


def _block17() -> nn.Module:
    c = _ConvNorm
    chain = nn.Sequential(c(896, 128), c(128, 128, (1, 7), pad=True), c(128, 128, (7, 1), pad=True))
    return _Residual(896, [c(896, 128), chain], 256, 0.10)


def _block8(scale: float, has_relu: bool) -> nn.Module:
    c = _ConvNorm
    chain = nn.Sequential(c(1792, 192), c(192, 192, (1, 3), pad=True), c(192, 192, (3, 1), pad=True))
    return _Residual(1792, [c(1792, 192), chain], 384, scale, has_relu)


class InceptionResnetV1(nn.Module):
    """FaceNet; returns the taps of Eq. 2."""

    def __init__(self) -> None:
        """Random weights under facenet-pytorch's names."""
        super().__init__()
        c = _ConvNorm
        self.conv2d_1a, self.conv2d_2a = c(3, 32, (3, 3), 2), c(32, 32, (3, 3))
        self.conv2d_2b, self.conv2d_3b = c(32, 64, (3, 3), pad=True), c(64, 80)
        self.conv2d_4a, self.conv2d_4b = c(80, 192, (3, 3)), c(192, 256, (3, 3), 2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = _Reduction(
            [
                c(256, 384, (3, 3), 2),
                nn.Sequential(c(256, 192), c(192, 192, (3, 3), pad=True), c(192, 256, (3, 3), 2)),
            ]
        )
        self.repeat_2 = nn.Sequential(*(_block17() for _ in range(10)))
        self.mixed_7a = _Reduction(
            [
                nn.Sequential(c(896, 256), c(256, 384, (3, 3), 2)),
                nn.Sequential(c(896, 256), c(256, 256, (3, 3), 2)),
                nn.Sequential(c(896, 256), c(256, 256, (3, 3), pad=True), c(256, 256, (3, 3), 2)),
            ]
        )
        self.repeat_3 = nn.Sequential(*(_block8(0.20, True) for _ in range(5)))
        self.block8 = _block8(1.0, False)
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, eps=1e-3)

    def forward(self, x: Tensor) -> list[Tensor]:
        """`x` is standardised, NCHW."""
        x = F.max_pool2d(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x))), 3, 2)
        x = self.repeat_1(self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(x))))
        mixed_6a = self.mixed_6a(x)
        repeat_3 = self.repeat_3(self.mixed_7a(self.repeat_2(mixed_6a)))
        block8 = self.block8(repeat_3)
        return [mixed_6a, repeat_3, block8, self.last_bn(self.last_linear(block8.mean((2, 3))))]


class Vgg19(nn.Module):
    """VGG-19; returns the taps of Eq. 5."""

    def __init__(self) -> None:
        """Random weights under torchvision's names."""
        super().__init__()
        layers, width = [], 3
        for stage, (features, depth) in enumerate(((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))):
            layers += [nn.MaxPool2d(2)] if stage else []
            for _ in range(depth):
                layers += [nn.Conv2d(width, features, 3, padding=1), nn.ReLU()]
                width = features
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """`x` is ImageNet-normalised, NCHW."""
        taps = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in (3, 8, 17, 26, 35):
                taps.append(x)
        return taps


def _conv_norm(t: Tensors, x: Tensor, conv: str, norm: str, stride: int = 1, padding: int = 0) -> Tensor:
    kernel = t[f"{conv}.weight"]
    groups = x.shape[1] if kernel.shape[1] == 1 and x.shape[1] > 1 else 1
    x = F.conv2d(x, kernel, t.get(f"{conv}.bias"), stride, padding, 1, groups)
    statistics = (t[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *statistics)


MOBILE_STAGES = ((5, 2), (1, 2), (6, 1), (1, 2), (2, 1))


def _mobile_blocks(x: Tensor, block: Callable[[Tensor, int, int], Tensor]) -> Tensor:
    index = 0
    for depth, stride in MOBILE_STAGES:
        for i in range(depth):
            y = block(x, index, 1 if i else stride)
            x = x + y if x.shape == y.shape else y
            index += 1
    return x


def mobilefacenet_xiaoccer(t: Tensors, x: Tensor) -> Tensor:
    """Embedding as it comes; `x` is (x - 127.5) / 128, NCHW RGB, 112x96."""

    def block(x: Tensor, index: int, stride: int) -> Tensor:
        name = f"blocks.{index}.conv"
        x = F.prelu(_conv_norm(t, x, f"{name}.0", f"{name}.1"), t[f"{name}.2.weight"])
        x = F.prelu(_conv_norm(t, x, f"{name}.3", f"{name}.4", stride, 1), t[f"{name}.5.weight"])
        return _conv_norm(t, x, f"{name}.6", f"{name}.7")

    for name, stride in (("conv1", 2), ("dw_conv1", 1)):
        x = F.prelu(_conv_norm(t, x, f"{name}.conv", f"{name}.bn", stride, 1), t[f"{name}.prelu.weight"])
    x = _mobile_blocks(x, block)
    x = F.prelu(_conv_norm(t, x, "conv2.conv", "conv2.bn"), t["conv2.prelu.weight"])
    x = _conv_norm(t, _conv_norm(t, x, "linear7.conv", "linear7.bn"), "linear1.conv", "linear1.bn")
    return x.flatten(1)


def mobilefacenet_foamliu(t: Tensors, x: Tensor) -> Tensor:
    """As A; `x` is ImageNet-normalised, 112x112."""

    def block(x: Tensor, index: int, stride: int) -> Tensor:
        name = f"features.{index}.conv"
        x = F.relu6(_conv_norm(t, x, f"{name}.0.0", f"{name}.0.1"))
        x = F.relu6(_conv_norm(t, x, f"{name}.1.0", f"{name}.1.1", stride, 1))
        return _conv_norm(t, x, f"{name}.2", f"{name}.3")

    x = F.relu6(_conv_norm(t, x, "conv1.0", "conv1.1", 2, 1))
    x = F.relu(_conv_norm(t, x, "dw_conv.depthwise", "dw_conv.bn1", 1, 1))
    x = _mobile_blocks(F.relu(_conv_norm(t, x, "dw_conv.pointwise", "dw_conv.bn2")), block)
    x = _conv_norm(t, F.relu6(_conv_norm(t, x, "conv2.0", "conv2.1")), "gdconv.depthwise", "gdconv.bn")
    return _conv_norm(t, x, "conv3", "bn").flatten(1)


def threeddfa(t: Tensors, x: Tensor) -> Tensor:
    """The 62 parameters and the 136 landmark values, joined; `x` is (x - 127.5) / 128, NCHW BGR, 120x120."""
    x = F.relu(_conv_norm(t, x, "conv1", "bn1", 2, 1))
    for name in [f"dw{i}_{j}" for i, n in ((2, 2), (3, 2), (4, 2), (5, 6)) for j in range(1, n + 1)] + ["dw6"]:
        stride = 2 if name in ("dw2_2", "dw3_2", "dw4_2", "dw5_6") else 1
        x = F.relu(_conv_norm(t, x, f"{name}.conv_dw", f"{name}.bn_dw", stride, 1))
        x = F.relu(_conv_norm(t, x, f"{name}.conv_sep", f"{name}.bn_sep"))
    x = x.mean((2, 3))
    return torch.cat([F.linear(x, t[f"{head}.weight"], t[f"{head}.bias"]) for head in ("fc_param", "fc_lm")], 1)


def retinaface(t: Tensors, x: Tensor) -> Tensor:
    """Boxes (4), face probability (1) and landmarks (10) of each anchor, joined; `x` is BGR less its mean, NCHW."""
    x = F.relu(_conv_norm(t, x, "body.stage1.0.0", "body.stage1.0.1", 2, 1))
    levels = []
    for stage, (first, strides) in enumerate(((1, (1, 2, 1, 2, 1)), (0, (2, 1, 1, 1, 1, 1)), (0, (2, 1))), start=1):
        for i, stride in enumerate(strides, start=first):
            name = f"body.stage{stage}.{i}"
            x = F.relu(_conv_norm(t, x, f"{name}.0", f"{name}.1", stride, 1))
            x = F.relu(_conv_norm(t, x, f"{name}.3", f"{name}.4"))
        levels.append(x)
    levels = [F.relu(_conv_norm(t, y, f"fpn.output{i}.0", f"fpn.output{i}.1")) for i, y in enumerate(levels, start=1)]
    for i in (1, 0):
        merged = levels[i] + F.interpolate(levels[i + 1], size=levels[i].shape[2:], mode="nearest")
        levels[i] = F.relu(_conv_norm(t, merged, f"fpn.merge{i + 1}.0", f"fpn.merge{i + 1}.1", 1, 1))
    outputs = []
    for i, y in enumerate(levels):

        def conv(y: Tensor, name: str, i: int = i) -> Tensor:
            return _conv_norm(t, y, f"ssh{i + 1}.{name}.0", f"ssh{i + 1}.{name}.1", 1, 1)

        shared = F.relu(conv(y, "conv5X5_1"))
        wide = conv(F.relu(conv(shared, "conv7X7_2")), "conv7x7_3")
        y = F.relu(torch.cat([conv(y, "conv3X3"), conv(shared, "conv5X5_2"), wide], 1))
        heads = []
        for head, width in (("BboxHead", 4), ("ClassHead", 2), ("LandmarkHead", 10)):
            name = f"{head}.{i}.conv1x1"
            z = F.conv2d(y, t[f"{name}.weight"], t[f"{name}.bias"]).permute(0, 2, 3, 1).reshape(len(y), -1, width)
            heads.append(z.softmax(-1)[..., 1:] if head == "ClassHead" else z)
        outputs.append(torch.cat(heads, -1))
    return torch.cat(outputs, 1)


def squeezenet(t: Tensors, x: Tensor) -> list[Tensor]:
    """LPIPS's seven taps; `t` by Keras layer (`fire2/squeeze1x1/kernel`), HWIO kernels; `x` is BGR less its mean."""

    def conv(x: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        return F.relu(F.conv2d(x, t[f"{name}/kernel"].permute(3, 2, 0, 1), t[f"{name}/bias"], stride, padding))

    x = conv(x, "conv1", 2)
    taps = [x]
    for i in range(2, 10):
        x = F.max_pool2d(x, 3, 2) if i in (2, 4, 6) else x
        x = conv(x, f"fire{i}/squeeze1x1")
        x = torch.cat([conv(x, f"fire{i}/expand1x1"), conv(x, f"fire{i}/expand3x3", padding=1)], 1)
        taps += [x] if i in (3, 5, 6, 7, 8, 9) else []
    return taps


def lpips_like(taps_a: list[Tensor], taps_b: list[Tensor], heads: Tensors) -> Tensor:
    """Zhang et al. 2018, Eq. 1, on taps of two pictures, with the published heads `lin0` to `lin6`."""
    total = torch.zeros(len(taps_a[0]))
    for i, (a, b) in enumerate(zip(taps_a, taps_b, strict=True)):
        a, b = (y / (y.square().sum(1, keepdim=True).sqrt() + 1e-10) for y in (a, b))
        total = total + F.conv2d((a - b).square(), heads[f"lin{i}.model.1.weight"]).mean((1, 2, 3))
    return total


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = None
        if stride != 1 or inputs != 4 * width:
            shortcut = nn.Conv2d(inputs, 4 * width, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Attributes(nn.Module):
    """ResNet-50 with 40 logits, as torchvision numbers its layers; returns `tanh(logit / 2)`, the feature of Eq. 8."""

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        inputs = 64
        for stage, depth in enumerate((3, 4, 6, 3)):
            blocks = []
            for i in range(depth):
                blocks.append(_Bottleneck(inputs, 64 * 2**stage, 2 if stage and not i else 1))
                inputs = 4 * 64 * 2**stage
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(2048, 40)

    def forward(self, x: Tensor) -> Tensor:
        """`x` is ImageNet-normalised, NCHW."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return torch.tanh(self.fc(x.mean((2, 3))).float() / 2)
