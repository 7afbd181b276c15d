"""From every example's numbers to records: means with intervals, gains over the forgery itself and over other
rows, real against forged."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.evaluation import measure, table_metrics
from dfrec_jax.evaluation.collecting import Collected
from dfrec_jax.evaluation.recoverers import COPY, DFREC, SURROUNDINGS, VISIBLE_ESTIMATED, VISIBLE_GIVEN
from dfrec_jax.metrics import bootstrap, calibration, identity
from dfrec_jax.reports import results, tables

TABLE, GROUPS = "recovery", "groups"
PAIRED = {"surroundings": SURROUNDINGS, "plain": DFREC}  # `idsim_over_<name>`: the difference to another row
PAIRED_ROWS = (DFREC, VISIBLE_GIVEN, VISIBLE_ESTIMATED)
BY_NETWORK = {"idsim": "metric", "lpips": "distance", "face": "detector"}  # what each kind of metric is measured by


def summarise(
    collected: Collected, names: Sequence[str], config: ConfigDict, networks: dict[str, str]
) -> list[results.Record]:
    """Records over all attacks together, and of each where there are several.

    Args:
      collected: every example's numbers. Intervals resample `group` where the examples have one, people otherwise; of
        a single attack people, by `target` where the examples say who that is. With groups there are records of
        the table `GROUPS` too: over groups, each counting once, and without the largest of them.
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
    if "group" in collected.examples:
        records += _of_groups(collected, config, networks)
    return records


def _of_attack(
    attack: str, chosen: np.ndarray, collected: Collected, config: ConfigDict, networks: dict[str, str]
) -> list[results.Record]:
    examples, is_alone = collected.examples, attack != "all"
    record = partial(results.Record, dataset=config.data.dataset, attack=attack)
    clusters = {role: _clusters(examples, role, by_group=not is_alone) for role in measure.OTHER}
    records = _means(chosen, collected, clusters, networks, partial(record, table=TABLE))
    is_forgery, clusters = examples["is_forgery"][chosen], clusters["target"][chosen]
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


def _of_groups(collected: Collected, config: ConfigDict, networks: dict[str, str]) -> list[results.Record]:
    """Means over groups, and both means without the largest group, which might speak for all."""
    group, is_forgery = collected.examples["group"], collected.examples["is_forgery"]
    clusters, records = dict.fromkeys(measure.OTHER, group), []
    if not is_forgery.any():
        return []
    present, counts = np.unique(group[is_forgery], return_counts=True)
    parts = {"all": np.ones_like(is_forgery)}
    if len(present) > 1:
        largest = present[np.argmax(counts)]
        parts[f"without {largest}"] = group != largest
    for attack, chosen in parts.items():
        for over in ("examples", "groups"):
            record = partial(results.Record, table=GROUPS, dataset=config.data.dataset, attack=attack)
            records += _means(chosen, collected, clusters, networks, record, over)
    return records


def _means(
    chosen: np.ndarray,
    collected: Collected,
    clusters: dict[str, np.ndarray],
    networks: dict[str, str],
    record: Callable[..., results.Record],
    over: str = "examples",
) -> list[results.Record]:
    """Of everything that is measured on each of the chosen forgeries; `clusters` by role."""
    examples, records = collected.examples, []
    mean = bootstrap.mean_of_clusters if over == "groups" else bootstrap.mean_with_interval
    for (role, row, name), values, is_comparable in _with_gains(collected):
        counted = chosen & examples["is_forgery"] & is_comparable
        if not counted.any():
            continue
        resampled = clusters[role][counted]
        found = {name: mean(values[counted], resampled)}
        if name == "idsim_other" and row not in (measure.NONE, COPY):
            of_none = collected.values[role, measure.NONE, name][counted]
            found |= _left(values[counted], of_none, resampled, is_over_groups=over == "groups")
        network = networks.get(BY_NETWORK.get(name.split("_")[0], ""), "")
        for metric, estimate in found.items():
            records.append(record(role=role, row=row, metric=metric, **estimate._asdict(), network=network, over=over))
    return records


def _left(
    values: np.ndarray, of_none: np.ndarray, clusters: np.ndarray, *, is_over_groups: bool
) -> dict[str, bootstrap.Estimate]:
    """What is left of the forgery's similarity to the other person, as a share; nothing where that is none."""
    if is_over_groups or of_none.mean() <= 0:
        return {}
    return {
        "idsim_other_left": bootstrap.statistic_with_interval(
            lambda chosen: float(values[chosen].mean() / of_none[chosen].mean()), clusters
        )
    }


def _clusters(examples: dict[str, np.ndarray], role: str, *, by_group: bool) -> np.ndarray:
    """What an interval resamples: groups where they are known and asked for, people otherwise."""
    if by_group and "group" in examples:
        return examples["group"]
    return examples["target"] if role == "target" and "target" in examples else examples[f"{role}_id"]


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
        if row not in (measure.NONE, COPY) and (role, measure.NONE, name) in values:
            yield (role, row, f"{name}_gain"), value - values[role, measure.NONE, name], is_comparable
        for paired, other in PAIRED.items():
            if name == "idsim" and row in PAIRED_ROWS and other != row and (role, other, name) in values:
                yield (role, row, f"idsim_over_{paired}"), value - values[role, other, name], is_comparable


def _judged_real(
    similarity: np.ndarray, is_forgery: np.ndarray, clusters: np.ndarray
) -> Iterator[tuple[str, bootstrap.Estimate]]:
    """What the similarity between input and recovered target says of pristine faces and of forgeries, where it is
    known: a face that cannot be aligned has none."""
    similarity, is_forgery, clusters = (of[np.isfinite(similarity)] for of in (similarity, is_forgery, clusters))
    if not is_forgery.all() and is_forgery.any():
        ranked = np.round(similarity, identity.RANKED_DECIMALS)
        yield (
            "acc_id",
            bootstrap.statistic_with_interval(
                lambda chosen: table_metrics.accuracy(similarity[chosen], is_forgery[chosen]), clusters
            ),
        )
        yield (
            "auc_real",
            bootstrap.statistic_with_interval(
                lambda chosen: table_metrics.area(ranked[chosen], is_forgery[chosen]), clusters
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
