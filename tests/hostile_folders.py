"""Valid folders for `hostile.py`, made outside of a test run: two prepared data sets, and a run with a checkpoint."""

from pathlib import Path

from tests import hostile, prepared_data


def cases(kind: str, folder: Path) -> list[hostile.Case]:
    """The cases of a kind; what they need is made in `folder`, where it is not there yet."""
    if kind == "pictures":
        return hostile.pictures()
    if kind == "weights":
        return hostile.weights()
    if kind == "records":
        root = folder / "prepared"
        return hostile.records(root / "out" if root.exists() else prepared_data.make(root))
    return hostile.configs(run(folder / "run"))


def run(folder: Path) -> Path:
    """A workdir with a config and one scored checkpoint of a tiny network."""
    from tests import tiny_run

    if folder.exists():
        return folder
    return tiny_run.make(folder, meta={"position": 7}, score=0.5)
