"""Formulas compiled for this processor by LLVM, and called on NumPy's arrays.

LLVM comes with the package llvmlite, which has no wheel for some systems: there, and with another Python than CPython,
`is_available` is false, and what would use a kernel lets NumPy make its passes.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from threading import RLock
from typing import Any

import numpy as np

from .formula import Form, Formula, Operand, Result
from .llvm_text import ARRAY_DATA, written

_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
_SEVERAL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
_compiling = RLock()
_kernels: dict[Formula, "Kernel"] = {}  # for good: somebody may still hold the address of a function


@cache
def is_available() -> bool:
    """Whether formulas can be compiled here: one is, the first time."""
    probe = np.zeros(1)
    # Of CPython an object's id is its address; that NumPy's arrays begin as they should is looked at, not believed.
    if ctypes.sizeof(ctypes.c_void_p) != 8 or find_spec("llvmlite") is None:
        return False
    if ctypes.c_void_p.from_address(id(probe) + ARRAY_DATA).value != probe.ctypes.data:
        return False
    try:
        kernel_of(Formula((Operand(Form.EACH, "f8"),), (), (Result(0),)))
    except (ImportError, OSError, RuntimeError):  # LLVM does not load or work, as where no data may be executed
        return False
    return True


def _compiled(formula: Formula) -> Any:
    """The engine that owns the machine code."""
    from llvmlite import binding

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    cpu, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    # One for each engine, which disposes of it.
    machine = binding.Target.from_default_triple().create_target_machine(cpu=cpu, features=features, opt=3)
    module = binding.parse_assembly(written(formula))
    module.verify()
    tuning = binding.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = tuning.loop_unrolling = tuning.slp_vectorization = True
    builder = binding.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


class Kernel:
    """A formula as machine code; made by `kernel_of` alone."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self._engine = _compiled(formula)
        self.run = _FUNCTION(self._engine.get_function_address("kernel"))
        self.several = _SEVERAL(self._engine.get_function_address("several"))

    def __call__(self, operands: Sequence[Any], results: Sequence[np.ndarray], rows: int, columns: int = 1) -> None:
        """Do it for all rows; if rows make no difference, `rows` is the number of places."""
        call = Call(self)
        for k, (operand, x) in enumerate(zip(self.formula.operands, operands, strict=True)):
            if operand.form is Form.NUMBER:
                call.numbers[k] = x
            else:
                call.words[k] = id(x)
        for k, out in enumerate(results, len(operands)):
            call.words[k] = id(out)
        call.run(0, rows, columns)


class Call:
    """A call of a kernel that is made ready once, and made again with little ado.

    It checks nothing, and keeps no array alive: they have to be as the formula says, in C order, and there. A result
    may lie in the very memory of an operand, or apart from it.

    words    for each operand and then for each result, the id of an array
    numbers  the same memory, for operands that are numbers
    """

    __slots__ = ("_run", "address", "numbers", "words")

    def __init__(self, kernel: Kernel) -> None:
        count = len(kernel.formula.operands) + len(kernel.formula.results)
        self.words = (ctypes.c_int64 * count)()
        self.numbers = (ctypes.c_double * count).from_buffer(self.words)
        self.address, self._run = ctypes.addressof(self.words), kernel.run

    def run(self, start: int, stop: int, columns: int) -> None:
        """Do it for rows `start` to `stop`; if rows make no difference, for these places."""
        self._run(self.address, start, stop, columns)


class Calls:
    """Calls of one kernel, for all places of flat arrays, made one after the other without Python in between."""

    def __init__(self, kernel: Kernel, calls: Sequence[Call], sizes: Sequence[int]) -> None:
        triples = [word for call, size in zip(calls, sizes, strict=True) for word in (call.address, 0, size)]
        self.all, self._count = tuple(calls), len(calls)
        self._triples = (ctypes.c_int64 * len(triples))(*triples)
        self._address, self._several = ctypes.addressof(self._triples), kernel.several

    def run(self) -> None:
        """Do them all."""
        self._several(self._address, self._count)


def kernel_of(formula: Formula) -> Kernel:
    """The kernel of a formula, compiled the first time, by one thread; the others wait for it.

    >>> from autodiff.fusion import Form, Line, Operand, Result
    >>> each = Operand(Form.EACH, "f8")
    >>> difference = Formula((each, each), (Line("subtract", (0, 1), "f8"),), (Result(2),))
    >>> out = np.empty(3)
    >>> kernel_of(difference)((np.arange(3.0), np.ones(3)), (out,), 3)
    >>> out
    array([-1.,  0.,  1.])
    """
    found = _kernels.get(formula)
    if found is None:
        with _compiling:
            found = _kernels.get(formula)
            if found is None:
                found = _kernels[formula] = Kernel(formula)
    return found
