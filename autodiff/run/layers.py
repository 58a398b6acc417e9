"""What a network consists of, layer by layer: shapes, parameters, arithmetic, memory."""

import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import MissingCheckpointError, SettingError
from ..nn import MLP, Linear, Module
from ..tape import no_grad
from .exchange import read_network
from .stored import Path_, model_of


def summary(what: Path_ | Sequence[int], *, batch: int = 1) -> dict[str, Any]:
    """The layers and the number of parameters of sizes ("784-256-10" or a list), a checkpoint or a run folder.

    Of each layer: name, kind, output (shape of one example's), parameters, trainable (how many of them), multiply_adds
    (of one example, forward), and the bytes of its activations for `batch` examples: forward, what it computes;
    backward, that again and the gradient of it. A linear layer has inputs, outputs and, as formula, "(784 + 1) × 10".

    >>> found = summary("784-10")
    >>> found["parameters"], found["layers"][0]["formula"]
    (7850, '(784 + 1) × 10')

    A layer of N inputs and K outputs has (N + 1) · K parameters: the weights, and one bias per output.
    """
    if isinstance(what, str | os.PathLike):
        text = os.fspath(what)
        is_sizes = re.fullmatch(r"\d+(-\d+)*", text) and not os.path.exists(text)
        model = _of_sizes([int(n) for n in text.split("-")]) if is_sizes else _stored(what)
    else:
        model = _of_sizes(list(what))
    if batch < 1:
        raise SettingError(f"summary: batch must be at least 1, got {batch}")
    layers = _layers(model, batch)
    totals = {
        name: sum(layer[name] for layer in layers)
        for name in ("parameters", "trainable", "multiply_adds", "forward_bytes", "backward_bytes")
    }
    return {"layers": layers, "batch": batch, **totals}


def _of_sizes(sizes: list[int]) -> MLP:
    if len(sizes) < 2 or not all(isinstance(n, int) and n >= 1 for n in sizes):
        raise SettingError(
            f"summary: needs at least two sizes, each at least 1, such as 784-10; got {'-'.join(map(str, sizes))}"
        )
    return MLP(sizes, rng=np.random.default_rng(0))


def _stored(path: Path_) -> MLP:
    try:
        return model_of(read_network(path))
    except MissingCheckpointError as error:
        raise MissingCheckpointError(f"{error}, or sizes such as 784-10") from error


def _layers(model: MLP, batch: int) -> list[dict[str, Any]]:
    """A row for each innermost module, in the order in which data passes them."""
    x = np.zeros((2, model.sizes[0]), np.float32)
    rows = []
    for path, module in model.named_modules():
        if any(True for _ in module.children()):
            continue
        with no_grad():
            x = np.asarray(getattr(y := module(x), "data", y))
        rows.append(_row(path, module, x, batch))
    return rows


def _row(path: str, module: Module, output: np.ndarray, batch: int) -> dict[str, Any]:
    parameters = module.parameters()
    size = int(np.prod(output.shape[1:])) * output.itemsize * batch
    row: dict[str, Any] = {
        "name": path,
        "kind": type(module).__name__,
        "output": list(output.shape[1:]),
        "parameters": sum(parameter.size for parameter in parameters),
        "trainable": sum(parameter.size for parameter in parameters if parameter.requires_grad),
        "multiply_adds": 0,
        "forward_bytes": size,
        "backward_bytes": 2 * size,
    }
    if isinstance(module, Linear):
        plus = " + 1" if module.bias is not None else ""
        row |= {
            "inputs": module.n_in,
            "outputs": module.n_out,
            "formula": f"({module.n_in}{plus}) × {module.n_out}",
            "multiply_adds": module.n_in * module.n_out,
        }
    return row
