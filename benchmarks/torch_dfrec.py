"""The released DFREC in plain PyTorch, written from its specification, for the comparisons in this folder only.

In training it has what ours has: stochastic depth and the pyramid's dropout (`without_dropout` takes both away).

Modules carry the names of the published checkpoint, so that their state dicts go through our conversion rules.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH, IMAGE_SIZE = 16, 224
STAGES = (  # kernel, stride, expansion, features, blocks
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)  # fmt: skip
FIRST_DILATED_BLOCK = 9
DROP_RATE, POOLING_DROPOUT = 0.2, 0.5


def num_patches(image_size: int) -> int:
    """Of a square picture."""
    return (image_size // PATCH) ** 2


def num_keep(image_size: int) -> int:
    """Visible patches, the class token among them, at a mask ratio of one half."""
    return (num_patches(image_size) + 1) // 2


class _SameConv(nn.Conv2d):
    """Pads as TensorFlow does, the odd zero after."""

    def forward(self, x: Tensor) -> Tensor:
        total = (self.kernel_size[0] - 1) * self.dilation[0] + 1 - self.stride[0]
        if total % 2:
            return super().forward(F.pad(x, (total // 2, total - total // 2) * 2))
        return F.conv2d(x, self.weight, self.bias, self.stride, total // 2, self.dilation, self.groups)


class _MBConv(nn.Module):
    def __init__(
        self, width: int, kernel: int, stride: int, dilation: int, expansion: int, features: int, drop_rate: float
    ):
        super().__init__()
        self.drop_rate = drop_rate
        hidden, squeezed = width * expansion, max(1, width // 4)
        self.has_shortcut = stride == 1 and width == features
        if expansion > 1:
            self._expand_conv = nn.Conv2d(width, hidden, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(hidden, eps=1e-3)
        self._depthwise_conv = _SameConv(hidden, hidden, kernel, stride, dilation=dilation, groups=hidden, bias=False)
        self._bn1 = nn.BatchNorm2d(hidden, eps=1e-3)
        self._se_reduce = nn.Conv2d(hidden, squeezed, 1)
        self._se_expand = nn.Conv2d(squeezed, hidden, 1)
        self._project_conv = nn.Conv2d(hidden, features, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(features, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        y = F.silu(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        y = F.silu(self._bn1(self._depthwise_conv(y)))
        gate = self._se_expand(F.silu(self._se_reduce(F.adaptive_avg_pool2d(y, 1))))
        y = self._bn2(self._project_conv(y * torch.sigmoid(gate)))
        if not self.has_shortcut:
            return y
        if self.training and self.drop_rate:
            y = y * (torch.rand(len(y), 1, 1, 1, device=y.device) >= self.drop_rate) / (1 - self.drop_rate)
        return x + y


class _Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self._conv_stem = _SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        blocks, width = [], 32
        total = sum(count for *_, count in STAGES)
        for kernel, stride, expansion, features, count in STAGES:
            for index in range(count):
                is_dilated = len(blocks) >= FIRST_DILATED_BLOCK
                step = stride if index == 0 and not is_dilated else 1
                drop_rate = DROP_RATE * len(blocks) / total
                blocks.append(_MBConv(width, kernel, step, 2 if is_dilated else 1, expansion, features, drop_rate))
                width = features
        self._blocks = nn.ModuleList(blocks)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x, low_level = F.silu(self._bn0(self._conv_stem(image))), None
        for index, block in enumerate(self._blocks):
            x = block(x)
            low_level = x if index == 2 else low_level
        return low_level, x


def _conv_norm(width: int, features: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, features, 1, bias=False), nn.BatchNorm2d(features), nn.ReLU())


def _separable(width: int, features: int, rate: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=rate, dilation=rate, groups=width, bias=False),
        nn.Conv2d(width, features, 1, bias=False),
    )


class _Pyramid(nn.Module):
    def __init__(self, width: int, features: int):
        super().__init__()
        pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), *_conv_norm(width, features))
        atrous = (
            nn.Sequential(_separable(width, features, rate), nn.BatchNorm2d(features), nn.ReLU())
            for rate in (12, 24, 36)
        )
        self.convs = nn.ModuleList([_conv_norm(width, features), *atrous, pooled])
        self.project, self.dropout = _conv_norm(5 * features, features), nn.Dropout(POOLING_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        branches = [conv(x) for conv in self.convs]
        branches[-1] = branches[-1].expand_as(branches[0])
        return self.dropout(self.project(torch.cat(branches, 1)))


class _Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.aspp = nn.Sequential(_Pyramid(320, 256), _separable(256, 256), nn.BatchNorm2d(256), nn.ReLU())
        self.block1 = _conv_norm(24, 48)
        self.block2 = nn.Sequential(_separable(304, 256), nn.BatchNorm2d(256), nn.ReLU())

    def forward(self, low_level: Tensor, deepest: Tensor) -> Tensor:
        x = F.interpolate(self.aspp(deepest), scale_factor=4, mode="bilinear", align_corners=True)
        return self.block2(torch.cat([x, self.block1(low_level)], 1))


class Ism(nn.Module):
    """DeepLabV3+ over EfficientNet-B0; without the classifier that the published inference leaves out."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = _Encoder(), _Decoder()
        self.segmentation_head = nn.Sequential(nn.Conv2d(256, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """The map."""
        coarse = self.segmentation_head(self.decoder(*self.encoder(image)))
        return torch.sigmoid(F.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=True))


class _ConvBlock(nn.Module):
    def __init__(self, width: int, features: int):
        super().__init__()
        layers = []
        for inputs in (width, features):
            layers += [nn.Conv2d(inputs, features, 3, padding=1), nn.BatchNorm2d(features), nn.ReLU()]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Up(nn.Module):
    def __init__(self, width: int, features: int):
        super().__init__()
        conv = nn.Conv2d(width, features, 3, padding=1)
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), conv, nn.BatchNorm2d(features), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        return self.up(x)


