"""The columns and rows of a table where the runs are of drawn faces, and which pictures its cells need."""

from dfrec_jax.paper import runs_at_hand, table_data
from dfrec_jax.paper.fitted_tables import fitted, places_of
from dfrec_jax.paper.table_data import Data
from dfrec_jax.paper.tables import TABLES
from tests.paper.workdirs import run


def test_perturbed_columns_and_another_training_set_have_their_own_places(tmp_path, made_up):
    one, other = run(tmp_path / "a"), run(tmp_path / "b", (0.25, 0.4))
    runs = [runs_at_hand.open_run(path) for path in (one, other)]
    two, five = fitted(TABLES[1], runs), fitted(TABLES[4], runs)
    wanted = places_of([two], runs)
    assert all({row.workdir for row in rows} == {one, other} for rows in wanted.values()) and len(wanted) == 3
    assert {place.perturbation for place in places_of([five], runs)} == {"blur", "jpeg", "noise"}
    labels = [column.label for column in fitted(TABLES[3], runs).columns]
    assert labels == ["leak .1-.25", "leak .25-.4", "leak 0-.1", "outdoors .1-.25", "outdoors .25-.4", "outdoors 0-.1"]


def test_a_run_on_another_leak_has_a_column_of_its_own(tmp_path):
    runs = [runs_at_hand.open_run(run(tmp_path / "a", (0.1, 0.4)))]
    assert fitted(TABLES[0], runs).columns[-1].data == Data("embedded", "leak 0.1 to 0.4")
    config = table_data.Measured(runs[0].trained_on, "", 32, 4, 4).config(runs[0].config)
    assert tuple(config.data.leak) == (0.1, 0.4)
