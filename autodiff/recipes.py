"""Recipes: configurations under a name, some of them for networks whose results are published.

A recipe states only what differs from the defaults.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import SettingError


class Recipe(NamedTuple):
    """What it is, the options, and the result that is published for such a network, with its source."""

    description: str
    options: Mapping[str, Any]
    published: str = ""


_PLAIN = {"data": "mnist", "dropout": 0.0, "l2": 0.0, "epochs": 20}
RECIPES: dict[str, Recipe] = {
    "default": Recipe(
        "784-256-128-10 with dropout and L2",
        {"data": "mnist", "epochs": 20},
    ),
    "linear": Recipe(
        "a linear classifier: (784 + 1) × 10 = 7,850 parameters",
        {"data": "mnist", "hidden": (), "dropout": 0.0, "l2": 0.0, "epochs": 30},
        "12.0 % error (LeCun et al. 1998, section III.C.1); 7.6 % pairwise",
    ),
    "none": Recipe("the default network without regularisation", _PLAIN),
    "l2": Recipe("the default network with L2 alone", {**_PLAIN, "l2": 1e-4}),
    "dropout": Recipe("the default network with dropout alone", {**_PLAIN, "dropout": 0.2}),
    "both": Recipe("the default network with dropout and L2", {**_PLAIN, "dropout": 0.2, "l2": 1e-4}),
    "max-norm": Recipe(
        "a deep ReLU network with dropout and max-norm on all training images, 784-1024-1024-10",
        {
            "data": "mnist",
            "validation": 0,
            "hidden": (1024, 1024),
            "dropout": 0.5,
            "input_dropout": 0.2,
            "l2": 0.0,
            "max_norm": 2.0,
            "average": 0.999,
            "epochs": 80,
        },
        "1.06 % error (Srivastava et al. 2014, table 2)",
    ),
    "elastic": Recipe(
        "a perceptron on elastically distorted digits, 784-800-10",
        {
            "data": "mnist",
            "hidden": (800,),
            "dropout": 0.0,
            "l2": 0.0,
            "augment": "shift=1,rotation=7.5,scale=0.1,elastic=34:4",
            "average": 0.999,
            "schedule": "linear",
            "epochs": 60,
        },
        "0.7 % error (Simard, Steinkraus & Platt 2003, table 1)",
    ),
    "digits": Recipe(
        "trained on generated digits alone",
        {"data": "digits", "epochs": 10},
    ),
}


def recipe(name: str) -> Mapping[str, Any]:
    """The options of a recipe. Raises SettingError, which lists the names.

    >>> recipe("linear")["hidden"]
    ()
    """
    if name not in RECIPES:
        raise SettingError(f"unknown recipe {name!r}; choose from {', '.join(RECIPES)}")
    return RECIPES[name].options
