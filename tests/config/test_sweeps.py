"""The runs of a sweep as configs; and that those of the tables fill every cell that a method at hand can fill."""

import pytest

from dfrec_jax.config import sweeps, tasks
from dfrec_jax.config.defaults import task_of
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation.recoverers import COPY
from dfrec_jax.paper import runs_at_hand, table_data
from dfrec_jax.paper.fitted_tables import fitted, places_of
from dfrec_jax.paper.runs_at_hand import Run
from dfrec_jax.paper.tables import MAT, NONE, TABLES
from dfrec_jax.training.tasks.repaint import VALIDATED_STEPS

SWEEP = "configs/sweeps/tables.py"
BASES = {"drawn": ("configs/quickstart.py", ()), "real": ("configs/megafs.py", ("data.dir=prepared",))}


def runs_of(table, kind="drawn", *changes):
    base, always = BASES[kind]
    _, configs = sweeps.configs_of(f"{SWEEP}:{table}", base, (*always, *changes))
    runs = []
    for name, config in configs.items():
        config = tasks.resolved(config)
        tasks.validate(config)
        methods = runs_at_hand.METHODS[task_of(config)][0]
        runs.append(Run(name, config, methods, runs_at_hand._lacks(config), table_data.of_config(config)))
    return runs


@pytest.fixture(scope="module")
def swept():
    """All runs of all tables, of both kinds."""
    return {(kind, table): runs_of(table, kind) for kind in BASES for table in (*"1234567", "all")}


@pytest.mark.parametrize("kind", BASES)
def test_the_runs_of_a_table_fill_its_cells_and_none_is_for_nothing(swept, kind):
    at_hand = {method for methods, _ in runs_at_hand.METHODS.values() for method in methods}
    for table in TABLES:
        for runs in (swept[kind, str(table.number)], swept[kind, "all"]):
            made = fitted(table, runs)
            assert len(made.columns) == len([c for c in table.columns if kind == "real" or c.label != "E4S"])
            for row in made.rows:
                if row.method in (NONE, COPY, MAT) or row.method not in at_hand:
                    continue
                for column in made.columns:
                    run, reason = runs_at_hand.choose(runs, row, column.data)
                    assert run is not None, f"Table {table.number}, {row.label}, {column.label}: {reason}"
        own = swept[kind, str(table.number)]
        runs_at_hand.check_distinct(own)
        wanted = places_of([fitted(table, own)], own).values()
        used = {one.workdir for rows in wanted for one in rows if one.run is not None}
        assert used == {run.workdir for run in own}


def test_a_run_that_two_tables_need_is_one(swept):
    everything = {run.workdir: run for run in swept["drawn", "all"]}
    for number in "1234567":
        for run in swept["drawn", number]:
            assert run.config.to_json() == everything[run.workdir].config.to_json()
    counts = [sum(len(swept[kind, number]) for number in "1234567") for kind in BASES]
    assert len(everything) < counts[0] and len(swept["real", "all"]) < counts[1]


def test_runs_of_drawn_faces_are_short_and_those_of_the_paper_are_its_own(swept):
    assert {run.config.train.num_steps for run in swept["drawn", "all"]} == {150}
    assert {run.config.image_size for run in swept["drawn", "all"]} == {64}
    dfrec = next(run for run in swept["real", "1"] if run.workdir == "dfrec_megafs_ftm").config
    assert (dfrec.train.num_steps, dfrec.tirm.width, dfrec.data.dir) == (100_000, 1024, "prepared")


@pytest.mark.parametrize("kind", BASES)
def test_compared_methods_share_data_and_metrics_with_dfrec_and_nothing_else(swept, kind):
    runs = swept[kind, "1"]
    base = next(run for run in runs if task_of(run.config) == "dfrec").config
    for run in runs:
        assert run.config.frozen.to_dict() == base.frozen.to_dict()
        for field in ("dir", "test_examples", "crop", "margin"):
            assert run.config.data[field] == base.data[field]
        if (kind, task_of(run.config)) != ("drawn", "repaint"):
            assert run.config.data.eval_batch_size == base.data.eval_batch_size
    recce = next(run for run in runs if task_of(run.config) == "recce").config
    assert recce.data.real_share == 0.5 != base.data.real_share
    if kind == "real":
        assert (recce.recce.width, recce.optimizer.learning_rate, recce.train.num_steps) == (1.0, 2e-4, 90_000)


