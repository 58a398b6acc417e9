"""Random programs: up to 30 operations, each on values made before, so that parts are shared.

An operation is written once, as an expression in a namespace that holds functions under this package's names. All keep
to a bounded range and to the shape (2, 2), and none has a kink where a program could arrive by chance.
"""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

NUMBERS: list[Callable[..., Any]] = [  # (namespace, x, y), on numbers and arrays
    lambda m, x, y: m.sin(x),
    lambda m, x, y: m.tanh(x),
    lambda m, x, y: m.sigmoid(x),
    lambda m, x, y: m.erf(x),
    lambda m, x, y: m.negative(x),
    lambda m, x, y: m.softplus(x) - 1,
    lambda m, x, y: m.exp(m.sin(x)) / 3,
    lambda m, x, y: m.log1p(m.square(x)),
    lambda m, x, y: m.sqrt(1 + x * x) - 1,
    lambda m, x, y: x * 0.5,
    lambda m, x, y: (x + y) / 2,
    lambda m, x, y: (x - y) / 2,
    lambda m, x, y: x * m.cos(y),
    lambda m, x, y: x / (2 + y * y),
    lambda m, x, y: m.logaddexp(x, y) / 2,
    lambda m, x, y: m.arctan2(x, 2 + y * y),
    lambda m, x, y: m.power(2 + m.sin(x), m.cos(y)) / 3,
]
MATRICES: list[Callable[..., Any]] = [  # on arrays alone
    lambda m, x, y: m.matmul(x, y) / 2,
    lambda m, x, y: m.transpose(x),
    lambda m, x, y: m.flip(x, axis=0),
    lambda m, x, y: m.roll(x, 1, axis=1),
    lambda m, x, y: m.softmax(x, axis=1),
    lambda m, x, y: m.cumsum(x, axis=1) / 2,
    lambda m, x, y: x - m.mean(x, axis=0, keepdims=True),
    lambda m, x, y: m.logsumexp(x, axis=1, keepdims=True) * y / 2,
    lambda m, x, y: m.reshape(m.concatenate([x[0], y[1]], axis=0), (2, 2)),
    lambda m, x, y: m.stack([x[:, 1], y[:, 0]], axis=1),
]

Step = tuple[int, int, int]  # an operation, and its two operands among the values so far, each counted round and round
PROGRAMS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=30)


def run(namespace: Any, program: Sequence[Step], operations: Sequence[Callable[..., Any]], *leaves: Any) -> Any:
    """The last value of the program."""
    values = list(leaves)
    for operation, i, j in program:
        x, y = values[i % len(values)], values[j % len(values)]
        values.append(operations[operation % len(operations)](namespace, x, y))
    return values[-1]
