"""Gradient checking: analytic derivatives against central differences.

The numeric derivative is Richardson's extrapolation of central differences (Ridders 1982), whose error falls with the
fourth power of the step, so that float64 agrees to about nine digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .errors import GradientError, SettingError
from .tape import Value
from .transforms import Function, Recorded, flatten, jvp, unflatten, vjp

MODES = ("rev", "fwd")
KINK = 1e-3  # slopes on two sides that differ by more than this, over 1e-6, make a kink
STEP = 1e-3  # relative; the error is about step⁴ + 1e-16/step


@dataclass(frozen=True)
class Mismatch:
    """One derivative on which the two do not agree: of which order, argument, element and mode, and both numbers."""

    order: int
    argument: int
    index: tuple[int, ...]
    analytic: float
    numeric: float
    mode: str = "rev"

    def __str__(self) -> str:
        where = f" at {list(self.index)}" if self.index else ""
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

    args        numbers or float64 arrays, nested as `grad` takes them
    modes       "rev" checks reverse mode, "fwd" forward mode; in higher orders every mixture of those given
    rtol, atol  |analytic − numeric| ≤ atol + rtol·|numeric| must hold for every element; at a kink any derivative
                between the slopes on its two sides is right

    >>> import autodiff as ad
    >>> ad.check_grads(lambda x, y: ad.sin(x) * y, (0.5, 2.0))

    Raises GradientMismatch, which names argument, index, analytic and numeric value.
    """
    if order < 1:
        raise SettingError(f"check_grads: order must be at least 1, got {order}")
    for mode in modes:
        if mode not in MODES:
            raise SettingError(f"check_grads: mode {mode!r} is not known; choose from {', '.join(MODES)}")
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
    """Compare analytic and numeric derivatives of `f` at `args`, up to the given order.

    At a kink the analytic derivative is accepted if it lies between the slopes on the two sides, and listed as such.
    """
    args = tuple(_plain(args))
    found = Comparison([], [])
    functions = [f]
    for level in range(1, order + 1):
        for function in functions:
            _compare_first(function, args, level, modes, rtol, atol, found)
        functions = [_next_order(function, args, mode) for function in functions for mode in modes]
    return found


def _compare_first(
    f: Function,
    args: tuple[Any, ...],
    level: int,
    modes: Sequence[str],
    rtol: float,
    atol: float,
    found: Comparison,
) -> None:
    recorded = Recorded(f, args)
    weights = _weights(recorded.result())
    leaves = flatten(args)
    reverse = flatten(recorded.pull(weights)) if "rev" in modes else []
    for k, leaf in enumerate(leaves):
        argument, inner = _place(args, k)
        for index in np.ndindex(np.shape(leaf)):

            def at(value: float, k: int = k, index: tuple[int, ...] = index) -> float:
                return _dot(weights, _plain(f(*_replace(args, k, index, value))))

            x = float(np.asarray(leaf)[index])
            numeric = _derivative(at, x)
            for mode in modes:
                if mode == "rev":
                    exact = float(np.asarray(_plain(reverse[k]))[index])
                else:
                    direction = _replace(_zeros(args), k, index, 1.0)
                    exact = _dot(weights, _plain(recorded.push(tuple(direction))))
                if not _agree(exact, numeric, rtol, atol):
                    kind = found.kinks if _is_subgradient(exact, at, x) else found.mismatches
                    kind.append(Mismatch(level, argument, (*inner, *index), exact, numeric, mode))


def _place(args: tuple[Any, ...], k: int) -> tuple[int, tuple[int, ...]]:
    """The argument that the k-th leaf belongs to, and the leaf's number in it, if it has several."""
    for argument, arg in enumerate(args):
        count = len(flatten(arg))
        if k < count:
            return argument, (k,) if count > 1 else ()
        k -= count
    raise IndexError(k)


def _agree(analytic: float, numeric: float, rtol: float, atol: float) -> bool:
    return bool(abs(analytic - numeric) <= atol + rtol * abs(numeric)) or analytic == numeric


def _derivative(f: Any, x: float) -> float:
    """df/dx by two central differences, extrapolated to step 0."""
    h = STEP * max(1.0, abs(x))
    with np.errstate(all="ignore"):
        wide = (f(x + 2 * h) - f(x - 2 * h)) / (4 * h)
        narrow = (f(x + h) - f(x - h)) / (2 * h)
    return float((4 * narrow - wide) / 3)


def _is_subgradient(analytic: float, f: Any, x: float) -> bool:
    """Whether f has a kink at x, and the analytic derivative lies between the slopes on its two sides."""
    h = 1e-6 * max(1.0, abs(x))
    with np.errstate(all="ignore"):
        here = f(x)
        slopes = sorted(((here - f(x - h)) / h, (f(x + h) - here) / h))
    is_kink = slopes[1] - slopes[0] > KINK * max(1.0, abs(slopes[0]), abs(slopes[1]))
    return bool(is_kink and slopes[0] - KINK <= analytic <= slopes[1] + KINK)


def _next_order(f: Function, args: tuple[Any, ...], mode: str) -> Function:
    """A first derivative of f, contracted with fixed weights: the function whose derivatives are the next order."""

    def gradient(*values: Any) -> Any:
        out, pull = vjp(f, *values)
        return pull(_weights(_plain(out)))

    def directional(*values: Any) -> Any:
        return jvp(f, values, tuple(_weights(arg) for arg in args))[1]

    return gradient if mode == "rev" else directional


def _weights(out: Any) -> Any:
    """1 for a single number; else fixed, unequal numbers in the structure of `out`, so that nothing can cancel."""
    outputs = flatten(out)
    if len(outputs) == 1 and np.size(_plain(outputs[0])) == 1:
        return unflatten(out, iter([np.ones(np.shape(outputs[0])) if np.shape(outputs[0]) else 1.0]))
    rng = np.random.default_rng(0)
    leaves = [rng.uniform(0.5, 1.5, np.shape(leaf)) if np.shape(leaf) else rng.uniform(0.5, 1.5) for leaf in outputs]
    return unflatten(out, iter(leaves))


def _dot(weights: Any, out: Any) -> float:
    return float(sum(np.sum(np.multiply(w, o)) for w, o in zip(flatten(weights), flatten(out), strict=True)))


def _plain(tree: Any) -> Any:
    return unflatten(tree, iter([leaf.data if isinstance(leaf, Value) else leaf for leaf in flatten(tree)]))


def _zeros(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(unflatten(args, iter([0.0 * np.asarray(leaf) if np.shape(leaf) else 0.0 for leaf in flatten(args)])))


def _replace(args: tuple[Any, ...], k: int, index: tuple[int, ...], value: float) -> list[Any]:
    """The arguments with one number of the k-th leaf changed."""
    leaves = flatten(args)
    changed = np.array(leaves[k], dtype=float)
    changed[index] = value
    leaves[k] = changed if isinstance(leaves[k], np.ndarray) else float(changed)
    return list(unflatten(args, iter(leaves)))
