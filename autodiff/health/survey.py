"""The two passes over the data. Both work on copies: the model, its generators and the optimiser stay as they are.

Layers are looked at in evaluation mode, without dropout's noise and with everything recorded, frozen layers too: what
the network does with the data, and how the gradient fares on its way back. Parameters are looked at in training mode:
the gradient of each batch as the optimiser would see it, and the step it would make, each from the same state.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..data import Split, batches, pixels
from ..errors import AutodiffError, OperandError, SettingError, ShapeError
from ..graph import Graph
from ..nn import Module, Parameter, cross_entropy
from ..optim import SGD, Optimizer
from ..tape import Value
from ..tensor import Tensor
from ..threads import single_threaded
from ..tracing import backprop
from .figures import Health, LayerHealth, Magnitudes, ParameterHealth
from .layers import RECTIFIERS, SATURATION, Key, Layer, find_layers, names_of
from .sums import MagnitudeSums, MomentSums, UnitSums
from .verdicts import judge

Loss = Callable[[Any, Any, Any], Any]  # (model, examples, labels) -> a value with one element


def _cross_entropy(model: Any, x: Any, labels: Any) -> Any:
    return cross_entropy(model(x), labels)


def examine(
    model: Module,
    examples: Split,
    *,
    loss: Loss = _cross_entropy,
    optimizer: Optimizer | None = None,
    lr: float | None = None,
    batch_size: int = 128,
    prepare: Callable[[Any], Any] = pixels,
    progress: Callable[[int, int], None] | None = None,
) -> Health:
    """Measure a model over examples, and judge what was measured. Nothing is changed; the same call gives the same.

    loss        from model, prepared examples and labels to the loss of the batch; by default cross-entropy of the
                model's output
    optimizer   whose steps are measured, from the state it has; it must train this model's parameters
    lr          without an optimiser: the learning rate of plain gradient descent; without either no step is measured
    batch_size  examples per batch: that of training, for gradients and steps to be those of training
    prepare     from a batch of `examples.images` to what the model takes; by default `data.pixels`
    progress    told after each batch how many examples are done, and of how many

    Time and memory are those of an epoch of training with a batch of this size: twice forward and twice back.

    Raises ShapeError if there are no examples, SettingError for settings out of range or a model without parameters to
    train, OperandError for anything but a Module or if it cannot be copied, GradientError if the loss is not one number
    that depends on the parameters.
    """
    if not isinstance(model, Module):
        raise OperandError(f"examine: takes an nn.Module, got {type(model).__name__}")
    if not len(examples):
        raise ShapeError("examine: there are no examples to measure on")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise SettingError(f"examine: batch_size must be a whole number of at least 1, got {batch_size!r}")
    if optimizer is not None and lr is not None:
        raise SettingError("examine: an optimizer has a learning rate of its own; give it or lr, not both")
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise SettingError("examine: the model has no parameter to train: there is none, or all are frozen")
    watched, (trained, stepper) = _copied(model), _copied((model, optimizer))
    if stepper is None and lr is not None:
        stepper = SGD([parameter for parameter in trained.parameters() if parameter.requires_grad], lr)
    own = set(map(id, trained.parameters()))
    if stepper is not None and own.isdisjoint(map(id, stepper.params)):
        raise SettingError("examine: the optimizer trains none of the model's parameters; give it model.parameters()")
    layers, parameters = _LayerPass(watched, loss), _ParameterPass(trained, stepper, loss)
    done = 0
    with single_threaded(), np.errstate(all="ignore"):
        for x, labels in _batches(examples, batch_size, prepare):
            layers.add(x, labels)
            parameters.add(x, labels)
            done += len(labels)
            if progress is not None:
                progress(done, len(examples))
    loss_sums = layers.loss.result()
    health = Health(
        len(examples),
        int(batch_size),
        math.nan if loss_sums.non_finite else loss_sums.mean,
        None if stepper is None else type(stepper).__name__,
        None if stepper is None else float(stepper.lr),
        layers.bad_inputs,
        layers.result(),
        parameters.result(),
    )
    return replace(health, verdicts=judge(health))


def _copied(what: Any) -> Any:
    try:
        return copy.deepcopy(what)
    except AutodiffError:
        raise
    except Exception as error:  # whatever a user's own attribute raises
        raise OperandError(
            f"examine: the model cannot be copied ({type(error).__name__}: {error}); keep open files and the like out "
            "of its attributes"
        ) from error


def _batches(examples: Split, size: int, prepare: Callable[[Any], Any]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    # Shuffled as in training, always the same way: in a file sorted by label a batch would be all of one class.
    for chosen in batches(len(examples), size, np.random.default_rng(0)):
        yield np.asarray(prepare(examples.images[chosen])), examples.labels[chosen]


class _LayerSums:
    """The figures of one layer, over the batches."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.activations, self.gradients, self.units = MomentSums(), MagnitudeSums(), UnitSums()
        self.by_call: list[tuple[int, float]] = []  # count and sum of squares of the gradients
        self.saturated: list[tuple[int, int]] = []  # how many, of how many

    def add(self, layer: Layer, graph: Graph, cotangents: Mapping[int, Any]) -> None:
        op, on = layer.op, []
        for call, id in enumerate(layer.calls):
            node = graph.nodes[id]
            g = cotangents[id] if id in cotangents else np.zeros(node.shape)
            self.activations.add(node.value)
            self.gradients.add(g)
            self._add_call(call, np.asarray(g, dtype=np.float64).ravel())
            if op in RECTIFIERS:
                on.append(layer.by_unit(~RECTIFIERS[op](node.value)))
            if op in SATURATION:
                limits = SATURATION[op](node.value, node.params)
                self.saturated.append((int(np.count_nonzero(limits)), int(np.size(limits))))
        if on:
            self.units.add(np.concatenate(on))

    def _add_call(self, call: int, g: np.ndarray) -> None:
        if call == len(self.by_call):
            self.by_call.append((0, 0.0))
        count, squares = self.by_call[call]
        self.by_call[call] = count + g.size, squares + float(g @ g)

    def result(self, name: str) -> LayerHealth:
        layer, rectifies = self.layer, self.layer.op in RECTIFIERS
        limits, outputs = (sum(column) for column in zip(*self.saturated, strict=True)) if self.saturated else (0, 0)
        return LayerHealth(
            name,
            layer.op,
            len(self.by_call),
            layer.units,
            layer.hidden,
            self.activations.result(),
            self.gradients.result(),
            tuple(math.sqrt(squares / count) if count else math.nan for count, squares in self.by_call),
            self.units.dead() if rectifies else None,
            self.units.always_on() if rectifies else None,
            limits / outputs if outputs else None,
        )


