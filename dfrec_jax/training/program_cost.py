"""What a program costs, counted in its jaxpr: floating-point operations, bytes moved, and the most that is alive.

Nothing is compiled. A compiler fuses what works on each element by itself into what comes before or after it. So only
these results are taken for arrays in memory: those of products, convolutions, reductions, windows, sorts, gathers and
scatters; whatever a product, convolution or window reads; and what is dear and read by several. All else is computed
where it is read, and keeps alive what it is computed of. What no other result waits for, as an optimiser's update, is
taken to run as soon as it can.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from jax.extend import core

# Read their operands from memory, where a compiler calls a library or a loop of its own.
READERS = {
    "dot_general", "conv_general_dilated", "reduce_window_sum", "reduce_window_max", "select_and_scatter_add",
    "select_and_gather_add", "sort", "top_k", "cumsum", "scan", "while", "cond", "fft", "pure_callback",
}  # fmt: skip
REDUCTIONS = {"reduce_sum", "reduce_max", "reduce_min", "reduce_and", "reduce_or", "reduce_prod", "argmax", "argmin"}
WRITERS = READERS | REDUCTIONS | {
    "gather", "scatter", "scatter-add", "scatter_add", "concatenate", "dynamic_update_slice", "random_bits",
}  # fmt: skip
# Not computed twice: read by several, their results are arrays.
EXPENSIVE = {"exp", "exp2", "expm1", "log", "log1p", "tanh", "logistic", "erf", "erfc", "erf_inv", "pow", "div", "rem",
             "sqrt", "rsqrt", "cbrt", "sin", "cos", "atan2"}  # fmt: skip
# What XLA for CPUs does not compute twice either: a norm's differences from the mean lie beside what they are of.
HELD_ON_CPU = frozenset({"sub"})
_CALLS = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # of equations that are their body


class Cost(NamedTuple):
    """Of one run of a program.

    Attributes:
      products: floating-point operations of products and convolutions, by the width of their operands in bytes.
      moved: bytes that are read from memory and written to it.
      work: (operations, operand bytes wide, bytes moved) of each thing that is done, for a floor of its time.
      kept: bytes alive at the peak that were made before `boundary` and are read after it.
      passing: the other bytes alive at the peak.
    """

    products: dict[int, float]
    moved: float
    work: list[tuple[float, int, float]]
    kept: int
    passing: int


class _Op(NamedTuple):
    name: str
    inputs: list[int]
    outputs: list[int]
    equation: Any


def cost_of(
    closed: Any,
    boundary: Callable[[list[Any]], Any] | None = None,
    arrive_late: Iterable[int] = (),
    held: frozenset[str] = frozenset(),
) -> Cost:
    """The cost of a closed jaxpr.

    Args:
      closed: of `jax.make_jaxpr`.
      boundary: picks of the outputs the one before which the forward pass ends; None: there is no such place.
      arrive_late: places of arguments that are made whole when they are first read, as parameters that are split.
      held: of which operations besides the dear ones a result that several read is an array.
    """
    flat = _Flat()
    arguments = [flat.new(variable.aval) for variable in closed.jaxpr.invars]
    outputs = flat.add(closed.jaxpr, arguments)
    late = {arguments[place] for place in arrive_late}
    return _cost(flat, set(arguments) - late, late, outputs, boundary(outputs) if boundary else None, held)


class _Flat:
    """Equations without their nesting; every array has a number."""

    def __init__(self):
        self.ops: list[_Op] = []
        self.sizes: list[int] = []

    def new(self, aval: Any) -> int:
        dtype = getattr(aval, "dtype", None)
        itemsize = getattr(dtype, "itemsize", 4) if dtype is not None else 0
        self.sizes.append(math.prod(getattr(aval, "shape", ())) * itemsize)
        return len(self.sizes) - 1

    def add(self, jaxpr: Any, arguments: list[int]) -> list[int]:
        names: dict[Any, int] = dict(zip(jaxpr.invars, arguments, strict=True))
        for constant in jaxpr.constvars:
            names[constant] = self.new(constant.aval)
        known = lambda variables: [  # noqa: E731
            names[variable] for variable in variables if not isinstance(variable, core.Literal)
        ]
        for equation in jaxpr.eqns:
            body = _body(equation)
            if body is None:
                inputs = known(equation.invars)
                made = [self.new(variable.aval) for variable in equation.outvars]
                self.ops.append(_Op(equation.primitive.name, inputs, made, equation))
            else:
                given = [
                    self.new(variable.aval) if isinstance(variable, core.Literal) else names[variable]
                    for variable in equation.invars[-len(body.invars) :]
                ]
                made = self.add(body, given)
            names.update(zip(equation.outvars, made, strict=True))
        return [
            self.new(variable.aval) if isinstance(variable, core.Literal) else names[variable]
            for variable in jaxpr.outvars
        ]


def _body(equation: Any) -> Any:
    """The jaxpr that an equation merely calls."""
    if equation.primitive.name in READERS:
        return None
    for name in _CALLS:
        if name in equation.params:
            body = equation.params[name]
            return getattr(body, "jaxpr", body)
    return None


def _cost(
    flat: _Flat,
    arguments: set[int],
    late: set[int],
    outputs: list[int],
    boundary: int | None,
    held: frozenset[str],
) -> Cost:
    num_readers = Counter(number for op in flat.ops for number in set(op.inputs))
    read_whole = {number for op in flat.ops if op.name in READERS for number in op.inputs}
    made_at: dict[int, int] = dict.fromkeys(arguments, -1)
    roots: dict[int, frozenset[int]] = {number: frozenset([number]) for number in arguments | late}
    last_read: dict[int, int] = {}
    products: dict[int, float] = {}
    work: list[tuple[float, int, float]] = []
    inner: dict[int, int] = {}

    def read(numbers: Iterable[int], when: int) -> None:
        for number in numbers:
            made_at.setdefault(number, when)
            last_read[number] = max(last_read.get(number, -1), when)

    for when, op in enumerate(flat.ops):
        of = frozenset().union(*(roots.get(number, frozenset()) for number in op.inputs))
        is_written = (
            op.name in WRITERS
            or any(number in read_whole for number in op.outputs)
            or ((op.name in EXPENSIVE or op.name in held) and num_readers[op.outputs[0]] > 1)
        )
        for number in op.outputs:
            roots[number] = frozenset([number]) if is_written else of
        if not is_written:
            continue
        # A sum of what is there already waits for nothing.
        then = max([made_at.get(number, when) for number in of], default=when) if op.name in REDUCTIONS else when
        for number in op.outputs:
            made_at[number] = max(then, 0)
        read(of, max(then, 0))
        moved = sum(flat.sizes[number] for number in {*of, *op.outputs})
        operations, width = _operations(op)
        if operations:
            products[width] = products.get(width, 0.0) + operations
        work.append((operations, width, moved))
        if op.name in ("scan", "while", "cond"):
            bodies = [cost_of(body, held=held) for body in _bodies(op.equation)]
            inner[when] = max((body.kept + body.passing for body in bodies), default=0)
            if op.name == "cond":  # one branch runs: where each kind of device has its own, the definition's
                bodies = [max(bodies, key=lambda body: sum(body.products.values()))]
            times = op.equation.params.get("length", 1)
            for body in bodies:
                work += [(one[0] * times, one[1], one[2] * times) for one in body.work]
                for width, count in body.products.items():
                    products[width] = products.get(width, 0.0) + count * times
    of_outputs = set()
    for number in outputs:
        of = roots.get(number, frozenset())
        read(of, max([made_at.get(root, 0) for root in of], default=0))
        of_outputs.add(number)
        work.append((0.0, 4, flat.sizes[number] + sum(flat.sizes[root] for root in of)))
    end = None
    if boundary is not None:
        end = max([made_at.get(root, 0) for root in roots.get(boundary, frozenset())], default=0)
    counted = {number for number in made_at if number not in arguments and number not in of_outputs}
    kept, passing = _peak(flat.sizes, counted, made_at, last_read, inner, len(flat.ops), end)
    return Cost(products, float(sum(one[2] for one in work)), work, kept, passing)


def _peak(
    sizes: list[int],
    counted: set[int],
    made_at: dict[int, int],
    last_read: dict[int, int],
    inner: dict[int, int],
    length: int,
    end: int | None,
) -> tuple[int, int]:
    """Bytes alive at the moment of the most: those that cross `end`, and the rest."""
    change = np.zeros((2, length + 2), np.int64)
    for number in counted:
        begun, ended = made_at[number], last_read.get(number, made_at[number])
        crosses = int(end is not None and begun <= end < ended)
        change[1 - crosses, begun] += sizes[number]
        change[1 - crosses, ended + 1] -= sizes[number]
    alive = np.cumsum(change, axis=1)
    for when, size in inner.items():
        alive[1, when] += size
    most = int(np.argmax(alive.sum(axis=0)))
    return int(alive[0, most]), int(alive[1, most])


def _bodies(equation: Any) -> list[Any]:
    params = equation.params
    found = [params.get(name) for name in ("jaxpr", "body_jaxpr")] + list(params.get("branches", ()))
    return [body for body in found if body is not None]


def _operations(op: _Op) -> tuple[float, int]:
    """Floating-point operations of a product or convolution, two for each multiplication, and its operands' width."""
    if op.name not in ("dot_general", "conv_general_dilated"):
        return 0.0, 4
    left, right = (variable.aval for variable in op.equation.invars)
    size = math.prod(op.equation.outvars[0].aval.shape)
    if op.name == "dot_general":
        contracted, _ = op.equation.params["dimension_numbers"][0]
        return 2.0 * size * math.prod(left.shape[axis] for axis in contracted), left.dtype.itemsize
    return _operations_of_convolution(op.equation, left, right), left.dtype.itemsize


def _operations_of_convolution(equation: Any, left: Any, right: Any) -> float:
    """Without those by the zeros of padding and dilation."""
    params, out = equation.params, equation.outvars[0].aval
    numbers = params["dimension_numbers"]
    taps = 1
    for place, (of_left, of_right, of_out) in enumerate(
        zip(numbers.lhs_spec[2:], numbers.rhs_spec[2:], numbers.out_spec[2:], strict=True)
    ):
        steps = np.arange(out.shape[of_out])[:, None] * params["window_strides"][place]
        at = steps + np.arange(right.shape[of_right]) * params["rhs_dilation"][place] - params["padding"][place][0]
        spread = params["lhs_dilation"][place]
        taps *= int(np.sum((at >= 0) & (at % spread == 0) & (at // spread < left.shape[of_left])))
    examples, features = out.shape[numbers.out_spec[0]], out.shape[numbers.out_spec[1]]
    return 2.0 * examples * features * right.shape[numbers.rhs_spec[1]] * taps
