"""Fixtures of the compared methods; see `parity.py` on how to add one."""

from typing import Any

import jax
import numpy as np
from flax.traverse_util import unflatten_dict

from dfrec_jax.baselines import adm_unet, recce
from dfrec_jax.baselines.published import variable_shapes
from dfrec_jax.baselines.recce_losses import correlations
from dfrec_jax.weights.rules import Rule, port
from tests.parity_case import Arrays, Case, Covered, channels_first


def _ported(module: Any, tensors: Arrays, rules: tuple[Rule, ...], *inputs: Any) -> Any:
    """Variables of `module` from a foreign state dict."""
    return unflatten_dict(port(tensors, rules, variable_shapes(module, *inputs)), sep="/")


def recce_faces(case: Case) -> Arrays:
    """The verdict, every second row and column of the reconstruction, and what the metric loss sees."""
    image, module = case.image() * 2 - 1, recce.Recce()
    variables = _ported(module, case.fill(), recce.RULES, image)

    @jax.jit
    def run(variables: Any, image: jax.Array) -> tuple[recce.RecceOutput, list[jax.Array]]:
        output = module.apply(variables, image, train=False)
        return output, [correlations(pooled) for pooled in output.pooled]

    output, matrices = run(variables, image)
    return {
        "logit": output.logit[:, None],
        "reconstruction": channels_first(output.reconstruction)[:, :, ::2, ::2],
        **{f"correlation_{index}": np.asarray(matrix) for index, matrix in enumerate(matrices)},
    }


def adm_noise(case: Case) -> Arrays:
    """Noise and variance, the features at the bottom, and what the blocks are told of the time."""
    sizes = case.facts["config"]
    module = adm_unet.AdmUnet(
        image_size=sizes["image_size"],
        features=sizes["model_channels"],
        multipliers=tuple(sizes["channel_mult"]),
        num_blocks=sizes["num_res_blocks"],
        attention_sides=tuple(sizes["attention_resolutions"]),
        head_features=sizes["num_head_channels"],
    )
    image = case.arrays["image"].astype(np.float32) / np.float32(127.5) - 1
    timesteps = case.arrays["timesteps"].astype(np.int32)
    variables = _ported(module, case.fill(), adm_unet.RULES, image, timesteps)

    @jax.jit
    def run(variables: Any, image: jax.Array, timesteps: jax.Array) -> tuple[adm_unet.Denoised, Any]:
        seen = ("time_out", "middle_2")
        return module.apply(variables, image, timesteps, capture_intermediates=lambda layer, _: layer.name in seen)

    denoised, seen = run(variables, image, timesteps)
    (time,), (middle,) = (seen["intermediates"][name]["__call__"] for name in ("time_out", "middle_2"))
    return {
        "output": np.concatenate([channels_first(denoised.noise), channels_first(denoised.variance)], axis=1),
        "middle": channels_first(middle),
        "time_embedding": time,
    }


COVERED: dict[str, Covered] = {
    "recce_xception": Covered(("image_u8",), recce_faces),
    "adm_unet": Covered(("image", "timesteps"), adm_noise),
}
