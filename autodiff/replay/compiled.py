"""compile: a function recorded once for each combination of shapes and dtypes, and replayed from then on."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import update_wrapper
from threading import Lock
from types import MethodType
from typing import Any, NamedTuple

import numpy as np

from ..errors import OperandError, SettingError
from ..scalar import Scalar
from ..tape import Value, current, recorded_by
from ..tensor import Tensor
from ..transforms import Function, flatten, innermost, unflatten
from .arguments import Given, names_of, placed, sorted_out
from .checked import check_changed, check_equal
from .dead_code import without_dead_code
from .fusing import fused
from .late_stores import can_be_abandoned, with_late_stores
from .lowering import lowered
from .peephole import with_cheaper_steps
from .plan import Plan, planned, separated
from .program import KINDS, InvalidError, Program
from .recorder import Recorder
from .repeated import without_marks, without_repeats
from .selection import with_selections
from .source_text import written
from .traced import NotReplayedError, Traced
from .undo import Before

MOST_PROGRAMS = 16
PASSES: tuple[Callable[[Program], Program], ...] = (
    with_late_stores,
    without_repeats,
    with_cheaper_steps,
    without_dead_code,
    lowered,
    without_repeats,
    without_dead_code,
    without_marks,
    separated,
    fused,
    with_selections,
)


def compile(f: Function, *, static: int | str | Collection[int | str] = (), check: bool = False) -> "Compiled":
    """`f`, recorded as a program the first time it is called, and replayed from then on: the same numbers, faster.

    Everything that `f` computes with the engine's functions, operators and NumPy is recorded: the values, and the
    derivatives if it uses `grad`, `vjp`, `backward()` and the like, and the update if it calls an optimiser's `step()`.
    A replay reads the parameters and tensors that `f` closes over as they are then, draws fresh numbers for dropout,
    from the same generators in the same order, and does the updates.

    Arguments are arrays, floats, Scalars and Tensors, nested in lists, tuples and dicts. Any other argument, such as an
    integer or a model, is static, and has to be hashable: for each one, and for each shape, dtype and memory layout of
    the arrays, a program of its own is recorded, and the last 16 are kept.

    static  more arguments that are static, by position or by name
    check   run both ways at each replay, and compare: results, and the data and gradients of what is changed

    The numbers are those of `f` bit for bit: the passes keep the order of every sum, and elementwise steps that are
    fused into machine code (by llvmlite; see `fusion`) round as NumPy does. NumPy's warnings are silent in a replay.
    `plan`, the plan of the program used last, is a table of its steps when it is printed; `viz.draw` draws it.

    What is recorded is what was computed with the values, not Python's own doing. A value cannot be read as a bool, an
    int or a float while recording: use `autodiff.where` instead of a branch. Plain arrays that `f` closes over are
    constants, and what it does besides, such as printing or drawing numbers from a generator of NumPy's, is done while
    recording only. A cotangent of zero sends nothing even past an infinite derivative, which a program cannot know
    beforehand; so if a derivative turns out not to be finite, the call is done again without the program.

    Differentiate inside `f`. Where an argument is tracked outside, the result depends on a tracked value and nothing is
    updated, or a transform runs around the call, `f` is called as it is.

    >>> import numpy as np, autodiff as ad
    >>> step = ad.compile(ad.value_and_grad(lambda w, x: ad.sum((x @ w) ** 2)))
    >>> step(np.array([1.0, 2.0]), np.eye(2))
    (array(5.), array([2., 4.]))
    >>> step(np.array([3.0, 4.0]), np.eye(2))
    (array(25.), array([6., 8.]))

    Raises SettingError if `f` cannot be called, OperandError for an argument that is no array and not hashable, or if
    `f` reads a value while it is recorded; with `check`, ReplayError where a number differs by more than 4 units in the
    last place.
    """
    if not callable(f):
        raise SettingError(f"compile: takes a function, got a {type(f).__name__}")
    return Compiled(f, {static} if isinstance(static, int | str) else set(static), check)


class Compiled:
    """What `compile` returns. `__wrapped__` is the function itself."""

    __wrapped__: Function

    def __init__(self, f: Function, static: Collection[int | str], check: bool) -> None:
        update_wrapper(self, f)
        self._static, self._checks = static, check
        self._programs: OrderedDict[Any, list[_Replay | None]] = OrderedDict()
        self._lock = Lock()

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else MethodType(self, owner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        state = current.get()
        if state.source or innermost.get() is not None:
            return self.__wrapped__(*args, **kwargs)
        try:
            given = sorted_out(args, kwargs, self._static)
        except NotReplayedError:
            return self.__wrapped__(*args, **kwargs)
        key = (given.key, state.enabled)
        with self._lock:
            known = list(self._programs.get(key, ()))
            if known:
                self._programs.move_to_end(key)
        for replay in known:
            if replay is None:
                return self.__wrapped__(*args, **kwargs)
            if replay.fits():
                try:
                    if self._checks:
                        return replay.checked(self, given.leaves, args, kwargs)
                    return replay(given.leaves)
                except InvalidError:
                    return self.__wrapped__(*args, **kwargs)
        return self._record(key, given, args, kwargs)

    def _record(self, key: Any, given: Given, args: Any, kwargs: Any) -> Any:
        recorder = Recorder()
        arguments = {i: recorder.argument(x, i) for i, x in enumerate(given.leaves)}
        try:
            placed_args, placed_kwargs = placed((args, kwargs), arguments, self._static)
            with recorded_by(recorder):
                out = self.__wrapped__(*placed_args, **placed_kwargs)
            name = str(getattr(self.__wrapped__, "__name__", type(self.__wrapped__).__name__))
            names = name, names_of(self.__wrapped__, args, kwargs, self._static)
            replay, result = _finished(recorder, arguments, given.leaves, out, key[1], names)
        except NotReplayedError as reason:
            if any(KINDS[step.kind].mutates for step in recorder.steps):
                raise OperandError(f"compile: the function cannot be replayed, for {reason}") from reason
            for rng, state in recorder.generators.values():
                rng.bit_generator.state = state
            replay, result = None, NotImplemented
        finally:
            recorder.release()
            recorder.ended = True
        with self._lock:
            self._programs.setdefault(key, []).append(replay)
            while sum(map(len, self._programs.values())) > MOST_PROGRAMS:
                oldest = next(iter(self._programs))
                self._programs[oldest].pop(0)
                if not self._programs[oldest]:
                    del self._programs[oldest]
        return self.__wrapped__(*args, **kwargs) if result is NotImplemented else result

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of each program that is kept, those used last at the end."""
        with self._lock:
            return tuple(replay.plan for known in self._programs.values() for replay in known if replay is not None)

    @property
    def plan(self) -> Plan:
        """The plan of the program used last. Raises SettingError if there is none."""
        plans = self.plans
        if not plans:
            why = ": its calls could not be replayed" if self._programs else " yet; call it first"
            raise SettingError(f"compile: {self!r} has no program{why}")
        return plans[-1]

    def __repr__(self) -> str:
        return f"compile({getattr(self.__wrapped__, '__qualname__', self.__wrapped__)})"


