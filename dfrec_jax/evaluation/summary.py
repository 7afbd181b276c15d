"""From every example's numbers to records: means with intervals, gains over the forgery itself, real against forged."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.evaluation import measure
from dfrec_jax.evaluation.collecting import Collected
from dfrec_jax.evaluation.recoverers import COPY, DFREC, SURROUNDINGS, VISIBLE_GIVEN
from dfrec_jax.metrics import bootstrap, calibration, identity
from dfrec_jax.reports import results, tables

TABLE = "recovery"
BY_NETWORK = {"idsim": "metric", "lpips": "distance", "face": "detector"}  # what each kind of metric is measured by


def summarise(
    collected: Collected, names: Sequence[str], config: ConfigDict, networks: dict[str, str]
) -> list[results.Record]:
    """Records over all attacks together, and of each where there are several.

    Args:
      collected: every example's numbers. Intervals resample `group` where the examples have one, people otherwise.
      names: of the attacks, by number.
      config: of the measured network, its data section that of what it was measured on.
      networks: names of the networks by `BY_NETWORK`'s values.
    """
    is_forgery, attack = collected.examples["is_forgery"], collected.examples["attack"]
    records = _of_attack("all", np.ones_like(is_forgery), collected, config, networks)
    present = [number for number in range(len(names)) if (is_forgery & (attack == number)).any()]
    for number in present if len(present) > 1 else ():
        chosen = ~is_forgery | (attack == number)
        records += _of_attack(names[number], chosen, collected, config, networks)
    return records


def _of_attack(
    attack: str, chosen: np.ndarray, collected: Collected, config: ConfigDict, networks: dict[str, str]
) -> list[results.Record]:
    examples, records = collected.examples, []
    record = partial(results.Record, dataset=config.data.dataset, attack=attack)
    for (role, row, name), values, is_comparable in _with_gains(collected):
        counted = chosen & examples["is_forgery"] & is_comparable
        if counted.any():
            clusters = examples.get("group", examples[f"{role}_id"])
            estimate = bootstrap.mean_with_interval(values[counted], clusters[counted])
            network = networks.get(BY_NETWORK.get(name.split("_")[0], ""), "")
            records.append(record(table=TABLE, row=row, role=role, metric=name, **estimate._asdict(), network=network))
    is_forgery, clusters = examples["is_forgery"][chosen], examples.get("group", examples["target_id"])[chosen]
    for row, similarity in collected.input_to_recovered.items():
        for name, estimate in _judged_real(similarity[chosen], is_forgery, clusters):
            network = networks["metric"]
            records.append(
                record(table=TABLE, row=row, role="target", metric=name, **estimate._asdict(), network=network)
            )
    if collected.forgery_logit is not None:
        table, row = tables.DETECTION.table, tables.DETECTION.rows[0]
        for name, estimate in _judged_forged(collected.forgery_logit[chosen], is_forgery, clusters):
            records.append(record(table=table, row=row, role="", metric=name, **estimate._asdict(), network=""))
    return records


def _with_gains(collected: Collected) -> Iterator[tuple[tuple[str, str, str], np.ndarray, np.ndarray]]:
    """Each number, whether an example counts, and beside it the difference to the forgery's own: `<metric>_gain`.

    An example counts where its reference is there (for `idsim_other` both are), and where every row has a number: a
    forgery that equals its target has an endless PSNR, which leaves the example out of the other rows too.
    """
    values, examples = collected.values, collected.examples
    for (role, row, name), value in values.items():
        is_comparable = examples[f"has_{role}"]
        if name == "idsim_other":
            is_comparable = examples["has_source"] & examples["has_target"]
        of_all_rows = [numbers for (other, _, metric), numbers in values.items() if (other, metric) == (role, name)]
        is_comparable = is_comparable & np.isfinite(of_all_rows).all(axis=0)
        if row == VISIBLE_GIVEN:  # without a picture of the visible person nothing was given
            is_comparable = is_comparable & examples["has_source"]
        yield (role, row, name), value, is_comparable
        if row not in (measure.NONE, COPY):
            yield (role, row, f"{name}_gain"), value - values[role, measure.NONE, name], is_comparable
        if name == "idsim" and row == DFREC and (role, SURROUNDINGS, name) in values:
            yield (role, row, "idsim_over_surroundings"), value - values[role, SURROUNDINGS, name], is_comparable


def _judged_real(
    similarity: np.ndarray, is_forgery: np.ndarray, clusters: np.ndarray
) -> Iterator[tuple[str, bootstrap.Estimate]]:
    """What the similarity between input and recovered target says of pristine faces and of forgeries."""
    if not is_forgery.all() and is_forgery.any():
        is_judged_real = identity.judged_real(similarity)
        yield (
            "acc_id",
            bootstrap.statistic_with_interval(
                lambda chosen: identity.balanced_accuracy(is_judged_real[chosen], is_forgery[chosen]), clusters
            ),
        )
        yield (
            "auc_real",
            bootstrap.statistic_with_interval(
                lambda chosen: identity.area_under_roc(similarity[chosen], ~is_forgery[chosen]), clusters
            ),
        )
    if not is_forgery.all():
        of_pristine = similarity[~is_forgery]
        yield (
            "idsim_to_input_pristine_median",
            bootstrap.statistic_with_interval(
                lambda chosen: float(np.median(of_pristine[chosen])), clusters[~is_forgery]
            ),
        )


def _judged_forged(
    logit: np.ndarray, is_forgery: np.ndarray, clusters: np.ndarray
) -> Iterator[tuple[str, bootstrap.Estimate]]:
    """How the classification head tells the two apart, and whether its probabilities hold; nothing of one kind alone.

    Of the calibration error there is no interval: resampled, it comes out larger.
    """
    if is_forgery.all() or not is_forgery.any():
        return
    probability = np.exp(-np.logaddexp(0.0, -logit.astype(np.float64)))
    yield (
        "auc_forged",
        bootstrap.statistic_with_interval(
            lambda chosen: identity.area_under_roc(logit[chosen], is_forgery[chosen]), clusters
        ),
    )
    error = calibration.expected_calibration_error(probability, is_forgery)
    yield "calibration_error", bootstrap.Estimate(error, None, None, len(logit))
    for name, kind in (("forgeries", is_forgery), ("pristine", ~is_forgery)):
        yield f"probability_of_{name}", bootstrap.mean_with_interval(probability[kind], clusters[kind])
