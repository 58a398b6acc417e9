"""What the optimisers share: the parameters, their settings by group, and what is remembered of each parameter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from ..effects import effect, reset
from ..errors import CheckpointError, OperandError, SettingError
from ..tape import Value
from ..tensor import Tensor
from .one_pass import LEAST, OnePass

State = dict[str, Any]  # what an optimiser remembers of one parameter: arrays of its shape, and step counts
Params = Iterable[Tensor] | Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Group:
    """Parameters with settings of their own, by their places: `lr` as a multiple of the optimiser's."""

    members: tuple[int, ...]
    lr_scale: float = 1.0
    own: Mapping[str, Any] = field(default_factory=dict)


class Optimizer:
    """What the optimisers share. A subclass lists its settings, says what it remembers, and states its formula.

    params  Tensors that no operation made; or groups of them, each a dict with "params" and, where they differ from the
            optimiser's, "lr" and "weight_decay". A schedule that changes the optimiser's `lr` scales every group's.

    >>> from autodiff import optim
    >>> body, head = Tensor([1.0]), Tensor([1.0])
    >>> sgd = optim.SGD([{"params": [body], "lr": 0.01}, {"params": [head]}], lr=0.1)
    >>> for parameter in (body, head):
    ...     parameter.grad = np.array([1.0])
    >>> sgd.step()
    >>> body.data, head.data
    (array([0.99]), array([0.9]))

    Raises SettingError if there is nothing to train or a setting is out of range, OperandError for anything but Tensors
    that no operation made.
    """

    elementwise: ClassVar[bool] = False  # see `update`
    settings: ClassVar[tuple[str, ...]] = ("lr",)  # the attributes that belong into a checkpoint
    memory: tuple[str, ...] = ()  # the names of the arrays remembered for each parameter
    lr: float

    def __init__(self, params: Params, **settings: Any) -> None:
        for name, value in settings.items():
            setattr(self, name, CHECKS[name](self, name, value))
        self.params, self.groups = _grouped(self, params)
        self.state: list[State] = [
            {"t": 0, **{name: np.zeros_like(parameter.data) for name in self.memory}} for parameter in self.params
        ]
        self._scratch: dict[int, np.ndarray] = {}
        self._one_pass: OnePass | None = None
        self._is_large = sum(parameter.size for parameter in self.params) >= LEAST

    @effect
    def step(self) -> None:
        """Update every parameter that has a gradient."""
        one_pass = self._in_one_pass()
        try:
            for group in self.groups:
                settings = self.settings_of(group)
                for i in group.members:
                    if self.params[i].grad is not None:
                        self._step(i, settings, one_pass)
        finally:  # of what comes before an error, too
            if one_pass:
                one_pass.finish()

    def _step(self, i: int, settings: SimpleNamespace, one_pass: OnePass | None) -> None:
        parameter, state = self.params[i], self.state[i]
        state["t"] += 1
        g = parameter.grad
        g = np.asarray(g.data if isinstance(g, Value) else g)
        if one_pass is None or not one_pass.takes(i, self.update, parameter.data, g, state, settings):
            self.update(parameter.data, g, state, self._scratch_of(i), settings)

    def _in_one_pass(self) -> OnePass | None:
        """What does the updates in one pass, if there is so much to update."""
        if self._one_pass is None and self._is_large and self._is_elementwise:
            self._one_pass = OnePass(self.memory, self.params)
        return self._one_pass

    @property
    def _is_elementwise(self) -> bool:
        """Whether the class whose formula it is says so itself: one that changes the formula has to say it again."""
        own = next(kind for kind in type(self).__mro__ if "update" in vars(kind))
        return bool(vars(own).get("elementwise", False))

    def _scratch_of(self, i: int) -> np.ndarray:
        """Memory of the shape of a parameter, the same at each step."""
        if i not in self._scratch:
            self._scratch[i] = np.empty_like(self.params[i].data)
        return self._scratch[i]

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and copy: without what is made again when it is needed."""
        return {**self.__dict__, "_one_pass": None, "_scratch": {}}

    def settings_of(self, group: Group) -> SimpleNamespace:
        """The settings that hold for a group, as `update` takes them."""
        settings = {name: getattr(self, name) for name in self.settings} | dict(group.own)
        settings["lr"] *= group.lr_scale
        return SimpleNamespace(**settings)

    def update(self, p: np.ndarray, g: np.ndarray, state: State, scratch: np.ndarray, s: SimpleNamespace) -> None:
        """The formula: change p in place. `g` must be left as it is; `scratch` is memory of p's shape to work in.

        A class that says `elementwise = True` next to its formula says that it works number by number and depends on
        nothing but these arguments. Then the arrays may be stand-ins that only write down what NumPy is asked to do
        with them (see `fusion.tracing`), and a kernel does it; NumPy's warnings are not given.

        state  the arrays in `memory`, and "t", the number of this step, from 1
        s      the settings that hold for this parameter
        """
        raise NotImplementedError(f"{type(self).__name__} defines no update()")

    @reset
    def zero_grad(self) -> None:
        """Forget the gradients: `.grad` of every parameter becomes None."""
        for parameter in self.params:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Plain data: the optimiser's name, its settings, and a copy of what it remembers of each parameter."""
        return {
            "optimizer": type(self).__name__,
            "settings": {name: getattr(self, name) for name in self.settings},
            "groups": [
                {"members": list(group.members), "lr_scale": group.lr_scale, "own": dict(group.own)}
                for group in self.groups
            ],
            "state": [{key: _copy(value) for key, value in state.items()} for state in self.state],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. Everything fits, or nothing is changed.

        Raises CheckpointError if it comes from another optimiser or from parameters of other shapes.
        """
        kind = type(self).__name__
        try:
            name, settings, states = state["optimizer"], dict(state["settings"]), list(state["state"])
            if name != kind:
                raise CheckpointError(f"{kind}: the state is that of the optimiser {name}")
            if set(settings) != set(self.settings):
                raise CheckpointError(f"{kind}: expects settings {', '.join(self.settings)}, found {list(settings)}")
            if len(states) != len(self.state):
                raise CheckpointError(f"{kind}: expects {len(self.state)} parameters, found {len(states)}")
            for i, (own, other) in enumerate(zip(self.state, states, strict=True)):
                shapes = [{key: np.shape(value) for key, value in each.items()} for each in (own, other)]
                if shapes[0] != shapes[1]:
                    raise CheckpointError(f"{kind}: parameter {i} expects {shapes[0]}, found {shapes[1]}")
            groups = [Group(tuple(each["members"]), each["lr_scale"], dict(each["own"])) for each in state["groups"]]
            if sorted(i for group in groups for i in group.members) != list(range(len(self.state))):
                raise CheckpointError(f"{kind}: the groups do not hold each of {len(self.state)} parameters once")
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{kind}: not a state that state_dict() gave ({error!r})") from error
        self.groups = tuple(groups)
        for setting, value in settings.items():
            setattr(self, setting, value)
        for own, other in zip(self.state, states, strict=True):
            for key, value in other.items():
                if isinstance(own[key], np.ndarray):
                    own[key][...] = value
                else:
                    own[key] = value


def weight_decayed(p: np.ndarray, g: np.ndarray, weight_decay: float, scratch: np.ndarray) -> np.ndarray:
    """g + weight_decay · p, the gradient of an L2 penalty added; g itself without decay."""
    if not weight_decay:
        return g
    np.multiply(p, weight_decay, out=scratch)
    decayed: np.ndarray = np.add(g, scratch)
    return decayed


def running_mean_of_squares(v: np.ndarray, g: np.ndarray, beta: float, scratch: np.ndarray) -> None:
    """v ← beta · v + (1 − beta) · g²"""
    np.multiply(g, g, out=scratch)
    scratch *= 1 - beta
    v *= beta
    v += scratch


def _grouped(optimizer: Optimizer, params: Params) -> tuple[list[Tensor], tuple[Group, ...]]:
    """All parameters, and the groups that they are given in; one group where they are given as they are."""
    kind = type(optimizer).__name__
    if isinstance(params, Value):  # it would be taken apart into its rows
        raise OperandError(f"{kind}: takes a list of tensors, got one {type(params).__name__}")
    given = list(params)
    if not any(isinstance(item, Mapping) for item in given):
        leaves = _leaves(kind, given)
        return leaves, (Group(tuple(range(len(leaves)))),)
    leaves, groups = [], []
    for item in given:
        if not isinstance(item, Mapping) or "params" not in item:
            raise OperandError(f'{kind}: every group is a dict with "params"; got a {type(item).__name__} among them')
        own = {name: value for name, value in item.items() if name != "params"}
        if unknown := sorted(set(own) - {"lr", "weight_decay"} & set(optimizer.settings)):
            raise SettingError(f"{kind}: a group takes params, lr and weight_decay, not {unknown[0]}")
        checked = {name: CHECKS[name](optimizer, name, value) for name, value in own.items()}
        lr = checked.pop("lr", optimizer.lr)
        if lr != optimizer.lr and not optimizer.lr:
            raise SettingError(f"{kind}: a group's lr is kept as a multiple of the optimiser's, which is 0")
        members = tuple(range(len(leaves), len(leaves) + len(item["params"])))
        leaves += item["params"]
        groups.append(Group(members, lr / optimizer.lr if optimizer.lr else 1.0, checked))
    return _leaves(kind, leaves), tuple(groups)


def _leaves(kind: str, leaves: Sequence[Any]) -> list[Tensor]:
    if not leaves:
        raise SettingError(f"{kind}: there are no parameters to train")
    for i, leaf in enumerate(leaves):
        if not isinstance(leaf, Tensor) or leaf.primitive is not None:
            what = "the result of an operation" if isinstance(leaf, Tensor) else f"a {type(leaf).__name__}"
            raise OperandError(f"{kind}: trains tensors that no operation made, parameter {i} is {what}")
        if any(leaf is other for other in leaves[:i]):
            raise SettingError(f"{kind}: parameter {i} is given twice")
    return list(leaves)


def _at_least_0(optimizer: Optimizer, name: str, value: float) -> float:
    if not (value >= 0 and isfinite(value)):
        raise SettingError(f"{type(optimizer).__name__}: {name} must be finite and at least 0, got {value}")
    return float(value)


def _fraction(optimizer: Optimizer, name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise SettingError(f"{type(optimizer).__name__}: {name} must be in [0, 1), got {value}")
    return float(value)


def _betas(optimizer: Optimizer, name: str, betas: Sequence[float]) -> tuple[float, float]:
    beta1, beta2 = betas
    return _fraction(optimizer, "betas[0]", beta1), _fraction(optimizer, "betas[1]", beta2)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


# What each setting may be.
CHECKS: dict[str, Callable[[Optimizer, str, Any], Any]] = {
    "lr": _at_least_0,
    "momentum": _fraction,
    "nesterov": lambda optimizer, name, value: bool(value),
    "weight_decay": _at_least_0,
    "betas": _betas,
    "eps": _at_least_0,
    "alpha": _fraction,
}
