"""What each operation of JAX that recovery consists of is in ONNX (opset 18)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dfrec_jax.exporting.onnx_graph import Graph, Tensor, UnsupportedError

# (graph, operands, the equation of the jaxpr) -> its outputs
Operation = Callable[[Graph, Sequence[Tensor], Any], list[Tensor]]
_ONNX_TYPES = {"float32": 1, "int32": 6, "int64": 7, "bool": 9}


def _shape(equation: Any) -> tuple[Any, ...]:
    return tuple(equation.outvars[0].aval.shape)


def _whole(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[str]:
    """Names of the operands, repeated to the shapes that they stand for."""
    pairs = zip(operands, equation.invars, strict=True)
    return [graph.expanded(operand, variable.aval.shape) for operand, variable in pairs]


def _elementwise(*ops: str) -> Operation:
    """The operands of all but the first of `ops` are what came before; axes of 1 stay so as long as they can."""

    def write(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
        name = graph.node(ops[0], *(operand.name for operand in operands))
        for op in ops[1:]:
            name = graph.node(op, name)
        return [Tensor(name, _joint([operand.shape for operand in operands]))]

    return write


def _joint(shapes: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Of a broadcast; all are of one rank, or of none."""
    rank = max(len(shape) for shape in shapes)
    full = [shape for shape in shapes if len(shape) == rank]
    return tuple(next((size for size in sizes if size != 1), 1) for sizes in zip(*full, strict=True))


