"""The graph as plain, frozen data: nodes, ordered operands, values. It can be replayed, written as JSON and exported.

Ids are small integers in recording order, so operands always come before the nodes that use them, and the same
program gives the same ids every time.
"""

import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np

from .display import Displayed
from .encoding import decode, dtype_of, encode, read_only
from .errors import AutodiffError, GraphError
from .layout import copied
from .ops.table import OPERATIONS
from .origin import Source
from .tape import LEAVES, NO_PARAMS, Value, topological


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of the forward pass and how it was computed.

    `op` is the operation's name, or "input" (a tracked leaf), "parameter" (a trained leaf) or "constant".
    `operands` are node ids, in order and with repeats. `dtype` is "float" or "int" for plain Python numbers.
    `value` is what the operations were computed from: arrays are read-only and stay if a tensor's data changes.
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
class Graph(Displayed):
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
        """The graph that computed the outputs, in the order given, with repeats.

        An output that depends on nothing tracked is a constant of its own. Raises GraphError if there is no output,
        or one is anything but a Scalar or Tensor.
        """
        if not outputs:
            raise GraphError("Graph.of: give the Scalars or Tensors whose graph you want, got none")
        return cls(*freeze(outputs)[:2])

    @classmethod
    def recorded(cls, *outputs: Value) -> tuple[Self, dict[int, int]]:
        """As `of`, with the node id of each live value's recording index, `value.index`, besides."""
        nodes, output_ids, ids = freeze(outputs)
        return cls(nodes, output_ids), ids

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
        leaves = [node for node in self.nodes if node.is_leaf and node.name]
        plain = Counter(node.name for node in leaves)
        names = [f"{n.scope}/{n.name}" if plain[n.name] > 1 and n.scope else str(n.name) for n in leaves]
        while True:  # a name with its id may be what a person called another leaf: then that one gets its id too
            borne = Counter(names)
            if len(borne) == len(names):
                return {name: node.id for name, node in zip(names, leaves, strict=True)}
            names = [f"{name}#{n.id}" if borne[name] > 1 else name for name, n in zip(names, leaves, strict=True)]

    def named(self, names: Mapping[int, str]) -> Self:
        """The same graph with names, by id, for nodes that have none."""
        if not names:
            return self
        nodes = tuple(replace(n, name=names[n.id]) if not n.name and n.id in names else n for n in self.nodes)
        return type(self)(nodes, self.output_ids)

    def replay(self, values: Mapping[int | str, Any] | None = None) -> Self:
        """The same graph computed again; `values` replaces leaves, by id or by their name in `names`. Shapes stay.

        A value is a number or array of the leaf's shape; it becomes the leaf's dtype. Raises GraphError for a name or
        id that is no leaf, a value that does not fit, or an operation that fails or is not defined here.
        """
        given = self._leaf_values({} if values is None else values)
        computed: list[Any] = []
        for node in self.nodes:
            if node.is_leaf:
                computed.append(given.get(node.id, node.value))
            else:
                computed.append(read_only(_evaluate(node, [computed[i] for i in node.operands])))
        nodes = tuple(
            node if value is node.value else replace(node, value=value)
            for node, value in zip(self.nodes, computed, strict=True)
        )
        return type(self)(nodes, self.output_ids)

    def _leaf_values(self, values: Mapping[int | str, Any]) -> dict[int, Any]:
        if not isinstance(values, Mapping):
            raise GraphError(f"replay: values are given as {{name or id: value}}, got {type(values).__name__}")
        names = self.names
        given: dict[int, Any] = {}
        for key, value in values.items():
            id = names.get(key, -1) if isinstance(key, str) else _as_id(key)
            if not (0 <= id < len(self.nodes) and self.nodes[id].is_leaf):
                known = ", ".join(list(names)[:20]) + (", ..." if len(names) > 20 else "") or "none"
                raise GraphError(f"replay: {key!r} is not a leaf of this graph; its named leaves are {known}")
            if id in given:
                raise GraphError(f"replay: two values are given for leaf #{id}, the second as {key!r}")
            given[id] = _fitted(f"replay: {key!r}", value, self.nodes[id])
        return given

    def to_networkx(self) -> Any:
        """A `networkx.MultiDiGraph`: node attributes are Node's fields, each edge has its operand `position`."""
        import networkx

        graph = networkx.MultiDiGraph()
        for node in self.nodes:
            attributes = {field.name: getattr(node, field.name) for field in fields(node) if field.name != "id"}
            graph.add_node(node.id, output=node.id in self.output_ids, **attributes)
        for node in self.nodes:
            for position, operand in enumerate(node.operands):
                graph.add_edge(operand, node.id, position=position)
        return graph

    def to_json(self) -> str:
        """Strict JSON that `from_json` reads back to the same values, bit for bit.

        Raises GraphError for a value or parameter that is not of numbers, truth values, text, slices, and lists and
        tuples of them.
        """
        import json

        nodes = []
        for node in self.nodes:
            try:
                value = encode(node.value)
                params = {key: encode(param) for key, param in node.params.items()}
            except GraphError as error:
                raise GraphError(f"{error}, in node #{node.id} ({node.op})") from error
            except RecursionError as error:
                raise GraphError(f"to_json: a parameter of node #{node.id} ({node.op}) is nested too deeply") from error
            nodes.append(
                {
                    "id": node.id,
                    "op": node.op,
                    "operands": list(node.operands),
                    "value": value,
                    "dtype": node.dtype,
                    "name": node.name,
                    "scope": node.scope,
                    "params": params,
                    "source": _source_fields(node.source),
                }
            )
        document = {"format": _FORMAT, "outputs": list(self.output_ids), "nodes": nodes}
        try:
            return json.dumps(document, allow_nan=False)
        except ValueError as error:  # whole numbers of thousands of digits have no text in Python
            raise GraphError(f"to_json: {error}") from error

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The graph that `to_json` wrote. Raises GraphError if the text is anything else; nothing in it is run."""
        import json

        if not isinstance(text, str | bytes | bytearray):
            raise GraphError(f"from_json: takes the text that to_json wrote, got {type(text).__name__}")
        try:
            document = json.loads(text, parse_constant=_refuse_constant)
            if not isinstance(document, dict) or document.get("format") != _FORMAT:
                raise GraphError(f"the text has no format {_FORMAT!r}")
            nodes = tuple(_node_from(entry, id) for id, entry in enumerate(_field(document, "nodes", list)))
            output_ids = _ids(document, "outputs", len(nodes))
        except (ValueError, TypeError, KeyError, ArithmeticError, MemoryError, RecursionError) as error:
            reason = str(error) if isinstance(error, GraphError) else f"{type(error).__name__}: {error}"
            raise GraphError(f"from_json: not a graph written by to_json: {' '.join(reason.split())}") from error
        return cls(nodes, output_ids)


_FORMAT = "chainlens graph 1"


class _NumberNode:
    """A node of a number while its slots, those of Node, are filled. A frozen dataclass fills them by name, which takes
    three times as long, and graphs have many nodes."""

    __slots__ = tuple(field.name for field in fields(Node))

    def __init__(
        self,
        id: int,
        op: str,
        operands: tuple[int, ...],
        value: float,
        name: str | None,
        scope: str,
        params: Mapping[str, Any],
        source: Source | None,
    ) -> None:
        self.id, self.op, self.operands, self.value = id, op, operands, value
        self.shape, self.dtype = (), "float"
        self.name, self.scope, self.params, self.source = name, scope, params, source


def _number_node(*given: Any) -> Node:
    node: Any = _NumberNode(*given)
    node.__class__ = Node
    return node  # type: ignore[no-any-return]


def freeze(
    outputs: Iterable[Any], values: Sequence[Value] | None = None
) -> tuple[tuple[Node, ...], tuple[int, ...], dict[int, int]]:
    """Nodes, output ids, and the node id of each live value's recording index.

    Leaves have the values that the operations used, even if their arrays were written to since.

    values  what `topological` says of the outputs, if it is known
    """
    outputs = tuple(outputs)
    for output in outputs:
        if not isinstance(output, Value):
            hint = "; give each as an argument of its own" if isinstance(output, list | tuple) else ""
            raise GraphError(f"a graph is built from Scalars and Tensors, got {type(output).__name__}{hint}")
    nodes: list[Node] = []
    ids: dict[int, int] = {}  # recording index of a live value -> node id
    arrays: dict[int, int] = {}  # id() of a plain array -> node id; the recorded operands keep the arrays alive

    def add(
        value: Any,
        op: str,
        operands: tuple[int, ...],
        name: str | None = None,
        scope: str = "",
        params: Mapping[str, Any] = NO_PARAMS,
        source: Source | None = None,
    ) -> int:
        place = len(nodes)
        if type(value) is float:  # long chains are of these
            nodes.append(_number_node(place, op, operands, value, name, scope, params, source))
        else:
            shape, dtype = np.shape(value), dtype_of(value)
            nodes.append(Node(place, op, operands, read_only(value), shape, dtype, name, scope, params, source))
        return place

    def operand_id(operand: Any, saved: Any, scope: str) -> int:
        if isinstance(operand, Value):
            known = ids.get(operand.index)
            if known is None:  # an untracked value
                known = ids[operand.index] = add_value(operand, ())
            return known
        if not isinstance(operand, np.ndarray):
            return add(operand, "constant", (), None, scope)
        key = id(operand)
        if key not in arrays:
            arrays[key] = add(own(saved, operand), "constant", (), None, scope)
        return arrays[key]

    def own(saved: Any, live: Any) -> Any:
        """What an operation saved, copied if that is the live array and somebody could still write to it."""
        return copied(live) if saved is live and isinstance(live, np.ndarray) and live.flags.writeable else saved

    def add_value(value: Value, operands: tuple[int, ...]) -> int:
        if value.primitive is not None and value.requires_grad:
            op = value.primitive.name
        else:
            op = value.leaf_op if value.requires_grad else "constant"
        data = used.get(value.index, value.data)
        if type(data) is not float:
            data = own(data, value.data)
        params = NO_PARAMS if op in LEAVES else value.params
        if op == "constant" and value.leaf_op == "parameter":
            params = {"frozen": True}  # a parameter that is not trained
        return add(data, op, operands, value.name, value.scope, params, value.source)

    values = topological(outputs) if values is None else values
    used: dict[int, Any] = {}  # recording index of a live value -> its data when it was first used
    first, known = used.setdefault, ids.get
    for value in values:
        for operand, saved in zip(value.operands, value.saved, strict=True):
            if isinstance(operand, Value):
                first(operand.index, saved)
    for value in values:
        operands = []
        for operand, saved in zip(value.operands, value.saved, strict=True):
            place = known(operand.index) if isinstance(operand, Value) else None
            operands.append(operand_id(operand, saved, value.scope) if place is None else place)
        ids[value.index] = add_value(value, tuple(operands))
    output_ids = tuple(operand_id(output, None, "") for output in outputs)
    return tuple(nodes), output_ids, ids


def _evaluate(node: Node, operands: list[Any]) -> Any:
    """The value of a node that is no leaf, computed from its operands' values."""
    if node.op not in OPERATIONS:
        raise GraphError(f"replay: node #{node.id} needs the operation {node.op!r}, which is not defined here")
    try:
        result = OPERATIONS[node.op].evaluate(*operands, **node.params)
        value = float(result) if node.dtype == "float" else np.asarray(result)
    except AutodiffError:
        raise
    except Exception as error:  # a graph read from a file may call an operation with anything
        reason = " ".join(str(error).split())
        raise GraphError(f"replay: node #{node.id} ({node.op}): {type(error).__name__}: {reason}") from error
    if np.shape(value) != node.shape or dtype_of(value) != node.dtype:
        raise GraphError(
            f"replay: node #{node.id} ({node.op}) has shape {node.shape} and dtype {node.dtype}, "
            f"but computing it gives {np.shape(value)} and {dtype_of(value)}"
        )
    return value


