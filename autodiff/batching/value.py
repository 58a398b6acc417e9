"""Batched: an array for every example of a map, seen as if it were the array of one. `vmap` passes these.

A `Batched` value belongs to one running map. Inside it is what the map was given: an array, or a value of something
that goes on around the map (a transform, another map), with the examples along axis 0. An operation on it is done on
what is inside, for all examples at once, so that whatever goes on outside records it; and it is recorded on the
`Batched` values themselves, so that a transform inside the mapped function finds the graph of one example.

What reads the data of a value without recording it (comparisons, NumPy's functions about order and truth) gets
booleans and integers that differ from example to example too, and Python cannot branch on those.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import OperandError, ShapeError
from ..ops.options import refuse
from ..ops.shape import to_tensor
from ..origin import caller
from ..primitive import Primitive, Variadic
from ..questions import ask_plainly
from ..tape import Value, current, next_index
from ..tensor import Tensor, as_array
from ..transforms import innermost, jvp, vjp
from .data import answer, is_plain
from .operand import Operand, unbatched
from .rules import example_by_example, row_of


class Level:
    """One map that is running.

    size    the number of examples
    parent  the map around it
    """

    __slots__ = ("depth", "parent", "size")

    def __init__(self, size: int, parent: "Level | None") -> None:
        self.size, self.parent = size, parent
        self.depth: int = 0 if parent is None else parent.depth + 1

    def beside(self, x: Any) -> "Batched":
        """x as a value of this map: if it was none yet, the same for all examples."""
        if isinstance(x, Batched) and x.level.depth >= self.depth:
            return x
        return Batched.of(self, x, mapped=False)

    def seen(self, x: Any) -> Operand:
        """What x is for all examples."""
        if not isinstance(x, Batched) or x.level.depth < self.depth:
            return Operand(x, False)
        if x.level is not self:
            raise OperandError("vmap: a value of a map that has ended entered another; return it from the function")
        return Operand(x.inner, x.mapped)

    def seen_in(self, tree: Any) -> Any:
        """Parameters or arguments, with what it is for all examples in place of each value of this map."""
        if isinstance(tree, Batched):
            x = self.seen(tree)
            return x if x.mapped else x.value
        if isinstance(tree, dict):
            return {key: self.seen_in(item) for key, item in tree.items()}
        return type(tree)(self.seen_in(item) for item in tree) if type(tree) in (list, tuple) else tree

    def drawn(self, draw: Callable[[tuple[int, ...]], Any], shape: tuple[int, ...]) -> "Batched":
        """What `draw` makes in this shape, another for each example."""
        wide = (self.size, *shape)
        return Batched.of(self, draw(wide) if self.parent is None else self.parent.drawn(draw, wide), mapped=True)


class Batched(Tensor):
    """A Tensor that is another for each example: `shape`, `ndim`, `size` and `dtype` are those of one.

    level   the map it belongs to
    inner   the array or value for all examples
    mapped  whether axis 0 of `inner` is that of the examples; else it is the same for all
    """

    __slots__ = ("inner", "level", "mapped")

    takes_over = True

    level: Level
    inner: Any
    mapped: bool

    @classmethod
    def of(cls, level: Level, inner: Any, mapped: bool, name: str | None = None) -> "Batched":
        """A constant."""
        value = cls.__new__(cls)
        if isinstance(inner, Value):
            value.inner = inner if isinstance(inner, Tensor) else to_tensor(inner)
        else:
            value.inner = np.asarray(inner)
        value.level, value.mapped, value.name = level, mapped, name
        state = current.get()
        value.scope, value.source = state.scope, caller() if state.source and state.source.lines else None
        value.grad = value.hooks = value.primitive = None
        value.operands, value.params, value.requires_grad = (), {}, False
        value.index = next_index()
        return value

    @classmethod
    def record(cls, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], name: str | None) -> Value:
        operands = tuple(as_array(o, None) if isinstance(o, list | tuple) else o for o in operands)
        level = _top(operands)
        seen, given = [level.seen(o) for o in operands], level.seen_in(params)
        if not any(o.mapped for o in seen) and not _differs(given):
            out = cls.of(level, primitive(*(o.value for o in seen), **given), False, name)
            return out._made_by(primitive, operands, params)
        row = row_of(primitive)
        result = NotImplemented if row is None or row.whole else row.rule(primitive, seen, given, level.size)
        if result is NotImplemented:
            return _as_a_whole(level, primitive, operands, seen, given, name)
        if name and isinstance(result, Value) and not any(result is o.value for o in seen):
            result.name = name  # pictures are drawn of what goes on outside
        return cls.of(level, result, True, name)._made_by(primitive, operands, params)

    def _made_by(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> "Batched":
        """The value, remembering its origin if that is tracked in this map."""
        if current.get().enabled and any(_is_tracked(o, self.level) for o in operands) and self.dtype.kind == "f":
            # What goes on outside is recorded inside: here its values are constants.
            self.operands = tuple(self.level.beside(o) if isinstance(o, Value) else o for o in operands)
            self.saved = tuple(o.data if isinstance(o, Value) else o for o in self.operands)
            self.primitive, self.params, self.requires_grad = primitive, params, True
        attention = current.get().source
        if attention and attention.watch is not None and attention.of_values:
            attention.watch.value(self)
        return self

    def as_leaf(self) -> "Batched":
        """The same as a tracked leaf, for a transform to differentiate with respect to."""
        if self.dtype.kind != "f":
            raise OperandError(f"a gradient is taken with respect to floating arrays, got dtype {self.dtype}")
        leaf = Batched.of(self.level, self.inner, self.mapped, self.name)
        leaf.requires_grad = True
        return leaf

    def beside(self, x: Any) -> "Batched":
        """x as a value of the same map."""
        return self.level.beside(x)

    def converted(self, conversion: Primitive, kind: str) -> "Batched":
        """The same: it is neither a Scalar nor a plain Tensor, and stands for both."""
        return self

    def given_as(self, primal: Any) -> "Batched":
        """A derivative as the caller gave its primal: such a value in any case."""
        return self

    def constant(self, data: Any) -> Any:
        """Plain numbers as they enter an operation with this value: as they are."""
        return data

    def computed_by(self, operation: Primitive, operands: tuple[Any, ...]) -> "Batched":
        """The same: it holds what is recorded around the map, too, so its values are kept."""
        return self

    def drawn(self, draw: Callable[[tuple[int, ...]], Any]) -> "Batched":
        """What `draw` makes in this shape, another for each example of this map and those around it."""
        return self.level.drawn(draw, self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        shape: tuple[int, ...] = self.inner.shape
        return shape[1:] if self.mapped else shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""
        dtype: np.dtype[Any] = self.inner.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes of one example."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements of one example."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def data(self) -> "Batched":  # type: ignore[override]  # plain data of one example are no array
        """The same, remembering nothing at all: what stands for the plain array."""
        return self.detach()

    @property
    def whole(self) -> np.ndarray:
        """The plain numbers of all examples."""
        inner = self.inner
        while isinstance(inner, Batched):
            inner = inner.inner
        array: np.ndarray = inner.data if isinstance(inner, Value) else inner
        return array

    def detach(self) -> "Batched":
        """The same as a constant, for what goes on outside too."""
        inner = self.inner.data if isinstance(self.inner, Value) else self.inner
        return self if inner is self.inner and not self.requires_grad else Batched.of(self.level, inner, self.mapped)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if is_plain(ufunc.__name__) and method != "at":
            (out,) = kwargs.pop("out", (None,))
            refuse(f"np.{ufunc.__name__}", out=out, where=kwargs.pop("where", None))
            return _asked(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        where_it_holds = function is np.where and len(args) == 1
        if where_it_holds or is_plain(function.__name__, of_data=_holds_data_alone([args, kwargs])):
            return _asked(function, args, kwargs)
        return super().__array_function__(function, types, args, kwargs)

    def __len__(self) -> int:
        if not self.shape:
            raise OperandError("vmap: a zero-dimensional tensor has no length")
        return self.shape[0]

    def _same_for_all(self, wish: str) -> Any:
        """The plain data, if they are the same for all examples. Raises OperandError if not."""
        if self.mapped:
            raise OperandError(
                f"vmap: {wish} needs one value, but this one, of shape {self.shape}, differs from example to example; "
                "use autodiff's functions, and autodiff.where instead of a branch"
            )
        return self.inner.data if isinstance(self.inner, Value) else self.inner

    def __bool__(self) -> bool:
        data = self._same_for_all("bool()")
        if np.size(data) != 1:
            raise ShapeError(f"Tensor: shape {self.shape} has no single truth value; use .data.any() or .data.all()")
        return bool(data)

    def __index__(self) -> int:
        return int(self._same_for_all("an index of Python's"))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.requires_grad:
            return super().__array__(dtype, copy)  # raises
        return np.array(self._same_for_all("a NumPy array"), dtype=dtype, copy=copy)

    def numpy(self) -> np.ndarray:
        """The plain array, if it is the same for all examples; else raises OperandError."""
        return np.asarray(self._same_for_all("numpy()"))

    def item(self, *index: Any) -> float:
        """The one number, or that at an index, if it is the same for all examples; else raises OperandError."""
        return Tensor(self._same_for_all("item()")).item(*index)

    def tolist(self) -> Any:
        """The numbers as nested lists, if they are the same for all examples; else raises OperandError."""
        return self._same_for_all("tolist()").tolist()

    @property
    def itemsize(self) -> int:
        """Bytes of one number."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers of one example."""
        return self.size * self.itemsize

    def backward(self, cotangent: Any = None, create_graph: bool = False) -> None:
        """Raises OperandError: inside a mapped function use the transforms, such as `grad`."""
        raise OperandError("vmap: backward() has no .grad to fill for each example; use autodiff.grad in the function")

    def __reduce__(self) -> tuple[Any, ...]:
        raise OperandError("vmap: a value of a mapped function cannot be copied or pickled; return it")

    def __repr__(self) -> str:
        many = f"{self.level.size} examples" if self.mapped else "the same for all examples"
        return f"Batched(shape={self.shape}, dtype={self.dtype}, {many})"


