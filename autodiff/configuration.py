"""The configuration of a training run: every choice that decides its result, checked, and readable as TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from json import dumps
from math import isfinite
from pathlib import Path
from typing import Any, Self

from .errors import SettingError
from .nn import Module
from .objective import Penalties
from .optim import SGD, Adam, AdamW, Optimizer, RMSProp
from .schedules import SCHEDULES

OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSProp, "sgd": SGD}


@dataclass(frozen=True)
class Configuration:
    """What a run is made of; the same configuration gives the same weights, bit for bit.

    data       "digits", "mnist", a folder with MNIST's four files, or an .npz
    hidden     sizes of the hidden layers; empty for a linear classifier
    dropout    probability of zeroing after each hidden layer, in [0, 1)
    l2         beta of the penalty beta/2 · Σ w² on the weights
    optimizer  "adam", "adamw", "rmsprop" or "sgd"
    lr         learning rate, before the schedule
    momentum   of "sgd"; the others have none
    schedule   "cooldown" keeps the learning rate for seven tenths of the run and then lowers it to 0 in a straight
               line; or "constant", "linear", "cosine" (see `schedules`)
    batch      examples per update
    epochs     passes over the training data
    seed       decides initial weights, dropout, the order of the examples, and the validation split
    out        the run folder; "runs/" and the name of the data if empty

    >>> Configuration(dropout=1.0)
    Traceback (most recent call last):
    autodiff.errors.SettingError: dropout is a probability and must be in [0, 1), got 1.0

    Raises SettingError, one line that names the option, for a value that is not allowed.
    """

    data: str = "digits"
    hidden: tuple[int, ...] = (256, 128)
    dropout: float = 0.2
    l2: float = 1e-4
    optimizer: str = "adam"
    lr: float = 1e-3
    momentum: float = 0.9
    schedule: str = "cooldown"
    batch: int = 128
    epochs: int = 5
    seed: int = 0
    out: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.hidden, list | tuple):
            raise SettingError(f"hidden must be a list of layer sizes, got {self.hidden!r}")
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for name in ("data", "optimizer", "schedule", "out"):
            _check_text(name, getattr(self, name))
        for name in ("dropout", "l2", "lr", "momentum"):
            _check_number(name, getattr(self, name))
            object.__setattr__(self, name, float(getattr(self, name)))
        for name, least in (("batch", 1), ("epochs", 1), ("seed", 0)):
            _check_count(name, getattr(self, name), least)
        for size in self.hidden:
            _check_count("hidden: each layer size", size, 1)
        if not self.data:
            raise SettingError('data must be "digits", "mnist", a folder or an .npz file, got an empty name')
        if not 0 <= self.dropout < 1:
            raise SettingError(f"dropout is a probability and must be in [0, 1), got {self.dropout}")
        if self.l2 < 0:
            raise SettingError(f"l2 must be at least 0, got {self.l2}")
        if self.lr <= 0:
            raise SettingError(f"lr must be above 0, got {self.lr}")
        if not 0 <= self.momentum < 1:
            raise SettingError(f"momentum must be in [0, 1), got {self.momentum}")
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise SettingError(f"unknown {name} {getattr(self, name)!r}; choose from {', '.join(known)}")

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.out or f"runs/{Path(self.data).stem}")

    @property
    def penalties(self) -> Penalties:
        """What is added to the cross-entropy."""
        return Penalties(l2=self.l2)

    def make_optimizer(self, model: Module) -> Optimizer:
        """The optimiser for a model's parameters."""
        if self.optimizer == "sgd":
            return SGD(model.parameters(), self.lr, momentum=self.momentum)
        return OPTIMIZERS[self.optimizer](model.parameters(), lr=self.lr)

    def to_dict(self) -> dict[str, Any]:
        """The options by name, as plain data."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Self:
        """The configuration with these options, and defaults for the rest. Raises SettingError for an unknown one."""
        known = [field.name for field in fields(cls)]
        for name in options:
            if name not in known:
                raise SettingError(f"unknown option {name!r}; choose from {', '.join(known)}")
        return cls(**options)

    def to_toml(self) -> str:
        """One `name = value` per line, which `from_toml` reads back to an equal configuration.

        >>> print(Configuration(epochs=2).to_toml().splitlines()[1])
        hidden = [256, 128]
        """
        return "".join(f"{name} = {_toml(value)}\n" for name, value in self.to_dict().items())

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """The configuration that the text describes. Raises SettingError if it is not TOML or an option is wrong."""
        try:
            options = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingError(f"the configuration is not TOML: {error}") from error
        return cls.from_dict(options)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        raise SettingError(f"{name} must be text, got {value!r}")


def _check_number(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise SettingError(f"{name} must be a finite number, got {value!r}")


def _check_count(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SettingError(f"{name} must be a whole number of at least {least}, got {value!r}")


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but TOML also wants DEL escaped.
        return dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
