"""The trainings behind Tables I to VII of the paper: `configs/sweeps/tables.py:1` to `:7`, or `:all`.

Run:       dfrec sweep configs/sweeps/tables.py:6 --base=configs/quickstart.py --out=runs/tables      (drawn faces), or
           dfrec sweep configs/sweeps/tables.py:6 --base=configs/megafs.py --set data.dir=DIR --out=runs/megafs_tables
           (DIR: what `dfrec prepare --crop box` wrote of CelebA-MegaFS, FaceForensics++ and FFHQ-E4S, one folder)
           A run that two tables need has one name: with one --out it is trained once.
Drawn:     three ranges of `data.leak` stand for three attacks, `data.scene='outdoors'` for the second data set; at most
           150 steps a run, compared methods narrowed. docs/evaluation.md has the counts and the minutes.
Paper:     dfrec_jax/paper/tables.py has its figures
Departs:   Table VI without fusion: `tirm.pixels='linear'`, since pixels along the U-Net's levels begin on its grid.
           Without the ISM its two losses are off, for want of what they supervise. Table VII: terms that Eq. 10 has not
           (segmentation, classification, `loss.source_pixels`) stay as the base has them.
"""

from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.config.compared_methods import METHODS
from dfrec_jax.config.defaults import task_of
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.config.sweeps import Sweep, SweptRun

TABLES = ("1", "2", "3", "4", "5", "6", "7")
COMPARED = Path(__file__).parents[1] / "compared.py"


class Attack(NamedTuple):
    """One column's data: its part of the names of runs, and what a run on it overrides."""

    name: str
    overrides: dict[str, Any]


def _megafs(attack: str) -> Attack:
    return Attack(f"megafs_{attack}", {"data.dataset": "celeba_megafs", "data.attack": attack})


def _ffpp(attack: str) -> Attack:
    return Attack(f"ffpp_{attack.lower()}", {"data.dataset": "faceforensics", "data.attack": attack})


def _leak(low: float, high: float, scene: str = "usual") -> Attack:
    name = f"leak{round(100 * low)}-{round(100 * high)}"
    name = name if scene == "usual" else f"{scene}_{name}"
    return Attack(name, {"data.leak": (low, high), "data.scene": scene})


# Data sets, each in the order of the paper's attacks: FTM, IDInjection, LCR; DeepFake, FaceShifter, LCR. Every table is
# of the first one, and Table VII of its first attack alone.
REAL = (
    (_megafs("ftm"), _megafs("idinjection"), _megafs("lcr")),
    (_ffpp("Deepfakes"), _ffpp("FaceShifter"), _ffpp("LCR")),
    (Attack("e4s", {"data.dataset": "ffhq_e4s", "data.attack": "e4s"}),),
)
LEAKS = ((0.1, 0.25), (0.25, 0.4), (0.0, 0.1))
DRAWN = tuple(tuple(_leak(low, high, scene) for low, high in LEAKS) for scene in ("usual", "outdoors"))

# What a run of drawn faces changes besides; of the compared methods `configs/compared.py` has narrow sizes for them.
SHORT = {"train.num_steps": 150, "train.validate_every": 150, "train.samples_every": 150, "checkpoint.every": 50}

# The compared methods of each table: of its own training for each attack, or one for a data set, where a method learns
# from real faces alone.
EACH_ATTACK = {"1": ("recce", "dfi"), "2": ("dfi",), "3": ("recce", "dfi"), "4": ("dfi",), "5": ("dfi",)}
EACH_DATA_SET = {"1": ("repaint", "delocate"), "3": ("delocate",)}

WITHOUT = {
    "ism": {"ism.enabled": False, "ism.known_map": 0.0, "loss.classification": 0.0, "loss.segmentation": 0.0},
    "fusion": {"tirm.fusion": "none", "tirm.pixels": "linear"},
}
LOSSES = ("perceptual", "patch", "attribute")


def get_sweep(table: str, base: ConfigDict) -> Sweep:
    """The runs of one table, `1` to `7`, or of `all`.

    Args:
      table: which.
      base: a config of DFREC, on the drawn faces or on one of the paper's data sets.

    Raises:
      ConfigError: for another table, or another base.
    """
    if table not in (*TABLES, "all"):
        raise ConfigError(f"configs/sweeps/tables.py:{table or 'TABLE'}: the table must be one of {(*TABLES, 'all')}")
    if task_of(base) != "dfrec":
        raise ConfigError(f"--base: trains {task_of(base)}; the tables are of DFREC and what it is compared with")
    known = ("embedded", *(attacks[0].overrides["data.dataset"] for attacks in REAL))
    if base.data.dataset not in known:
        raise ConfigError(f"--base: data.dataset={base.data.dataset!r}: the tables are of one of {known}")
    runs = [run for one in (TABLES if table == "all" else (table,)) for run in _runs_of(one, base)]
    return Sweep(tuple({run.name: run for run in runs}.values()), table)


def _runs_of(table: str, base: ConfigDict) -> list[SweptRun]:
    is_drawn = base.data.dataset == "embedded"
    data_sets = DRAWN if is_drawn else REAL
    if table not in ("1", "3"):
        data_sets = data_sets[:1]
    if table == "7":
        data_sets = (data_sets[0][:1],)
    short = SHORT if is_drawn else {}
    runs = []
    for attacks in data_sets:
        for attack in attacks:
            runs += [_dfrec(attack, short, name, changes) for name, changes in _variants(table).items()]
            runs += [_compared(method, attack, short) for method in EACH_ATTACK.get(table, ())]
        runs += [_compared(method, attacks[0], short) for method in EACH_DATA_SET.get(table, ())]
    return runs


def _variants(table: str) -> dict[str, dict[str, Any]]:
    """DFREC itself and, of Tables VI and VII, what it is trained without: name to overrides."""
    variants: dict[str, dict[str, Any]] = {"": {}}
    if table == "6":
        variants |= {f"_without_{part}": changes for part, changes in WITHOUT.items()}
        variants["_without_ism_fusion"] = WITHOUT["ism"] | WITHOUT["fusion"]
    if table == "7":
        for chosen in range(1, 2 ** len(LOSSES)):
            absent = [loss for bit, loss in enumerate(LOSSES) if chosen >> bit & 1]
            variants[f"_without_{'_'.join(absent)}"] = {f"loss.{loss}": 0.0 for loss in absent}
    return variants


def _dfrec(attack: Attack, short: dict[str, Any], name: str, changes: dict[str, Any]) -> SweptRun:
    return SweptRun(f"dfrec_{attack.name}{name}", {**attack.overrides, **short, **changes})


def _compared(method: str, attack: Attack, short: dict[str, Any]) -> SweptRun:
    """A compared method at its published size, or on drawn faces narrow."""
    size, own = method, {}
    if short:  # what a narrow method says of its data, on how many it validates for one, and not the base
        size = f"{method}_drawn"
        own = {name: value for name, value in METHODS[method].drawn.items() if name.startswith("data.")}
    return SweptRun(f"{method}_{attack.name}", {**attack.overrides, **own, **short}, f"{COMPARED}:{size}")