def _square(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    if equation.params.get("y", 2) != 2:
        raise UnsupportedError(f"--formats=onnx: a power of {equation.params['y']} is no part of what is written")
    return [Tensor(graph.node("Mul", operands[0].name, operands[0].name), operands[0].shape)]


def _erfc(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    one = graph.constant(np.array(1, np.float32))
    return [Tensor(graph.node("Sub", one, graph.node("Erf", operands[0].name)), operands[0].shape)]


def _convert(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    kind = str(np.dtype(equation.params["new_dtype"]))
    if kind not in _ONNX_TYPES:
        raise UnsupportedError(f"--formats=onnx: numbers of type {kind} are no part of what is written")
    return [Tensor(graph.node("Cast", operands[0].name, to=_ONNX_TYPES[kind]), operands[0].shape)]


def _select(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    condition, otherwise, chosen = operands
    name = graph.node("Where", condition.name, chosen.name, otherwise.name)
    return [Tensor(name, _joint([operand.shape for operand in operands]))]


def _broadcast(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    (operand,), shape = operands, _shape(equation)
    if not operand.shape:
        return [operand]
    axes = equation.params["broadcast_dimensions"]
    thin = [1] * len(shape)
    for size, axis in zip(operand.shape, axes, strict=True):
        thin[axis] = size
    return [Tensor(graph.reshape(operand.name, thin), tuple(thin))]


def _reshape(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    (name,), shape = _whole(graph, operands, equation), _shape(equation)
    return [Tensor(graph.reshape(name, shape), shape)]


def _transpose(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    (name,) = _whole(graph, operands, equation)
    order = [int(axis) for axis in equation.params["permutation"]]
    return [Tensor(graph.node("Transpose", name, perm=order), _shape(equation))]


def _concatenate(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    axis = int(equation.params["dimension"])
    sizes = [variable.aval.shape[axis] for variable in equation.invars]
    names = [name for name, size in zip(_whole(graph, operands, equation), sizes, strict=True) if size != 0]
    return [Tensor(graph.node("Concat", *names, axis=axis), _shape(equation))]


def _stack(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    axis = int(equation.params["axis"])
    names = [graph.node("Unsqueeze", name, graph.integers([axis])) for name in _whole(graph, operands, equation)]
    return [Tensor(graph.node("Concat", *names, axis=axis), _shape(equation))]


def _split(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    (name,), sizes = _whole(graph, operands, equation), [int(size) for size in equation.params["sizes"]]
    names = graph.nodes_of("Split", len(sizes), name, graph.integers(sizes), axis=int(equation.params["axis"]))
    return [Tensor(name, tuple(each.aval.shape)) for name, each in zip(names, equation.outvars, strict=True)]


def _slice(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    (name,), params = _whole(graph, operands, equation), equation.params
    starts, limits = params["start_indices"], params["limit_indices"]
    strides = params["strides"] or [1] * len(starts)
    sizes = equation.invars[0].aval.shape
    axes = [axis for axis in range(len(sizes)) if (starts[axis], limits[axis], strides[axis]) != (0, sizes[axis], 1)]
    chosen = ([_place(values[axis], sizes[axis]) for axis in axes] for values in (starts, limits))
    lists = [*chosen, axes, [int(strides[axis]) for axis in axes]]
    return [Tensor(graph.node("Slice", name, *map(graph.integers, lists)), _shape(equation))]


def _place(place: Any, size: Any) -> int:
    """Along an axis, as ONNX counts: from its end where the batch is its length."""
    if isinstance(place, int | np.integer):
        return int(place)
    return int(place - size) or np.iinfo(np.int64).max


def _pad(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    name, filler = _whole(graph, operands, equation)
    before, after, between = zip(*equation.params["padding_config"], strict=True)
    if any(between):
        raise UnsupportedError("--formats=onnx: padding between values is no part of what is written")
    return [Tensor(graph.node("Pad", name, graph.integers([*before, *after]), filler), _shape(equation))]


def _reduce(op: str) -> Operation:
    def write(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
        (name,) = _whole(graph, operands, equation)
        axes = graph.integers([int(axis) for axis in equation.params["axes"]])
        return [Tensor(graph.node(op, name, axes, keepdims=0), _shape(equation))]

    return write


def _window_sum(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    """Of a channels-last picture, without padding: `flax.linen.avg_pool` before its division."""
    (name,), params = _whole(graph, operands, equation), equation.params
    window = tuple(int(size) for size in params["window_dimensions"])
    is_plain = len(window) == 4 and window[0] == window[3] == 1 and not np.any(params["padding"])
    others = (*params["window_strides"], *params["base_dilation"], *params["window_dilation"])
    if not is_plain or any(size != 1 for size in others):
        raise UnsupportedError(f"--formats=onnx: a sum over windows of {window} is no part of what is written")
    mean = graph.node("AveragePool", graph.node("Transpose", name, perm=[0, 3, 1, 2]), kernel_shape=window[1:3])
    total = graph.node("Mul", mean, graph.constant(np.array(np.prod(window), np.float32)))
    return [Tensor(graph.node("Transpose", total, perm=[0, 2, 3, 1]), _shape(equation))]


def _iota(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    shape, axis = _shape(equation), equation.params["dimension"]
    thin = tuple(size if index == axis else 1 for index, size in enumerate(shape))
    values = np.arange(shape[axis], dtype=equation.params["dtype"]).reshape(thin)
    return [Tensor(graph.constant(values), thin)]


def _sort(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    """By the first operand; of equal values TopK takes the lower index first, as a stable sort does."""
    names, params = _whole(graph, operands, equation), equation.params
    axis, rank = params["dimension"], len(_shape(equation))
    if params["num_keys"] != 1 or axis != rank - 1:
        raise UnsupportedError("--formats=onnx: a sort along another axis than the last is no part of what is written")
    count = graph.integers([int(_shape(equation)[axis])])
    values, order = graph.nodes_of("TopK", 2, names[0], count, axis=axis, largest=0, sorted=1)
    others = [graph.node("GatherElements", name, order, axis=axis) for name in names[1:]]
    return [Tensor(name, _shape(equation)) for name in (values, *others)]


def _gather(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    """Rows of each example: `jnp.take_along_axis` along axis 1. The indices are of patches, and so never outside.

    And what indexing becomes where the batch is a letter: one box at a known place, or known places along one axis.
    """
    rows, index = _whole(graph, operands, equation)
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    operand = equation.invars[0].aval.shape
    known = graph.known(index)
    if known is not None and not numbers.operand_batching_dims:
        return [Tensor(_at_known_places(graph, rows, known, equation), _shape(equation))]
    is_rows = (
        tuple(numbers.operand_batching_dims) == (0,)
        and tuple(numbers.start_index_map) == tuple(numbers.collapsed_slice_dims) == (1,)
        and tuple(sizes) == (1, 1, *operand[2:])
    )
    if not is_rows:
        raise UnsupportedError(f"--formats=onnx: a gather by {numbers} is no part of what is written")
    index = graph.node("Cast", index, to=_ONNX_TYPES["int64"])
    return [Tensor(graph.node("GatherND", rows, index, batch_dims=1), _shape(equation))]


def _at_known_places(graph: Graph, rows: str, index: np.ndarray, equation: Any) -> str:
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    operand, axes = equation.invars[0].aval.shape, [int(axis) for axis in numbers.start_index_map]
    if index.ndim == 1:
        starts = [int(start) for start in index]
        limits = [start + int(sizes[axis]) for start, axis in zip(starts, axes, strict=True)]
        box = graph.node("Slice", rows, *map(graph.integers, (starts, limits, axes)))
        return graph.reshape(box, _shape(equation))
    others = tuple(axis for axis in range(len(operand)) if axis not in axes)
    is_plain = len(axes) == 1 and index.ndim == 2 and tuple(numbers.collapsed_slice_dims) == (axes[0],)
    if not is_plain or tuple(numbers.offset_dims) != others or any(sizes[axis] != operand[axis] for axis in others):
        raise UnsupportedError(f"--formats=onnx: a gather by {numbers} is no part of what is written")
    return graph.node("Gather", rows, graph.integers([int(place) for place in index[:, 0]]), axis=axes[0])


def _scatter(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    """Rows of each example, replaced; the indices of an example are distinct."""
    rows, index, values = _whole(graph, operands, equation)
    numbers, shape = equation.params["dimension_numbers"], tuple(equation.invars[2].aval.shape)
    is_rows = (
        tuple(numbers.operand_batching_dims) == (0,)
        and tuple(numbers.scatter_dims_to_operand_dims) == tuple(numbers.inserted_window_dims) == (1,)
        and tuple(numbers.update_window_dims) == tuple(range(2, len(shape)))
    )
    if not is_rows:
        raise UnsupportedError(f"--formats=onnx: a scatter by {numbers} is no part of what is written")
    index = graph.reshape(graph.node("Cast", index, to=_ONNX_TYPES["int64"]), (*shape[:2], *[1] * (len(shape) - 2)))
    index = graph.node("Expand", index, graph.sizes(shape)) if len(shape) > 2 else index
    return [Tensor(graph.node("ScatterElements", rows, index, values, axis=1), _shape(equation))]


def _dot(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    left, right = _whole(graph, operands, equation)
    (left_sum, right_sum), (left_batch, right_batch) = equation.params["dimension_numbers"]
    ranks = [len(variable.aval.shape) for variable in equation.invars]
    if not len(left_batch) and ranks[1] == 2 and tuple(left_sum) == (ranks[0] - 1,) and tuple(right_sum) == (0,):
        return [Tensor(graph.node("MatMul", left, right), _shape(equation))]
    letters = iter("abcdefghijklmnop")
    names: list[dict[int, str]] = [{}, {}]
    for pairs in (zip(left_batch, right_batch, strict=True), zip(left_sum, right_sum, strict=True)):
        for one, other in pairs:
            names[0][int(one)] = names[1][int(other)] = next(letters)
    batch = "".join(names[0][int(axis)] for axis in left_batch)
    free = ""
    for own, rank in zip(names, ranks, strict=True):
        for axis in range(rank):
            if axis not in own:
                own[axis] = next(letters)
                free += own[axis]
    terms = ("".join(own[axis] for axis in range(rank)) for own, rank in zip(names, ranks, strict=True))
    return [Tensor(graph.node("Einsum", left, right, equation=f"{','.join(terms)}->{batch}{free}"), _shape(equation))]


def _conv(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    (x, kernel), params = _whole(graph, operands, equation), equation.params
    if any(size != 1 for size in params["lhs_dilation"]) or params["batch_group_count"] != 1:
        raise UnsupportedError("--formats=onnx: a transposed convolution is no part of what is written")
    numbers = params["dimension_numbers"]
    before, after = zip(*params["padding"], strict=True)
    name = graph.node(
        "Conv",
        graph.node("Transpose", x, perm=list(numbers.lhs_spec)),
        graph.node("Transpose", kernel, perm=list(numbers.rhs_spec)),
        strides=[int(size) for size in params["window_strides"]],
        dilations=[int(size) for size in params["rhs_dilation"]],
        pads=[int(size) for size in (*before, *after)],
        group=int(params["feature_group_count"]),
    )
    back = [int(axis) for axis in np.argsort(numbers.out_spec)]
    return [Tensor(graph.node("Transpose", name, perm=back), _shape(equation))]


def _same(graph: Graph, operands: Sequence[Tensor], equation: Any) -> list[Tensor]:
    return list(operands)


OPERATIONS: Mapping[str, Operation] = {
    "add": _elementwise("Add"),
    "add_any": _elementwise("Add"),
    "sub": _elementwise("Sub"),
    "mul": _elementwise("Mul"),
    "div": _elementwise("Div"),
    "max": _elementwise("Max"),
    "min": _elementwise("Min"),
    "neg": _elementwise("Neg"),
    "exp": _elementwise("Exp"),
    "log": _elementwise("Log"),
    "sqrt": _elementwise("Sqrt"),
    "rsqrt": _elementwise("Sqrt", "Reciprocal"),
    "tanh": _elementwise("Tanh"),
    "logistic": _elementwise("Sigmoid"),
    "erf": _elementwise("Erf"),
    "erfc": _erfc,
    "square": _square,
    "integer_pow": _square,
    "ge": _elementwise("GreaterOrEqual"),
    "gt": _elementwise("Greater"),
    "le": _elementwise("LessOrEqual"),
    "lt": _elementwise("Less"),
    "eq": _elementwise("Equal"),
    "and": _elementwise("And"),
    "or": _elementwise("Or"),
    "not": _elementwise("Not"),
    "select_n": _select,
    "convert_element_type": _convert,
    "copy": _same,
    "stop_gradient": _same,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "squeeze": _reshape,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "stack": _stack,
    "split": _split,
    "slice": _slice,
    "pad": _pad,
    "reduce_sum": _reduce("ReduceSum"),
    "reduce_max": _reduce("ReduceMax"),
    "reduce_window_sum": _window_sum,
    "iota": _iota,
    "sort": _sort,
    "gather": _gather,
    "scatter": _scatter,
    "dot_general": _dot,
    "conv_general_dilated": _conv,
}