def _as_id(key: Any) -> int:
    try:
        return -1 if isinstance(key, bool | np.bool_) else operator.index(key)
    except TypeError:
        return -1


_PYTHON_NUMBERS = {"float": float, "int": int, "bool": bool}  # a weak number stays one, and its dtype name says so


def _fitted(label: str, value: Any, node: Node) -> Any:
    """A value as the leaf's own kind of number or read-only array. Raises GraphError if that would change it."""
    try:
        array = np.array(value.data if isinstance(value, Value) else value)
    except (ValueError, TypeError) as error:
        raise GraphError(f"{label}: {' '.join(str(error).split())}") from error
    if array.dtype.kind not in "fiub":
        raise GraphError(f"{label} takes real numbers, got {type(value).__name__} of dtype {array.dtype}")
    if array.shape != node.shape:
        raise GraphError(f"{label} has shape {node.shape}, got a value of shape {array.shape}")
    with np.errstate(all="ignore"):
        fitted = array.astype(_PYTHON_NUMBERS.get(node.dtype, node.dtype))
    exact = np.isfinite(fitted) | ~np.isfinite(array) if fitted.dtype.kind == "f" else fitted == array
    if not np.all(exact):
        raise GraphError(f"{label} has dtype {node.dtype}, which does not hold every number of the value")
    return fitted.item() if node.dtype in _PYTHON_NUMBERS and not node.shape else read_only(fitted)


