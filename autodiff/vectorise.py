"""vmap: a function of one example, made a function of many, without a loop over them."""

from collections.abc import Iterator
from functools import wraps
from typing import Any, NamedTuple

import numpy as np

from .batching import Batched, Level
from .errors import OperandError, SettingError, ShapeError
from .ops.shape import moveaxis
from .primitive import NUMBERS
from .tape import Value
from .transforms import Function, flatten, innermost, unflatten

Axes = Any  # an axis, None, or these nested as the arguments are


def vmap(f: Function, in_axes: Axes = 0, out_axes: Axes = 0) -> Function:
    """The function that applies `f` to many examples at once: each operation is done for all of them in one call.

    in_axes   the axis of each argument along which the examples lie, None for one that is the same for all: one entry
              for all positional arguments, or a tuple with one for each, which may be nested as the argument is.
              Keyword arguments are mapped along axis 0.
    out_axes  the axis along which the results lie in each output, nested as the output is; None for one that does not
              differ from example to example

    Arguments and results are arrays, nested in lists, tuples and dicts; `f` sees each array as that of one example, a
    Tensor without the axis. It composes with the other transforms in any order: `vmap(grad(f))` gives a gradient per
    example, and tracked values that `f` closes over get the sum over the examples when the result is differentiated.

    An operation without a batching rule, such as a `Primitive` of your own, is looped over the examples, and so are
    NumPy's questions about data (`np.argsort(x.data)`). Python cannot branch on a value that differs from example to
    example: use `where`. `dropout` draws a mask for each example. Of no examples the results are empty.

    >>> import numpy as np, autodiff as ad
    >>> ad.vmap(ad.matmul, in_axes=(0, None))(np.ones((5, 3)), np.ones((3, 2))).shape
    (5, 2)
    >>> ad.vmap(ad.grad(lambda w, x: (w * x) ** 2), in_axes=(None, 0))(1.0, np.array([1.0, 2.0, 3.0]))
    array([ 2.,  8., 18.])

    Raises SettingError if the axes do not fit the arguments or results or nothing is mapped, ShapeError if an array has
    no such axis or the numbers of examples differ, OperandError for what is no array.
    """
    for what, axes in (("in_axes", in_axes), ("out_axes", out_axes)):
        _check_axes(what, axes)

    @wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found = [*_along("in_axes", in_axes, args, "")]
        found += [leaf for key, value in kwargs.items() for leaf in _along("in_axes", 0, value, key)]
        level = Level(_count(found), innermost.get())
        leaves = iter([_taken(level, leaf) for leaf in found])
        given, named = unflatten(args, leaves), unflatten(kwargs, leaves)
        token = innermost.set(level)
        try:
            out = f(*given, **named)
        finally:
            innermost.reset(token)
        results = [_returned(level, leaf) for leaf in _along("out_axes", out_axes, out, "")]
        return unflatten(out, iter(_apart(results, [leaf.value for leaf in found])))

    return wrapper


class _Leaf(NamedTuple):
    """An array among the arguments or results, where it is, and its axis of examples."""

    path: str
    value: Any
    axis: int | None


def _check_axes(what: str, axes: Axes) -> None:
    for axis in flatten(axes):
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, int | np.integer)):
            raise SettingError(f"vmap: {what} holds integers and None, got {axis!r}")


def _along(what: str, axes: Axes, tree: Any, path: str) -> Iterator[_Leaf]:
    """Every leaf of a tree with its axis, one axis standing for all leaves of the tree in its place."""
    if isinstance(tree, list | tuple | dict):
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if isinstance(axes, list | tuple | dict):
            of_axes = list(axes) if isinstance(axes, dict) else list(range(len(axes)))
            if isinstance(axes, dict) != isinstance(tree, dict) or set(of_axes) != set(keys):
                where = f" of {path}" if path else ""
                raise SettingError(f"vmap: {what}{where} must be nested as what it is for: {axes!r} for {keys}")
            for key in keys:
                yield from _along(what, axes[key], tree[key], _within(what, path, key))
        else:
            for key in keys:
                yield from _along(what, axes, tree[key], _within(what, path, key))
    elif isinstance(axes, list | tuple | dict):
        raise SettingError(f"vmap: {what} is {axes!r} for {path or 'the result'}, which is a {type(tree).__name__}")
    else:
        yield _Leaf(path or "the result", tree, None if axes is None else int(axes))


def _within(what: str, path: str, key: Any) -> str:
    if path:
        return f"{path}[{key!r}]"
    return f"argument {key}" if what == "in_axes" else f"result[{key!r}]"


def _count(found: list[_Leaf]) -> int:
    """The number of examples."""
    sizes: dict[str, int] = {}
    for path, value, axis in found:
        if axis is None:
            continue
        if not isinstance(value, (*NUMBERS, np.ndarray, Value)):
            raise OperandError(f"vmap: maps over arrays, {path} is a {type(value).__name__}; give in_axes=None for it")
        shape = np.shape(value)
        if not -len(shape) <= axis < len(shape):
            axes = f"has no axis {axis}" if shape else "has no axes to map over"
            raise ShapeError(f"vmap: {path} of shape {shape} {axes}; give another in_axes, or None to pass it as it is")
        sizes[path] = shape[axis]
    if not sizes:
        raise SettingError("vmap: nothing is mapped; at least one argument needs an axis that is not None")
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{size} of {path}" for path, size in sizes.items())
        raise ShapeError(f"vmap: the numbers of examples differ: {listed}")
    return next(iter(sizes.values()))


def _taken(level: Level, leaf: _Leaf) -> Any:
    """An argument as the function sees it."""
    if leaf.axis is None:
        return leaf.value
    value = moveaxis(leaf.value, leaf.axis, 0) if leaf.axis else leaf.value
    return Batched.of(level, value, True, getattr(leaf.value, "name", None))


def _returned(level: Level, leaf: _Leaf) -> Any:
    """A result as the caller sees it."""
    path, value, axis = leaf
    if not isinstance(value, (*NUMBERS, np.ndarray, Value)):
        raise OperandError(
            f"vmap: the function must return arrays, or lists, tuples and dicts of them; {path} is a "
            f"{type(value).__name__}"
        )
    x = level.seen(value)
    if axis is None:
        if x.mapped:
            raise SettingError(f"vmap: out_axes is None for {path}, which differs from example to example")
        return x.value
    if not -len(x.shape) - 1 <= axis <= len(x.shape):
        raise ShapeError(f"vmap: out_axes is {axis} for {path}, which has shape {x.shape} for one example")
    wide = x.wide(level.size)
    return moveaxis(wide, 0, axis) if axis else wide


def _apart(results: list[Any], arguments: list[Any]) -> list[Any]:
    """The results, copied where arrays share memory with another, with an argument or with themselves."""
    seen = {id(_owner(array)) for array in arguments if isinstance(array, np.ndarray)}
    kept = []
    for result in results:
        if isinstance(result, np.ndarray):
            if id(_owner(result)) in seen or not result.flags.writeable:
                result = result.copy()
            seen.add(id(_owner(result)))
        kept.append(result)
    return kept


def _owner(array: np.ndarray) -> Any:
    """The array whose memory this one shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
