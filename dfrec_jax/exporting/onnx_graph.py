"""An ONNX graph as it grows: nodes, constants, and tensors of which an axis may still be 1 where it is to be repeated.

Written here and not by jax2onnx, whose dependencies exclude the orbax-checkpoint that training needs.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dfrec_jax.config.errors import ConfigError

OPSET = 18  # of 2023; onnxruntime 1.14 and later
IR_VERSION = 8  # of the same time
BATCH = "b"


class UnsupportedError(ConfigError):
    """Something in a network that is not written as ONNX; the message names it."""


class Tensor(NamedTuple):
    """A value of the graph.

    Attributes:
      name: in the graph.
      shape: as it is there: of the rank that it stands for, or none; 1 along an axis that broadcasting will repeat.
    """

    name: str
    shape: tuple[Any, ...]


class Graph:
    """Nodes in order, and constants."""

    def __init__(self, first_input: str) -> None:
        """An empty one; `first_input` is read for the batch where that is needed."""
        from onnx import helper, numpy_helper

        self._helper, self._numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self._constants: dict[str, np.ndarray] = {}
        self._small: dict[tuple[Any, ...], str] = {}
        self._first_input, self._batch = first_input, ""

    def constant(self, value: np.ndarray, name: str = "") -> str:
        """The name of a constant; equal small ones are one."""
        value = np.ascontiguousarray(value).reshape(np.shape(value))
        key = (value.dtype.str, value.shape, value.tobytes()) if value.size <= 64 and not name else None
        if key in self._small:
            return self._small[key]
        name = name or f"constant_{len(self._constants)}"
        self._constants[name] = value
        if key is not None:
            self._small[key] = name
        return name

    def known(self, name: str) -> np.ndarray | None:
        """The value of a constant; None of what is computed."""
        return self._constants.get(name)

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node of one output and returns its name."""
        return self.nodes_of(op, 1, *inputs, **attributes)[0]

    def nodes_of(self, op: str, num_outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Adds a node of several outputs."""
        names = [f"{op.lower()}_{len(self.nodes)}_{index}" for index in range(num_outputs)]
        self.nodes.append(self._helper.make_node(op, list(inputs), names, **attributes))
        return names

    def output(self, name: str, value: str) -> None:
        """Calls a value by the name of an output."""
        self.nodes.append(self._helper.make_node("Identity", [value], [name]))

    def integers(self, values: Sequence[int]) -> str:
        """A constant list of integers, such as axes."""
        return self.constant(np.asarray(values, np.int64))

    def sizes(self, shape: Sequence[Any]) -> str:
        """A shape as a tensor; the batch is read from the first input.

        Raises:
          UnsupportedError: for a size that depends on the batch and is not it.
        """
        if all(isinstance(size, int | np.integer) for size in shape):
            return self.integers([int(size) for size in shape])
        if not self._batch:
            self._batch = self.node("Shape", self._first_input, start=0, end=1)
        for size in shape:
            if not isinstance(size, int | np.integer) and str(size) != BATCH:
                raise UnsupportedError(f"--formats=onnx: a size of {size} is no part of what is written as ONNX")
        parts = [self.integers([int(s)]) if isinstance(s, int | np.integer) else self._batch for s in shape]
        return self.node("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]

    def reshape(self, name: str, shape: Sequence[Any]) -> str:
        """Another shape for the same values; of one size that depends on the batch ONNX finds it itself."""
        if sum(not isinstance(size, int | np.integer) for size in shape) > 1:
            return self.node("Reshape", name, self.sizes(shape))
        return self.node("Reshape", name, self.integers([s if isinstance(s, int) else -1 for s in shape]))

    def expanded(self, tensor: Tensor, shape: Sequence[Any]) -> str:
        """The tensor repeated to `shape`."""
        if tuple(tensor.shape) == tuple(shape):
            return tensor.name
        return self.node("Expand", tensor.name, self.sizes(shape))

    def model(
        self,
        inputs: dict[str, tuple[str, tuple[int, ...]]],
        outputs: dict[str, tuple[str, tuple[int, ...]]],
        words: str,
    ) -> bytes:
        """The whole as a file's bytes, checked by ONNX's own checker; types and shapes of one example by name."""
        import onnx

        def values(slots: dict[str, tuple[str, tuple[int, ...]]]) -> list[Any]:
            kinds = {"float32": onnx.TensorProto.FLOAT, "bool": onnx.TensorProto.BOOL}
            return [
                self._helper.make_tensor_value_info(name, kinds[dtype], [BATCH, *shape])
                for name, (dtype, shape) in slots.items()
            ]

        used, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if used & set(node.output):
                nodes.append(node)
                used |= set(node.input)
        initialisers = [
            self._numpy_helper.from_array(value, name) for name, value in self._constants.items() if name in used
        ]
        graph = self._helper.make_graph(nodes[::-1], "dfrec", values(inputs), values(outputs), initialisers)
        opsets = [self._helper.make_opsetid("", OPSET)]
        model = self._helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="dfrec-jax")
        model.doc_string = words
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString()