class _LayerPass:
    """Evaluation mode: forward, and back with the walk recorded."""

    def __init__(self, model: Module, loss: Loss) -> None:
        self.model, self.of = model.eval(), loss
        self.paths = {parameter.index: path for path, parameter in model.named_parameters()}
        for parameter in model.parameters():
            parameter.requires_grad = True  # so that what frozen layers compute is recorded
        self.loss, self.bad_inputs = MomentSums(), 0
        self.sums: dict[Key, _LayerSums] = {}
        self.known: dict[Any, tuple[Layer, ...]] = {}  # the layers of each structure a graph has had

    def add(self, x: np.ndarray, labels: np.ndarray) -> None:
        self.bad_inputs += int(np.count_nonzero(~np.isfinite(x)))
        given = Tensor(x, name="examples")  # tracked if floating, so that what is made of it is recorded too
        loss = self.of(self.model, given, labels)
        trace = backprop(loss)  # refuses anything but one number
        self.loss.add(loss.data)
        for layer in self._layers(loss, given, len(labels)):
            self.sums.setdefault(layer.key, _LayerSums(layer)).add(layer, trace.graph, trace.cotangents)

    def _layers(self, loss: Value, given: Tensor, count: int) -> tuple[Layer, ...]:
        graph, ids = Graph.recorded(loss)
        structure = tuple((node.op, node.operands, node.scope) for node in graph.nodes)
        if structure not in self.known:
            examples = ids.get(given.index, -1) if given.requires_grad else -1
            paths = {ids[index]: path for index, path in self.paths.items() if index in ids}
            self.known[structure] = find_layers(graph, examples, count, paths)
        return self.known[structure]

    def result(self) -> tuple[LayerHealth, ...]:
        return tuple(
            sums.result(name) for sums, name in zip(self.sums.values(), names_of(list(self.sums)), strict=True)
        )


class _ParameterPass:
    """Training mode: forward, back into `.grad`, and a step that is undone."""

    def __init__(self, model: Module, optimizer: Optimizer | None, loss: Loss) -> None:
        self.model, self.optimizer, self.of = model.train(), optimizer, loss
        self.parameters = dict(model.named_parameters())
        self.start = {path: parameter.data.copy() for path, parameter in self.parameters.items()}
        self.memory = None if optimizer is None else optimizer.state_dict()
        self.norms = {path: _norm(array) for path, array in self.start.items()}
        self.gradients: dict[str, MagnitudeSums] = {}
        self.updates: dict[str, list[float]] = {path: [] for path in self.parameters}

    def add(self, x: np.ndarray, labels: np.ndarray) -> None:
        for parameter in self.parameters.values():
            parameter.grad = None
        self.of(self.model, Tensor(x, name="examples", requires_grad=False), labels).backward()
        for path, parameter in self.parameters.items():
            if parameter.grad is not None:
                self.gradients.setdefault(path, MagnitudeSums()).add(_plain(parameter.grad))
        if self.optimizer is None or self.memory is None:
            return
        self.optimizer.step()
        for path, parameter in self.parameters.items():
            if parameter.grad is not None:
                self.updates[path].append(_ratio(_norm(parameter.data, self.start[path]), self.norms[path]))
            parameter.data[...] = self.start[path]
        self.optimizer.load_state_dict(self.memory)

    def result(self) -> tuple[ParameterHealth, ...]:
        return tuple(self._of(path, parameter) for path, parameter in self.parameters.items())

    def _of(self, path: str, parameter: Parameter) -> ParameterHealth:
        updates, sums = self.updates[path], self.gradients.get(path)
        gradients: Magnitudes | None = None if sums is None else sums.result()
        return ParameterHealth(
            path,
            parameter.shape,
            not parameter.requires_grad,
            sums is not None,
            self.norms[path],
            int(np.count_nonzero(~np.isfinite(parameter.data))),
            gradients,
            float(np.median(updates)) if updates else None,
            (float(np.min(updates)), float(np.max(updates))) if updates else None,
        )


def _plain(g: Any) -> Any:
    return g.data if isinstance(g, Value) else g


def _norm(array: np.ndarray, origin: Any = 0.0) -> float:
    return float(np.linalg.norm((np.asarray(array, dtype=np.float64) - origin).ravel()))


def _ratio(step: float, norm: float) -> float:
    return step / norm if norm else 0.0 if step == 0 else math.inf
