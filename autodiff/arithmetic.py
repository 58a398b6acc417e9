"""How much arithmetic an operation is: floating-point operations by a formula per row, bytes by looking at the arrays.

An elementwise operation counts one per number of its result, whichever it is: exp one as add. What only moves numbers
counts none. Sums of products count a multiplication and an addition per term, as is the custom in linear algebra.
Source of the formulas for factorisations: Golub & Van Loan 2013, "Matrix computations", 4th edition, to leading order.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .primitive import Elementwise, Primitive


class Amount(NamedTuple):
    """Floating-point operations, bytes read and bytes written."""

    flops: int = 0
    read: int = 0
    written: int = 0

    def __add__(self, other: Any) -> "Amount":
        return Amount(*(a + b for a, b in zip(self, other, strict=True)))


Count = Callable[[Sequence[Any], Any, dict[str, Any]], float]  # (operands, result, params) -> operations


def _none(operands: Sequence[Any], out: Any, params: dict[str, Any]) -> float:
    return 0


def _per_operand_number(times: float) -> Count:
    return lambda operands, out, params: times * np.size(operands[0])


def _products(operands: Sequence[Any], out: Any, params: dict[str, Any]) -> float:
    """Each number of a matrix product is the sum of as many products as the operand has columns."""
    return float(2 * np.size(out) * np.shape(operands[0])[-1])


def _einsum(operands: Sequence[Any], out: Any, params: dict[str, Any]) -> float:
    """Every combination of the indices: its factors are multiplied, and the product is added."""
    sizes: dict[Any, int] = {}
    for operand, letters in zip(operands, params["subscripts"].partition("->")[0].split(","), strict=True):
        sizes |= zip(letters, np.shape(operand), strict=True)
    return len(operands) * math.prod(sizes.values())


def _of_square(times: float) -> Count:
    """times · n³ for each n × n matrix of a stack."""

    def count(operands: Sequence[Any], out: Any, params: dict[str, Any]) -> float:
        *stack, _, n = np.shape(operands[0])
        return float(times * n**3 * math.prod(stack))

    return count


def _of_tall(by_columns: float, of_square: float) -> Count:
    """by_columns · m n² + of_square · n³ for each matrix of m rows and n columns, m ≥ n."""

    def count(operands: Sequence[Any], out: Any, params: dict[str, Any]) -> float:
        *stack, rows, columns = np.shape(operands[0])
        m, n = max(rows, columns), min(rows, columns)
        return float((by_columns * m * n**2 + of_square * n**3) * math.prod(stack))

    return count


def _solve(operands: Sequence[Any], out: Any, params: dict[str, Any]) -> float:
    n = np.shape(operands[0])[-1]
    return float(_of_square(2 / 3)(operands, out, params) + 2 * n * np.size(out))


ONCE, TWICE = _per_operand_number(1), _per_operand_number(2)
MOVES = ("reshape", "transpose", "broadcast_to", "astype", "to_tensor", "to_scalar", "getitem", "set_at", "concatenate")
COUNTS: dict[str, Count] = {
    **dict.fromkeys((*MOVES, "stack", "roll", "pad", "alias", "positive", "where"), _none),
    **dict.fromkeys(("sum", "sum_to", "mean", "max", "min", "prod", "cumsum", "cumprod", "scatter"), ONCE),
    **dict.fromkeys(("norm", "sum_squares"), TWICE),
    "matmul": _products,
    "einsum": _einsum,
    "var": _per_operand_number(4),  # the mean, the difference, its square, their sum
    "std": _per_operand_number(4),
    "logsumexp": _per_operand_number(4),  # the largest, the difference, exp, the sum
    "softmax": _per_operand_number(5),
    "log_softmax": _per_operand_number(5),
    "cross_entropy": _per_operand_number(5),
    # Comparisons, of which a sort makes about n log₂ n.
    **dict.fromkeys(
        ("sort", "median", "quantile"),
        lambda operands, out, params: np.size(operands[0]) * math.log2(max(np.size(operands[0]), 2)),
    ),
    "cholesky": _of_square(1 / 3),
    "det": _of_square(2 / 3),
    "slogdet": _of_square(2 / 3),
    "inv": _of_square(2),
    "solve": _solve,
    "qr": _of_tall(4, -4 / 3),  # 2 m n² − ⅔ n³ for R, and as much again for Q
    "eigh": _of_square(9),
    "svd": _of_tall(6, 20),
    "pinv": _of_tall(8, 20),
}


def flops(primitive: Primitive, operands: Sequence[Any], out: Any, params: dict[str, Any]) -> int | None:
    """The floating-point operations of one application; None for an operation of one's own, of which none is known.

    operands, out  plain arrays and numbers

    >>> import numpy as np
    >>> from autodiff.ops.table import OPERATIONS
    >>> flops(OPERATIONS["matmul"], [np.ones((128, 784)), np.ones((784, 256))], np.ones((128, 256)), {})
    51380224
    """
    count = COUNTS.get(primitive.name)
    if count is not None:
        return round(count(operands, out, params))
    return int(np.size(out)) if isinstance(primitive, Elementwise) else None


def traffic(operands: Sequence[Any], out: Any) -> tuple[int, int]:
    """Bytes read and bytes written by one application; none by one whose result is a view of an operand.

    >>> import numpy as np
    >>> x = np.ones(4)
    >>> traffic([x, 2.0], x * 2.0), traffic([x], x.reshape(2, 2))
    ((40, 32), (0, 0))
    """
    if any(isinstance(x, np.ndarray) and np.may_share_memory(x, out) for x in operands):
        return 0, 0
    return sum(map(nbytes, operands)), nbytes(out)


def nbytes(x: Any) -> int:
    """The bytes of an array, or of a number as arithmetic sees it."""
    return x.nbytes if isinstance(x, np.ndarray) else 8
