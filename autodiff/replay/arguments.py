"""Arguments of a compiled function: which are values of the program, and which the program is recorded for."""

from collections.abc import Callable, Collection, Hashable, Iterator
from inspect import Parameter, signature
from typing import Any, NamedTuple

import numpy as np

from ..errors import OperandError
from ..tape import Value
from .traced import NotReplayedError


class Given(NamedTuple):
    """The arguments of a call.

    key     all that a program depends on: how they are nested, shapes, dtypes and strides, what is static
    leaves  what the program takes: arrays, floats, Scalars and Tensors
    """

    key: Hashable
    leaves: list[Any]


def sorted_out(args: tuple[Any, ...], kwargs: dict[str, Any], static: Collection[int | str]) -> Given:
    """Take arguments apart. Raises OperandError for one that is neither an array nor hashable."""
    leaves: list[Any] = []
    parts = [
        _static(x, f"argument {i}") if i in static else _key(x, f"argument {i}", leaves) for i, x in enumerate(args)
    ]
    parts += [
        (name, _static(x, name) if name in static else _key(x, name, leaves)) for name, x in sorted(kwargs.items())
    ]
    return Given(tuple(parts), leaves)


def names_of(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], static: Any) -> tuple[str, ...]:
    """What the values of the program are called, in the order of `Given.leaves`: by the signature of the function.

    >>> names_of(lambda x, *more: None, (1.0, {"w": 2.0}, [3.0]), {}, ())
    ('x', "more[0]['w']", 'more[1][0]')
    """
    own = _positional(f, len(args))
    given = [(name, x) for i, (name, x) in enumerate(zip(own, args, strict=True)) if i not in static]
    given += [(name, x) for name, x in sorted(kwargs.items()) if name not in static]
    return tuple(path for name, x in given for path in _paths(x, name))


def _positional(f: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = signature(f).parameters.values()
    except (TypeError, ValueError):  # a function of C may have none
        return [f"argument {i}" for i in range(count)]
    names = [p.name for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    several = next((p.name for p in parameters if p.kind == Parameter.VAR_POSITIONAL), "argument ")
    return [names[i] if i < len(names) else f"{several}[{i - len(names)}]" for i in range(count)]


def _paths(x: Any, path: str) -> Iterator[str]:
    if is_leaf(x):
        yield path
    elif isinstance(x, dict):
        for key, item in x.items():
            yield from _paths(item, f"{path}[{key!r}]")
    elif isinstance(x, list | tuple):
        for name, item in zip(getattr(x, "_fields", range(len(x))), x, strict=True):
            yield from _paths(item, f"{path}.{name}" if isinstance(name, str) else f"{path}[{name}]")


def placed(tree: Any, instead: dict[int, Any], static: Collection[int | str] = ()) -> Any:
    """Arguments with something else in place of the leaves, by their place in `Given.leaves`."""
    count = iter(range(len(instead)))

    def put(x: Any) -> Any:
        if is_leaf(x):
            return instead[next(count)]
        if isinstance(x, dict):
            filled = {key: put(item) for key, item in x.items()}
            return filled if type(x) is dict else _like(x, filled)
        if isinstance(x, tuple) and hasattr(x, "_fields"):
            return type(x)(*(put(item) for item in x))
        return type(x)(put(item) for item in x) if isinstance(x, list | tuple) else x

    args, kwargs = tree
    placed_args = tuple(x if i in static else put(x) for i, x in enumerate(args))
    by_name = {name: x if name in static else put(x) for name, x in sorted(kwargs.items())}
    return placed_args, {name: by_name[name] for name in kwargs}


def is_leaf(x: Any) -> bool:
    """Whether an argument is a value of the program."""
    return isinstance(x, Value | np.ndarray | np.generic) or type(x) is float


def _like(given: Any, filled: dict[Any, Any]) -> Any:
    from copy import copy

    made = copy(given)  # keeps what a defaultdict or a dict of one's own has besides
    made.update(filled)
    return made


def _key(x: Any, path: str, leaves: list[Any]) -> Any:
    kind: Any = type(x)
    if kind is float:
        leaves.append(x)
        return kind
    if kind is np.ndarray:
        if x.dtype.kind not in "fiub":
            raise NotReplayedError("it takes an array that is not of real numbers")
        leaves.append(x)
        return kind, x.shape, x.dtype, x.strides
    if isinstance(x, Value):
        if x.takes_over or x.hooks or (x.primitive is not None and x.requires_grad):
            raise NotReplayedError("it takes part in what is recorded outside")
        leaves.append(x)
        return kind, x.requires_grad, x.grad is None, _key(x.data, path, [])
    if isinstance(x, np.generic):
        leaves.append(x)
        return kind
    if isinstance(x, np.ndarray):
        raise NotReplayedError("it takes an array of a kind of its own")
    if isinstance(x, dict):
        return kind, tuple((key, _key(item, f"{path}[{key!r}]", leaves)) for key, item in x.items())
    if isinstance(x, list | tuple):
        return kind, tuple(_key(item, f"{path}[{i}]", leaves) for i, item in enumerate(x))
    return _static(x, path)


def _static(x: Any, path: str) -> Hashable:
    try:
        hash(x)
    except TypeError as error:
        raise OperandError(
            f"compile: {path} is a {type(x).__name__}, which is no array and cannot be told from another one; "
            "give arrays and numbers, nested in lists, tuples and dicts, or what is hashable"
        ) from error
    return type(x), x