class _Output(NamedTuple):
    """How a result is handed over: `take(what the program gave)`; or the argument, or the object, that is returned."""

    take: Callable[[Any], Any] | None
    argument: int | None = None
    thing: Any = None


class _Replay:
    """A program ready to run, and what it relies on."""

    def __init__(self, recorder: Recorder, plan: Plan, run: Callable[..., Any], tree: Any, outputs: list[_Output]):
        self.plan, self._run, self._tree, self._outputs = plan, run, tree, outputs
        self._leaves = [(leaf.value, _looks(leaf.value)) for leaf in recorder.leaves.values()]
        self._with_gradient = list(recorder.with_gradient.values())
        self._modules = list(recorder.modules.values())
        self._generators = [rng for rng, _ in recorder.generators.values()]
        self._changes = any(KINDS[step.kind].mutates for step in plan.program.steps)
        self._needs_undo = not can_be_abandoned(plan.program)
        self._lock = Lock()

    def fits(self) -> bool:
        """Whether what the function closes over is as it was."""
        return (
            all([_looks(value) == looks for value, looks in self._leaves])
            and all([module.training == mode for module, mode in self._modules])
            and all([(value.grad is not None) == has for value, has in self._with_gradient])
        )

    def checked(self, compiled: Compiled, leaves: list[Any], args: Any, kwargs: Any) -> Any:
        """The result, after the function itself has been run on the same state and all numbers were compared."""
        values = [*_values_among(leaves), *(value for value, _ in self._leaves)]
        states = [rng.bit_generator.state for rng in self._generators]
        before = Before(self.plan.program, values)
        expected = compiled.__wrapped__(*args, **kwargs)
        changed = [(_copied(value.data), _copied(value.grad)) for value in before.values]
        before.restore()
        for rng, state in zip(self._generators, states, strict=True):
            rng.bit_generator.state = state
        found = self(leaves)
        check_equal(repr(compiled), found, expected)
        check_changed(repr(compiled), before.values, changed)
        return found

    def __call__(self, leaves: list[Any]) -> Any:
        arguments = [x.data if isinstance(x, Value) else x for x in leaves]
        with self._lock, np.errstate(all="ignore"):
            states = [rng.bit_generator.state for rng in self._generators]
            before = Before(self.plan.program, _values_among(leaves)) if self._needs_undo else None
            try:
                values = iter(self._run(arguments, leaves))
            except Exception as error:
                if self._changes and not isinstance(error, InvalidError):
                    raise
                for rng, state in zip(self._generators, states, strict=True):
                    rng.bit_generator.state = state
                if before is not None:
                    before.restore()
                raise InvalidError from error
        results = [
            out.take(next(values))
            if out.take
            else leaves[out.argument]
            if out.argument is not None
            else _again(out.thing)
            for out in self._outputs
        ]
        return unflatten(self._tree, iter(results))


