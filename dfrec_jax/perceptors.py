"""Which frozen networks a config asks for: the embedded faces' own encoders, or the ported networks of others."""

import jax
from ml_collections import ConfigDict

from dfrec_jax.config import compared_methods
from dfrec_jax.frozen import blueprint, load
from dfrec_jax.frozen.network import ROLES, FrozenNetwork, Perceptors
from dfrec_jax.losses import total
from dfrec_jax.synthetic import encoders


def load_network(name: str, config: ConfigDict) -> FrozenNetwork:
    """The network called `name` (`dfrec weights list`, or embedded-a, embedded-b).

    Raises:
      WeightsError: for an unknown name, or weights that are not at hand; the message says how to get them.
    """
    if name in encoders.MODULES:
        return encoders.load(name)
    return load.load_network(
        name,
        weights_dir=config.frozen.weights_dir,
        allow_random=config.frozen.allow_random,
        image_size=config.image_size,
    )


def network_shapes(name: str) -> FrozenNetwork:
    """Its shapes alone, whether weights are at hand or not. Raises WeightsError for an unknown name."""
    if name in encoders.MODULES:
        return jax.eval_shape(lambda: encoders.load(name))
    return blueprint.from_shapes(load.find_blueprint(name))


def loss_networks(config: ConfigDict) -> dict[str, str]:
    """The name of the network of each role that the loss of `config` needs; a compared method's may need none."""
    if "loss" in config:
        needed = total.needed_roles(config.loss)
    else:
        needed = set(compared_methods.METHODS[config.task].roles)
    return {role: str(config.frozen[role]) for role in ROLES if role in needed}


def load_perceptors(config: ConfigDict) -> Perceptors:
    """The networks of the loss terms (Eq. 2-8); a network that plays two roles is loaded once.

    The network of a term whose weight is 0 is neither loaded nor run. They compute in `compute_dtype`, as the modules
    do; networks of a metric are float32 whatever it is.
    """
    names = loss_networks(config)
    networks = {name: load_network(name, config).astype(config.compute_dtype) for name in set(names.values())}
    return load.perceptors({role: networks[name] for role, name in names.items()})


def load_metric_network(config: ConfigDict) -> FrozenNetwork:
    """The network that IDSIM and Acc_id are measured with."""
    return load_network(config.frozen.metric, config)


def table_networks(config: ConfigDict) -> dict[str, str]:
    """The name of the network that measures each of a paper's metrics: identity, frechet, attributes, pose."""
    is_drawn = config.data.dataset == "embedded"
    own = {"frechet": "inception-fid", "attributes": config.frozen.attributes, "pose": "deep3d-resnet50"}
    if is_drawn:
        own = dict.fromkeys(own, "embedded-b")  # the encoder of metrics; its attributes hold the angles of the head
    asked = {
        "frechet": config.frozen.frechet,
        "attributes": config.frozen.attribute_metric,
        "pose": config.frozen.pose,
    }
    return {"identity": config.frozen.metric, **{role: str(asked[role] or own[role]) for role in own}}
