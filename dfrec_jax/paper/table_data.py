"""What a column of a table is measured on: a data set and an attack of it, the paper's, of drawn faces, or other
photographs."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import perturbations, spread
from dfrec_jax.files.addresses import is_address
from dfrec_jax.records import joint

PAPERS = ("celeba_megafs", "faceforensics", "ffhq_e4s")
EMBEDDED, OUTDOORS = "embedded", "embedded, outdoors"
SCENES = {EMBEDDED: "usual", OUTDOORS: "outdoors"}
# Three attacks of drawn faces: how much of the target they let through. The order by which the row None of the paper
# tells that of its own three: least by LCR, most by IDInjection.
LEAKS = {"leak 0 to 0.1": (0.0, 0.1), "leak 0.1 to 0.25": (0.1, 0.25), "leak 0.25 to 0.4": (0.25, 0.4)}
DRAWN_ATTACKS = {"lcr": "leak 0 to 0.1", "ftm": "leak 0.1 to 0.25", "idinjection": "leak 0.25 to 0.4"}
DRAWN_REAL_SHARE, DRAWN_EXAMPLES = 0.2, 128  # the same for every row, whatever the runs were trained on
FORGERIES = {"faces": "photographs with forgeries of our own", "triplets": "recorded swaps"}  # of other photographs
HELD = 1 << 30  # bytes of batches that are kept in memory between two rows


class Data(NamedTuple):
    """A data set and an attack of it, or what a run was trained on, which may be several.

    Of other photographs than the paper's, two are the same where `dataset` and the last names of their folders are,
    wherever they lie.

    Attributes:
      dataset: the name in configs, or `OUTDOORS`.
      attack: empty: all of them.
      folders: of other photographs, as `data.dir` has them; empty of the paper's and of drawn faces.
    """

    dataset: str
    attack: str = ""
    folders: str = ""

    def __str__(self) -> str:
        name = " + ".join(_last_names(self)) if self.folders else self.dataset
        return f"{name}, {self.attack}" if self.attack else name

    def __hash__(self) -> int:
        return hash(tuple(self.words()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Data) and self.words() == other.words()

    def words(self) -> list[str]:
        """What tells it from others, as keys of kept pictures hold it."""
        if not self.folders:
            return [self.dataset, self.attack]
        of_parts = sorted(zip(_last_names(self), (part.dataset for part in single_sets(self)), strict=True))
        return [" + ".join(kind for _, kind in of_parts), self.attack, " + ".join(name for name, _ in of_parts)]


def single_sets(data: Data) -> list[Data]:
    """The single data sets that it is made of."""
    if not data.folders:
        return [data]

    def whole(folder: str) -> str:
        return folder if is_address(folder) else os.path.abspath(os.path.expanduser(folder))

    return [Data(kind, data.attack, whole(folder)) for kind, folder in joint.named_folders(data.folders, data.dataset)]


def covers(trained_on: Data, measured_on: Data, of_any_attack: bool = False) -> bool:
    """Whether a data set is among those that a run was trained on; with `of_any_attack`, some attack of it."""

    def fits(part: Data) -> bool:
        is_all = bool(part.folders) and not part.attack
        is_attack = is_all or of_any_attack or part.attack == measured_on.attack
        return is_attack and part._replace(attack=measured_on.attack) == measured_on

    return any(fits(part) for part in single_sets(trained_on))


def described(data: Data) -> str:
    """A data set of other photographs in words: its name, what its forgeries are, and where it lies."""
    return f"{data}: {FORGERIES.get(data.dataset, 'recorded swaps')} ({data.dataset}:{data.folders})"


def of_folders(folders: str, dataset: str, attack: str) -> Data:
    """Prepared data sets in the form of `data.dir`; those of the paper are told by name and attack alone."""
    kinds = {kind for kind, _ in joint.named_folders(folders, dataset)}
    return Data(dataset, attack) if dataset in PAPERS and kinds == {dataset} else Data(dataset, attack, folders)


def of_config(config: ConfigDict) -> Data:
    """What a run was trained on."""
    data = config.data
    if data.dataset != EMBEDDED:
        return of_folders(data.dir, data.dataset, data.attack)
    leak = tuple(data.leak)
    attack = next((name for name, bounds in LEAKS.items() if bounds == leak), f"leak {leak[0]:g} to {leak[1]:g}")
    dataset = next(name for name, scene in SCENES.items() if scene == data.get("scene", "usual"))
    return Data(dataset, attack)


def _last_names(data: Data) -> list[str]:
    return [Path(part.folders).name for part in single_sets(data)]


def drawn(data: Data) -> Data | None:
    """The drawn faces' counterpart of one of the paper's; None where there is none."""
    datasets = {"celeba_megafs": EMBEDDED, "faceforensics": OUTDOORS}
    attacks = {"Deepfakes": "leak 0.1 to 0.25", "FaceShifter": "leak 0.25 to 0.4", "LCR": "leak 0 to 0.1"}
    if data.dataset not in datasets:
        return None
    return Data(datasets[data.dataset], DRAWN_ATTACKS.get(data.attack) or attacks[data.attack])


class Measured(NamedTuple):
    """What is measured on, whatever measures it.

    Attributes:
      data: which.
      folder: of prepared data sets, as `data.dir`.
      image_size: side in pixels.
      examples: the first so many of the test split; 0: all.
      batch_size: of evaluation.
    """

    data: Data
    folder: str
    image_size: int
    examples: int
    batch_size: int

    def config(self, base: ConfigDict) -> ConfigDict:
        """`base` with the data section of this."""
        config = base.copy_and_resolve_references()
        config.image_size = self.image_size
        data = config.data
        data.eval_batch_size, data.test_examples, data.bi_share = self.batch_size, self.examples, 0.0
        if self.data.dataset in SCENES:
            data.dataset, data.attack, data.leak = EMBEDDED, "", LEAKS.get(self.data.attack) or _leak(self.data.attack)
            data.scene, data.real_share = SCENES[self.data.dataset], DRAWN_REAL_SHARE
        else:
            data.dataset, data.attack, data.dir = self.data.dataset, self.data.attack, self.folder
        return config

    def words(self, perturbation: str, seed: int) -> dict[str, Any]:
        """What a key of kept pictures holds of it; the pictures themselves are held against the files."""
        return {
            "data": self.data.words(), "image_size": self.image_size, "batch_size": self.batch_size,
            "perturbation": {"name": perturbation, "seed": seed} if perturbation else None,
        }  # fmt: skip


class Examples:
    """This host's rows of a column's batches, perturbed where that is asked for; held in memory where they are few."""

    def __init__(self, measured: Measured, base: ConfigDict, perturbation: str, seed: int):
        """Opens the test split. Raises ConfigError where it is not there."""
        self.config, self._seed = measured.config(base), seed
        self._perturbation = perturbations.PERTURBATIONS[perturbation] if perturbation else None
        limit = self.config.data.test_examples
        self.num_batches = pipeline.num_eval_batches(self.config, "test", max_examples=limit)
        self._held: list[pipeline.Batch] = []

    def __iter__(self) -> Iterator[pipeline.Batch]:
        if self._held:
            yield from self._held
            return
        held: list[pipeline.Batch] | None = []
        limit = self.config.data.test_examples
        for batch in pipeline.eval_batches(self.config, "test", max_examples=limit, **spread.hosts()):
            if self._perturbation is not None:
                given = (batch["image"], batch["number"], batch["is_forgery"], self._seed)
                batch = {**batch, "image": perturbations.perturb(self._perturbation, *given)}
            if held is not None:
                held.append(batch)
                if sum(value.nbytes for value in batch.values()) * self.num_batches > HELD:
                    held = None
            yield batch
        self._held = held or []


def _leak(attack: str) -> tuple[float, float]:
    """The bounds in a name that `of_config` gave."""
    low, high = (float(bound) for bound in attack.removeprefix("leak ").split(" to "))
    return low, high
