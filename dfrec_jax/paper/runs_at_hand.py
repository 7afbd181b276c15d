"""The runs that a table may take its cells from: what method each is, what it lacks, and what it was trained on."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.config import defaults
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import recoverers
from dfrec_jax.evaluation.recoverers import DFREC, INPAINTING, Loaded
from dfrec_jax.paper import compared, repaint, table_data
from dfrec_jax.paper.pictures_of_others import Given, reason_without
from dfrec_jax.paper.table_data import Data
from dfrec_jax.paper.tables import DELOCATE, DFI, LOSSES, RECCE, REPAINT, Row
from dfrec_jax.runs import packed, published_method, released, shipped, stored_config, trained
from dfrec_jax.runs.checkpoint import Checkpoints
from dfrec_jax.runs.errors import CheckpointError


class Run(NamedTuple):
    """A workdir as a table sees it.

    Attributes:
      workdir: as it was named; of a network that comes with the package its name.
      config: of its training.
      methods: the rows that it can be, the first one its own.
      without: what it lacks of the whole method, of `tables.WITHOUT`.
      trained_on: the data.
      is_published: whether it is the network that a compared method's authors published.
    """

    workdir: str
    config: ConfigDict
    methods: tuple[str, ...]
    without: frozenset[str]
    trained_on: Data
    is_published: bool = False


# What the authors' files are called by: splitidentity_ftm.pth is the one that they published.
_ATTACKS_OF_FILES = {"ftm": "ftm", "idinj": "idinjection", "inj": "idinjection", "lcr": "lcr"}
Load = Callable[[str, str, str], Loaded]  # workdir, which checkpoint, which of the run's methods


def _load_dfrec(workdir: str, which: str, method: str) -> Loaded:
    network = trained.load(workdir, which)
    make = {DFREC: recoverers.dfrec, INPAINTING: recoverers.inpainting}[method]
    return Loaded(network.step, make(network))


# By task: the rows that its run can be, and how one of them is loaded. A method that is trained by the common loop gets
# a line here, and is a row of every table from then on.
METHODS: dict[str, tuple[tuple[str, ...], Load]] = {
    "dfrec": ((DFREC, INPAINTING), _load_dfrec),
    "recce": ((RECCE,), compared.load),
    "delocate": ((DELOCATE,), compared.load),
    "dfi": ((DFI,), compared.load),
    "repaint": ((REPAINT,), repaint.load),
}


def open_run(workdir: str | os.PathLike[str]) -> Run:
    """Reads what a run is, or a network that comes with the package; loads nothing.

    Raises:
      CheckpointError: where the workdir is not the folder of a run.
      ConfigError: for a run of no method that recovers faces.
    """
    folder = folder_of(workdir)
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{workdir}: there is no config.json in it; name the folder of a training run")
    config = stored_config.load(folder)
    task = defaults.task_of(config)
    if task not in METHODS:
        raise ConfigError(
            f"{workdir}: trained {task}, which recovers no face; a table takes runs of {', '.join(METHODS)}"
        )
    is_published = (folder / published_method.IMPORTED).exists()
    trained_on = _trained_on(folder, config)
    return Run(str(workdir), config, METHODS[task][0], _lacks(config), trained_on, is_published)


def load(run: Run, which: str, method: str) -> Loaded:
    """One of its checkpoints, as one of its rows. Raises CheckpointError as `trained.load`."""
    return METHODS[defaults.task_of(run.config)][1](str(folder_of(run.workdir)), which, method)


def folder_of(workdir: str | os.PathLike[str]) -> Path:
    """Where its config and its network are: the workdir, or the package's folder of the network called so.

    Raises:
      CheckpointError, ConfigError: as `shipped.folder`.
    """
    return shipped.folder(str(workdir)) if _is_name(workdir) else Path(workdir)


def written_to(workdir: str | os.PathLike[str]) -> Path:
    """Where what is made of it goes: the workdir, or runs/NAME, since nothing is written into the package."""
    return Path("runs") / workdir if _is_name(workdir) else Path(workdir)


def _is_name(workdir: str | os.PathLike[str]) -> bool:
    return str(workdir) in shipped.NAMES and not Path(workdir).exists()


def check_checkpoint(run: Run, which: str) -> None:
    """Raises CheckpointError where a run has no such checkpoint; reads none, so that a damaged one is not found."""
    folder = folder_of(run.workdir)
    try:
        if packed.is_packed(folder):
            packed.choose(packed.read_record(folder), which)
        else:
            Checkpoints(folder).choose(which)
    except CheckpointError as error:
        raise CheckpointError(f"{run.workdir}: ", *error.args) from error


def check_distinct(runs: Sequence[Run]) -> None:
    """Raises ConfigError where two runs would fill the same cells."""
    seen: dict[tuple, str] = {}
    for run in runs:
        key = (run.methods[0], run.without, run.trained_on)
        if key in seen:
            lacks = f" {lacking(run.without)}" if run.without else ""
            raise ConfigError(
                f"{seen[key]} and {run.workdir} are both {run.methods[0]}{lacks} trained on {run.trained_on}: name one "
                "of them"
            )
        seen[key] = run.workdir


def choose(
    runs: Sequence[Run], row: Row, measured_on: Data, others: Sequence[Given] = ()
) -> tuple[Run | Given | None, str]:
    """The run, or of `others` the pictures, that fill the cells of `row` where `measured_on` is measured; else None and
    the reason."""
    for given in others:
        if given.method == row.method:
            reason = reason_without(given, measured_on)
            return (None, reason) if reason else (given, "")
    trained_on = row.trained_on or measured_on
    fitting = [run for run in runs if row.method in run.methods and run.without == row.without]
    serving = [run for run in fitting if run.trained_on == trained_on]
    if row.trained_on is None:
        serving += [run for run in fitting if table_data.covers(run.trained_on, measured_on)]
    if row.of_any_attack:
        of_any = [run for run in fitting if table_data.covers(run.trained_on, measured_on, of_any_attack=True)]
        serving += of_any or [run for run in fitting if run.is_published]
    if serving and row.of_own_data and not table_data.covers(serving[0].trained_on, measured_on, row.of_any_attack):
        return None, "it was not trained on the column's data"
    if serving:
        return serving[0], ""
    on = "the column's data" if row.trained_on is None else str(trained_on)
    return None, f"no run of it trained on {on} was named"


def lacking(without: frozenset[str]) -> str:
    """What a run lacks of the whole method, in words; empty for nothing."""
    parts = [f"{name} loss" if name in LOSSES else name for name in sorted(without)]
    return f"without {' and '.join(parts)}" if parts else ""


def _lacks(config: ConfigDict) -> frozenset[str]:
    """Which of Table VI's parts and Table VII's losses a DFREC was trained without."""
    if defaults.task_of(config) != "dfrec" or config.mode == "released":
        return frozenset()
    lacks = {
        "ISM": not config.ism.enabled,
        "fusion": config.tirm.fusion == "none",
        "perceptual": config.loss.perceptual == 0,
        "patch": config.loss.patch == 0,
        "attribute": config.loss.attribute == 0,
    }
    return frozenset(name for name, is_lacking in lacks.items() if is_lacking)


def _trained_on(workdir: Path, config: ConfigDict) -> Data:
    """Of an imported network its authors' data: the attack is the one that its file is named after.

    Raises:
      ConfigError: where the file's name says no attack.
    """
    imported = released.imported_from(workdir)
    if imported is None:
        return table_data.of_config(config)
    for part, attack in _ATTACKS_OF_FILES.items():
        if part in imported["source"].lower():
            return Data("celeba_megafs", attack)
    raise ConfigError(
        f"{workdir}: was imported from {imported['source']}, whose name does not say which attack it was trained on; "
        f"a file that a table takes has one of {', '.join(_ATTACKS_OF_FILES)} in its name, as splitidentity_ftm.pth: "
        "rename it and import it again"
    )
