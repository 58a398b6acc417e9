"""PyTorch as a peer: the counterpart of each row's function, and the derivatives that autograd finds."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .problem import Answer, Problem

RENAMED = {"axis": "dim", "keepdims": "keepdim", "ddof": "correction"}


def renamed(function: Callable[..., Any], **more: str) -> Callable[..., Any]:
    """The function under NumPy's names of its options."""
    names = RENAMED | more
    return lambda *args, **options: function(*args, **{names.get(key, key): v for key, v in options.items()})


def pad(x: Any, widths: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    mode = {"edge": "replicate"}.get(mode, mode)
    if mode == "constant":
        return F.pad(x, [n for pair in reversed(widths) for n in pair], value=constant_values)
    return F.pad(x[None, None], [n for pair in reversed(widths) for n in pair], mode=mode)[0, 0]


def median(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return torch.quantile(x, 0.5, dim=axis, keepdim=keepdims)


def average(x: Any, axis: int | None = None, weights: Any = None) -> Any:
    if weights is None:
        return torch.mean(x, dim=axis)
    weights = weights if axis is None else weights.movedim(0, axis).reshape([-1 if i == axis else 1 for i in (0, 1)])
    return (x * weights).sum(dim=axis) / weights.expand_as(x).sum(dim=axis)


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    return torch.take(x, indices) if axis is None else torch.index_select(x, axis, indices)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return torch.diagonal(x, offset, axis1, axis2).sum(-1)


def dot(x: Any, y: Any) -> Any:
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return torch.tensordot(x, y, ([-1], [max(y.ndim - 2, 0)]))


def cross(x: Any, y: Any, axis: int = -1) -> Any:
    return torch.linalg.cross(*torch.broadcast_tensors(x, y), dim=axis)


def transpose(x: Any, axes: Any = None) -> Any:
    return x.permute(tuple(range(x.ndim))[::-1] if axes is None else axes)


def set_at(x: Any, index: Any, value: Any) -> Any:
    out = x.clone()
    out[index] = value
    return out


def add_at(x: Any, index: Any, value: Any) -> Any:
    if isinstance(index, torch.Tensor):
        return x.index_put((index,), value.expand(len(index), *x.shape[1:]), accumulate=True)
    return set_at(x, index, x[index] + value)


def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction that has no default for the axes."""
    return lambda x, axis=None, keepdims=False: function(
        x, dim=tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims
    )


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return torch.linalg.norm(x, ord, axis, keepdims)


def solve(a: Any, b: Any) -> Any:
    return torch.linalg.solve(a, b[:, None])[:, 0] if b.ndim == 1 else torch.linalg.solve(a, b)


def lstsq(a: Any, b: Any) -> Any:
    b2 = b[:, None] if b.ndim == 1 else b
    return [(torch.linalg.pinv(a) @ b2).reshape(a.shape[1], *b.shape[1:])]


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    return torch.linalg.tensorsolve(a, b, dims=axes)


def select(conditions: Any, choices: Any, default: Any) -> Any:
    out = torch.as_tensor(default, dtype=choices[0].dtype).expand(choices[0].shape)
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        out = torch.where(condition, choice, out)
    return out


def cov(x: Any, y: Any = None, rowvar: bool = True, bias: bool = False) -> Any:
    rows = x if y is None else torch.cat([x, y])
    return torch.cov(rows if rowvar else rows.T, correction=0 if bias else 1)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    rows = x if y is None else torch.stack([x, y])
    return torch.corrcoef(rows if rowvar else rows.T)


# Twice differentiable, as torch.vander and torch.linalg.cond in a norm without singular values are not.
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    powers = torch.arange(len(x) if N is None else N)
    return x[:, None] ** (powers if increasing else powers.flip(0))


def cond(x: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        return torch.linalg.cond(x, p)
    return torch.linalg.matrix_norm(x, p) * torch.linalg.matrix_norm(torch.linalg.inv(x), p)


def gradient(x: Any, spacing: Any = 1.0, axis: int | None = None) -> Any:
    spacing = (spacing,) if isinstance(spacing, torch.Tensor) else spacing
    return torch.gradient(x, spacing=spacing, **({} if axis is None else {"dim": axis}))


COUNTERPARTS: dict[str, Callable[..., Any]] = {  # where it is not the function of the same name in torch
    "relu6": F.relu6,
    "hard_tanh": F.hardtanh,
    "elu": F.elu,
    "gelu": F.gelu,
    "silu": F.silu,
    "leaky_relu": F.leaky_relu,
    "softplus": F.softplus,
    "log_sigmoid": F.logsigmoid,
    "softsign": F.softsign,
    "cbrt": lambda x: torch.copysign(torch.abs(x) ** (1 / 3), x),
    "floor_divide": lambda x, y: torch.div(x, y, rounding_mode="floor"),
    "meshgrid": lambda *xs, indexing="xy": torch.meshgrid(*xs, indexing=indexing),
    "rint": torch.round,
    "power": torch.pow,
    "heaviside": lambda x, y: torch.where(x == 0, y, (x > 0).to(x.dtype)),  # torch's own has no derivative
    "clip": lambda x, low, high: torch.clamp(
        *(v if isinstance(v, torch.Tensor) else torch.tensor(v, dtype=x.dtype) for v in (x, low, high))
    ),
    "sum": renamed(torch.sum),
    "mean": renamed(torch.mean),
    "max": renamed(torch.amax),
    "min": renamed(torch.amin),
    "ptp": lambda x, **options: renamed(torch.amax)(x, **options) - renamed(torch.amin)(x, **options),
    "nansum": renamed(torch.nansum),
    "nanmean": renamed(torch.nanmean),
    "prod": renamed(torch.prod),
    "var": lambda x, ddof=0, **options: renamed(torch.var)(x, correction=ddof, **options),
    "std": lambda x, ddof=0, **options: renamed(torch.std)(x, correction=ddof, **options),
    "median": median,
    "average": average,
    "logsumexp": reduced(torch.logsumexp),
    "softmax": renamed(torch.softmax),
    "log_softmax": renamed(torch.log_softmax),
    "cumsum": renamed(torch.cumsum),
    "cumprod": renamed(torch.cumprod),
    "trace": trace,
    "transpose": transpose,
    "astype": lambda x, dtype: x.to(torch.from_numpy(np.zeros(0, dtype)).dtype),
    "expand_dims": torch.unsqueeze,
    "squeeze": renamed(torch.squeeze),
    "flip": lambda x, axis=None: torch.flip(
        x, tuple(range(x.ndim)) if axis is None else (axis,) if axis in (0, 1) else axis
    ),
    "roll": renamed(torch.roll, axis="dims"),
    "rot90": renamed(torch.rot90, axes="dims"),
    "repeat": renamed(torch.repeat_interleave),
    "pad": pad,
    "concatenate": renamed(torch.cat),
    "stack": renamed(torch.stack),
    "append": lambda x, y, axis=None: (
        torch.cat([x, y], axis) if axis is not None else torch.cat([x.ravel(), y.ravel()])
    ),
    "split": lambda x, parts, axis=0: torch.tensor_split(x, parts, dim=axis),
    "array_split": lambda x, parts, axis=0: torch.tensor_split(x, parts, dim=axis),
    "take": take,
    "take_along_axis": renamed(torch.take_along_dim),
    "sort": lambda x, axis=-1: torch.sort(x, dim=axis).values,
    "diagonal": renamed(torch.diagonal, axis1="dim1", axis2="dim2"),
    "diag": renamed(torch.diag, k="diagonal"),
    "tril": renamed(torch.tril, k="diagonal"),
    "triu": renamed(torch.triu, k="diagonal"),
    "getitem": lambda x, index: x[index],
    "set_at": set_at,
    "add_at": add_at,
    "sum_to": lambda x, shape: x.sum_to_size(*shape) if shape else x.sum(),
    "dot": dot,
    "vdot": lambda x, y: (x * y).sum(),
    "outer": lambda x, y: torch.outer(x.ravel(), y.ravel()),
    "tensordot": renamed(torch.tensordot, axes="dims"),
    "cross": cross,
    "matrix_transpose": lambda x: x.mT,
    "vecdot": renamed(torch.linalg.vecdot),
    "real": torch.positive,
    "fabs": torch.abs,
    "divmod": lambda x, y: (torch.div(x, y, rounding_mode="floor"), torch.remainder(x, y)),
    "select": select,
    "copy": torch.clone,
    "quantile": renamed(torch.quantile, method="interpolation"),
    "percentile": lambda x, q, axis=None: torch.quantile(x, q / 100, dim=axis),
    "cov": cov,
    "corrcoef": corrcoef,
    "diagflat": renamed(torch.diagflat, k="offset"),
    "unstack": lambda x, axis=0: torch.unbind(x, axis),
    "diff": renamed(torch.diff),
    "gradient": gradient,
    "trapezoid": renamed(torch.trapezoid),
    "vander": vander,
    "broadcast_arrays": torch.broadcast_tensors,
    "cross_entropy": F.cross_entropy,
    "sum_squares": lambda x: (torch.tensor(0.3, dtype=x.dtype) * (x * x)).sum(),
    "linalg.trace": lambda x, offset=0: trace(x, offset, -2, -1),
    "linalg.norm": norm,
    "linalg.vector_norm": lambda x, axis=None, ord=2: torch.linalg.vector_norm(x, ord, axis),
    "linalg.matrix_norm": lambda x, ord="fro", keepdims=False: torch.linalg.matrix_norm(x, ord, keepdim=keepdims),
    "linalg.cond": cond,
    "linalg.cross": cross,
    "linalg.vecdot": renamed(torch.linalg.vecdot),
    "linalg.outer": torch.outer,
    "linalg.tensordot": renamed(torch.tensordot, axes="dims"),
    "linalg.tensorsolve": tensorsolve,
    "linalg.solve": solve,
    "linalg.lstsq": lstsq,
}


LACKS = {  # a row's name -> why torch has no counterpart
    **dict.fromkeys(
        (
            *("apply_along_axis", "block", "choose", "compress", "convolve", "correlate", "cumulative_prod"),
            *("cumulative_sum", "delete", "ediff1d", "extract", "insert", "interp", "matvec", "nancumprod"),
            *("nancumsum", "nanmax", "nanmin", "nanprod", "nanstd", "nanvar", "partition", "piecewise", "polyval"),
            *("resize", "rollaxis", "unwrap", "vecmat"),
        ),
        "torch has no function of the kind",
    ),
    "bincount": "torch's has no derivative by the weights",
    "full_like": "torch's takes a number that is not differentiated",
    "linspace": "torch's takes numbers that are not differentiated",
    "unique": "torch's has no derivative",
}


def counterpart(name: str) -> Callable[..., Any]:
    if name in COUNTERPARTS:
        return COUNTERPARTS[name]
    return getattr(torch.linalg, name.removeprefix("linalg.")) if name.startswith("linalg.") else getattr(torch, name)


def constant(array: np.ndarray) -> Any:
    return torch.tensor(array)


def answer(function: Callable[..., Any], problem: Problem) -> Answer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about its internals, and empty arrays
        return _answer(function, problem)


def _answer(function: Callable[..., Any], problem: Problem) -> Answer:
    arrays, cotangents, tangents = (tuple(torch.tensor(x) for x in part) for part in problem)
    variables = [x.clone().requires_grad_() for x in arrays]
    results = function(*variables)
    _, pushed = torch.func.jvp(function, arrays, tangents)
    pulled = gradients(results, variables, cotangents)
    total = sum((w * torch.sin(out)).sum() for w, out in zip(cotangents, results, strict=True))
    slopes = gradients([total], variables, [torch.ones_like(total)], create_graph=True)
    along = sum((v * slope).sum() for v, slope in zip(tangents, slopes, strict=True))
    second = gradients([along], variables, [torch.ones_like(along)])
    return Answer(*([x.detach().numpy(force=True) for x in part] for part in (results, pulled, pushed, second)))


def dtypes(function: Callable[..., Any], problem: Problem) -> list[list[np.dtype[Any]]]:
    """The dtypes of each quantity."""
    return [[x.dtype for x in part] for part in answer(function, problem)]


def gradients(results: Any, variables: Any, cotangents: Any, **options: Any) -> Any:
    """Zeros where nothing depends on a variable, or a result on none."""
    tracked = [(out, w) for out, w in zip(results, cotangents, strict=True) if out.requires_grad]
    if not tracked:
        return [torch.zeros_like(x) for x in variables]
    outs, weights = zip(*tracked, strict=True)
    return torch.autograd.grad(outs, variables, weights, materialize_grads=True, retain_graph=True, **options)


class Namespace:
    """torch's functions under this package's names."""

    constant = staticmethod(torch.tensor)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return counterpart(name)


def leaf_gradients(program: Callable[..., Any], leaves: Sequence[Any]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The sum of what program(namespace, *leaves) gives, and its gradient with respect to each leaf."""
    variables = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in leaves]
    total = program(Namespace(), *variables).sum()
    return total.detach().numpy(), [g.numpy() for g in gradients([total], variables, [torch.ones_like(total)])]
