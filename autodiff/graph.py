"""The graph as plain, frozen data: nodes, ordered operands, values. It can be replayed, written as JSON and exported.

Ids are small integers in recording order, so operands always come before the nodes that use them, and the same
program gives the same ids every time.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np

from .errors import GraphError
from .tape import Source, Value, topological

LEAVES = ("input", "parameter", "constant")  # the ops that compute nothing


class Operation(Protocol):
    """What a graph needs of an operation to replay it; `primitive.Primitive` is one."""

    name: str

    def evaluate(self, *data: Any, **params: Any) -> Any:
        """The forward function on plain floats and arrays."""


OPERATIONS: dict[str, Operation] = {}  # every operation by name; primitive.py fills it


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of the forward pass and how it was computed.

    `op` is the operation's name, or "input" (a tracked leaf), "parameter" (a trained leaf) or "constant".
    `operands` are node ids, in order and with repeats. `dtype` is "float" or "int" for plain Python numbers.
    """

    id: int
    op: str
    operands: tuple[int, ...]
    value: Any = field(repr=False)
    shape: tuple[int, ...]
    dtype: str
    name: str | None = None
    scope: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = None

    @property
    def is_leaf(self) -> bool:
        """Whether the node computes nothing: an input, a parameter or a constant."""
        return self.op in LEAVES


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A forward computation as data: `nodes` in recording order, and the ids of its outputs.

    >>> import autodiff as ad
    >>> w, x = ad.Scalar(3.0, name="w"), ad.Scalar(2.0, name="x")
    >>> graph = ad.Graph.of(w * x + 1)
    >>> [(node.id, node.op, node.operands) for node in graph.nodes]
    [(0, 'input', ()), (1, 'input', ()), (2, 'mul', (0, 1)), (3, 'constant', ()), (4, 'add', (2, 3))]
    >>> graph.replay({"w": 5.0}).outputs[0].value
    11.0
    """

    nodes: tuple[Node, ...]
    output_ids: tuple[int, ...]

    @classmethod
    def of(cls, *outputs: Value) -> Self:
        """The graph that computed the outputs. Raises GraphError for anything but Scalars and Tensors."""
        return cls(*freeze(outputs)[:2])

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes a gradient can be asked for: inputs and parameters."""
        return tuple(node for node in self.nodes if node.op in ("input", "parameter"))

    @property
    def outputs(self) -> tuple[Node, ...]:
        """The nodes the graph was built for."""
        return tuple(self.nodes[i] for i in self.output_ids)

    @property
    def names(self) -> dict[str, int]:
        """The id of every named leaf, by a name of its own: one that several bear gets its scope, or else its id.

        >>> import autodiff as ad
        >>> with ad.scope("layer1"):
        ...     a = ad.Scalar(1.0, name="b")
        >>> list(ad.Graph.of(a + ad.Scalar(2.0, name="c") + ad.Scalar(3.0, name="b")).names)
        ['layer1/b', 'c', 'b']
        """
        names: dict[str, int] = {}
        leaves = [node for node in self.nodes if node.is_leaf and node.name]
        plain = Counter(node.name for node in leaves)
        scoped = Counter((node.scope, node.name) for node in leaves)
        for node in leaves:
            name = str(node.name)
            if plain[node.name] > 1 and node.scope:
                name = f"{node.scope}/{name}"
            if scoped[node.scope, node.name] > 1:
                name = f"{name}#{node.id}"
            names[name] = node.id
        return names

    def replay(self, values: Mapping[int | str, Any] | None = None) -> Self:
        """The same graph computed again; `values` replaces leaves, by id or by their name in `names`. Shapes stay.

        Raises GraphError for a name or id that is no leaf, or a value of another shape.
        """
        given = self._leaf_values(values or {})
        computed: list[Any] = []
        for node in self.nodes:
            if node.is_leaf:
                computed.append(given.get(node.id, node.value))
                continue
            if node.op not in OPERATIONS:
                raise GraphError(f"replay: node #{node.id} needs the operation {node.op!r}, which is not defined here")
            result = OPERATIONS[node.op].evaluate(*(computed[i] for i in node.operands), **node.params)
            computed.append(float(result) if node.dtype == "float" else np.asarray(result))
        nodes = tuple(
            node if value is node.value else replace(node, value=value)
            for node, value in zip(self.nodes, computed, strict=True)
        )
        return type(self)(nodes, self.output_ids)

    def _leaf_values(self, values: Mapping[int | str, Any]) -> dict[int, Any]:
        names = self.names
        given: dict[int, Any] = {}
        for key, value in values.items():
            id = names.get(key, -1) if isinstance(key, str) else key
            if not (0 <= id < len(self.nodes) and self.nodes[id].is_leaf):
                raise GraphError(
                    f"replay: {key!r} is not a leaf of this graph; its named leaves are {', '.join(names)}"
                )
            node = self.nodes[id]
            data = float(value) if node.dtype == "float" else np.asarray(value, dtype=node.dtype)
            if np.shape(data) != node.shape:
                raise GraphError(f"replay: {key!r} has shape {node.shape}, got a value of shape {np.shape(data)}")
            given[id] = data
        return given

    def to_networkx(self) -> Any:
        """A `networkx.MultiDiGraph`: node attributes are Node's fields, each edge has its operand `position`."""
        import networkx

        graph = networkx.MultiDiGraph()
        for node in self.nodes:
            attributes = {name: getattr(node, name) for name in Node.__dataclass_fields__ if name != "id"}
            graph.add_node(node.id, output=node.id in self.output_ids, **attributes)
        for node in self.nodes:
            for position, operand in enumerate(node.operands):
                graph.add_edge(operand, node.id, position=position)
        return graph

    def to_json(self) -> str:
        """Strict JSON that `from_json` reads back to the same values, bit for bit."""
        import json

        nodes = [
            {
                "id": node.id,
                "op": node.op,
                "operands": list(node.operands),
                "value": encode(node.value),
                "dtype": node.dtype,
                "name": node.name,
                "scope": node.scope,
                "params": {key: encode(value) for key, value in node.params.items()},
                "source": list(node.source) if node.source else None,
            }
            for node in self.nodes
        ]
        return json.dumps({"format": _FORMAT, "outputs": list(self.output_ids), "nodes": nodes}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The graph that `to_json` wrote. Raises GraphError if the text is anything else."""
        import json

        try:
            document = json.loads(text)
            if document["format"] != _FORMAT:
                raise GraphError(f"from_json: format {document['format']!r} is not {_FORMAT!r}")
            nodes = tuple(_node_from(entry, position) for position, entry in enumerate(document["nodes"]))
            output_ids = tuple(int(i) for i in document["outputs"])
        except GraphError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise GraphError(f"from_json: not a graph written by to_json ({type(error).__name__}: {error})") from error
        if not all(0 <= i < len(nodes) for i in output_ids):
            raise GraphError(f"from_json: outputs {output_ids} name nodes that do not exist")
        return cls(nodes, output_ids)


_FORMAT = "chainlens graph 1"


def freeze(outputs: Iterable[Any]) -> tuple[tuple[Node, ...], tuple[int, ...], dict[int, int]]:
    """Nodes, output ids, and the node id of each live value's recording index."""
    outputs = tuple(outputs)
    for output in outputs:
        if not isinstance(output, Value):
            raise GraphError(f"a graph is built from Scalars and Tensors, got {type(output).__name__}")
    nodes: list[Node] = []
    ids: dict[int, int] = {}  # recording index of a live value -> node id
    arrays: dict[int, int] = {}  # id() of a plain array -> node id; the recorded operands keep the arrays alive

    def add(value: Any, op: str, operands: tuple[int, ...], **fields: Any) -> int:
        dtype = str(value.dtype) if isinstance(value, np.ndarray | np.generic) else type(value).__name__
        if isinstance(value, np.ndarray):
            value = value.view()
            value.flags.writeable = False
        nodes.append(Node(len(nodes), op, operands, value, np.shape(value), dtype, **fields))
        return len(nodes) - 1

    def operand_id(operand: Any, scope: str) -> int:
        if isinstance(operand, Value):
            if operand.index not in ids:  # an untracked value
                ids[operand.index] = add_value(operand, ())
            return ids[operand.index]
        if not isinstance(operand, np.ndarray):
            return add(operand, "constant", (), scope=scope)
        if id(operand) not in arrays:
            arrays[id(operand)] = add(operand, "constant", (), scope=scope)
        return arrays[id(operand)]

    def add_value(value: Value, operands: tuple[int, ...]) -> int:
        if value.primitive is not None and value.requires_grad:
            op = value.primitive.name
        else:
            op = value.leaf_op if value.requires_grad else "constant"
        return add(
            value.data,
            op,
            operands,
            name=value.name,
            scope=value.scope,
            params=value.params,
            source=value.source,
        )

    for value in topological(outputs):
        operands = tuple(operand_id(operand, value.scope) for operand in value.operands)
        ids[value.index] = add_value(value, operands)
    output_ids = tuple(operand_id(output, "") for output in outputs)
    return tuple(nodes), output_ids, ids


# JSON has no NaN, tuples, slices or arrays: each is written as an object with one key that says what it is.


def encode(value: Any) -> Any:
    """A value or parameter as strict JSON data."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _NON_FINITE[repr(float(value))]
    if isinstance(value, np.ndarray | np.generic):
        data = [encode(item) for item in np.ravel(value).tolist()]
        return {"array": data, "shape": list(value.shape), "dtype": str(value.dtype)}
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, slice):
        return {"slice": [encode(item) for item in (value.start, value.stop, value.step)]}
    if value is Ellipsis:
        return {"ellipsis": True}
    if isinstance(value, np.dtype):
        return {"dtype": str(value)}
    raise GraphError(f"to_json: cannot write a {type(value).__name__} parameter")


_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _decode(data: Any) -> Any:
    if isinstance(data, str):
        return _NUMBERS.get(data, data)
    if isinstance(data, list):
        return [_decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    if "array" in data:
        shape = tuple(int(n) for n in data["shape"])
        return np.array([_decode(item) for item in data["array"]], dtype=_dtype(data["dtype"])).reshape(shape)
    if "tuple" in data:
        return tuple(_decode(item) for item in data["tuple"])
    if "slice" in data:
        return slice(*(_decode(item) for item in data["slice"]))
    if "ellipsis" in data:
        return Ellipsis
    if "dtype" in data:
        return _dtype(data["dtype"])
    raise GraphError(f"from_json: unknown kind of value with keys {sorted(data)}")


def _dtype(name: str) -> np.dtype[Any]:
    dtype = np.dtype(str(name))
    if dtype.kind not in "fiub":
        raise GraphError(f"from_json: arrays are of real numbers or booleans, got dtype {name!r}")
    return dtype


def _node_from(entry: dict[str, Any], position: int) -> Node:
    if entry["id"] != position or not all(0 <= i < position for i in entry["operands"]):
        raise GraphError(
            f"from_json: node {entry['id']!r} is out of order; operands come before the nodes that use them"
        )
    value = _decode(entry["value"])
    return Node(
        id=position,
        op=str(entry["op"]),
        operands=tuple(entry["operands"]),
        value=value,
        shape=np.shape(value),
        dtype=str(entry["dtype"]),
        name=entry["name"],
        scope=str(entry["scope"]),
        params={key: _decode(item) for key, item in entry["params"].items()},
        source=Source(*entry["source"]) if entry["source"] else None,
    )
