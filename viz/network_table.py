"""The layers of a network as a table: `autodiff.run.summary` in a terminal or a pipe."""

from collections.abc import Mapping
from typing import Any

from .numbers import bytes_of
from .terminal import show_table

HEAD = (
    "layer",
    "kind",
    "output",
    "(inputs + 1) × outputs",
    "parameters",
    "",
    "multiply-adds",
    "forward",
    "backward",
)


def show_layers(found: Mapping[str, Any]) -> None:
    """Print a row for each layer, and the totals."""
    state = "" if found["trainable"] == found["parameters"] else f"{found['trainable']:,} trained"
    total = ("total", "", "", "", f"{found['parameters']:,}", state, *_costs(found))
    show_table(HEAD, [*(_row(layer) for layer in found["layers"]), total])


def _row(layer: Mapping[str, Any]) -> tuple[str, ...]:
    count = layer["parameters"]
    return (
        layer["name"],
        layer["kind"],
        " × ".join(map(str, layer["output"])),
        layer.get("formula", ""),
        f"{count:,}" if count else "",
        "" if not count else "trained" if layer["trainable"] else "frozen",
        *_costs(layer),
    )


def _costs(of: Mapping[str, Any]) -> tuple[str, str, str]:
    adds = of["multiply_adds"]
    return f"{adds:,}" if adds else "", bytes_of(of["forward_bytes"]), bytes_of(of["backward_bytes"])
