"""What a function does besides computing: random draws, changes to live objects, reading what these keep.

A program that is recorded (see `replay`) has to do these again at every replay, in the same order; so the few functions
of the package that do them say so here. Where nothing is recorded they do what they say, and nothing else.
"""

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from typing import Any, TypeVar

from .tape import current_recorder, of_values

F = TypeVar("F", bound=Callable[..., Any])


def effect(function: F) -> F:
    """Decorator for a function that changes live objects: parameters, gradients, the state of an optimiser."""
    return _told(function, "effect")


def reset(function: F) -> F:
    """Decorator for one that puts live objects into a state, whatever they were in: twice is as good as once."""
    return _told(function, "reset")


def note(function: F) -> F:
    """Decorator for a method that changes nothing but the object whose method it is, and reads nothing but its own."""
    return _told(function, "note")


def _told(function: F, kind: str) -> F:
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        recorder = current_recorder()
        if recorder is None:
            return function(*args, **kwargs)
        return recorder.effect(function, args, kwargs, kind)

    return wrapper  # type: ignore[return-value]  # of the same signature


def drawn(rng: Any, shape: tuple[int, ...] | None, dtype: Any = float) -> Any:
    """Random numbers of a generator, evenly distributed in 0..1; without a shape one of Python's."""
    recorder = current_recorder()
    return rng.random(shape, dtype=dtype) if recorder is None else recorder.drawn(rng, shape, dtype)


def kept(owner: Any, name: str) -> Any:
    """An array that is an attribute of an object, which may hold another one by the next call."""
    recorder = current_recorder()
    return getattr(owner, name) if recorder is None else recorder.kept(owner, name)


def computed_again() -> Any:
    """Context manager: what is computed inside has been computed before, and freed to save memory.

    A program does it again, too, instead of keeping it from then on.
    """
    recorder = current_recorder()
    if recorder is None:
        return nullcontext()
    recorder.computed_again()
    return of_values()  # not a derivative, though it is needed for one
