"""Published weights that a part of DFREC starts from: EfficientNet-B0 for the ISM, an MAE's encoder for the TIRM."""

from collections.abc import Mapping

import numpy as np

from dfrec_jax.weights.conversion import load_variables
from dfrec_jax.weights.dfrec import imagenet_backbone, mae_encoder
from dfrec_jax.weights.rules import Rule, WeightsError

# What the config's field initialises: its variables begin with params/ or batch_stats/ and this.
SCOPES = {"ism.initialisation": "ism/backbone/", "tirm.initialisation": "tirm/encoder/"}
BACKBONES = ("efficientnet-b0",)
ENCODERS = ("mae-vit-b-16", "mae-vit-l-16")
POSITIONS = "params/tirm/encoder/positions/table"


def load_pretrained(
    field: str, name: str, shapes: Mapping[str, tuple[int, ...]], *, weights_dir: str = ""
) -> dict[str, np.ndarray]:
    """The variables that `field` of the config starts from.

    Args:
      field: `ism.initialisation` or `tirm.initialisation`.
      name: of the release, `efficientnet-b0`, `mae-vit-b-16` or `mae-vit-l-16`.
      shapes: path and shape of every variable of DFREC (`models.dfrec.variable_shapes`).
      weights_dir: the folder that is searched first.

    Returns:
      {path: float32 array}: all of the ISM's backbone, or all of the TIRM's encoder.

    Raises:
      WeightsMissing: where the file is nowhere and cannot be downloaded.
      WeightsError: for a name that does not fit the field, or a network of another size than the file's; says which.
    """
    allowed = BACKBONES if field == "ism.initialisation" else ENCODERS
    if name not in allowed:
        raise WeightsError(f"{field}={name!r}: must be one of {', '.join(allowed)}, or empty for a random start")
    expected = {path: shape for path, shape in shapes.items() if path.split("/", 1)[1].startswith(SCOPES[field])}
    try:
        return load_variables(name, _rules(name, expected), expected, weights_dir=weights_dir)
    except WeightsError as error:
        if "shape" not in str(error) and "lacks" not in str(error) and "not filled" not in str(error):
            raise
        size = "ism.width=1" if name in BACKBONES else f"tirm.vit='{name.split('-')[2]}' and patches of 16 pixels"
        raise WeightsError(f"{field}={name!r} needs {size}: {error}") from error


def _rules(name: str, expected: Mapping[str, tuple[int, ...]]) -> tuple[Rule, ...]:
    return imagenet_backbone() if name in BACKBONES else mae_encoder(learned_positions=POSITIONS in expected)
