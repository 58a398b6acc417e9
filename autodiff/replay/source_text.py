"""The Python function that runs a plan: one line per step, written to be read.

    v9 = matmul(v0, v3, out=b9)

`v` are results, `b` arrays of the plan's memory, `c` constants; what stands before the brackets are NumPy's functions
and those of `kernels`.
"""

import keyword
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..chain_rule import as_float
from ..ops.table import builtin_names
from .fused import Fused
from .plan import Lender, Memory, Plan
from .program import InvalidError, Slot, Step

SYMBOLS: dict[Any, str] = {
    operator.add: "({} + {})",
    operator.sub: "({} - {})",
    operator.mul: "({} * {})",
    operator.truediv: "({} / {})",
    operator.neg: "(-{})",
    operator.pos: "(+{})",
    operator.abs: "abs({})",
    operator.lt: "({} < {})",
    operator.le: "({} <= {})",
    operator.gt: "({} > {})",
    operator.ge: "({} >= {})",
    operator.eq: "({} == {})",
    operator.ne: "({} != {})",
    operator.and_: "({} & {})",
    operator.or_: "({} | {})",
    operator.xor: "({} ^ {})",
}
BY_NAME = {"where": "({1} if {0} else {2})", "relu": "(0.0 if {0} <= 0 else {0})", "square": "({0} * {0})"}


