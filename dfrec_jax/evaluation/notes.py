"""What stands below a table: on what it was measured, by what, and what its words mean."""

from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.data import forged, pipeline
from dfrec_jax.evaluation import finding
from dfrec_jax.evaluation.collecting import Collected, Instruments
from dfrec_jax.evaluation.request import Request
from dfrec_jax.metrics import calibration, identity
from dfrec_jax.models.region import EMPTY


def notes(
    config: ConfigDict, step: int, instruments: Instruments, collected: Collected, request: Request, people: str
) -> list[str]:
    """A paragraph each.

    Args:
      config: of the measured network, its data section that of what it was measured on.
      step: of the checkpoint.
      instruments: what measured.
      collected: what was measured.
      request: what was asked for.
      people: of `people.overlap`, and of `shared_pictures.count`.
    """
    is_forgery, metric = collected.examples["is_forgery"], instruments.metric
    resampled = "groups of examples" if request.groups else "people"
    said = [
        f"{is_forgery.sum()} forgeries and {(~is_forgery).sum()} pristine faces of the test split of "
        f"`{config.data.dataset}`; {people}; checkpoint of step {step}. IDSIM by "
        f"`{metric.name}`, with 95 % intervals from resampling {resampled}; Acc_id balanced over forged and pristine "
        f"faces (real above {identity.REAL_THRESHOLD}). *Region*: the patches that DFREC masks and generates, the same "
        "for every row; for IDSIM and the LPIPS-like distance all else is gray. *None* is the forgery itself.",
    ]
    if instruments.detector is not None:
        said.append(
            f"Faces are aligned by five landmarks that `{instruments.detector.name}` finds: on the forgery for itself, "
            "for the target, which is the same frame, and for what was recovered; on the source for the source. "
            "*Found*: it finds a face in the picture; *in place*: with landmarks within "
            f"{finding.IN_PLACE:.0%} of the distance of the eyes, in the mean, of the true target's (for a recovered "
            "source: of the forgery's). A face that is not found counts as neither."
        )
        said.append(
            "*Over groups*: each group counts once, however many examples it has; *without* the largest of them it "
            "cannot speak for all. Intervals of single attacks resample people. *Over another row*: the mean of the "
            "differences of each example. *Of the forgery's*: what is left of its similarity to the source. *Overlap*: "
            "intersection over union of the map and the face's region by its landmarks, both from a half on."
        )
    if config.data.dataset == pipeline.EMBEDDED:
        low, high = config.data.leak
        said.append(f"Share of the target that leaks through the swaps: {low} to {high} (`data.leak`).")
    if request.forge:
        low, high = forged.LEAK
        said.append(f"Share of the target that leaks through `swap`: {low} to {high}; otherwise none.")
    if collected.forgery_logit is not None and is_forgery.any() and not is_forgery.all():
        said.append(
            "*Classification head*: the area under its ROC curve, forged against pristine, and its expected "
            f"calibration error in {calibration.NUM_BINS} bins, at the line's share of forgeries, which of all "
            f"together is {is_forgery.mean():.0%}. A head that answers with this share whatever the picture has "
            "an ECE of 0 and an AUC of 0.5."
        )
    if request.mask_ratio or request.patch_threshold:
        tirm = config.tirm
        said.append(
            f"Masked: a share of {tirm.mask_ratio} of the patches, those of a map of {tirm.patch_threshold} first."
        )
    if request.verdict != "network":
        scale = config.ism.given_scale
        said.append(
            "Every picture, pristine ones too, was taken for a swap: "
            + (
                "the map is used whatever the classification head says, and where it covers less than "
                f"{EMPTY:.0%} of the face's region by its landmarks, that region"
                + (f"; for the target times {scale:g} (`ism.given_scale`)." if scale != 1 else ".")
                if request.verdict == "given"
                else "the face's region by its landmarks is the map."
            )
        )
    if config.tirm.identity_width > 0:
        said.append(
            "*Visible person given*: the TIRM is told what is left of the input's embedding by "
            f"`{config.frozen.identity}` beside that of the true source's picture, over the forgeries that have one; "
            "*estimated*: beside that of the recovered source. *DFREC*: it is told nothing."
        )
    if asked := request.flags():
        said.append(f"Not the plain evaluation: `{asked}`.")
    if metric.name in perceptors.loss_networks(config).values():
        said.append(
            f"**`{metric.name}` is a network of the losses too: training has pleased what measures IDSIM and Acc_id.**"
        )
    if metric.is_random:
        said.append("**The metric network has random weights: no number above means anything.**")
    return said