ask_plainly(Batched)


class _Whole(Variadic):
    """A function of what is inside, for all examples at once, as an operation. Its derivatives are such functions too.

    Like a rematerialised function it is in no table, and freed with its node.
    """

    def __init__(self, name: str, level: Level, function: Callable[..., Any], has_rule: Sequence[bool] = ()) -> None:
        self.name, self.level, self.function, self.rules = name, level, function, has_rule
        self.arity, self.linear, self.vjps = None, False, ()

    def __call__(self, *operands: Any, name: str | None = None, **params: Any) -> Batched:
        values = tuple(self.level.beside(x) for x in operands)
        token = innermost.set(self.level.parent)  # what the function differentiates is outside this map
        try:
            out = self.function(*(self.level.seen(x).wide(self.level.size) for x in values))
        finally:
            innermost.reset(token)
        return Batched.of(self.level, out, True, name)._made_by(self, values, {})

    def vjp(self, position: int, g: Any, out: Any, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        function = self.function

        def pull(g: Any, *inner: Any) -> Any:
            def of_one(x: Any) -> Any:
                return function(*inner[:position], x, *inner[position + 1 :])

            return vjp(of_one, inner[position])[1](g)[0]

        return _Whole(f"vjp of {self.name}", self.level, pull)(g, *operands)

    def jvp(self, tangents: Sequence[Any], out: Any, *operands: Any) -> Any:
        function, chosen = self.function, [i for i, t in enumerate(tangents) if t is not None]

        def push(*given: Any) -> Any:
            directions, inner = given[: len(chosen)], given[len(chosen) :]

            def of_chosen(*values: Any) -> Any:
                filled = list(inner)
                for i, value in zip(chosen, values, strict=True):
                    filled[i] = value
                return function(*filled)

            return jvp(of_chosen, [inner[i] for i in chosen], directions)[1]

        return _Whole(f"jvp of {self.name}", self.level, push)(*(tangents[i] for i in chosen), *operands)

    def has_rule(self, position: int) -> bool:
        return self.rules[position] if self.rules else True


def _as_a_whole(
    level: Level, primitive: Primitive, operands: Sequence[Any], seen: Sequence[Operand], params: Any, name: str | None
) -> Batched:
    """An operation whose derivative rules see what is inside: all of it, or each example in turn."""
    row = row_of(primitive)
    rule = row.rule if row is not None and row.whole else example_by_example
    chosen = [i for i, o in enumerate(operands) if seen[i].mapped or _is_tracked(o, level)]

    def function(*values: Any) -> Any:
        filled = list(seen)
        for i, value in zip(chosen, values, strict=True):
            filled[i] = Operand(value, True)
        return rule(primitive, filled, params, level.size)

    rules = [primitive.has_rule(i) for i in chosen]
    return _Whole(primitive.name, level, function, rules)(*(operands[i] for i in chosen), name=name)


def _asked(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A NumPy function of the plain data, for all examples."""
    level = _top([args, kwargs])
    result, mapped = answer(function, level.seen_in(args), level.seen_in(kwargs), level.size)
    if not mapped:
        return result
    if isinstance(result, tuple):
        return tuple(Batched.of(level, part, True) for part in result)
    return Batched.of(level, result, True)


def _values_in(tree: Any) -> Iterator[Value]:
    """The values in nested lists, tuples and dicts."""
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, Value):
            yield item
        elif type(item) in (list, tuple):
            stack.extend(item)
        elif type(item) is dict:
            stack.extend(item.values())


def _top(tree: Any) -> Level:
    """The innermost of the maps that values belong to."""
    return max((x.level for x in _values_in(tree) if isinstance(x, Batched)), key=lambda level: level.depth)


def _holds_data_alone(tree: Any) -> bool:
    """Whether no value is recorded, in its map or around it."""
    return all(x.data is x for x in _values_in(tree))


def _differs(params: Any) -> bool:
    """Whether a parameter, such as an index, differs from example to example."""
    found: list[Operand] = []
    unbatched(params, found.append)
    return bool(found)


def _is_tracked(x: Any, level: Level) -> bool:
    return isinstance(x, Batched) and x.level is level and x.requires_grad
