"""A report made once more: the network that it names, and its exhibit recovered as it says."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from dfrec_jax import perceptors
from dfrec_jax.config.allowed import LARGEST_SEED
from dfrec_jax.config.errors import ConfigError, Option, as_arguments
from dfrec_jax.files import whole
from dfrec_jax.forensics.comparing import Check
from dfrec_jax.forensics.framed import CROPS
from dfrec_jax.forensics.recover import recover
from dfrec_jax.forensics.recoverer import Recoverer
from dfrec_jax.forensics.recovery import Recovery
from dfrec_jax.forensics.report import contents as names
from dfrec_jax.forensics.report import sealing
from dfrec_jax.forensics.report.case import Case
from dfrec_jax.forensics.report.contents import Contents
from dfrec_jax.forensics.report.write import Report
from dfrec_jax.forensics.verify import Expected, verify
from dfrec_jax.forensics.video import USUAL, Sampling, Watched
from dfrec_jax.frozen.network import FrozenNetwork
from dfrec_jax.pictures.reading import sha256_of
from dfrec_jax.runs import shipped, trained
from dfrec_jax.runs.errors import CheckpointError
from dfrec_jax.weights.digest import sha256_of_variables

MOST_SEEDS = 1000  # that are drawn again of a result which lists none, as of what the gate stopped


def verify_report(
    folder: str | os.PathLike[str],
    *,
    workdir: str | os.PathLike[str] | None = None,
    exhibit: str | os.PathLike[str] | None = None,
    key: str | os.PathLike[str] | None = None,
    rerun: bool = True,
) -> Iterator[Check]:
    """Checks a report of `dfrec recover --report`; see `verify.verify`.

    Args:
      folder: of the report.
      workdir: of the network; None: that which the report names, or which came with the package.
      exhibit: the file, from elsewhere than the report; None: not at hand.
      key: PEM of the public key of whoever is to have signed it; None: nobody said.
      rerun: whether the exhibit is recovered again.

    Raises:
      ConfigError: for what is no report, a key that cannot be used, or a network that is not there.
      ImageError: for an exhibit that cannot be read.
    """
    folder = Path(folder)
    try:
        contents = names.read(folder)
    except ValueError as error:
        raise ConfigError(f"{folder}: is no report of `dfrec recover --report` ({error})") from error
    with as_arguments():
        expected = Expected(
            None if exhibit is None else sha256_of(exhibit), None if key is None else sealing.public_key(key)
        )
        network = Network(_folder_of(workdir, contents.said["network"]), contents)
        yield from verify(folder, expected, network.hashes, network.recover_again if rerun else None)


def _folder_of(workdir: str | os.PathLike[str] | None, said: Mapping[str, Any]) -> Path:
    """A network that came with the package is looked for in this installation of it, wherever the report was made."""
    if not workdir and said.get("came_with"):
        return shipped.folder(said["came_with"])
    return Path(workdir or said["workdir"])


def _unknown(options: Mapping[str, Any], num_listed: int) -> str:
    """The first option that no command of this version gives, in words, or that would have it compute without end;
    empty where there is none.

    Args:
      options: of a report.
      num_listed: seeds that its result lists.
    """

    def is_from(least: int, most: int) -> Callable[[Any], bool]:
        return lambda value: type(value) is int and least <= value <= most

    allowed: dict[str, Callable[[Any], bool]] = {
        "seed": is_from(0, LARGEST_SEED),
        "num_seeds": is_from(1, max(num_listed, MOST_SEEDS)),
        "examine": lambda value: type(value) is bool,
        "force": lambda value: type(value) is bool,
        "crop": lambda value: value in CROPS,
        "assume": lambda value: value in ("", "swap"),
        "estimate_visible": lambda value: type(value) is bool,
    }
    wrong = (name for name, value in options.items() if name not in allowed or not allowed[name](value))
    return next((f"{name} {json.dumps(options[name])}" for name in wrong), "")


class _Records:
    """Of a report, report.json alone: no pages, and no hashes."""

    def __init__(self, report: Report):
        self._report = report
        self.identity: dict[str, Any] = {}

    def add(self, folder: Path, name: str, data: bytes, recovery: Recovery) -> None:
        """Writes it into the folder of a result."""
        whole.write_json(folder / names.RECORD, self._report.record(name, data, recovery), indent=1)

    def why_not_of_videos(self) -> str:
        """No reason: a report that is checked was made."""
        return ""

    def add_video(self, folder: Path, watched: Watched) -> None:
        """Writes it into the folder of a video's result."""
        whole.write_json(folder / names.RECORD, self._report.record_of_video(watched), indent=1)


class Network:
    """What `verify` asks of a network: its hashes, and the recovery."""

    def __init__(
        self,
        workdir: Path,
        contents: Contents,
        load_network: Callable[[str, ConfigDict], FrozenNetwork] = perceptors.load_network,
    ):
        """Reads nothing yet.

        Args:
          workdir: where the network is.
          contents: of the report.
          load_network: a frozen network by name, for a config.
        """
        self._workdir, self._contents, self._load_network = workdir, contents, load_network
        self._step = str(contents.result["checkpoint_step"])

    def hashes(self) -> dict[str, str]:
        """`config_sha256` and `network_sha256`. Raises ConfigError where the network is not there."""
        try:
            model = trained.load(self._workdir, self._step)
        except CheckpointError as error:
            raise ConfigError(
                *error.args, " (", Option("workdir"), " names the folder of the network that the report is of)"
            ) from error
        config = (self._workdir / names.CONFIG).read_bytes()
        return {
            "network_sha256": sha256_of_variables(model.variables),
            "config_sha256": hashlib.sha256(config).hexdigest(),
        }

    def recover_again(self, contents: Contents, out: Path) -> Path:
        """Recovers the working copy into `out` as the report says that it was, and returns the folder of the result.

        Raises:
          ConfigError: for options that this version does not know, or a picture that is refused.
        """
        folder, options = contents.folder, contents.said["options"]
        if unknown := _unknown(options, len(contents.result.get("seeds") or ())):
            raise ConfigError(f"{folder}: made with options that this version does not know ({unknown})")
        faces, references = folder / names.FACES, folder / names.REFERENCES_DIR
        recoverer = Recoverer(
            self._workdir,
            which=self._step,
            faces=faces if faces.is_file() else None,
            visible=sorted(references.iterdir()) if references.is_dir() else (),
            load_network=self._load_network,
            **options,
        )
        exhibit = folder / contents.said["exhibit"]["copy"]
        every, records = contents.result["faces"] == "all", _Records(Report(recoverer, Case()))
        outcomes = list(recover([exhibit], recoverer, out, every=every, frames=self.sampling(), report=records))
        made = [outcome.folder for outcome in outcomes if outcome.folder is not None]
        if not made:
            raise ConfigError(outcomes[0].refusal)
        box = contents.result.get("face_box")  # of several faces, that one
        return next((each for each in made if names.result_of(each).get("face_box") == box), made[0])

    def sampling(self) -> Sampling:
        """Of a video, the frames that were asked for; a decoder finds no more than there are.

        Raises:
          ConfigError: for what no command asks for.
        """
        contents = self._contents
        if not contents.is_video:
            return USUAL
        read, best = (contents.result.get(name) for name in ("frames_asked", "best_asked"))
        if type(read) is not int or type(best) is not int or min(read, best) < 1:
            words = f"frames_asked {json.dumps(read)}, best_asked {json.dumps(best)}"
            raise ConfigError(f"{contents.folder}: made with options that this version does not know ({words})")
        return Sampling(read, best)
