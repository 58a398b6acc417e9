"""The derivative table: one row per operation, by kind of operation."""

from ..primitive import reserve_names
from .elementwise import (
    abs,
    add,
    cos,
    divide,
    exp,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    relu,
    sigmoid,
    sign,
    sin,
    sqrt,
    subtract,
    tanh,
    where,
)
from .index import getitem
from .linalg import matmul
from .random import dropout
from .reduce import log_softmax, logsumexp, max, mean, softmax, sum
from .shape import astype, broadcast_to, reshape, transpose

reserve_names()

__all__ = [
    "abs",
    "add",
    "astype",
    "broadcast_to",
    "cos",
    "divide",
    "dropout",
    "exp",
    "getitem",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "mean",
    "minimum",
    "multiply",
    "negative",
    "power",
    "relu",
    "reshape",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "sqrt",
    "subtract",
    "sum",
    "tanh",
    "transpose",
    "where",
]
