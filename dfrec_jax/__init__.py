"""DFREC: from one face-swapped image, the source face, the target face and the map of what came from the source."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dfrec_jax.forensics.recoverer import Recoverer, Recovery

__all__ = ["Recoverer", "Recovery"]


def __getattr__(name: str) -> Any:
    """`Recoverer` and `Recovery`, imported when they are asked for: they bring JAX, which takes a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dfrec_jax.forensics import recoverer

    return getattr(recoverer, name)
