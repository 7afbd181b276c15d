"""Which frozen networks a field of `frozen` may name: a recogniser where identities are told, and so on.

What a network gives is known by its name, so that a wrong kind is refused before a device is touched or a file fetched.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError, require

_DRAWN = ("embedded-a", "embedded-b")
_RECOGNISERS = (
    "facenet-vggface2", "facenet-vggface2@native", "facenet-vggface2@raw", "mobilefacenet-xiaoccer",
    "mobilefacenet-foamliu", *_DRAWN,
)  # fmt: skip
_PERCEPTUAL = ("vgg19-imagenet", "squeezenet-imagenet", "lpips-like-squeezenet", *_DRAWN)
_ATTRIBUTES = ("attributes-resnet50", "attributes-resnet18", *_DRAWN)
OF_TABLES = ("metric", "frechet", "attribute_metric", "pose")  # fields that measure in tables of the paper
OF_RUN = ("metric", "distance", "detector")  # and in the table of a run on its own test split


class Kind(NamedTuple):
    """What a field names.

    Attributes:
      words: what its network does.
      names: of those that do it.
      may_be_empty: whether the field may name none.
    """

    words: str
    names: tuple[str, ...]
    may_be_empty: bool = False


KINDS: Mapping[str, Kind] = {
    "identity": Kind("tells identities", _RECOGNISERS),
    "perceptual": Kind("has layers for a perceptual loss", _PERCEPTUAL),
    "attributes": Kind("tells attributes", _ATTRIBUTES),
    "metric": Kind("tells identities", _RECOGNISERS),
    "frechet": Kind("has features for a Frechet distance", (
        "inception-fid", *dict.fromkeys((*_PERCEPTUAL, *_RECOGNISERS))
    ), may_be_empty=True),
    "attribute_metric": Kind("tells attributes", _ATTRIBUTES, may_be_empty=True),
    "pose": Kind("tells the pose of a head", ("deep3d-resnet50", "3ddfa-v2", *_DRAWN), may_be_empty=True),
    "distance": Kind("measures an LPIPS-like distance", ("lpips-like-squeezenet",), may_be_empty=True),
    "detector": Kind("finds faces", ("retinaface-mobile025",), may_be_empty=True),
}  # fmt: skip


def check(config: ConfigDict, fields: Iterable[str] = tuple(KINDS)) -> None:
    """Raises ConfigError for a field of `frozen`, of `fields`, that names no network of its kind; touches no device and
    no file."""
    for field in fields:
        kind, name = KINDS[field], config.frozen.get(field, "")
        none = " (or empty)" if kind.may_be_empty else ""
        is_fine = name in kind.names or (name == "" and kind.may_be_empty)
        require(is_fine, f"frozen.{field}", name, f"a network that {kind.words}{none}: {', '.join(kind.names)}")


def replaced(config: ConfigDict, given: str, fields: tuple[str, ...]) -> ConfigDict:
    """The config with other networks in fields of `frozen`.

    Args:
      config: of a run; it is not changed.
      given: of `--measure_by`: FIELD=NAME, several with commas between; empty for none.
      fields: that may be replaced, of `KINDS`.

    Raises:
      ConfigError: for a field that is none of them or stands there twice, and where a field of them, replaced or not,
        names a network of another kind.
    """
    config, seen = config.copy_and_resolve_references(), set()
    for word in given.split(",") if given else ():
        field, is_set, name = (part.strip() for part in word.partition("="))
        if field not in fields or not is_set:
            raise ConfigError(
                f"--measure_by={given}: {word.strip() or 'an empty word'}: must be FIELD=NAME, a field of "
                f"{', '.join(fields)} and a network"
            )
        if field in seen:
            raise ConfigError(f"--measure_by={given}: {field} stands there twice; leave one of them out")
        seen.add(field)
        config.frozen[field] = name
    try:
        check(config, fields)
    except ConfigError as error:
        raise ConfigError(f"--measure_by={given}: {error}" if given else str(error)) from error
    return config
