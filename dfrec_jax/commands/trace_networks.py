"""The networks of `dfrec trace`: the recogniser of a gallery, and a trace head."""

HEAD_HELP = "run of configs/trace.py: a network that was trained to tell from a swap who is hidden; adds its routes"


def embedder_of(gallery, option: str):
    """The recogniser that a gallery was made with. Raises ConfigError where it is another now."""
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.tracing.embedder import Embedder

    embedder = Embedder(gallery.identity.recogniser, batch_size=4)  # an exhibit has three faces, and few references
    if differences := embedder.identity.differences(gallery.identity):
        raise ConfigError(f"--gallery={option}: made by another network than is at hand ({differences})")
    return embedder


def head_of(workdir, embedder):
    """The trace head of a run on the gallery's recogniser; None where none is named. Raises ConfigError."""
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.runs.errors import CheckpointError
    from dfrec_jax.tracing.head import Head

    if not workdir:
        return None
    try:
        return Head(workdir, embedder)
    except CheckpointError as error:
        said = str(error).removeprefix("--workdir=").removeprefix(f"{workdir}: ")
        raise ConfigError(f"--head={workdir}: {said}") from error
