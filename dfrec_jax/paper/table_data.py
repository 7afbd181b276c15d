"""What a column of a table is measured on: a data set and an attack of it, of photographs or of drawn faces."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.data import pipeline
from dfrec_jax.evaluation import perturbations, spread

EMBEDDED, OUTDOORS = "embedded", "embedded, outdoors"
SCENES = {EMBEDDED: "usual", OUTDOORS: "outdoors"}
# Three attacks of drawn faces: how much of the target they let through. The order by which the row None of the paper
# tells that of its own three: least by LCR, most by IDInjection.
LEAKS = {"leak 0 to 0.1": (0.0, 0.1), "leak 0.1 to 0.25": (0.1, 0.25), "leak 0.25 to 0.4": (0.25, 0.4)}
DRAWN_ATTACKS = {"lcr": "leak 0 to 0.1", "ftm": "leak 0.1 to 0.25", "idinjection": "leak 0.25 to 0.4"}
DRAWN_REAL_SHARE, DRAWN_EXAMPLES = 0.2, 128  # the same for every row, whatever the runs were trained on
HELD = 1 << 30  # bytes of batches that are kept in memory between two rows


class Data(NamedTuple):
    """A data set and an attack of it; `dataset` is the name in configs, or `OUTDOORS`."""

    dataset: str
    attack: str = ""

    def __str__(self) -> str:
        return f"{self.dataset}, {self.attack}" if self.attack else self.dataset


def of_config(config: ConfigDict) -> Data:
    """What a run was trained on."""
    data = config.data
    if data.dataset != EMBEDDED:
        return Data(data.dataset, data.attack)
    leak = tuple(data.leak)
    attack = next((name for name, bounds in LEAKS.items() if bounds == leak), f"leak {leak[0]:g} to {leak[1]:g}")
    dataset = next(name for name, scene in SCENES.items() if scene == data.get("scene", "usual"))
    return Data(dataset, attack)


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
            "data": list(self.data), "image_size": self.image_size, "batch_size": self.batch_size,
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
