"""How a workdir is refused."""

from dfrec_jax.config.errors import Refusal


class CheckpointError(Refusal):
    """A workdir without what was asked of it; the message names the folder and the fix."""


class TornError(CheckpointError):
    """A checkpoint of which files are missing, cut short or scrambled."""


class SaveError(CheckpointError):
    """A checkpoint that could not be written; those before it are untouched."""
