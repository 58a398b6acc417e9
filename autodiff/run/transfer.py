"""Fine-tuning's first step: the weights of one network in another, by name, and an account of what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import CheckpointError, SettingError
from ..nn import MLP, Linear


@dataclass(frozen=True)
class Transfer:
    """Where weights came from, and what became of each parameter: paths, and shapes where they changed.

    loaded    taken over as they were
    reshaped  of another shape in the checkpoint, and made anew: path, shape there, shape here
    made      made anew, though the checkpoint has one of the same shape
    skipped   in the checkpoint alone
    frozen    taken over, and not trained
    start     the checkpoint, as an absolute path
    lr_scale  what the learning rate of weights that were taken over is multiplied by
    """

    loaded: tuple[str, ...] = ()
    reshaped: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()
    made: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    start: str = ""
    lr_scale: float = 1.0

    def lines(self) -> list[str]:
        """The account for people, a line for each kind that there is.

        >>> Transfer(("linear1.weight",), (("linear2.weight", (8, 10), (8, 5)),), start="/runs/a").lines()
        ['from: /runs/a', 'loaded: linear1.weight', 'made anew: linear2.weight (8 × 10 became 8 × 5)']
        """
        anew = [f"{path} ({_by(there)} became {_by(here)})" for path, there, here in self.reshaped] + list(self.made)
        start = [self.start if self.start.isprintable() else repr(self.start)] if self.start else []
        kinds = (
            ("from", start),
            ("loaded", self.loaded),
            ("made anew", anew),
            ("skipped", self.skipped),
            ("frozen", self.frozen),
            ("learning rate of what was loaded", [f"× {self.lr_scale:g}"] if self.lr_scale != 1 else []),
        )
        return [f"{kind}: {', '.join(paths)}" for kind, paths in kinds if paths]


def take_weights(
    model: MLP, found: Mapping[str, Any], *, new_head: bool = False, frozen: Sequence[str] = ()
) -> Transfer:
    """Copy a network's arrays into another by name; everything fits, or nothing is changed.

    new_head  leave the last layer as it was made
    frozen    layers to take out of training: numbers ("1" is linear1) or names

    Raises CheckpointError, which lists every misfit with both shapes, SettingError for a layer that does not exist.
    """
    own = model.state_dict()
    head = [path for path, module in model.named_modules() if isinstance(module, Linear)][-1]
    anew = [path for path in own if path.startswith(f"{head}.")] if new_head else []
    problems = []
    for path, array in own.items():
        if path in anew:
            continue
        if path not in found:
            problems.append(f"missing {path}, of shape {_by(array.shape)}")
        elif np.shape(found[path]) != array.shape:
            problems.append(f"{path} has shape {_by(np.shape(found[path]))}, needed is {_by(array.shape)}")
    if problems:
        only_head = all(f"{head}." in problem for problem in problems)
        hint = "; --new-head (new_head=True) makes the last layer anew" if only_head else ""
        raise CheckpointError(f"finetune: the checkpoint does not fit: {'; '.join(problems)}{hint}")
    chosen = parameters_of(model, frozen)
    if set(chosen) & set(anew):
        raise SettingError(f"freeze: {head} is made anew, so it has to be trained")
    loaded = [path for path in own if path not in anew]
    model.load_state_dict({path: found[path] if path in loaded else own[path] for path in own})
    parameters = dict(model.named_parameters())
    for path in chosen:
        parameters[path].requires_grad = False
    return Transfer(
        tuple(path for path in loaded if path not in chosen),
        tuple(
            (path, np.shape(found[path]), own[path].shape)
            for path in anew
            if path in found and np.shape(found[path]) != own[path].shape
        ),
        tuple(path for path in anew if path not in found or np.shape(found[path]) == own[path].shape),
        tuple(path for path in found if path not in own),
        tuple(chosen),
    )


def parameters_of(model: MLP, layers: Sequence[str]) -> list[str]:
    """The paths of the parameters of layers, given by number ("1" is linear1) or by name.

    >>> parameters_of(MLP([4, 3, 2]), ["1"])
    ['linear1.weight', 'linear1.bias']

    Raises SettingError for a layer that does not exist, or if none would be left to train.
    """
    linear = [path for path, module in model.named_modules() if isinstance(module, Linear)]
    known = {str(number): path for number, path in enumerate(linear, 1)} | {
        path: path for path, _ in model.named_modules() if path
    }
    chosen = []
    for layer in layers:
        if layer not in known:
            raise SettingError(f"freeze: there is no layer {layer!r}; the layers are {', '.join(linear)}")
        chosen += [path for path, _ in model.named_parameters() if path.startswith(f"{known[layer]}.")]
    if chosen and len(set(chosen)) == len(model.parameters()):
        raise SettingError("freeze: no layer would be left to train")
    return list(dict.fromkeys(chosen))


def _by(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
