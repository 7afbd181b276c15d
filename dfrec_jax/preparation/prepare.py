"""`dfrec prepare` without its command line: plan, work, finish."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dfrec_jax.files import held_folder
from dfrec_jax.preparation import run_jobs, shared_people, write_dataset
from dfrec_jax.preparation.cut_records import Options
from dfrec_jax.preparation.plan import Plan, PreparationError, Rejected, Remark
from dfrec_jax.preparation.unfinished import Parts, Unfinished
from dfrec_jax.records import schema

LOCK = "preparation.lock"


class Request(NamedTuple):
    """How to prepare.

    Attributes:
      dataset: a key of `schema.BUILDERS`.
      out: the folder that `config.data.dir` will name.
      options: of the crops.
      processes: how many work side by side.
      num_forgeries: warped swaps generated for each of the validation and test splits, at most.
      seed: of those.
      settings: what dataset_info.json says of the preparation beyond the options; all that must not change when an
        unfinished preparation goes on.
      beam: options of an Apache Beam runner, as on its command line; None: no Beam.
    """

    dataset: str
    out: str
    options: Options
    processes: int
    num_forgeries: int
    seed: int
    settings: dict[str, Any]
    beam: Sequence[str] | None


def prepare(plan: Plan, make_tools: run_jobs.MakeTools, request: Request) -> write_dataset.Result:
    """Carries out `plan` and writes `<out>/<dataset>/<version>`; goes on where an earlier run of it stopped.

    Args:
      plan: of one of the modules `faceforensics`, `paired_names`, `face_folders`, `triplets`.
      make_tools: builds detector and landmarker; sent to other processes by pickling.
      request: how.

    Raises:
      PreparationError: where the data set is there already, nothing can be done, the disk is full, `out` cannot be
        written, another preparation is at work there, or an unfinished one was begun otherwise.
      KeyboardInterrupt: on Ctrl-C; what is done stays done.
    """
    folder = schema.folder_of(request.out, request.dataset)
    if folder.exists():
        raise PreparationError(f"{folder} is there already: delete it, or choose another --out")
    settings = {"dataset": request.dataset, **request.options._asdict(), "seed": request.seed}
    settings |= {"num_forgeries": request.num_forgeries, **request.settings}
    settings["people_shared_with_train"] = shared_people.shared_with_train(plan)
    begun = folder.parent / "unfinished"
    try:
        with held_folder.held(begun / LOCK, "preparation", "--out", request.out, PreparationError):
            unfinished = Unfinished(begun, plan, settings)
            if request.beam is None:
                run_jobs.run(plan, unfinished, make_tools, request.options, request.processes)
                stores = _parts(plan, unfinished)
            else:
                stores = _by_beam(plan, unfinished, make_tools, request, settings)
            said = unfinished.said()
            return write_dataset.write_and_move(
                request.dataset,
                folder,
                unfinished.folder,
                stores,
                [*plan.rejected, *(row for row in said if isinstance(row, Rejected))],
                list(dict.fromkeys(row for row in said if isinstance(row, Remark))),
                description=schema.BUILDERS[request.dataset].__doc__ or "",
                settings=settings,
                num_forgeries=request.num_forgeries,
                quality=request.options.quality,
                seed=request.seed,
            )
    except OSError as error:
        if error.errno in run_jobs.DISK_FULL:
            raise PreparationError(
                f"the disk is full ({folder.parent}): the jobs that are done are kept; make room and run the same "
                "command again"
            ) from error
        raise PreparationError(
            f"--out={request.out}: {error.filename or folder.parent} cannot be written ({error.strerror or error})"
        ) from error


def _parts(plan: Plan, unfinished: Unfinished) -> dict[str, write_dataset.Store]:
    numbers: dict[str, list[int]] = {}
    for number, job in enumerate(plan.jobs):
        numbers.setdefault(job.split, []).append(number)
    return {split: Parts(unfinished.part(number) for number in chosen) for split, chosen in numbers.items()}


def _by_beam(
    plan: Plan, unfinished: Unfinished, make_tools: run_jobs.MakeTools, request: Request, settings: dict[str, Any]
) -> dict[str, write_dataset.Store]:
    """The same builder, its records made by the workers of a Beam runner."""
    import grain  # the rest of a preparation does without
    import tensorflow_datasets as tfds

    beam = run_jobs.import_beam()
    splits: dict[str, list] = {}
    for number, job in enumerate(plan.jobs):
        splits.setdefault(job.split, []).append((number, job))
    builder = schema.BUILDERS[request.dataset](
        records={
            split: run_jobs.beam_records(jobs, unfinished.parts, make_tools, request.options)
            for split, jobs in splits.items()
        },
        data_dir=str(unfinished.folder / "beam"),
        description="",
        metadata=settings,
    )
    options = beam.options.pipeline_options.PipelineOptions(list(request.beam or ()))
    config = tfds.download.DownloadConfig(beam_options=options)
    schema.run(builder, download_config=config)
    written = Path(os.fspath(builder.data_dir))
    sources: dict[str, Any] = {
        split: grain.sources.ArrayRecordDataSource(sorted(map(str, written.glob(f"*-{split}.array_record-*"))))
        for split in splits
    }
    return sources
