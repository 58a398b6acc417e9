"""Pass: what is left of `where(condition, x, 0)` selects by the bits of the condition, without a branch per number."""

import numpy as np

from . import kernels
from .lowering import Builder, call
from .program import Program, Slot, Step


def with_selections(program: Program) -> Program:
    """The program with two steps that NumPy does at full speed in place of each such one."""
    specs = dict(program.specs)
    builder = Builder(specs, dict(program.shares))
    steps: list[Step] = []
    for step in program.steps:
        if not _selects(step, program):
            steps.append(step)
            continue
        condition, x, _ = step.args
        (out,) = step.outs
        dtype = specs[out].dtype
        assert dtype is not None
        steps.append(call(kernels.bits_of, condition, out=(bits := builder.like(out, f"i{dtype.itemsize}"))))
        steps.append(call(kernels.selected, Slot(bits), x, out=out))
    return Program(
        tuple(steps), specs, program.inputs, program.constants, program.outputs, program.shares, program.parts
    )


def _selects(step: Step, program: Program) -> bool:
    """Whether it is a choice between the floats of an array of the result's form, and zero."""
    if step.kind != "call" or step.run is not kernels.where_into:
        return False
    condition, x, y = step.args
    spec = program.specs[step.outs[0]]
    are_slots = isinstance(condition, Slot) and isinstance(x, Slot)
    if not are_slots or type(y) is not int or y != 0 or spec.dtype is None or spec.dtype.kind != "f":
        return False
    mask = program.specs[condition]
    return program.specs[x] == spec and mask.dtype == np.bool_ and mask.shape == spec.shape