def written(plan: Plan) -> tuple[str, Callable[..., Any]]:
    """The source of the function (arguments, objects) -> results, and the function.

    objects  the arguments as they were given, for what is stored into them
    """
    writer = _Writer(plan)
    lines = [f"    {line}" for step in range(len(plan.program.steps)) for line in writer.lines(step)]
    inputs = "".join(f"v{slot}, " for slot in plan.program.inputs)
    outputs = "".join(f"{writer.text(Slot(slot))}, " for slot in plan.program.outputs)
    first = [f"    {inputs}= arguments"] if inputs else []
    source = "\n".join(["def replay(arguments, objects):", *first, *lines, f"    return ({outputs})", ""])
    exec(compile(source, "<program>", "exec"), writer.scope)
    return source, writer.scope["replay"]


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.memory = plan, Memory(plan)
        self.scope: dict[str, Any] = {"InvalidError": InvalidError, "inf": math.inf, "nan": math.nan}
        self.scope |= {"isfinite": math.isfinite, "vdot": np.vdot}
        self._names: dict[int, str] = {}
        self._arrays: dict[int, np.ndarray] = {}  # of slots that always have the same one
        self._texts: dict[int, str] = {}
        self._ends: dict[int, list[int]] = {}
        for slot, step in plan.last.items():
            self._ends.setdefault(step, []).append(slot)

    def lines(self, number: int) -> Iterator[str]:
        step = self.plan.program.steps[number]
        yield from getattr(self, f"_{step.kind}")(step)
        # What NumPy made is given back as soon as nobody needs it.
        made = [
            s
            for s in self._ends.get(number, ())
            if s not in self.plan.places and s in self._made and s not in self._texts
        ]
        if made:
            yield f"del {', '.join(f'v{slot}' for slot in sorted(made))}"

    @property
    def _made(self) -> set[int]:
        if not hasattr(self, "_made_slots"):
            steps = [step for step in self.plan.program.steps if step.kind in ("operation", "call")]
            specs = self.plan.program.specs
            self._made_slots = {out for step in steps for out in step.outs if specs[out].dtype is not None}
        return self._made_slots

    def bound(self, thing: Any, name: str) -> str:
        """The name that a thing has in the source."""
        known = self._names.get(id(thing))
        if known is None:
            known = "".join(ch if ch.isalnum() or ch == "_" else "_" for ch in name) or "c"
            known = (
                known if known.isascii() and not known[0].isdigit() else f"c{known.encode('ascii', 'ignore').decode()}"
            )
            if known in self.scope or known in _TAKEN or keyword.iskeyword(known) or _is_result(known):
                known = f"{known}_{len(self.scope)}"
            self._names[id(thing)] = known
            self.scope[known] = thing
            self.scope.setdefault("kept", []).append(thing)  # so that its id stays its own
        return known

    def text(self, x: Any) -> str:
        """An argument as it is written."""
        if isinstance(x, Slot):
            constants = self.plan.program.constants
            if x in self._texts:
                return self._texts[x]
            if x not in constants:
                return f"v{int(x)}"
            value = constants[x]
            return self.text(value) if type(value) in (float, int, bool) else self.bound(value, f"c{int(x)}")
        if x is None or x is Ellipsis or type(x) in (bool, int, str):
            return repr(x)
        if type(x) is float:
            return repr(x) if x >= 0 or math.isnan(x) else f"({x!r})"
        if type(x) is slice:
            return f"slice({self.text(x.start)}, {self.text(x.stop)}, {self.text(x.step)})"
        if type(x) is tuple:
            return f"({''.join(f'{self.text(item)}, ' for item in x)})"
        if type(x) is list:
            return f"[{', '.join(map(self.text, x))}]"
        return self.bound(x, f"c_{type(x).__name__}")

    def _call_text(self, function: str, step: Step, **more: str) -> str:
        named = [f"{key}={self.text(value)}" for key, value in step.options.items()]
        named += [f"{key}={value}" for key, value in more.items()]
        return f"{function}({', '.join([*map(self.text, step.args), *named])})"

    def _out(self, step: Step) -> dict[str, str]:
        """Where the result is put: an array of the plan, or one that is lent."""
        if not step.outs or step.outs[0] not in self.plan.places:
            return {}
        arrays = [self._array(slot) for slot in step.outs]
        return {"out": f"({''.join(f'{array}, ' for array in arrays)})" if self._is_fused(step) else arrays[0]}

    def _array(self, slot: int) -> str:
        if self.plan.places[slot].lent:
            return self.bound(Lender(self.plan.program.specs[slot]), f"lent{slot}") + "()"
        array = self._arrays[slot] = self.memory.array(slot)
        return self.bound(array, f"b{slot}")

    def _is_fused(self, step: Step) -> bool:
        return isinstance(step.run, Fused)

    def _operation(self, step: Step) -> Iterator[str]:
        (out,) = step.outs
        if step.number:
            yield f"v{out} = {self._number_text(step)}"
        elif self._is_view(step):
            source, options = step.args[0], ", ".join(self.text(value) for value in step.options.values())
            known = self._arrays.get(source)
            if known is not None:  # memory of the plan: the view is made once and for all
                view = getattr(known, step.name)(*step.options.values())
                self._arrays[out] = view
                self._texts[out] = self.bound(view, f"b{out}")
            else:
                yield f"v{out} = {self.text(source)}.{step.name}({options})"
        else:
            yield f"v{out} = {self._call_text(self.bound(step.run.forward, step.name), step)}"

    def _is_view(self, step: Step) -> bool:
        """Whether an operation only shows the memory of its operand in another way."""
        program = self.plan.program
        is_own = step.name in ("reshape", "transpose") and step.name in builtin_names()
        return is_own and isinstance(step.args[0], Slot) and step.outs[0] in program.shares

    def _number_text(self, step: Step) -> str:
        """An operation on numbers, as an expression where Python has one."""
        built_in = step.name in builtin_names()
        pattern = SYMBOLS.get(step.run.scalar) or (BY_NAME.get(step.name) if built_in else None)
        if pattern is not None:
            return pattern.format(*map(self.text, step.args))
        text = self._call_text(self.bound(step.run.scalar, step.name), step)
        return (
            text if built_in else f"{self.bound(as_float, 'as_float')}({step.name!r}, 'the forward function', {text})"
        )

    def _call(self, step: Step) -> Iterator[str]:
        outs = ", ".join(f"v{out}" for out in step.outs)
        if step.number and step.run in SYMBOLS:
            yield f"{outs} = {SYMBOLS[step.run].format(*map(self.text, step.args))}"
        else:
            outs += "," if len(step.outs) == 1 and (self._gives_tuple(step) or self._is_fused(step)) else ""
            yield f"{outs} = {self._call_text(self.bound(step.run, step.name), step, **self._out(step))}"

    def _gives_tuple(self, step: Step) -> bool:
        return bool(step.outs) and step.outs[0] in self.plan.program.parts

    def _draw(self, step: Step) -> Iterator[str]:
        yield f"v{step.outs[0]} = {self._call_text(self.bound(step.run, 'rng') + '.random', step, **self._out(step))}"

    def _read(self, step: Step) -> Iterator[str]:
        yield f"v{step.outs[0]} = {self._leaf(step)}.data"

    def _gradient(self, step: Step) -> Iterator[str]:
        out = step.outs[0]
        yield f"v{out} = {self._leaf(step)}.grad"
        yield f"if v{out} is None:"
        yield "    raise InvalidError"

    def _absent(self, step: Step) -> Iterator[str]:
        yield f"if {self._leaf(step)}.grad is not None:"
        yield "    raise InvalidError"

    def _store(self, step: Step) -> Iterator[str]:
        yield f"{self._leaf(step)}.grad = {self.text(step.args[0])}"

    def _attribute(self, step: Step) -> Iterator[str]:
        owner, name = step.run
        (out,) = step.outs
        spec = self.plan.program.specs[out]
        yield f"v{out} = {self.bound(owner, type(owner).__name__.lower())}.{name}"
        yield f"if v{out}.shape != {spec.shape} or v{out}.dtype != {self.text(spec.dtype)}:"
        yield "    raise InvalidError"

    def _guard(self, step: Step) -> Iterator[str]:
        yield f"if {'not ' if step.run else ''}{self.text(step.args[0])}:"
        yield "    raise InvalidError"

    def _finite(self, step: Step) -> Iterator[str]:
        specs = self.plan.program.specs
        asked = [
            f"isfinite({text})" if specs[x].dtype is None else f"isfinite(vdot({text}, {text}))"
            for x, text in ((x, self.text(x)) for x in step.args)
        ]
        yield f"if not ({' and '.join(asked)}):"
        yield "    raise InvalidError"

    def _effect(self, step: Step) -> Iterator[str]:
        target = f"v{step.outs[0]} = " if step.outs else ""
        yield f"{target}{self._call_text(self.bound(step.run, step.name), step)}"

    _reset = _note = _effect

    def _leaf(self, step: Step) -> str:
        if step.run.argument is not None:
            return f"objects[{step.run.argument}]"
        return self.bound(step.run.value, step.run.name)


def _is_result(name: str) -> bool:
    return name[0] == "v" and name[1:].isdigit()


_TAKEN = {"arguments", "objects", "replay", "abs", "slice", "True", "False", "None", "if", "else", "not", "and", "kept"}