def _refuse_constant(name: str) -> None:
    raise GraphError(f"{name} is not strict JSON")


def _field(entry: Any, name: str, kind: Any) -> Any:
    """A field of a JSON object. Raises GraphError if it is missing or of another type."""
    if not isinstance(entry, dict) or name not in entry:
        raise GraphError(f"the field {name!r} is missing")
    value = entry[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise GraphError(f"the field {name!r} is of type {type(value).__name__}")
    return value


def _ids(entry: Any, name: str, count: int) -> tuple[int, ...]:
    ids = tuple(_field(entry, name, list))
    if not all(type(id) is int and 0 <= id < count for id in ids):
        raise GraphError(f"{name!r} names nodes that do not exist, or stand further on")
    return ids


_SOURCES = ([str, int, str], [str, int, str, str, int, int, int, str])  # without the part of the line, and with it


def _source_fields(source: Source | None) -> list[Any] | None:
    if source is None:
        return None
    return list(source) if source.column is not None else list(source[:3])


def _node_from(entry: Any, id: int) -> Node:
    if _field(entry, "id", int) != id:
        raise GraphError(f"node {entry['id']} stands where node {id} is expected")
    op, operands = _field(entry, "op", str), _ids(entry, "operands", id)
    value = decode(_field(entry, "value", object))
    params = {key: decode(param) for key, param in _field(entry, "params", dict).items()}
    source = _field(entry, "source", list | None)
    if not isinstance(value, float | int | np.ndarray | np.generic):
        raise GraphError(f"the value of node {id} is of type {type(value).__name__}")
    if _field(entry, "dtype", str) != dtype_of(value):
        raise GraphError(f"node {id} is said to have dtype {entry['dtype']!r}, its value is {dtype_of(value)}")
    if op in LEAVES and (operands or params):
        raise GraphError(f"node {id} is a leaf ({op}), but has operands or parameters")
    if source is not None and [type(part) for part in source] not in _SOURCES:
        raise GraphError(f"the source of node {id} is not a file, a line and its text")
    return Node(
        id=id,
        op=op,
        operands=operands,
        value=read_only(value),
        shape=np.shape(value),
        dtype=dtype_of(value),
        name=_field(entry, "name", str | None),
        scope=_field(entry, "scope", str),
        params=params,
        source=Source(*source) if source else None,
    )