def _copied(data: Any) -> Any:
    return data.copy() if isinstance(data, np.ndarray) else data


def _values_among(leaves: list[Any]) -> list[Value]:
    return [x for x in leaves if isinstance(x, Value)]


def _looks(value: Value) -> Any:
    """What a program relies on in a value that the function closes over."""
    data = value.data
    if type(data) is float:
        return value.requires_grad, value.hooks or None
    return data.shape, data.dtype, data.strides, value.requires_grad, value.hooks or None


def _finished(
    recorder: Recorder,
    arguments: dict[int, Traced],
    leaves: list[Any],
    out: Any,
    enabled: bool,
    names: tuple[str, tuple[str, ...]],
) -> tuple[_Replay, Any]:
    """The program of a recording, ready to run, and the result of the recorded call.

    names  of the function, and of its arguments
    """
    found = flatten(out)
    changes = any(KINDS[step.kind].mutates for step in recorder.steps)
    by_identity = {id(value): i for i, value in arguments.items()}
    outputs: list[_Output] = []
    slots: list[int] = []
    results: list[Any] = []
    for x in found:
        if id(x) in by_identity:
            i = by_identity[id(x)]
            outputs.append(_Output(None, argument=i))
            results.append(leaves[i])
        elif isinstance(x, Traced):
            if x.requires_grad and enabled and not changes:
                raise NotReplayedError("its result is tracked")
            recorder.seen(x)
            take = _taken_as(x)
            outputs.append(_Output(take))
            slots.append(x.slot)
            results.append(take(np.array(x.now) if isinstance(x.now, np.ndarray) else x.now))
        elif isinstance(x, Value) and isinstance(x.data, Traced):
            raise NotReplayedError("it returns a tensor that it made")
        else:
            outputs.append(_Output(None, thing=x))
            results.append(_again(x))
    program = Program(
        tuple(recorder.steps),
        recorder.specs,
        tuple(value.slot for value in arguments.values()),
        recorder.constants,
        tuple(slots),
        recorder.shares,
        frozenset(recorder.parts),
    )
    for improved in PASSES:
        program = improved(program)
    plan = planned(program)
    source, run = written(plan)
    plan = replace(plan, source=source, name=names[0], arguments=names[1])
    tree = unflatten(out, iter([None] * len(found)))
    return _Replay(recorder, plan, run, tree, outputs), unflatten(out, iter(results))


def _taken_as(x: Traced) -> Callable[[Any], Any]:
    """How the caller sees a result: as `f` itself would have returned it, but recorded by nobody."""
    if x.stands_for_number:
        return _identity if x.is_plain else _scalar
    if not x.is_plain:
        return _tensor
    return _generic if x.generic else _array


def _identity(data: Any) -> Any:
    return data


def _array(data: Any) -> Any:
    return np.asarray(data) if isinstance(data, np.generic) else data


def _scalar(data: float) -> Scalar:
    return Scalar(data, requires_grad=False)


def _tensor(data: Any) -> Tensor:
    tensor = Tensor.leaf(np.asarray(data))
    tensor.requires_grad = False
    return tensor


def _generic(data: Any) -> Any:
    return data[()] if isinstance(data, np.ndarray) else data


def _again(thing: Any) -> Any:
    """What does not depend on the arguments, as if it had been made anew."""
    return thing.copy() if type(thing) is np.ndarray else thing
