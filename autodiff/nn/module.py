"""Modules: functions with parameters. A module is found out by its attributes, and calls are recorded in its scope."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import CheckpointError
from ..primitive import Primitive
from ..tape import Value, current, scope
from ..tensor import Tensor


class Parameter(Tensor):
    """A tensor that is trained: a leaf that graphs and pictures call "parameter". What is computed from it is a Tensor.

    >>> weight = Parameter([[1.0, 2.0]], name="W")
    >>> type(weight * 2).__name__
    'Tensor'

    Raises OperandError for data that is not floating.
    """

    __slots__ = ()

    leaf_op: ClassVar[str] = "parameter"

    def __init__(self, data: Any, name: str | None = None, *, dtype: Any = None, requires_grad: bool = True) -> None:
        super().__init__(data, name, dtype=dtype, requires_grad=requires_grad)

    @classmethod
    def record(cls, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any], name: str | None) -> Value:
        return Tensor.record(primitive, operands, params, name)


class Module:
    """A function with parameters. A subclass assigns parameters and other modules to attributes and defines `forward`.

    A parameter's path is the attribute names that lead to it: "linear1.weight". Everything recorded by a call belongs
    to the module's scope: its attribute name, or its class name in lower case if it is nobody's attribute.

    >>> import autodiff as ad
    >>> class Scale(Module):
    ...     def __init__(self) -> None:
    ...         self.factor = Parameter([2.0, 3.0])
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> y = Scale()(ad.Tensor([1.0, 1.0]))
    >>> y.scope, y.data
    ('scale', array([2., 3.]))
    """

    training: bool = True
    least_batch: ClassVar[int] = 1  # how many examples a training batch needs at least
    _name: str | None = None  # the attribute name under which another module first took this one in

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; call the module itself, so that the scope is recorded."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with scope(self._name or type(self).__name__.lower()):
            _, here, attention, _, _ = current.get()
            if attention and attention.recorder is not None:
                attention.recorder.called(self)
            for value in vars(self).values():
                if isinstance(value, Parameter):
                    value.scope = here
            return self.forward(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module) and value._name is None:
            value._name = name
        elif isinstance(value, Parameter) and value.name is None:
            value.name = name
        super().__setattr__(name, value)

    def children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules that are attributes of this one, by attribute name, in the order they were assigned."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """This module, whose path is "", and all below it, each with its path, parents before children."""
        yield prefix, self
        for name, child in self.children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its path; one that is reached by several paths is given once, by the first."""
        return self._named(Parameter)

    def parameters(self) -> list[Parameter]:
        """Every parameter, once, in the order of `named_parameters`: what an optimiser takes."""
        return [parameter for _, parameter in self.named_parameters()]

    def named_generators(self) -> Iterator[tuple[str, np.random.Generator]]:
        """Every random generator that is an attribute (`Dropout` has one), with its path: "dropout1.rng"."""
        return self._named(np.random.Generator)

    def _named(self, kind: type[Any]) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, kind) and id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Every array that is an attribute: what a module keeps without training it (`BatchNorm1d`), with its path."""
        return self._named(np.ndarray)

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all below it to training mode (dropout drops) or out of it, and return it."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode: the same as `train(False)`."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of every parameter's array, and of every buffer, by path."""
        parameters = {path: parameter.data.copy() for path, parameter in self.named_parameters()}
        return parameters | {path: buffer.copy() for path, buffer in self.named_buffers()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy arrays, by path, into the parameters and buffers. Everything fits, or nothing is changed.

        Floating arrays are cast to the parameter's dtype. Raises CheckpointError, which lists every misfit: parameters
        that are missing, names that are no parameter, expected and found shape.

        >>> import numpy as np
        >>> from autodiff import nn
        >>> nn.Linear(3, 2).load_state_dict({"weight": np.ones((2, 2)), "gain": np.ones(2)})
        Traceback (most recent call last):
        autodiff.errors.CheckpointError: Linear: "weight" expects shape (3, 2), found (2, 2); missing "bias"; unexpected "gain"
        """  # noqa: E501
        own = {path: parameter.data for path, parameter in self.named_parameters()} | dict(self.named_buffers())
        problems = [p for path, array in own.items() if path in state and (p := _misfit(path, array, state[path]))]
        if missing := [f'"{path}"' for path in own if path not in state]:
            problems.append(f"missing {', '.join(missing)}")
        if unexpected := [f'"{path}"' for path in state if path not in own]:
            problems.append(f"unexpected {', '.join(unexpected)}")
        if problems:
            raise CheckpointError(f"{type(self).__name__}: {'; '.join(problems)}")
        for path, array in own.items():
            array[...] = _plain(state[path])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={child!r}' for name, child in self.children())})"


def _plain(value: Any) -> np.ndarray:
    return np.asarray(value.data if isinstance(value, Value) else value)


def _misfit(path: str, own: np.ndarray, value: Any) -> str | None:
    """Why a value cannot become a parameter's or a buffer's array; None if it can."""
    try:
        array = _plain(value)
    except ValueError:  # nested lists of unequal length
        return f'"{path}" expects an array of shape {own.shape}, found a {type(value).__name__}'
    if array.shape != own.shape:
        return f'"{path}" expects shape {own.shape}, found {array.shape}'
    if array.dtype.kind != "f":
        return f'"{path}" expects dtype {own.dtype}, found {array.dtype}'
    return None
