"""Recovery as ONNX: the traced program, equation by equation; what hangs on the weights alone is computed here."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from dfrec_jax.config.errors import ConfigError
from dfrec_jax.exporting.onnx_graph import Graph, Tensor, UnsupportedError
from dfrec_jax.exporting.onnx_operations import OPERATIONS
from dfrec_jax.exporting.program import Slot, program_of, slots
from dfrec_jax.exporting.stablehlo import abstract_arguments

Value = np.ndarray | Tensor  # a constant is known to the last bit; a tensor once the graph is run


def check_available() -> None:
    """Raises ConfigError where the package that writes ONNX is not installed."""
    if importlib.util.find_spec("onnx") is None:
        raise ConfigError(
            "--formats=onnx: needs the package onnx: pip install 'dfrec-jax[export]', or --formats stablehlo"
        )


def serialised(config: ConfigDict, variables: Mapping[str, np.ndarray], words: str) -> bytes:
    """An ONNX model of the program with its weights; float32 throughout, whatever the config computes in.

    Raises:
      ConfigError: without the package onnx, and for an operation that has no counterpart here; names it.
    """
    check_available()
    config = config.copy_and_resolve_references()
    config.compute_dtype, config.remat = "float32", False  # few runtimes have bfloat16 on a CPU
    return model_of(program_of(config), variables, abstract_arguments(config, variables), *slots(config), words)


def model_of(
    program: Callable[..., Mapping[str, Any]],
    variables: Mapping[str, np.ndarray],
    arguments: tuple[Any, ...],
    inputs: Mapping[str, Slot],
    outputs: Mapping[str, Slot],
    words: str,
) -> bytes:
    """An ONNX model of any program of the operations that are known here.

    Args:
      program: of `arguments`; its outputs by name.
      variables: values of the first argument, which become constants.
      arguments: shapes; the first is a flat dict, the others have a batch of `b` as first axis.
      inputs: the arguments but for the first, by name, in order; the first of them tells the batch.
      outputs: what `program` returns.
      words: what stands in the file of it.

    Raises:
      ConfigError: for an operation that has no counterpart here; names it.
    """
    closed, shapes = jax.make_jaxpr(program, return_shape=True)(*arguments)
    writer = _Writer(next(iter(inputs)))
    flat = [np.asarray(variables[path]) for path in sorted(variables)]  # the order in which JAX flattens a dict
    writer.paths = {id(value): path for path, value in zip(sorted(variables), flat, strict=True)}
    given = [Tensor(name, tuple(argument.shape)) for name, argument in zip(inputs, arguments[1:], strict=True)]
    results = writer.run(closed.jaxpr, closed.consts, [*flat, *given])
    for name, value, shape in zip(sorted(shapes), results, jax.tree.leaves(shapes), strict=True):
        writer.graph.output(name, writer.graph.expanded(writer.tensor(value), shape.shape))
    return writer.graph.model(_types(inputs), _types(outputs), words)


def _types(slots: Mapping[str, Slot]) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (slot.dtype, slot.shape) for name, slot in slots.items()}


class _Writer:
    def __init__(self, first_input: str) -> None:
        self.graph = Graph(first_input)
        self.paths: dict[int, str] = {}  # of weights, by which they are named in the graph
        self._named: dict[int, tuple[np.ndarray, Tensor]] = {}

    def tensor(self, value: Value) -> Tensor:
        """The value in the graph."""
        if isinstance(value, Tensor):
            return value
        if id(value) not in self._named:  # which keeps the array, so that no other gets its id
            name = self.graph.constant(value, self.paths.get(id(value), ""))
            self._named[id(value)] = value, Tensor(name, value.shape)
        return self._named[id(value)][1]

    def run(self, jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Value]) -> list[Value]:
        """Writes the equations; returns the outputs."""
        values: dict[Any, Value] = dict(zip(jaxpr.constvars, map(np.asarray, consts), strict=True))
        values |= dict(zip(jaxpr.invars, arguments, strict=True))

        def read(variable: Any) -> Value:
            return np.asarray(variable.val) if hasattr(variable, "val") else values[variable]

        for equation in jaxpr.eqns:
            results = self._equation(equation, [read(variable) for variable in equation.invars])
            values |= dict(zip(equation.outvars, results, strict=True))
        return [read(variable) for variable in jaxpr.outvars]

    def _equation(self, equation: Any, operands: Sequence[Value]) -> Sequence[Value]:
        name, params = equation.primitive.name, equation.params
        if name == "platform_index":  # of `lax.platform_dependent`: what is for no platform by name
            return [np.asarray(params["platforms"].index(None), np.int32)]
        if name == "cond":
            if not isinstance(operands[0], np.ndarray):
                raise UnsupportedError("--formats=onnx: a branch by what is computed is no part of what is written")
            branch = params["branches"][int(operands[0])]
            return self.run(branch.jaxpr, branch.consts, operands[1:])
        inner = params.get("jaxpr", params.get("call_jaxpr"))
        if inner is not None:
            return self.run(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), operands)
        is_static = all(isinstance(n, int | np.integer) for out in equation.outvars for n in out.aval.shape)
        if is_static and all(isinstance(operand, np.ndarray) for operand in operands):
            results = equation.primitive.bind(*map(jnp.asarray, operands), **params)
            return [np.asarray(result) for result in (results if equation.primitive.multiple_results else [results])]
        if name not in OPERATIONS:
            raise UnsupportedError(f"--formats=onnx: the operation {name} is no part of what is written; use stablehlo")
        return OPERATIONS[name](self.graph, [self.tensor(operand) for operand in operands], equation)
