"""Whether the splits of a plan share people, and which splits have none, or too few: what a reader must know."""

from collections.abc import Collection, Mapping

from dfrec_jax.preparation.plan import Plan, VideoPair
from dfrec_jax.preparation.splits import SPLITS
from dfrec_jax.records.schema import PRISTINE

ROLES = ("source", "target", "pristine")


def shared_with_train(plan: Plan) -> dict[str, dict[str, int]]:
    """For validation and test, if they are planned: how many `people` they hold, how many of them `in_train` holds too.

    And in which roles there. Where people are not known, each picture or triple counts as a person of its own.
    """
    people: dict[tuple[str, str], set[str]] = {}
    for job in plan.jobs:
        for item in (job.work,) if isinstance(job.work, VideoPair) else job.work:
            if item.label == PRISTINE:
                people.setdefault((item.split, PRISTINE), set()).add(item.target_identity)
            else:
                people.setdefault((item.split, "source"), set()).add(item.source_identity)
                people.setdefault((item.split, "target"), set()).add(item.target_identity)
    everyone = {split: set().union(*(people.get((split, role), set()) for role in ROLES)) for split in SPLITS}
    return {
        split: {
            "people": len(everyone[split]),
            "in_train": len(everyone[split] & everyone["train"]),
            **{f"in_train_as_{role}": len(everyone[split] & people.get(("train", role), set())) for role in ROLES},
        }
        for split in SPLITS[1:]
        if everyone[split]
    }


def words_of(shared: dict[str, dict[str, int]]) -> list[str]:
    """A sentence for each split that shares somebody with train."""
    return [
        f"of {found['people']} people of {split}, {found['in_train']} stand in train too: "
        + ", ".join(f"{found[f'in_train_as_{role}']} as {role}" for role in ROLES)
        for split, found in shared.items()
        if found["in_train"]
    ]


def words_on_missing_splits(there: Collection[str]) -> list[str]:
    """What cannot be done without the splits that are not `there`, and how to get them."""
    missing = [split for split in SPLITS if split not in there]
    if not missing:
        return []
    needed = [
        f"{program} needs {' and '.join(wanted)}"
        for program, splits in (("train.py", SPLITS[:2]), ("evaluate.py", SPLITS[2:]))
        if (wanted := [split for split in splits if split in missing])
    ]
    return [
        f"no record is in {' or '.join(missing)}: {'; '.join(needed)}. More people or triples, other --shares, or a "
        "list of splits that names it would fill it"
    ]


def people_to_forge_with(plan: Plan) -> dict[str, int]:
    """How many people the pristine faces of each planned split are of."""
    people: dict[str, set[str]] = {}
    for job in plan.jobs:
        for item in (job.work,) if isinstance(job.work, VideoPair) else job.work:
            people.setdefault(item.split, set()).update({item.target_identity} if item.label == PRISTINE else ())
    return {split: len(found) for split, found in people.items()}


def words_on_lone_people(people: Mapping[str, int]) -> list[str]:
    """What cannot be done with the splits of fewer than two people, and how to get more.

    Args:
      people: how many the pristine faces of each split are of.
    """
    lone = [split for split in SPLITS if people.get(split, 2) < 2]
    if not lone:
        return []
    return [
        f"too few people to forge with in {' and '.join(lone)}: a forgery takes the faces of two, so that none is made "
        "there. More people, other --shares, or a list of splits would bring them"
    ]
