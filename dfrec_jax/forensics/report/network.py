"""Which network recovered, what it was trained on, and how far it may be trusted: what its run measured."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from dfrec_jax.forensics import packed_network
from dfrec_jax.perceptors import loss_networks
from dfrec_jax.reports import results
from dfrec_jax.runs import packed, shipped

CONFIG, RESULTS = "config.json", "results/results.json"
_ROWS = ("None", "inpainting without f_t", "DFREC")
# What a report shows where it was measured: metric, and what it is called.
METRICS = (
    ("idsim", "IDSIM: cosine of identity"),
    ("idsim_other", "IDSIM to the other face"),
    ("ssim_uniform_region", "SSIM of the region"),
    ("psnr_region", "PSNR of the region, dB"),
)
DETECTION = (
    ("auc_forged", "AUC, forged against pristine"),
    ("calibration_error", "expected calibration error"),
    ("acc_id", "Acc_id: share told right"),
)


def facts(workdir: Path, config: ConfigDict, step: int) -> dict[str, Any]:
    """Of the run in `workdir`: the hash of its config, its training data, its losses' networks, and its figures."""
    return {
        "workdir": str(workdir),
        "came_with": shipped.name_of(workdir),
        "config_sha256": hashlib.sha256((workdir / CONFIG).read_bytes()).hexdigest(),
        "trained_on": trained_on(config),
        "networks_of_losses": sorted(set(loss_networks(config).values())),
        "recogniser_of_metrics": config.frozen.metric,
        "is_of_drawn_faces": config.data.dataset == "embedded",
        "reliability": reliability(workdir, config, step),
        "gains": gains(workdir, config),
    }


def gains(workdir: Path, config: ConfigDict) -> list[dict[str, Any]]:
    """How much nearer to the true target than the exhibit what it recovers is, as `packed_network.gains`: in each
    evaluation that came with a packed network, or in that of a run; by recognisers that took no part in training.

    Raises:
      ConfigError: for a damaged file of a packed network.
    """
    if packed.is_packed(workdir):
        found = packed_network.gains(workdir)
    else:
        try:
            gain = packed_network.gain_in(results.read(workdir / RESULTS))
        except (OSError, ValueError):
            gain = None  # `reliability` says why
        found = [] if gain is None else [gain]
    judged = set(loss_networks(config).values())
    return [gain for gain in found if gain["by"] not in judged]


def named(network: Mapping[str, Any]) -> str:
    """The words of `dfrec` that name the network of a report's record."""
    return f"--network {network['came_with']}" if network.get("came_with") else f"--workdir {network['workdir']}"


def trained_on(config: ConfigDict) -> str:
    """The data and the forgeries of training, in words."""
    data = config.data
    kinds = [
        f"{share:.0%} {words}"
        for share, words in (
            (data.recorded_share or 0.0, "forgeries of the data set"),
            (data.bi_share, "Face X-ray's blends"),
            (data.neural_share, "swaps by a small network"),
            (data.photograph_share, "photographs with the face hidden"),
            (data.real_share + data.original_share, "pristine faces"),
        )
        if share
    ]
    swaps = "warped swaps" if data.dataset != "embedded" else "swaps of drawn faces"
    kinds.append(f"the rest {swaps}" if kinds else swaps)
    attack = f" ({data.attack})" if data.attack else ""
    return f"`{data.dataset}`{attack}{folders(config)}; of each batch {', '.join(kinds)}"


def folders(config: ConfigDict) -> str:
    """`, of LFW, DFDC`: the names of the folders of a run's prepared data; empty where it has none."""
    parts = config.data.dir.split(",") if config.data.dir else []
    return f", of {', '.join(Path(part.strip()).name for part in parts)}" if parts else ""


def reliability(workdir: Path, config: ConfigDict, step: int) -> dict[str, Any]:
    """What the run measured of itself on its test set; `reason` says why there is nothing, or what is wrong with it."""
    path = workdir / RESULTS
    none: dict[str, Any] = {"recovery": [], "detection": []}
    again = f"`python evaluate.py --workdir={workdir}` measures it"
    if not path.is_file():
        return {"reason": f"this network was not measured on a test set ({RESULTS} is not there); {again}", **none}
    try:
        read = results.read(path)
    except (OSError, ValueError) as error:
        return {"reason": f"{RESULTS} cannot be read ({error}); {again}", **none}
    judged = set(loss_networks(config).values())
    recovery = [
        record._asdict()
        for role in ("target", "source")
        for metric, _ in METRICS
        for row in _ROWS
        for record in read.records
        if (record.table, record.role, record.metric, record.row) == ("recovery", role, metric, row)
        and (not record.network or record.network not in judged)  # a loss does not judge itself
    ]
    detection = [
        record._asdict()
        for metric, _ in DETECTION
        for record in read.records
        if record.metric == metric and record.row in ("classification head", "DFREC")
    ]
    measured = read.measured.get("step")
    reason = ""
    if measured is not None and measured != step:
        reason = f"the figures are those of step {measured}, and the exhibit was recovered by step {step}"
    elif not recovery:
        reason = f"{RESULTS} holds no figure by a recogniser that took no part in training; {again}"
    return {
        "reason": reason,
        "file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "measured": dict(read.measured),
        "recovery": recovery,
        "detection": detection,
    }
