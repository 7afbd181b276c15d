"""Where the pictures of a row come from: the input itself, a run, or a folder that another program filled."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import spread
from dfrec_jax.evaluation.recoverers import COPY
from dfrec_jax.evaluation.request import Request
from dfrec_jax.paper import pictures_of_others, recovered_pictures, runs_at_hand
from dfrec_jax.paper.fitted_tables import Place, Wanted
from dfrec_jax.paper.pictures_of_others import Given
from dfrec_jax.paper.recovered_pictures import Kept
from dfrec_jax.paper.table_data import DRAWN_EXAMPLES, SCENES, Measured
from dfrec_jax.paper.tables import NONE
from dfrec_jax.runs import compiling

PERTURBATION_SEED = 0


class Source(NamedTuple):
    """Where the pictures of a row come from: a function of the number of a batch and this host's rows of it."""

    pictures: Callable[[int, Mapping[str, Any]], Kept]
    step: int = 0
    folder: str = ""


def source_of(wanted: Wanted, measured: Measured, perturbation: str, request: Request) -> Source:
    """Where the pictures of one row come from; raises ConfigError where they cannot be had."""
    if wanted.method in (NONE, COPY):
        return Source(lambda number, batch: Kept(target=batch["image"]))
    run = wanted.run
    assert run is not None
    if isinstance(run, Given):
        read = pictures_of_others.read
        folder = pictures_of_others.folder_name(measured.data)
        return Source(lambda number, batch: Kept(target=read(run, measured.data, batch)), folder=folder)
    if run.config.image_size != measured.image_size:
        raise ConfigError(f"{run.workdir} recovers pictures of {run.config.image_size} px, not {measured.image_size}")
    loaded = runs_at_hand.load(run, request.checkpoint, wanted.method)
    made_of = {
        "config": run.config.to_json_best_effort(sort_keys=True),
        **measured.words(perturbation, PERTURBATION_SEED),
    }
    devices = spread.over_all_devices(measured.batch_size)
    below = runs_at_hand.written_to(run.workdir)
    store = recovered_pictures.store(below, loaded.recoverer, made_of, request.seed, devices)
    jitted = recovered_pictures.jitted(loaded.recoverer)
    run_it = compiling.announced(jitted, f"{wanted.method} of {run.workdir}", spread.is_first_host())

    def pictures(number: int, batch: Mapping[str, Any]) -> Kept:
        return recovered_pictures.recovered(
            store, number, batch["image"], batch["landmarks"], run_it, batch.get("points")
        )

    return Source(pictures, loaded.step, str(store.folder.relative_to(below)))


def measured_at(place: Place, base: ConfigDict, request: Request) -> Measured:
    """What is measured there: so many examples of the test split, or all of it."""
    examples = request.examples or (DRAWN_EXAMPLES if place.data.dataset in SCENES else base.data.test_examples)
    folder = place.data.folders or request.data_dir or base.data.dir
    return Measured(place.data, folder, base.image_size, examples, base.data.eval_batch_size)
