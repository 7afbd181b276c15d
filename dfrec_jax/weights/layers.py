"""Rules for whole layers of a PyTorch network: a convolution, a linear layer, a BatchNorm."""

from dfrec_jax.weights.rules import Rule, conv, linear

COUNTERS = Rule(r".*num_batches_tracked", None, reason="BatchNorm's step counter, which inference does not use")


def convolution(source: str, target: str) -> tuple[Rule, ...]:
    """Kernel and, where there is one, bias. `source` is a pattern for the layer's name, `target` our path to it."""
    return (
        Rule(rf"{source}\.weight", rf"params/{target}/kernel", conv),
        Rule(rf"{source}\.bias", rf"params/{target}/bias"),
    )


def dense(source: str, target: str) -> tuple[Rule, ...]:
    """Kernel and, where there is one, bias of a linear layer."""
    return (
        Rule(rf"{source}\.weight", rf"params/{target}/kernel", linear),
        Rule(rf"{source}\.bias", rf"params/{target}/bias"),
    )


def batch_norm(source: str, target: str) -> tuple[Rule, ...]:
    """Scale, shift and running statistics; the counter needs `COUNTERS`."""
    return (
        Rule(rf"{source}\.weight", rf"params/{target}/scale"),
        Rule(rf"{source}\.bias", rf"params/{target}/bias"),
        Rule(rf"{source}\.running_mean", rf"batch_stats/{target}/mean"),
        Rule(rf"{source}\.running_var", rf"batch_stats/{target}/var"),
    )


def pointwise(source: str, target: str) -> tuple[Rule, ...]:
    """A 1x1 convolution that is only ever applied to one pixel, as the linear layer that it is."""
    return (
        Rule(rf"{source}\.weight", rf"params/{target}/kernel", lambda kernel: kernel[:, :, 0, 0].T),
        Rule(rf"{source}\.bias", rf"params/{target}/bias"),
    )
