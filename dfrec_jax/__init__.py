"""DFREC: from one face-swapped image, the source face, the target face and the map of what came from the source."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dfrec_jax.forensics.recoverer import Recoverer
    from dfrec_jax.forensics.recovery import Recovery
    from dfrec_jax.forensics.rerun import verify_report as verify

__all__ = ["Recoverer", "Recovery", "verify"]


def __getattr__(name: str) -> Any:
    """What `__all__` names, imported when it is asked for: it brings JAX, which takes a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "verify":
        from dfrec_jax.forensics import rerun

        return rerun.verify_report
    from dfrec_jax.forensics import recoverer

    return getattr(recoverer, name)
