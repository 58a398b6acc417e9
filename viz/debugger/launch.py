"""Starting the debugger: on a value, a trace or a function, in the form that the terminal has room for."""

import gc
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import BackwardTrace
from autodiff.errors import GradientError, SettingError

from .. import terminal


def step(subject: Any, *arguments: Any, plain: bool = False) -> None:
    """Debug a backward pass: step through it, break, watch, ask; `help` lists the commands.

    subject    a Scalar or a Tensor with one element; a BackwardTrace; or a function that returns such a value, which is
               then called with the arguments and recorded with its source lines
    arguments  numbers, arrays, Scalars, Tensors, and lists, tuples and dicts of them, as for `ad.grad`; anything else,
               such as a module, is passed on as it is
    plain      a prompt instead of the full screen, which needs textual (extra `tui`)

    Without a terminal to ask, every step is printed.

    >>> import autodiff as ad, viz
    >>> viz.step(lambda w: w * w, 3.0)
     backward 1 of 2 ... viz.step(lambda …
     ── node #1  mul   v₁ = w · w    value 9.000    upstream ∂v₁/∂v₁ = 1.000
        to w:  ∂v₁/∂w = w = 3.000    1.000 × 3.000 = 3.000    ∂v₁/∂w: — + 3.000 = 3.000
        to w:  ∂v₁/∂w = w = 3.000    1.000 × 3.000 = 3.000    ∂v₁/∂w: 3.000 + 3.000 = 6.000
     backward 2 of 2
     ── node #0  input   w    value 3.000    gradient ∂v₁/∂w = 6.000

    Raises GradientError for what has no gradient, SettingError for anything else that cannot be debugged.
    """
    debug(recorded(subject, *arguments), plain=plain)


def recorded(subject: Any, *arguments: Any) -> ad.Scalar | ad.Tensor | BackwardTrace:
    """The value whose backward pass is debugged, a trace as it is, or what a function returns; see `step`."""
    if isinstance(subject, BackwardTrace | ad.Scalar | ad.Tensor):
        if arguments:
            raise SettingError(f"step: arguments are for a function, not for a {type(subject).__name__}")
        return subject
    if not callable(subject):
        raise SettingError(f"step: takes a Scalar, a Tensor, a trace or a function, got {type(subject).__name__}")
    with ad.recording(source=False):  # no line of the function made its arguments
        live = [_live(given, name) for given, name in zip(arguments, _names(subject, arguments), strict=True)]
    with ad.recording(source=True):
        value = subject(*live)
    if not isinstance(value, ad.Scalar | ad.Tensor):
        raise GradientError(f"step: the function must return a Scalar or a Tensor, got {type(value).__name__}")
    return value


def debug(subject: ad.Scalar | ad.Tensor | BackwardTrace, *, plain: bool) -> None:
    """Debug the backward pass of a value, or a trace, on the terminal, if there is one; else print every step."""
    with _set_aside(subject) as trace:
        if not (_is_terminal(sys.stdin) and _is_terminal(sys.stdout)):
            terminal.show_steps(trace)
        elif plain or importlib.util.find_spec("textual") is None:
            from .prompt import prompt

            prompt(trace)
        else:
            from .screen import full_screen

            full_screen(trace)


@contextmanager
def _set_aside(subject: ad.Scalar | ad.Tensor | BackwardTrace) -> Iterator[BackwardTrace]:
    """The backward pass, set aside from Python's cyclic collector: it would look through all of a long one again and
    again, while the full screen is imported and every few steps, and free nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        trace = subject if isinstance(subject, BackwardTrace) else ad.backprop(subject)
        gc.freeze()
    finally:
        if was_on:
            gc.enable()
    try:
        yield trace
    finally:
        gc.unfreeze()


def _is_terminal(stream: Any) -> bool:
    return stream is not None and not stream.closed and bool(stream.isatty())


def _names(function: Callable[..., Any], arguments: tuple[Any, ...]) -> list[str]:
    """What the arguments are called: by the function's parameters."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        parameters = []
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "x")
    return [plain[i] if i < len(plain) else f"{rest}{i - len(plain)}" for i in range(len(arguments))]


def _live(given: Any, name: str) -> Any:
    """An argument as a named Scalar or Tensor; in lists and dicts each of their own."""
    if isinstance(given, bool | np.bool_):
        return given
    if isinstance(given, int | float | np.floating):
        return ad.Scalar(given, name=name)
    if isinstance(given, np.ndarray) and given.dtype.kind == "f":
        return ad.Tensor(given, name=name)
    if type(given) is dict:
        return {key: _live(item, f"{name}.{key}") for key, item in given.items()}
    if type(given) in (list, tuple):
        return type(given)(_live(item, f"{name}[{place}]") for place, item in enumerate(given))
    return given