class _Gate(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()

        def conv_norm(inputs: int, features: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(inputs, features, 1), nn.BatchNorm2d(features))

        self.W, self.W_g, self.W_x = (conv_norm(width, hidden) for _ in range(3))
        self.psi, self.Conv1x1 = conv_norm(hidden, 1), nn.Conv2d(hidden, 1, 1, bias=False)

    def forward(self, gate: Tensor, skip: Tensor) -> Tensor:
        joint = torch.sigmoid(self.psi(F.relu(self.W_g(gate) + self.W_x(skip))))
        return skip * (joint + torch.sigmoid(self.Conv1x1(self.W(skip))))


class Sirm(nn.Module):
    """The attention U-Net; `rows` are its target tokens."""

    def __init__(self, rows: int):
        super().__init__()
        widths = (3, 32, 64, 128, 256, 1024)
        for level in range(1, 6):
            self.add_module(f"Conv{level}", _ConvBlock(widths[level - 1], widths[level]))
        for level, (width, features) in enumerate(((64, 32), (128, 64), (256, 128), (512, 256)), start=2):
            self.add_module(f"Up{level}", _Up(width, features))
            self.add_module(f"Att{level}", _Gate(features, features // 2))
            self.add_module(f"Up_conv{level}", _ConvBlock(width, features))
        self.Conv_1x1, self.tConv4 = nn.Conv2d(32, 3, 1), _ConvBlock(512, rows)

    def forward(self, region: Tensor) -> tuple[Tensor, Tensor]:
        """The source face and the target tokens."""
        skips, x = {}, region
        for level in range(1, 5):
            skips[level] = x = getattr(self, f"Conv{level}")(x)
            x = F.max_pool2d(x, 2)
        x, target = self.Conv5(x).chunk(2, 1)
        for level in range(5, 1, -1):
            x = getattr(self, f"Up{level}")(x)
            skip = getattr(self, f"Att{level}")(x, skips[level - 1])
            x = getattr(self, f"Up_conv{level}")(torch.cat([skip, x], 1))
        return torch.sigmoid(self.Conv_1x1(x)), self.tConv4(target).flatten(2)


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            part.unflatten(2, (self.heads, -1)).transpose(1, 2)
            for part in F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, 2)
        )
        return self.out_proj(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class _Block(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.self_attention = _Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attention(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class _Transformer(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, tokens: int):
        super().__init__()
        self.pos_embedding = nn.Parameter(0.02 * torch.randn(1, tokens, width))
        self.layers = nn.Module()
        for index in range(depth):
            self.layers.add_module(f"encoder_layer_{index}", _Block(width, heads))
        self.ln = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.layers.children():
            x = block(x)
        return self.ln(x)


class _Backbone(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, tokens: int):
        super().__init__()
        self.class_token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.conv_proj = nn.Conv2d(3, width, PATCH, PATCH)
        self.encoder = _Transformer(width, depth, heads, tokens)


def _gather(rows: Tensor, index: Tensor) -> Tensor:
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[2]))


def patchify(image: Tensor) -> Tensor:
    """Patches row by row; inside a patch row, then column, then channel."""
    side = image.shape[2] // PATCH
    patches = image.unflatten(2, (side, PATCH)).unflatten(4, (side, PATCH))  # b c i p j q
    return patches.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)


class Tirm(nn.Module):
    """The masked autoencoder with the published thresholds and index accident."""

    def __init__(self, width: int, depth: int, heads: int, image_size: int):
        super().__init__()
        patches, self.num_keep = num_patches(image_size), num_keep(image_size)
        self.mask_token = nn.Parameter(0.02 * torch.randn(1, 1, 512))
        self.backbone = _Backbone(width, depth, heads, patches + 1)
        self.decoder = _Transformer(512, 1, 16, patches + 1)
        self.decoder.decoder_embed = nn.Linear(width + patches, 512)
        self.decoder.prediction_head = nn.Linear(512, 3 * PATCH * PATCH)

    def forward(
        self, image: Tensor, source_map: Tensor, target_tokens: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The target face, its masked patches and where they are; `noise` is the uniform draw of Algorithm 1."""
        sums = F.avg_pool2d(source_map, PATCH).flatten(1) * PATCH**2
        weights = torch.where((sums.mean(1, keepdim=True) >= 250) | (sums <= 50), noise, sums)
        order = weights.argsort(dim=1, stable=True)
        idx_keep, idx_mask = order[:, : self.num_keep], order[:, self.num_keep :]

        tokens = self.backbone.conv_proj(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.backbone.class_token.expand(len(image), -1, -1), tokens], 1)
        seen = self.backbone.encoder(_gather(tokens + self.backbone.encoder.pos_embedding, idx_keep))

        known = self.decoder.decoder_embed(torch.cat([seen, target_tokens], 2))
        tokens = self.mask_token.to(known.dtype).repeat(len(image), self.decoder.pos_embedding.shape[1], 1)
        tokens = tokens.scatter(1, idx_keep[..., None].expand_as(known), known)
        tokens = self.decoder(tokens + self.decoder.pos_embedding)
        pixels = torch.sigmoid(self.decoder.prediction_head(_gather(tokens, idx_mask)).float())

        side = image.shape[2] // PATCH
        patches = patchify(image)
        patches = patches.scatter(1, idx_mask[..., None].expand_as(pixels), pixels)
        patches = patches.unflatten(2, (PATCH, PATCH, 3)).unflatten(1, (side, side))
        return patches.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3), pixels, idx_mask


class Recovered(NamedTuple):
    """What a loss looks at."""

    source_map: Tensor
    source_face: Tensor
    target_face: Tensor
    target_patches: Tensor  # b m d, the masked ones
    idx_mask: Tensor


class Dfrec(nn.Module):
    """The published inference path; ViT-L by default."""

    def __init__(self, width: int = 1024, depth: int = 24, heads: int = 16, image_size: int = IMAGE_SIZE):
        super().__init__()
        self.ism, self.sirm = Ism(), Sirm(num_keep(image_size))
        self.tirm = Tirm(width, depth, heads, image_size)

    def entries(self) -> dict[str, nn.Module]:
        """The modules under the names that their state dicts have in the published checkpoint."""
        return {"state_dict": self.ism, "recover1_state_dict": self.sirm, "recover2_state_dict": self.tirm}

    def forward(self, image: Tensor, noise: Tensor) -> Recovered:
        """The map, both faces, and what was generated of the target."""
        source_map = self.ism(image)
        source_face, target_tokens = self.sirm(source_map * image)
        return Recovered(source_map, source_face, *self.tirm(image, source_map, target_tokens, noise))

    def without_dropout(self) -> None:
        """Nothing is dropped in training from here on, so that a loss can be compared with another's."""
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
            if isinstance(module, _MBConv):
                module.drop_rate = 0.0