@pytest.mark.parametrize("kind", BASES)
def test_repaints_validation_costs_less_than_a_tenth_of_its_training(swept, kind):
    """Counted in passes of its network: a step forward and back is three, an example that is validated 25."""
    config = next(run for run in swept[kind, "1"] if task_of(run.config) == "repaint").config
    train, data = config.train, config.data
    training = 3 * train.num_steps * train.batch_size
    validated = -(-data.validation_examples // data.eval_batch_size) * data.eval_batch_size
    validations, grids = train.num_steps // train.validate_every, train.num_steps // train.samples_every
    assert VALIDATED_STEPS * validations * validated < training / 10
    assert VALIDATED_STEPS * grids * data.eval_batch_size < training / 10


def test_compared_methods_have_their_own_make_up_of_a_batch():
    """Their configs are valid, and without the base's share of swaps that a network draws."""
    shares = ("data.neural_share=0.2", "data.neural_network=runs/autoencoder")
    base = sweeps.config_files.config_of("--base", "configs/megafs.py")
    for text in shares:
        field, value = sweeps.config_files.parsed(base, text, "--set")
        sweeps.config_files.set_field(base, field, value, "--set")
    recce = sweeps._sharing(sweeps.config_files.config_of("config", "configs/compared.py:recce"), base)
    assert (recce.data.neural_share, recce.data.neural_network) == (0.0, "")
    assert set(sweeps._OWN_DATA) >= {name for name in base.data if name.endswith("_share")}


def test_what_is_set_is_the_last_word_in_every_run_that_has_it():
    runs = runs_of("1", "drawn", "train.num_steps=30", "tirm.mask_ratio=0.3", "seed=7", "recce.width=0.5")
    assert {run.config.recce.width for run in runs if "recce" in run.config} == {0.5}
    assert {run.config.train.num_steps for run in runs} == {30} and {run.config.seed for run in runs} == {7}
    assert {run.config.tirm.mask_ratio for run in runs if "tirm" in run.config} == {0.3}


@pytest.mark.parametrize(
    ("given", "base", "message"),
    [
        (f"{SWEEP}:8", "configs/quickstart.py", "tables.py:8: the table must be one of"),
        (SWEEP, "configs/quickstart.py", "tables.py:TABLE: the table must be one of"),
        ("configs/quickstart.py", "configs/quickstart.py", "SWEEP=.*has no function get_sweep"),
        (f"{SWEEP}:1", "configs/nowhere.py", "--base=configs/nowhere.py: .* is no file"),
        (f"{SWEEP}:1", f"{SWEEP}:1", "--base=.*has no function get_config"),
        (f"{SWEEP}:1", "configs/attributes.py", "--base: trains attributes"),
        (f"{SWEEP}:1", "configs/faces.py", "--base: data.dataset='faces': the tables are of one of"),
    ],
)
def test_what_is_no_sweep_and_what_is_no_base_is_refused(given, base, message):
    with pytest.raises(ConfigError, match=message):
        sweeps.configs_of(given, base)


def test_what_no_run_has_cannot_be_set():
    for text, message in (
        ("train.steps=3", "no field train.steps"),
        ("train", "FIELD=VALUE"),
        ("x", "must be"),
    ):
        with pytest.raises(ConfigError, match=message):
            runs_of("7", "drawn", text)


def test_two_runs_of_one_name_and_a_field_that_is_not_there(tmp_path):
    path = tmp_path / "sweep.py"
    text = "from dfrec_jax.config.sweeps import Sweep, SweptRun\ndef get_sweep(argument, base):\n    return Sweep({})\n"
    path.write_text(text.format("(SweptRun('a', {}), SweptRun('a', {}))"))
    with pytest.raises(ConfigError, match="two of its runs are called a"):
        sweeps.configs_of(str(path), "configs/quickstart.py")
    path.write_text(text.format("(SweptRun('a', {'train.steps': 1}),)"))
    with pytest.raises(ConfigError, match="sweep.py, a: the config has no field train.steps"):
        sweeps.configs_of(str(path), "configs/quickstart.py")
