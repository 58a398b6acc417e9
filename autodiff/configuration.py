"""The configuration of a training run: every choice that decides its result, checked, and readable as TOML.

One row per option, `ROWS`, in `GROUPS`: what it may be and what it is for. The command line's options are made from
them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from json import dumps
from pathlib import Path
from typing import Any, Self

from .data.preprocessing import NORMALISATIONS as STANDARDISATIONS
from .errors import SettingError
from .nn import ACTIVATIONS, INITIALIZERS, MLP, NORMALISATIONS, Module
from .objective import Penalties
from .optim import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSProp
from .options import (
    Row,
    augmentation,
    count,
    image_size,
    name_or_nothing,
    number,
    one_of,
    share_or_count,
    share_or_count_in,
    sides,
    sizes,
    sizes_in,
    source,
    switch,
    text,
)
from .recipes import recipe as named_recipe
from .schedules import SCHEDULES, Plateau, Schedule, warmed_up
from .updates import Updates

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSProp,
    "adagrad": AdaGrad,
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
}
WITH_MOMENTUM = ("momentum", "nesterov")


@dataclass(frozen=True)
class Configuration:
    """What a run is made of; the same configuration gives the same weights, bit for bit. `ROWS` says what each is for.

    >>> Configuration(dropout=1.0)
    Traceback (most recent call last):
    autodiff.errors.SettingError: dropout must be in [0, 1), got 1.0

    Raises SettingError, one line that names the option, for a value that is not allowed.
    """

    data: str = "digits"
    classes: str = ""
    shots: int = 0
    validation: float | int = 1 / 12
    image_size: str = ""
    standardise: str = "none"
    augment: str = ""
    hidden: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    init: str = ""
    normalisation: str = ""
    residual: bool = False
    dropout: float = 0.2
    input_dropout: float = 0.0
    l1: float = 0.0
    l2: float = 1e-4
    label_smoothing: float = 0.0
    max_norm: float = 0.0
    optimizer: str = "adam"
    lr: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "cooldown"
    warmup: float = 0.0
    plateau: int = 0
    clip_norm: float = 0.0
    clip_value: float = 0.0
    average: float = 0.0
    batch: int = 128
    accumulate: int = 1
    epochs: int = 5
    patience: int = 0
    keep: int = 0
    eager: bool = False
    seed: int = 0
    out: str = ""

    def __post_init__(self) -> None:
        for name, row in ROWS.items():
            object.__setattr__(self, name, row.check(name, getattr(self, name)))

    @property
    def folder(self) -> Path:
        """The run folder."""
        return Path(self.out or f"runs/{Path(self.data).stem}")

    @property
    def image_sides(self) -> tuple[int, int] | None:
        """Height and width that images in folders are brought to; None if nothing is said."""
        return sides(self.image_size)

    def make_model(self, inputs: int, outputs: int, rng: Any = None) -> MLP:
        """The network, with weights drawn from `rng`."""
        return MLP(
            [inputs, *self.hidden, outputs],
            dropout=self.dropout,
            input_dropout=self.input_dropout,
            activation=self.activation,
            init=self.init or None,
            normalisation=self.normalisation or None,
            residual=self.residual,
            rng=rng,
        )

    def make_optimizer(self, params: Any) -> Optimizer:
        """The optimiser for a model, or for parameters or groups of them."""
        options: dict[str, Any] = {"lr": self.lr, "weight_decay": self.weight_decay}
        if self.optimizer in WITH_MOMENTUM:
            options["momentum"] = self.momentum
        return OPTIMIZERS[self.optimizer](params.parameters() if isinstance(params, Module) else params, **options)

    def make_schedule(self) -> Schedule:
        """From the part of the run that is done to a factor for the learning rate."""
        return warmed_up(SCHEDULES[self.schedule], self.warmup)

    def make_plateau(self) -> Plateau | None:
        """What lowers the learning rate when the validation loss stays, if anything does."""
        return Plateau(patience=self.plateau) if self.plateau else None

    @property
    def penalties(self) -> Penalties:
        """What is added to the cross-entropy."""
        return Penalties(self.l1, self.l2, self.label_smoothing)

    @property
    def updates(self) -> Updates:
        """What happens to gradients before an update, and to weights after it."""
        return Updates(self.accumulate, self.clip_norm, self.clip_value, self.max_norm, self.average)

    def to_dict(self) -> dict[str, Any]:
        """The options by name, as plain data."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Self:
        """The configuration with these options, and defaults for the rest. Raises SettingError for an unknown one."""
        for name in options:
            if name not in ROWS:
                near = get_close_matches(str(name), ROWS, 1)
                hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(ROWS)}"
                raise SettingError(f"unknown option {name!r}; {hint}")
        return cls(**options)

    def to_toml(self) -> str:
        """One `name = value` per line, which `from_toml` reads back to an equal configuration.

        >>> "hidden = [256, 128]" in Configuration(hidden=(256, 128)).to_toml().splitlines()
        True
        """
        return "".join(f"{name} = {_toml(value)}\n" for name, value in self.to_dict().items())

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """The configuration that the text describes. Raises SettingError if it is not TOML or an option is wrong."""
        return cls.from_dict(options_in(text))


