"""From every example's numbers to records: means with intervals, gains over the forgery itself, real against forged."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.evaluation import measure
from dfrec_jax.evaluation.collecting import Collected
from dfrec_jax.metrics import bootstrap, identity
from dfrec_jax.reports import results

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
    is_forgery = examples["is_forgery"]
    record = partial(results.Record, table=TABLE, dataset=config.data.dataset, attack=attack)
    for (role, row, name), values in _with_gains(collected.values):
        counted = chosen & is_forgery & examples[f"has_{role}"]
        if counted.any():
            clusters = examples.get("group", examples[f"{role}_id"])
            estimate = bootstrap.mean_with_interval(values[counted], clusters[counted])
            network = networks.get(BY_NETWORK.get(name.split("_")[0], ""), "")
            records.append(record(row=row, role=role, metric=name, **estimate._asdict(), network=network))
    for row, similarity in collected.input_to_recovered.items():
        of_all, of_pristine = chosen, chosen & ~is_forgery
        scores = {
            "acc_id": (
                identity.balanced_accuracy(identity.judged_real(similarity[chosen]), is_forgery[chosen]),
                of_all,
            ),
            "auc_real": (identity.area_under_roc(similarity[chosen], ~is_forgery[chosen]), of_all),
            "idsim_to_input_pristine_median": (_median(similarity[of_pristine]), of_pristine),
        }
        for name, (value, over) in scores.items():
            if np.isfinite(value):  # pristine faces are there, and for the first two forgeries too
                records.append(
                    record(row=row, role="target", metric=name, value=value, low=None, high=None,
                           n=int(over.sum()), network=networks["metric"])
                )  # fmt: skip
    return records


def _with_gains(
    values: dict[tuple[str, str, str], np.ndarray],
) -> Iterator[tuple[tuple[str, str, str], np.ndarray]]:
    """Each number, and beside it its difference to the forgery's own, example by example: `<metric>_gain`."""
    for (role, row, name), value in values.items():
        yield (role, row, name), value
        if row not in (measure.NONE, measure.COPY):
            yield (role, row, f"{name}_gain"), value - values[role, measure.NONE, name]


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")
