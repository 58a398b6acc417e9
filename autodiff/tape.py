"""Recording: the live values that remember how they were made, and the contexts that say what is remembered.

A `Value` is a number or array plus its origin: the primitive that computed it and the operands it came from.
Its two kinds, `Scalar` and `Tensor`, are defined further right. Following the operands from an output gives the
graph; the graph lives exactly as long as its outputs do.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextlib import ContextDecorator
from contextvars import ContextVar
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

from .display import Displayed
from .errors import SettingError
from .origin import Source, caller

if TYPE_CHECKING:
    from .primitive import Primitive


class Watch(Protocol):
    """Somebody who looks at every number as it is computed; `anomaly` does. It objects by raising an exception."""

    def value(self, value: "Value") -> None:
        """A value was recorded."""
        ...

    def messages(self, output: "Value", value: "Value", g: Any, messages: Sequence[Any]) -> None:
        """The walk back from the output stopped at a value: its cotangent, and its messages as `reverse.Visit` says."""
        ...

    def tangent(self, value: "Value", arrived: Sequence[Any], tangent: Any) -> None:
        """Forward mode computed a value's tangent from those of its operands."""
        ...


class Attention(NamedTuple):
    """What is done besides with each value that is recorded: remember its source line, show it to a watch.

    A recorder does more: it computes every operation itself, to write it down as a step of a program; see `replay`.
    """

    lines: bool = False
    watch: Watch | None = None
    of_values: bool = True  # whether the watch looks at values: not at those that a derivative is computed with
    recorder: Any = None


class Recording(NamedTuple):
    """What is being recorded: whether at all, in which scope (`"mlp/linear1"`), with what besides, with own copies."""

    enabled: bool = True
    scope: str = ""
    source: Attention | None = None  # None is the quick way
    copy: bool = True
    outer: "Recording | None" = None  # the one that comes back at the end of the innermost context


# A context variable, so that threads and tasks that record at once do not see each other's settings.
current: ContextVar[Recording] = ContextVar("recording", default=Recording())  # noqa: B039 (immutable)


class _Changed(ContextDecorator):
    """Context manager and decorator: another recording inside, and the one before again at the end. Reusable."""

    def __init__(self, change: Callable[[Recording], Recording]) -> None:
        self._change = change

    def __enter__(self) -> None:
        outer = current.get()
        current.set(self._change(outer)._replace(outer=outer))

    def __exit__(self, *_: object) -> None:
        current.set(current.get().outer or Recording())


def no_grad() -> Any:
    """Context manager (and decorator): record nothing inside it.

    >>> import autodiff as ad
    >>> x = ad.Scalar(2.0)
    >>> with ad.no_grad():
    ...     (x * x).requires_grad
    False
    """
    return _Changed(lambda state: state._replace(enabled=False))


def enable_grad() -> Any:
    """Context manager: record again, inside a `no_grad()`. The transforms use it."""
    return _Changed(lambda state: state._replace(enabled=True))


def recording(*, source: bool | None = None, copy: bool | None = None) -> Any:
    """Context manager: what is recorded besides the values. A setting that is not given stays as it is.

    source  every value remembers the file, line and part of the line that recorded it, and what is cut off from its
            graph, as `detach()` does, from what; off by default
    copy    an operation whose derivative needs an array that could still be written to, a leaf's or a constant, keeps a
            copy of it, so that a change in place cannot falsify the gradient; on by default. Code that writes to no
            array between the forward and the backward pass, as `autodiff.train` does, saves time and memory without.

    >>> import autodiff as ad
    >>> with ad.recording(source=True):
    ...     y = ad.Scalar(2.0) * 3
    >>> y.source.text, y.source.part
    ('y = ad.Scalar(2.0) * 3', 'ad.Scalar(2.0) * 3')
    """

    def change(state: Recording) -> Recording:
        attention = state.source or Attention()
        attention = attention if source is None else attention._replace(lines=source)
        return state._replace(
            source=attention if attention != Attention() else None, copy=state.copy if copy is None else copy
        )

    return _Changed(change)


