"""What is asked of each library about a row, and the answers of this package."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from autodiff.transforms import flatten

from .rows import Row


class Problem(NamedTuple):
    """Where the derivatives are taken, and in which directions.

    arrays      the row's arrays of floats
    cotangents  one per result
    tangents    one per array
    """

    arrays: tuple[np.ndarray, ...]
    cotangents: tuple[np.ndarray, ...]
    tangents: tuple[np.ndarray, ...]


class Answer(NamedTuple):
    """What a library found: for each quantity its arrays, in order.

    second  H v, with H the Hessian of Σ w sin(result), w the cotangents and v the tangents
    """

    value: list[np.ndarray]
    vjp: list[np.ndarray]
    jvp: list[np.ndarray]
    second: list[np.ndarray]


def is_variable(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def bind(function: Callable[..., Any], row: Row, constant: Callable[[np.ndarray], Any]) -> Callable[..., Any]:
    """The row's call as a function of its arrays of floats alone, which returns a tuple.

    constant  makes an array of the library's kind of those that are not differentiated
    """

    def fixed(x: Any) -> Any:
        if isinstance(x, tuple):
            return tuple(fixed(item) for item in x)
        return constant(x) if isinstance(x, np.ndarray) else x

    def call(*arrays: Any) -> tuple[Any, ...]:
        values = iter(arrays)

        def filled(x: Any) -> Any:
            if isinstance(x, list):
                return [filled(item) for item in x]
            return next(values) if is_variable(x) else fixed(x)

        arguments = [filled(x) for x in row.arguments]
        options = {name: filled(x) for name, x in row.options.items()}
        results = row.through(function, *arguments, **options) if row.through else function(*arguments, **options)
        return tuple(flatten(results))

    return call


def variables(row: Row) -> tuple[np.ndarray, ...]:
    return tuple(x for x in flatten([list(row.arguments), list(row.options.values())]) if is_variable(x))


def pose(function: Callable[..., Any], arrays: tuple[np.ndarray, ...]) -> Problem:
    """The problem of a bound function of this package, with random directions of the arrays' dtype."""
    rng = np.random.default_rng(0)

    def direction(x: Any) -> np.ndarray:
        return np.asarray(rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1, 1], x.shape), x.dtype)

    cotangents = tuple(direction(out) for out in function(*(ad.Tensor(x) for x in arrays)))
    return Problem(arrays, cotangents, tuple(direction(x) for x in arrays))


def projected(function: Callable[..., Any], problem: Problem) -> Callable[..., Any]:
    """Σ w sin(result): a number whose second derivative no function makes trivial."""
    return lambda *xs: sum(ad.sum(w * ad.sin(out)) for w, out in zip(problem.cotangents, function(*xs), strict=True))


def first_order(function: Callable[..., Any], problem: Problem) -> Answer:
    arrays, cotangents, tangents = problem
    value, pull = ad.vjp(function, *arrays)
    return Answer(list(value), list(pull(cotangents)), list(ad.jvp(function, arrays, tangents)[1]), [])


def second_orders(function: Callable[..., Any], problem: Problem) -> dict[str, list[Any]]:
    """H v in every mixture of the modes: the first that is taken is the last in the name."""
    arrays, _, tangents = problem
    everything = tuple(range(len(arrays)))
    total = projected(function, problem)
    gradient = ad.grad(total, everything)

    def by_reverse(*xs: Any) -> Any:
        return sum(ad.sum(v * g) for v, g in zip(tangents, gradient(*xs), strict=True))

    return {
        "forward over reverse": ad.jvp(gradient, arrays, tangents)[1],
        "reverse over reverse": ad.grad(by_reverse, everything)(*arrays),
        "reverse over forward": ad.grad(lambda *xs: ad.jvp(total, xs, tangents)[1], everything)(*arrays),
    }
