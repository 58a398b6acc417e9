"""Pass: what is computed twice from the same slots is computed once."""

from typing import Any

import numpy as np

from .program import KINDS, Program, Slot, Step, changed

READS = {"read", "gradient", "attribute"}


def without_repeats(program: Program) -> Program:
    """The program with one step in place of equal ones. What an effect may have changed is read again after it."""
    known: dict[Any, Step] = {}
    instead: dict[int, int] = {}
    steps = []

    def current(slot: Slot) -> Slot:
        return Slot(instead.get(slot, slot))

    for step in program.steps:
        args, options = changed(step.args, current), changed(step.options, current)
        step = Step(step.kind, step.run, args, options, step.outs, step.number)
        if not KINDS[step.kind].pure and step.kind not in READS:
            if step.kind in ("effect", "reset", "store", "again"):
                known.clear()
            steps.append(step)
            continue
        key = _key((step.kind, _identity(step.run), step.args, step.options, step.number))
        earlier = known.setdefault(key, step)
        if earlier is step:
            steps.append(step)
        else:
            instead.update(zip(step.outs, earlier.outs, strict=True))
    outputs = tuple(instead.get(slot, slot) for slot in program.outputs)
    shares = {slot: instead.get(root, root) for slot, root in program.shares.items()}
    return Program(tuple(steps), program.specs, program.inputs, program.constants, outputs, shares, program.parts)


def without_marks(program: Program) -> Program:
    """The program without what only held for this pass."""
    return program.with_steps([step for step in program.steps if step.kind != "again"])


def _identity(run: Any) -> Any:
    if isinstance(run, tuple):
        return tuple(_identity(part) for part in run)
    owner = getattr(run, "__self__", None)  # a bound method is another object each time
    return (id(owner), run.__name__) if owner is not None else id(run)


def _key(tree: Any) -> Any:
    """The same for the same arguments: 0.0 is not −0.0, nor 1 True."""
    if isinstance(tree, Slot):
        return Slot, int(tree)
    if isinstance(tree, tuple | list):
        return (type(tree), *(_key(item) for item in tree))
    if isinstance(tree, dict):
        return (dict, *((name, _key(item)) for name, item in sorted(tree.items())))
    if isinstance(tree, slice):
        return slice, _key((tree.start, tree.stop, tree.step))
    if isinstance(tree, int | float | str | np.dtype):
        return type(tree), repr(tree)
    return type(tree), id(tree)