def watched(watch: Watch) -> Any:
    """Context manager: source lines are remembered, and the watch sees every value, message and tangent."""
    return _Changed(
        lambda state: state._replace(source=(state.source or Attention())._replace(lines=True, watch=watch))
    )


def differentiating(live: bool) -> Any:
    """Context manager for what rules compute: recorded only when `live`, and in any case no values to be watched."""

    def change(state: Recording) -> Recording:
        attention = state.source
        return state._replace(enabled=live, source=attention and attention._replace(of_values=False))

    return _Changed(change)


def current_watch() -> Watch | None:
    """Who watches, if anybody."""
    attention = current.get().source
    return attention.watch if attention else None


def recorded_by(recorder: Any) -> Any:
    """Context manager: a recorder computes every operation; None for nobody."""

    def change(state: Recording) -> Recording:
        attention = (state.source or Attention())._replace(recorder=recorder)
        return state._replace(source=attention if attention != Attention() else None)

    return _Changed(change)


def current_recorder() -> Any:
    """The recorder of a program that is being recorded, if one is."""
    attention = current.get().source
    return attention.recorder if attention else None


def of_values() -> Any:
    """Context manager: what is computed inside are values, even while a derivative is computed."""
    return _Changed(lambda state: state._replace(source=state.source and state.source._replace(of_values=True)))


def scope(name: str) -> Any:
    """Context manager: values recorded inside it belong to this scope; scopes nest with a slash.

    >>> import autodiff as ad
    >>> with ad.scope("mlp"), ad.scope("layer1"):
    ...     y = ad.Scalar(2.0) * 3
    >>> y.scope
    'mlp/layer1'

    Raises SettingError if the name is not a string, or empty.
    """
    if not isinstance(name, str) or not name:
        raise SettingError(f"scope: the name must be a non-empty string, got {name!r}")
    return _Changed(lambda state: state._replace(scope=f"{state.scope}/{name}" if state.scope else name))


LEAVES = ("input", "parameter", "constant")  # the ops of a graph that compute nothing
NO_PARAMS: dict[str, Any] = {}  # shared, and never written to
next_index = itertools.count().__next__  # recording order; one counter for all threads keeps it total


