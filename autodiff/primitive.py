"""Primitives: a name, a forward function, and one derivative rule per operand.

Two kinds. An `Elementwise` row states local derivatives, ∂out/∂operand, number by number; the engine multiplies them
into the cotangent. A `Primitive` row states vector-Jacobian products for everything else. Both are callable on
Scalars, Tensors, arrays and numbers, and a user's own operation is made exactly like a built-in one.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import AutodiffError, OperandError, RuleError, SettingError, ShapeError
from .tape import LEAVES, Value

Rule = Callable[..., Any]
NUMBERS = (int, float, np.number, np.bool_)  # bool is an int

OPERATIONS: dict[str, "Primitive"] = {}  # by name, those imported so far; `ops.table` has imported all
RESERVED: set[str] = set(LEAVES)  # names that no other operation may take


class Primitive:
    """An operation and its vector-Jacobian products.

    name     what pictures, steps and JSON call it
    forward  (*arrays, **params) -> array
    vjps     one per operand: (g, out, *operands, **params) -> cotangent in the operand's shape;
             None for an operand that has no derivative
    jvp      (tangents, out, *operands, **params) -> tangent of the output; tangents of constants are None
    linear   whether the operation is linear in all its operands together, so that its jvp is itself

    Rules are written in the engine's own operations (`ad.exp`, `*`, `ad.sum`, ...): the same rule then runs as plain
    NumPy in a first-order pass and is recorded, to be differentiated again, in a higher-order one.

    >>> import numpy as np, autodiff as ad
    >>> flip = ad.Primitive("flip_rows", np.flipud, lambda g, out, x: flip(g), linear=True)
    >>> ad.grad(lambda x: ad.sum(flip(x) * np.array([1.0, 10.0])))(np.array([3.0, 4.0]))
    array([10.,  1.])

    Raises SettingError if the name is taken by a built-in operation, RuleError if a rule is not callable.
    """

    partials: tuple[Any, ...] | None = None  # an Elementwise row has them

    def __init__(
        self, name: str, forward: Callable[..., Any], *vjps: Rule | None, jvp: Rule | None = None, linear: bool = False
    ) -> None:
        if not isinstance(name, str) or not name:
            raise SettingError(f"an operation's name must be a non-empty string, got {name!r}")
        if name in RESERVED:
            raise SettingError(f"the name {name!r} is taken by a built-in operation; choose another")
        for function in (forward, *vjps, jvp):
            if function is not None and not callable(function):
                raise RuleError(f"{name}: a rule must be a function, got {type(function).__name__}")
        self.name, self.forward, self.vjps = name, forward, vjps
        self.jvp, self.linear = jvp, linear
        self.needs_operands = not linear  # whether the rules read them: what a value must keep for its backward pass
        self.arity: int | None = len(vjps)
        OPERATIONS[name] = self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __call__(self, *operands: Any, name: str | None = None, **params: Any) -> Any:
        if self.arity is not None and len(operands) != self.arity:
            plural = "" if self.arity == 1 else "s"
            raise OperandError(f"{self.name}: takes {self.arity} operand{plural}, got {len(operands)}")
        if params and self.partials is not None:
            raise OperandError(
                f"{self.name}: {next(iter(params))}= is not recorded; an elementwise operation has no options"
            )
        for operand in operands:
            if isinstance(operand, Value):
                return operand.record(self, operands, params, name)
        return self.evaluate(*operands, **params)

    def evaluate(self, *data: Any, **params: Any) -> Any:
        """The forward function on plain arrays and numbers; a misfit is reported with operation and shapes."""
        try:
            return self.forward(*data, **params)
        except AutodiffError:
            raise
        except (ValueError, TypeError, IndexError) as error:
            raise misfit(self.name, data, error) from error

    def vjp(self, position: int, g: Any, out: Any, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """The cotangent of one operand."""
        return self.vjps[position](g, out, *operands, **params)  # type: ignore[misc]  # asked only where one exists

    def has_rule(self, position: int) -> bool:
        """Whether the operation can be differentiated with respect to this operand."""
        return self.vjps[position] is not None


class Elementwise(Primitive):
    """An operation that works number by number, with broadcasting, and its local derivatives.

    name      what pictures, steps and JSON call it
    forward   (*arrays) -> array, elementwise
    partials  one per operand: (out, *operands) -> ∂out/∂operand, or a number where it is constant, or None where
              there is no derivative. A boolean derivative selects: it passes the cotangent on or sends nothing.
    scalar    the forward function for Python floats, where a faster one exists
    selects   whether the local derivatives are shares of a selection, such as ½ for a tie, so that one that is 0 sends
              nothing, even of an infinite cotangent. The slope 0 of a function such as x², times infinity, is NaN.

    >>> import autodiff as ad
    >>> cube = ad.Elementwise("cube", lambda x: x**3, lambda out, x: 3 * x**2)
    >>> x = ad.Scalar(2.0)
    >>> cube(x).backward()
    >>> x.grad
    12.0
    """

    partials: tuple[Any, ...]
    pull_floats: Rule | None  # the partials applied to floats, written out by `chain_rule` when first needed
    pull_arrays: Rule | None  # the same for arrays

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        *partials: Rule | float | None,
        scalar: Callable[..., Any] | None = None,
        selects: bool = False,
    ) -> None:
        if not partials:
            raise RuleError(f"{name}: needs one local derivative per operand, got none")
        for partial in partials:
            if not (partial is None or callable(partial) or isinstance(partial, int | float)):
                raise RuleError(f"{name}: a local derivative is a function, a number or None, got {partial!r}")
        if scalar is not None and not callable(scalar):
            raise RuleError(f"{name}: a rule must be a function, got {type(scalar).__name__}")
        self.partials = partials
        self.scalar, self.selects = scalar or forward, selects
        self.pull_floats = self.pull_arrays = None
        super().__init__(name, forward, *(None for _ in partials))
        self.needs_operands = any(callable(partial) for partial in partials)

    def evaluate(self, *data: Any, **params: Any) -> Any:
        for value in data:
            if not isinstance(value, float | int) or isinstance(value, np.float64):
                return super().evaluate(*data, **params)
        return self.on_floats(*data)

    def on_floats(self, *data: Any) -> Any:
        """The forward function on Python numbers, with IEEE results where Python would raise (1/0, exp(1000))."""
        try:
            return self.scalar(*data)
        except (ArithmeticError, ValueError):
            try:
                numbers = [np.float64(value) for value in data]
            except OverflowError as error:
                raise OperandError(f"{self.name}: an integer operand is too large for a float") from error
            with np.errstate(all="ignore"):
                return float(self.forward(*numbers))

    def local(self, position: int, out: Any, operands: Sequence[Any]) -> Any:
        """The local derivative ∂out/∂operand, with IEEE results where Python would raise (1/0)."""
        partial = self.partials[position]
        if not callable(partial):
            return partial
        try:
            return partial(out, *operands)
        except ArithmeticError:
            return float(partial(np.float64(out), *map(np.float64, operands)))

    def has_rule(self, position: int) -> bool:
        return self.partials[position] is not None


class Variadic(Primitive):
    """An operation on any number of operands, such as concatenate, with one rule for all of them.

    vjp  (position, g, out, *operands, **params) -> cotangent of the operand at that position

    The rest is as for `Primitive`.
    """

    def __init__(
        self, name: str, forward: Callable[..., Any], vjp: Rule, *, jvp: Rule | None = None, linear: bool = False
    ) -> None:
        super().__init__(name, forward, vjp, jvp=jvp, linear=linear)
        self.arity = None

    def vjp(self, position: int, g: Any, out: Any, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        rule = self.vjps[0]
        assert rule is not None
        return rule(position, g, out, *operands, **params)

    def has_rule(self, position: int) -> bool:
        return True


def misfit(name: str, data: Sequence[Any], error: Exception) -> AutodiffError:
    """NumPy's complaint as the package's own: the operation, the operands' shapes, and NumPy's reason."""
    shapes = " and ".join(str(np.shape(value)) for value in data)
    noun = "operand shape" if len(data) == 1 else "operand shapes"
    kind = OperandError if isinstance(error, TypeError) else ShapeError
    return kind(f"{name}: {noun} {shapes}: {' '.join(str(error).split())}")


def reserve_names(*names: str) -> None:
    """Keep these names for built-in operations; each table calls it once it is complete."""
    RESERVED.update(names)
