"""`dfrec ship --workdir W --name NAME --out DIR`: a run's network as a small folder that can be passed on."""

import argparse
from pathlib import Path
from typing import Any

COMPARED = 64  # pictures on which the packed network is held against the one before


def add_parser(subparsers) -> None:
    """Adds the subcommand."""
    words = "pack the network of a run: half precision, its config, the record of its training"
    parser = subparsers.add_parser("ship", help=words, description=f"{words}; docs/model_card.md")
    parser.add_argument("--workdir", required=True, help="folder of a training run")
    parser.add_argument("--name", required=True, help="of the network: letters, digits and -")
    parser.add_argument("--out", required=True, help="new folder; evaluate.py --workdir=DIR adds its figures to it")
    parser.add_argument("--licence", required=True, help="of the variables, such as Apache-2.0")
    parser.add_argument("--number", type=int, default=1, metavar="N", help="version of the network (default 1)")
    parser.add_argument(
        "--commit",
        default="",
        help="of the code that trained it (default: that of this code, where nothing is changed)",
    )
    parser.add_argument(
        "--checkpoint", default="best", help="best by the validation score (default), newest, or the number of a step"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints what was packed, and how far its outputs are from those of the run's own network."""
    import re

    from dfrec_jax import perceptors
    from dfrec_jax.config.errors import ConfigError, require
    from dfrec_jax.forensics.report import network as report
    from dfrec_jax.runs import packed, trained

    require(bool(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", arguments.name)), "--name", arguments.name, "a-z, 0-9 and -")
    require(arguments.number >= 1, "--number", arguments.number, "1 or more")
    if packed.is_packed(arguments.workdir):
        raise ConfigError(f"--workdir={arguments.workdir}: is a packed network already; copy the folder")
    network = trained.load(arguments.workdir, arguments.checkpoint)
    said = packed.Said(
        name=arguments.name,
        version=arguments.number,
        commit=arguments.commit or _own_commit(),
        data=report.trained_on(network.config),
        data_digest=data_digest(network.config),
        losses={name: _licence(name) for name in sorted(set(perceptors.loss_networks(network.config).values()))},
        licence=arguments.licence,
    )
    tensors = packed.halved(network.variables)
    record = packed.write(
        Path(arguments.out), network.config, network.step, tensors, said, half_precision(network, tensors)
    )
    print(
        f"{arguments.out}: {record.name}, version {record.version}, step {record.step} of {arguments.workdir}, "
        f"{sum(tensor.size for tensor in tensors.values()):,} values, {packed.size_in_words(record.num_bytes)}\n"
        f"SHA-256 {record.sha256}\n"
        f"half precision: {record.half_precision['words']}\n"
        f"next: python evaluate.py --workdir={arguments.out}"
    )
    return 0


def half_precision(network: Any, tensors: Any) -> dict[str, Any]:
    """How far the packed network's outputs are from the network's own, over the first pictures of its test
    split."""
    import jax
    import numpy as np

    from dfrec_jax.runs import packed

    images, words = _pictures(network.config)
    keys = jax.random.split(jax.random.key(0), len(images))

    @jax.jit
    def recovered(variables: Any, images: Any, keys: Any) -> Any:
        output = network.model.apply(variables, images, keys, train=False)
        return output.target_face, output.source_face, output.idx_mask

    before, after = (
        jax.device_get(recovered(each, images, keys)) for each in (network.variables, packed.unpacked(tensors))
    )
    same = np.array([set(one) == set(other) for one, other in zip(before[2], after[2], strict=True)])
    levels = [np.abs(one - other)[same] * 255 for one, other in zip(before[:2], after[:2], strict=True)]
    found = {
        "pictures": len(images),
        "same_patches": int(same.sum()),
        "target_mean_levels": round(float(levels[0].mean()), 4) if same.any() else None,
        "source_mean_levels": round(float(levels[1].mean()), 4) if same.any() else None,
        "target_largest_levels": round(float(levels[0].max()), 3) if same.any() else None,
    }
    found["words"] = (
        f"{found['same_patches']} of {len(images)} {words} have the same patches generated; in these the "
        f"target differs by {found['target_mean_levels']} of 255 levels on average ({found['target_largest_levels']} "
        f"at most), the source by {found['source_mean_levels']}"
    )
    return found


def _pictures(config: Any) -> tuple[Any, str]:
    import numpy as np

    from dfrec_jax.data import pipeline

    limited = config.copy_and_resolve_references()
    limited.data.eval_batch_size = COMPARED
    batch = next(iter(pipeline.eval_batches(limited, "test", max_examples=COMPARED)))
    return np.float32(
        batch["image"][batch["is_valid"]]
    ) / 255.0, f"pictures of the test split of `{config.data.dataset}`"


def data_digest(config: Any) -> str:
    """Of the training data: of the index of prepared ones, or of the first drawn examples.

    Raises:
      ConfigError: where prepared data are not at hand.
    """
    import hashlib

    from dfrec_jax.data import mixture, pipeline
    from dfrec_jax.synthetic import dataset

    if config.data.dataset != pipeline.EMBEDDED:
        return mixture.split_of(config, "train").digest()
    digest = hashlib.sha256()
    for index in range(COMPARED):
        drawn = dataset.example(
            index, "train", size=config.image_size, real_share=config.data.real_share, scene=config.data.scene
        )
        for name in ("image", "source", "target", "source_mask"):
            digest.update(drawn[name].tobytes())
    return digest.hexdigest()[:16]


def _licence(name: str) -> str:
    from dfrec_jax.frozen import load
    from dfrec_jax.synthetic import encoders
    from dfrec_jax.weights import registry

    if name in encoders.MODULES:
        return "Apache-2.0 (comes with this package)"
    licences = {part.release: registry.find(part.release).licence for part in load.find_blueprint(name).parts}
    return "; ".join(f"{release}: {licence}" for release, licence in licences.items())


def _own_commit() -> str:
    from dfrec_jax.config.errors import ConfigError
    from dfrec_jax.reports import provenance

    found = provenance.commit(Path(__file__).parent)
    if not found or "," in found:
        raise ConfigError(
            f"--commit: must be given, for this code is {found or 'of no repository'}; name that which trained the run"
        )
    return found