def gathered(recipe: str | None, file: Path | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a recipe, of a TOML file, and those given, the later ones counting more.

    >>> gathered("linear", None, {"epochs": 2})["epochs"]
    2

    Raises SettingError for an unknown recipe, and for a file that cannot be read.
    """
    found = dict(named_recipe(recipe)) if recipe is not None else {}
    if file is not None:
        try:
            options = options_in(file.read_text(encoding="utf-8"))
            Configuration.from_dict(options)  # so that an error names the file
        except OSError as error:
            raise SettingError(f"config {file}: cannot be read ({error.strerror or error})") from error
        except UnicodeDecodeError as error:
            raise SettingError(f"config {file}: is not text in UTF-8") from error
        except SettingError as error:
            raise SettingError(f"config {file}: {error}") from error
        found |= options
    return found | dict(given)


def options_in(text: str) -> dict[str, Any]:
    """The options that a TOML text gives. Raises SettingError if it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"the configuration is not TOML: {error}") from error


GROUPS: dict[str, dict[str, Row]] = {
    "Data": {
        "data": Row(
            source, "digits, mnist, a folder with MNIST's four files or with images per class, or an .npz file."
        ),
        "classes": Row(text, "Only these classes: 0-4, or 1,3,7."),
        "shots": Row(count(0), "Train on so many images of each class; 0 for all."),
        "validation": Row(
            share_or_count, "Held out of the training images: a share, or a count; 0 for none.", share_or_count_in
        ),
        "image_size": Row(
            image_size, "Height and width to bring images in folders to, such as 32x32; '' for what suits."
        ),
        "standardise": Row(one_of(STANDARDISATIONS), "Bring pixels to mean 0 and deviation 1: none, dataset or pixel."),
        "augment": Row(
            augmentation,
            "Changed copies of the images by shift, rotation, scale, shear, elastic: rotation=10,shift=2,elastic=34:4.",
        ),
    },
    "Network": {
        "hidden": Row(sizes, "Sizes of the hidden layers; '' for none.", sizes_in),
        "activation": Row(one_of(ACTIVATIONS), f"{', '.join(ACTIVATIONS)}."),
        "init": Row(name_or_nothing(INITIALIZERS), f"Initial weights: {', '.join(INITIALIZERS)}; '' for what suits."),
        "normalisation": Row(name_or_nothing(NORMALISATIONS), "layer or batch normalisation before each activation."),
        "residual": Row(switch, "Hidden layers of equal width add their input to their output."),
    },
    "Regularisation": {
        "dropout": Row(number(0, 1), "Probability of zeroing a hidden unit."),
        "input_dropout": Row(number(0, 1), "Probability of zeroing an input."),
        "l1": Row(number(0), "Weight of the L1 penalty."),
        "l2": Row(number(0), "Weight of the L2 penalty."),
        "label_smoothing": Row(number(0, 1), "Share of each label that is spread over all classes."),
        "max_norm": Row(number(0), "Most that the norm of a unit's weights may be; 0 for no limit."),
    },
    "Optimisation": {
        "optimizer": Row(one_of(OPTIMIZERS), f"{', '.join(OPTIMIZERS)}."),
        "lr": Row(number(0, above=True), "Learning rate, before the schedule."),
        "momentum": Row(number(0, 1), "Of the optimisers momentum and nesterov."),
        "weight_decay": Row(number(0), "Weight decay by the optimiser; decoupled with adamw."),
        "schedule": Row(one_of(SCHEDULES), f"{', '.join(SCHEDULES)}."),
        "warmup": Row(number(0, 1), "Part of the run in which the learning rate rises from 0."),
        "plateau": Row(count(0), "Halve the learning rate after so many epochs without a better validation loss."),
        "clip_norm": Row(number(0), "Most that the norm of all gradients may be; 0 for no limit."),
        "clip_value": Row(number(0), "Most that a number of a gradient may be; 0 for no limit."),
        "average": Row(number(0, 1), "Decay of a moving average of the weights; 0 for none."),
        "batch": Row(count(1), "Images per update."),
        "accumulate": Row(count(1), "Parts that a batch is computed in."),
    },
    "Run": {
        "epochs": Row(count(1), "Passes over the training images."),
        "patience": Row(count(0), "Stop after so many epochs without a better validation loss."),
        "keep": Row(count(0), "How many epochs' checkpoints to keep, beside the last and the best."),
        "eager": Row(
            switch, "Run operation by operation, without recording a program first: the same numbers, slower."
        ),
        "seed": Row(count(0), "Decides everything random."),
        "out": Row(text, "The run folder."),
    },
}
ROWS = {name: row for rows in GROUPS.values() for name, row in rows.items()}


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but TOML also wants DEL escaped.
        return dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