class Value(Displayed):
    """What `Scalar` and `Tensor` share: data, gradient, name, and the origin that makes the graph."""

    __slots__ = (
        "__weakref__",
        "data",
        "grad",
        "hooks",
        "index",
        "name",
        "operands",
        "params",
        "primitive",
        "requires_grad",
        "saved",
        "scope",
        "source",
    )

    leaf_op: ClassVar[str] = "input"  # what a tracked leaf of this class is called in a graph
    kinds: ClassVar[dict[str, type["Value"]]] = {}  # "scalar" and "tensor"; each kind enters itself
    remembers: ClassVar[bool] = False  # whether a value between input and output keeps its last gradient in .grad
    stands_for_number: ClassVar[bool] = False  # whether a value that takes over is a Scalar or a number, no array
    takes_over: ClassVar[bool] = False  # whether it records every operation it enters, whatever the other operands are

    data: Any
    grad: Any
    hooks: "list[Callable[[Any], Any]] | None"
    index: int
    name: str | None
    operands: tuple[Any, ...]
    params: dict[str, Any]
    primitive: "Primitive | None"
    requires_grad: bool
    saved: tuple[Any, ...]  # the operands' plain data, as it was when the value was computed
    scope: str
    source: Source | None

    def _become_leaf(self, data: Any, requires_grad: bool, name: str | None) -> None:
        """Fill the slots of a value that no operation made."""
        if name is not None and not isinstance(name, str):
            raise SettingError(f"{type(self).__name__}: the name must be a string, got {name!r}")
        state = current.get()
        self.data, self.requires_grad, self.name = data, requires_grad, name
        self.grad = self.hooks = None
        self.primitive, self.operands, self.saved, self.params = None, (), (), NO_PARAMS
        self.scope = state.scope
        self.source = caller() if state.source and state.source.lines else None
        self.index = next_index()

    if TYPE_CHECKING:  # every kind defines these

        @property
        def shape(self) -> tuple[int, ...]: ...

        @classmethod
        def record(
            cls, primitive: "Primitive", operands: tuple[Any, ...], params: dict[str, Any], name: str | None
        ) -> "Value":
            """Compute `primitive(*operands, **params)` and remember it."""
            ...

        # A kind that takes over defines these too; see `autodiff.batching`.

        @property
        def whole(self) -> Any: ...

        def beside(self, x: Any) -> "Value": ...

        def drawn(self, draw: Callable[[tuple[int, ...]], Any]) -> "Value": ...

        def as_leaf(self) -> "Value": ...

        def converted(self, conversion: "Primitive", kind: str) -> "Value": ...

        def constant(self, data: Any) -> Any: ...

        def decided(self) -> bool: ...

        def computed_by(self, operation: "Primitive", operands: tuple[Any, ...]) -> "Value": ...

        def given_as(self, primal: Any) -> Any: ...

    @classmethod
    def made(
        cls,
        primitive: "Primitive",
        data: Any,
        operands: tuple[Any, ...],
        saved: tuple[Any, ...],
        params: dict[str, Any],
        name: str | None,
        tracked: bool,
        state: Recording | None = None,
    ) -> Self:
        """The value that `primitive` computed as `data`. It remembers how only if one of its operands is tracked."""
        value = cls.__new__(cls)
        value.data = data
        value.name = name
        value.grad = value.hooks = None
        value.index = next_index()
        enabled, value.scope, source, _, _ = state or current.get()
        value.source = None
        if tracked and enabled:
            value.requires_grad = True
            value.primitive, value.operands, value.saved, value.params = primitive, operands, saved, params
        else:
            value.requires_grad = False
            value.primitive, value.operands, value.saved, value.params = None, (), (), NO_PARAMS
        if source:
            if source.recorder is not None:
                recorded: Self = source.recorder.operation(primitive, operands, params, name)
                return recorded
            if not value.requires_grad:
                note_cut(value, primitive.name if enabled else "no_grad", operands)
            notice(value, source)
        return value

    @classmethod
    def leaf(cls, data: Any) -> Self:
        """A tracked leaf that holds `data` as it is."""
        value = cls.__new__(cls)
        value._become_leaf(data, requires_grad=True, name=None)
        return value


def notice(value: Value, attention: Attention) -> None:
    """Do with a value that was just made what is done besides recording it."""
    if attention.lines:
        value.source = caller()
    if attention.watch is not None and attention.of_values:
        attention.watch.value(value)


class Cut(NamedTuple):
    """Why a leaf is one although it was computed: `how` it was cut off, and the values it was made of."""

    how: str
    origins: tuple[Value, ...]


def note_cut(leaf: Value, how: str, operands: Sequence[Any]) -> None:
    """While source lines are remembered, remember what was cut off too: for `lint`, which says what stops a gradient.

    The note stands in the leaf's `params`, of which a graph takes no notice, and lives as long as the leaf.
    """
    values = [operand for operand in operands if isinstance(operand, Value)]
    tracked = tuple(value for value in values if value.requires_grad)
    earlier = [value.params["cut"] for value in values if "cut" in value.params]
    attention = current.get().source
    if attention and attention.lines and (tracked or earlier):
        leaf.params = {"cut": Cut(how, tracked) if tracked else earlier[0]}


def topological(outputs: Iterable[Value], since: int = 0, frontier: int = 0) -> list[Value]:
    """Every tracked value that the outputs depend on, operands before results, in recording order.

    A value can only depend on values recorded before it, so sorting by index is a topological sort.
    Values recorded before `since` are left out: they cannot depend on anything recorded from there on. What values
    recorded before `frontier` depend on is not looked into.
    """
    roots = {value.index: value for value in outputs if value.requires_grad and value.index >= since}
    stack, seen = list(roots.values()), set(roots)
    found: list[Value] = []
    while stack:
        value = stack.pop()
        found.append(value)
        if value.index < frontier:
            continue
        for operand in value.operands:
            if isinstance(operand, Value) and operand.requires_grad:
                index = operand.index
                if index >= since and index not in seen:
                    seen.add(index)
                    stack.append(operand)
    found.sort(key=attrgetter("index"))
    return found
