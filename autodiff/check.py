"""Gradient checking: analytic derivatives against central differences.

The numeric derivative is Richardson's extrapolation of central differences (Ridders 1982), whose error falls with the
fourth power of the step, so that float64 agrees to about nine digits.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from .errors import GradientError, SettingError
from .scalar import Scalar
from .tape import Value
from .tensor import Tensor
from .transforms import Function, Recorded, flatten, jvp, unflatten, vjp

MODES = ("rev", "fwd")
KINK = 1e-3  # slopes on two sides that differ by more than this, over SMALL, make a kink
SMALL = 1e-6
STEPS = (1e-3, 1e-4, 1e-5, SMALL)  # relative; the error is about step⁴ + 1e-16/step
PLAIN = 1e-4  # the step that is tried first, without extrapolation: its error of about 1e-8 is mostly small enough


@dataclass(frozen=True)
class Mismatch:
    """One derivative on which the two do not agree: of which order, argument, element and mode, and both numbers.

    `index` is the element's place in its array, `path` the array's place in an argument that is nested.
    """

    order: int
    argument: int
    index: tuple[int, ...]
    analytic: float
    numeric: float
    mode: str = "rev"
    path: str = ""

    def __str__(self) -> str:
        where = (f" of {self.path}" if self.path else "") + (f" at {list(self.index)}" if self.index else "")
        return f"order {self.order}{where} ({self.mode}): analytic {self.analytic:.10g}, numeric {self.numeric:.10g}"


class Comparison(NamedTuple):
    """What `compare` found: derivatives that differ, and those at a kink, where there is nothing to compare with."""

    mismatches: list[Mismatch]
    kinks: list[Mismatch]


class GradientMismatch(GradientError, AssertionError):
    """Analytic and numeric derivatives differ; `mismatches` lists where."""

    def __init__(self, mismatches: Sequence[Mismatch]) -> None:
        self.mismatches = tuple(mismatches)
        more = f" (and {len(mismatches) - 1} more)" if len(mismatches) > 1 else ""
        first = mismatches[0]
        super().__init__(f"gradient check failed: argument {first.argument}, {first}{more}")


def check_grads(
    f: Function,
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = MODES,
    rtol: float = 1e-5,
    atol: float = 1e-7,
) -> None:
    """Compare the derivatives of `f` at `args` with finite differences, up to the given order.

    args        a tuple with an entry per argument: floating numbers or arrays, nested as `grad` takes them. Floats of
                any precision are checked in float64, since differences of float32 have only three digits. Integers,
                truth values, None and the like are passed on as they are.
    modes       "rev" checks reverse mode, "fwd" forward mode; in higher orders every mixture of those given
    rtol, atol  |analytic − numeric| ≤ atol + rtol·|numeric| must hold for every element; at a kink any derivative
                between the slopes on its two sides is right, at the edge of the domain that of the inner side

    `f` may return nested lists, tuples and dicts; those of their floating numbers that are finite are compared.

    >>> import autodiff as ad
    >>> ad.check_grads(lambda x, y: ad.sin(x) * y, (0.5, 2.0))

    Raises GradientMismatch, which names argument, index, analytic and numeric value; SettingError for other arguments
    than these; GradientError if `f` is not a function of its arguments alone, or is nowhere finite.
    """
    mismatches = compare(f, args, order=order, modes=modes, rtol=rtol, atol=atol).mismatches
    if mismatches:
        raise GradientMismatch(mismatches)


def compare(
    f: Function,
    args: Sequence[Any],
    order: int = 1,
    modes: Sequence[str] = MODES,
    rtol: float = 1e-5,
    atol: float = 1e-7,
) -> Comparison:
    """Compare analytic and numeric derivatives of `f` at `args`, up to the given order; see `check_grads`.

    At a kink the analytic derivative is accepted if it lies between the slopes on the two sides, and listed as such.
    """
    _check_settings(f, args, order, modes, rtol, atol)
    args = tuple(args)
    leaves = [_point(leaf) for leaf in flatten(args)]
    chosen = [k for k, leaf in enumerate(leaves) if _is_floating(leaf)]
    if not chosen:
        raise SettingError("check_grads: no argument is a floating-point number or array, such as 2.0")
    paths = [(argument, path) for argument, arg in enumerate(args) for path in _paths(arg)]

    def of_floats(*values: Any) -> list[Any]:
        given = list(leaves)
        for k, value in zip(chosen, values, strict=True):
            given[k] = value
        return [leaf for leaf in flatten(f(*unflatten(args, iter(given)))) if _is_floating(leaf)]

    tolerance = _Tolerance(rtol, atol)
    point = tuple(leaves[k] for k in chosen)
    places = [paths[k] for k in chosen]
    found = Comparison([], [])
    functions: list[Function] = [of_floats]
    for level in range(1, order + 1):
        for function in functions:
            _compare_first(function, point, places, level, modes, tolerance, found)
        functions = [_next_order(function, point, mode) for function in functions for mode in modes]
    return found


def _check_settings(f: Any, args: Any, order: Any, modes: Any, rtol: float, atol: float) -> None:
    if not callable(f):
        raise SettingError(f"check_grads: checks a function, got {type(f).__name__}")
    if not isinstance(args, list | tuple):
        raise SettingError(f"check_grads: args is a tuple with an entry per argument, got {type(args).__name__}")
    if type(order) is not int or order < 1:
        raise SettingError(f"check_grads: order must be at least 1, a whole number, got {order!r}")
    if not isinstance(modes, list | tuple) or not modes:
        raise SettingError(f"check_grads: modes is a tuple of {', '.join(map(repr, MODES))}, got {modes!r}")
    for mode in modes:
        if mode not in MODES:
            raise SettingError(f"check_grads: mode {mode!r} is not known; choose from {', '.join(MODES)}")
    for name, bound in (("rtol", rtol), ("atol", atol)):
        if not 0 <= bound < np.inf:
            raise SettingError(f"check_grads: {name} must be a number of at least 0, got {bound!r}")


class _Tolerance(NamedTuple):
    rtol: float
    atol: float

    def admits(self, analytic: float, numeric: float) -> bool:
        return bool(abs(analytic - numeric) <= self.atol + self.rtol * abs(numeric)) or analytic == numeric


def _compare_first(
    f: Function,
    point: tuple[Any, ...],
    places: list[tuple[int, str]],
    level: int,
    modes: Sequence[str],
    tolerance: _Tolerance,
    found: Comparison,
) -> None:
    recorded = Recorded(f, point)
    weights = _finite_weights(recorded.result(), level)
    _check_repeatable(f, point, weights)
    reverse = flatten(recorded.pull(weights)) if "rev" in modes else []
    for k, (leaf, (argument, path)) in enumerate(zip(point, places, strict=True)):
        for index in np.ndindex(np.shape(leaf)):

            def at(value: float, k: int = k, index: tuple[int, ...] = index) -> float:
                return _dot(weights, _evaluate(f, _replace(point, k, index, value)))

            x = float(np.asarray(leaf)[index])
            numeric = _Numeric(at, x)
            for mode in modes:
                if mode == "rev":
                    exact = float(np.asarray(_plain(reverse[k]))[index])
                else:
                    direction = _replace([0.0 * np.ones_like(zero) for zero in point], k, index, 1.0)
                    exact = _dot(weights, _plain(recorded.push(tuple(direction))))
                if not numeric.agrees(exact, tolerance):
                    kind = found.kinks if _is_subgradient(exact, at, x) else found.mismatches
                    kind.append(Mismatch(level, argument, index, exact, numeric.first, mode, path))


class _Numeric:
    """df/dx by finite differences, with as many steps as it takes to agree, if it does: a kink nearby, the edge of the
    domain, or a fast oscillation spoil the larger ones, and rounding the smaller ones."""

    def __init__(self, f: Callable[[float], float], x: float) -> None:
        self.f, self.x = f, x
        scale = max(1.0, abs(x))
        self.steps = [step * scale for step in STEPS]
        if 0 < abs(x) < 0.1:  # log(x) and its like next to zero
            self.steps.append(STEPS[0] * abs(x))
        self.plain: float | None = None
        self.derivatives: list[float] = []

    @property
    def first(self) -> float:
        """The derivative to show: that of the largest step, if it could be taken."""
        return next((d for d in self.derivatives if np.isfinite(d)), self.derivatives[0])

    def agrees(self, analytic: float, tolerance: _Tolerance) -> bool:
        if self.plain is None:
            self.plain = _central(self.f, self.x, PLAIN * max(1.0, abs(self.x)))
        if np.isfinite(self.plain) and tolerance.admits(analytic, self.plain):
            return True
        for place, step in enumerate(self.steps):
            if place == len(self.derivatives):
                self.derivatives.append(_derivative(self.f, self.x, step))
            if tolerance.admits(analytic, self.derivatives[place]):
                return True
        return False


def _derivative(f: Callable[[float], float], x: float, h: float) -> float:
    """df/dx by two central differences, extrapolated to step 0."""
    with np.errstate(all="ignore"):
        return float((4 * _central(f, x, h) - _central(f, x, 2 * h)) / 3)


def _central(f: Callable[[float], float], x: float, h: float) -> float:
    """df/dx by one central difference."""
    with np.errstate(all="ignore"):
        return (f(x + h) - f(x - h)) / (2 * h)


def _is_subgradient(analytic: float, f: Callable[[float], float], x: float) -> bool:
    """Whether f has a kink or an edge at x, and the analytic derivative fits the slopes on its sides."""
    near, far = (_slopes(f, x, h * max(1.0, abs(x))) for h in (SMALL, 100 * SMALL))
    if np.isinf(analytic):  # a vertical tangent: slopes in its direction that grow towards x
        pairs = [(a, b) for a, b in zip(near, far, strict=True) if np.isfinite(a) and np.isfinite(b)]
        return bool(pairs) and all(a * np.sign(analytic) > 2 * abs(b) for a, b in pairs)
    if any(abs(a) > 50 * abs(b) > 0 for a, b in zip(near, far, strict=True)) and max(map(abs, near)) > 1 / KINK:
        return bool(np.isfinite(analytic))  # a jump, whose slope grows as the step shrinks: it has no derivative
    slopes = sorted(slope for slope in near if np.isfinite(slope))
    if len(slopes) == 1:
        return abs(analytic - slopes[0]) <= 2 * KINK * max(1.0, abs(slopes[0]))
    is_kink = len(slopes) == 2 and slopes[1] - slopes[0] > KINK * max(1.0, abs(slopes[0]), abs(slopes[1]))
    return bool(is_kink and slopes[0] - KINK <= analytic <= slopes[1] + KINK)


def _slopes(f: Callable[[float], float], x: float, h: float) -> tuple[float, float]:
    """The slopes of f to the left and to the right of x."""
    with np.errstate(all="ignore"):
        here = f(x)
        return (here - f(x - h)) / h, (f(x + h) - here) / h


def _next_order(f: Function, point: tuple[Any, ...], mode: str) -> Function:
    """A first derivative of f, contracted with fixed weights: the function whose derivatives are the next order."""

    def gradient(*values: Any) -> Any:
        out, pull = vjp(f, *values)
        return pull(_weights(_plain(out)))

    def directional(*values: Any) -> Any:
        return jvp(f, values, tuple(_weights(leaf) for leaf in point))[1]

    return gradient if mode == "rev" else directional


def _weights(out: Any) -> Any:
    """1 for a single number; else fixed, unequal numbers in the structure of `out`, so that nothing can cancel."""
    outputs = flatten(out)
    if len(outputs) == 1 and np.size(_plain(outputs[0])) == 1:
        return unflatten(out, iter([np.ones(np.shape(outputs[0])) if np.shape(outputs[0]) else 1.0]))
    shapes = [np.shape(leaf) for leaf in outputs]
    ends = list(accumulate(math.prod(shape) for shape in shapes))
    numbers = np.split(_unequal(ends[-1] if ends else 0), ends[:-1])
    leaves = [part.reshape(shape) if shape else float(part[0]) for part, shape in zip(numbers, shapes, strict=False)]
    return unflatten(out, iter(leaves))


@lru_cache(maxsize=64)
def _unequal(count: int) -> np.ndarray:
    """So many fixed numbers around 1; a check asks for the same ones at every step."""
    numbers = np.random.default_rng(0).uniform(0.5, 1.5, count)
    numbers.flags.writeable = False
    return numbers


def _finite_weights(out: Any, level: int) -> Any:
    """Weights of the results that are finite. Raises GradientError if f has no results, or none that is."""
    out = _plain(out)
    finite = [np.isfinite(leaf) for leaf in flatten(out)]
    if level == 1 and not finite:
        raise GradientError("check_grads: the function returns no floating-point number to differentiate")
    if level == 1 and any(map(np.size, finite)) and not any(map(np.any, finite)):
        raise GradientError("check_grads: the function is not finite at this point, so there is nothing to compare")
    weights = [w * where for w, where in zip(flatten(_weights(out)), finite, strict=True)]
    return unflatten(out, iter(weights))


def _check_repeatable(f: Function, point: tuple[Any, ...], weights: Any) -> None:
    first, second = (_evaluate(f, list(point)) for _ in range(2))
    shapes = [[np.shape(leaf) for leaf in flatten(out)] for out in (weights, first, second)]
    if shapes[0] != shapes[1] or shapes[1] != shapes[2] or _dot(weights, first) != _dot(weights, second):
        raise GradientError(
            "check_grads: the function returns something else each time it is called; fix its random numbers and state"
        )


def _evaluate(f: Function, leaves: list[Any]) -> Any:
    """f of untracked values, as it is recorded: a function may use what Tensors have and arrays have not."""
    values = [
        Tensor(leaf, requires_grad=False) if np.ndim(leaf) or isinstance(leaf, np.ndarray) else leaf for leaf in leaves
    ]
    values = [Scalar(value, requires_grad=False) if isinstance(value, float) else value for value in values]
    return _plain(f(*values))


def _dot(weights: Any, out: Any) -> float:
    """The weighted sum of results; one of weight 0 counts for nothing, infinite or not."""
    total = 0.0
    for w, o in zip(flatten(weights), flatten(out), strict=True):
        total += float(np.sum(np.where(np.equal(w, 0), 0.0, np.multiply(w, o))))
    return total


def _plain(tree: Any) -> Any:
    return unflatten(tree, iter([leaf.data if isinstance(leaf, Value) else leaf for leaf in flatten(tree)]))


def _point(leaf: Any) -> Any:
    """A floating number or array in float64, and plain; anything else as it is."""
    data = leaf.data if isinstance(leaf, Value) else leaf
    if not _is_floating(data):
        return leaf
    return np.array(data, dtype=float) if isinstance(data, np.ndarray) else float(data)


def _is_floating(leaf: Any) -> bool:
    if isinstance(leaf, np.ndarray | np.generic):
        return leaf.dtype.kind == "f"
    return isinstance(leaf, float) or (isinstance(leaf, Value) and _is_floating(leaf.data))


def _paths(tree: Any, path: str = "") -> Iterator[str]:
    """How each leaf of nested lists, tuples and dicts is reached, such as "['w'][0]", in `flatten`'s order."""
    if isinstance(tree, dict):
        for key, item in tree.items():
            yield from _paths(item, f"{path}[{key!r}]")
    elif isinstance(tree, list | tuple):
        fields = getattr(tree, "_fields", None)
        for i, item in enumerate(tree):
            yield from _paths(item, f"{path}.{fields[i]}" if fields else f"{path}[{i}]")
    else:
        yield path


def _replace(point: Sequence[Any], k: int, index: tuple[int, ...], value: float) -> list[Any]:
    """The leaves with one number of the k-th changed."""
    leaves = list(point)
    changed = np.array(leaves[k], dtype=float)
    changed[index] = value
    leaves[k] = changed if isinstance(leaves[k], np.ndarray) else float(changed)
    return leaves
