"""The networks that come with the package: which is meant, and that those in the repository are what they say."""

from pathlib import Path

import pytest

from dfrec_jax import cli
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.evaluation import recovery
from dfrec_jax.evaluation.recoverers import COPY, DFREC
from dfrec_jax.evaluation.request import Request
from dfrec_jax.reports import results
from dfrec_jax.runs import packed, shipped
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights import registry, resolution
from dfrec_jax.weights.resolution import WeightsMissing
from tests import tiny_run

MOST_BYTES = {"drawn": 2 << 20, "dfrec-small": 8 << 20}
FIGURES = ("idsim", "idsim_gain", "acc_id", "auc_real")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    return tmp_path


def test_one_network_is_named_and_where_none_is_that_of_photographs(elsewhere, monkeypatch):
    assert shipped.chosen("runs/mine") == Path("runs/mine")
    with pytest.raises(ConfigError, match="--network=drawn and --workdir=runs/mine: name one of the two"):
        shipped.chosen("runs/mine", "drawn")
    with pytest.raises(ConfigError, match="--network=huge: must be one of .*--workdir"):
        shipped.chosen(None, "huge")
    for nothing in (None, ""):
        with pytest.raises(ConfigError, match="dfrec-small: its files are missing .*--workdir"):
            shipped.chosen(nothing)
    record = tiny_run.make_packed(elsewhere / "dfrec-small", name="dfrec-small")
    known = registry.RELEASES["dfrec-small"]._replace(sha256=record.sha256)
    monkeypatch.setitem(registry.RELEASES, "dfrec-small", known)
    assert shipped.chosen(None) == elsewhere / "dfrec-small"
    assert shipped.name_of(elsewhere / "dfrec-small") == "dfrec-small"
    assert shipped.name_of("runs/dfrec-small") == "" == shipped.name_of(elsewhere / "mine")


def test_one_that_is_not_the_file_of_the_registry_is_refused(elsewhere, monkeypatch):
    """As where all of the folder was changed, the record with it."""
    tiny_run.make_packed(elsewhere / "drawn", name="drawn")
    monkeypatch.setitem(registry.RELEASES, "drawn", registry.RELEASES["drawn"]._replace(sha256="of another"))
    with pytest.raises(CheckpointError, match="drawn: SHA-256 .*but the registry says of another"):
        shipped.folder("drawn")


@pytest.fixture(params=shipped.NAMES)
def folder(request):
    if not packed.is_packed(shipped.FOLDER / request.param):
        pytest.skip(f"{request.param} does not come with this version")
    return shipped.folder(request.param)


def test_each_is_small_and_an_entry_of_the_registry(folder):
    record, release = packed.read_record(folder), registry.find(folder.name)
    assert release.comes_with and release.licence == record.licence
    assert (release.sha256, release.num_bytes, release.file) == (record.sha256, record.num_bytes, record.file)
    assert record.num_bytes <= MOST_BYTES[folder.name]
    assert resolution.locate(release) == folder / record.file
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".json", ".safetensors"}


def test_one_that_is_missing_is_said_to_be(monkeypatch):
    release = registry.RELEASES["drawn"]._replace(name="gone", file="gone.safetensors")
    with pytest.raises(WeightsMissing, match="gone: is not in this installation; it comes with the package"):
        resolution.locate(release)


def test_each_recorded_that_pristine_faces_are_nearer_to_their_input_than_forgeries(folder):
    """FIDELITY 5.4, 10; the slow test below computes such figures again."""
    kept = results.read(folder / "results" / "results.json")
    found = {(one.row, one.metric): one for one in kept.records if one.role == "target" and one.attack == "all"}
    assert found[DFREC, "auc_real"].low > 0.5 and found[DFREC, "acc_id"].low > 0.5
    assert found[COPY, "acc_id"].value == 0.5


@pytest.fixture
def dfdc_64(request, tmp_path):
    """The first 64 test pairs of DFDC, as docs/model_card.md prepares them."""
    shared_data, _ = request.getfixturevalue("shared_data"), request.getfixturevalue("shared_weights")
    head, *rows = (shared_data / "dfdc_pairs.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "pairs.csv").write_text(head + "".join([row for row in rows if ",test," in row][:64]))
    source, table, out = str(shared_data / "dfdc_pairs.tar"), str(tmp_path / "pairs.csv"), tmp_path / "DFDC64"
    how = ("--crop", "box", "--margin", "0.5", "--size", "128", "--processes", "1")
    with pytest.raises(SystemExit) as end:
        cli.main(["prepare", "triplets", "--source", source, "--table", table, "--out", str(out), *how])
    assert end.value.code == 0
    return out


@pytest.mark.slow
def test_each_gives_its_recorded_figures_on_a_few_examples(folder, tmp_path, request):
    """To the rounding of another machine."""
    kept = results.read(folder / "results" / "check.json")
    again = Request(**{**kept.protocol, "name": "again"})
    if again.data_dir:
        again = again._replace(data_dir=str(request.getfixturevalue("dfdc_64")))
    recovery.evaluate(folder, again, tmp_path)
    found = {record[:6]: record.value for record in results.read(tmp_path / "results" / "again.json").records}
    compared = [record for record in kept.records if record.metric in FIGURES and record.row in ("None", "DFREC")]
    assert len(compared) > 4
    assert found[next(record[:6] for record in compared if record.metric == "auc_real")] > 0.5  # FIDELITY 5.4, 10
    for record in compared:
        assert found[record[:6]] == pytest.approx(record.value, abs=0.01), record
