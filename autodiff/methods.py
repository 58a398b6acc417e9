"""ndarray's attributes for Tensors: those that differentiate are recorded, those that ask give plain answers.

What writes into an array is refused, with what to use instead.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from . import ops
from .errors import OperandError
from .operators import Differentiable
from .ops.plain_data import plain

INSTEAD = {  # method of ndarray that writes into it -> what gives a new tensor
    "byteswap": "autodiff.astype",
    "fill": "autodiff.full_like(t, value)",
    "partition": "autodiff.partition(t, kth)",
    "put": "t.at[index].set(values)",
    "resize": "autodiff.resize(t, shape)",
    "setfield": "t.at[index].set(values)",
    "setflags": "a copy in NumPy, t.numpy().copy()",
    "sort": "autodiff.sort(t)",
}


def _recorded(name: str) -> Any:
    """A method that is one of the engine's functions: its first parameter is the tensor, the others are ndarray's."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(ops, name)(self, *args, **kwargs)

    method.__name__, method.__doc__ = name, f"`autodiff.{name}` of this tensor, as ndarray's method."
    return method


def _asked(name: str) -> Any:
    """A method whose answer is not differentiable: NumPy's own, of the plain data."""
    function: Callable[..., Any] = getattr(np.ndarray, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self.data, *map(plain, args), **{key: plain(value) for key, value in kwargs.items()})

    method.__name__, method.__doc__ = name, f"ndarray's `{name}` of the data: not differentiable."
    return method


def _refused(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise OperandError(f"{name}: a tensor is never written into; use {INSTEAD[name]}")

    method.__name__, method.__doc__ = name, f"Refused: a tensor is never written into. Use {INSTEAD[name]}."
    return method


class ArrayMethods(Differentiable):
    """A value with ndarray's methods and properties.

    >>> import autodiff as ad
    >>> t = ad.Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> t.max(axis=1), t.mT.tolist()
    (Tensor([2., 4.]), [[1.0, 3.0], [2.0, 4.0]])
    """

    __slots__ = ()

    data: np.ndarray

    sum, prod, mean, var, std = (_recorded(name) for name in ("sum", "prod", "mean", "var", "std"))
    max, min, ptp, trace = (_recorded(name) for name in ("max", "min", "ptp", "trace"))
    cumsum, cumprod = _recorded("cumsum"), _recorded("cumprod")
    round, conj, conjugate = _recorded("round"), _recorded("conj"), _recorded("conjugate")
    diagonal, take, repeat, choose = (_recorded(name) for name in ("diagonal", "take", "repeat", "choose"))
    ravel, squeeze, swapaxes, copy = (_recorded(name) for name in ("ravel", "squeeze", "swapaxes", "copy"))
    dot = _recorded("dot")

    all, any, argmax, argmin = (_asked(name) for name in ("all", "any", "argmax", "argmin"))
    argsort, argpartition = _asked("argsort"), _asked("argpartition")
    nonzero, searchsorted, tolist = _asked("nonzero"), _asked("searchsorted"), _asked("tolist")

    byteswap, fill, partition, put = (_refused(name) for name in ("byteswap", "fill", "partition", "put"))
    resize, setfield, setflags, sort = (_refused(name) for name in ("resize", "setfield", "setflags", "sort"))

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None, name: str | None = None) -> Any:
        """The numbers in another shape, given as a tuple or as separate sizes; see `autodiff.reshape`."""
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape, order, copy=copy, name=name)

    def transpose(self, *axes: Any, name: str | None = None) -> Any:
        """The axes in another order, given as a tuple or one by one; reversed by default."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int | np.integer) else axes or None
        return ops.transpose(self, order, name=name)

    def flatten(self, order: str = "C", *, name: str | None = None) -> Any:
        """All numbers in one row; see `autodiff.ravel`."""
        return ops.ravel(self, order, name=name)

    def astype(
        self,
        dtype: Any,
        order: str = "K",
        casting: str = "unsafe",
        subok: bool = True,
        copy: bool = True,
        *,
        name: str | None = None,
    ) -> Any:
        """The numbers in another dtype. `order`, `subok` and `copy` are only for NumPy's sake.

        Raises OperandError if `casting`, such as "safe", does not allow it.
        """
        if casting != "unsafe" and not np.can_cast(self.data.dtype, dtype, casting):  # type: ignore[arg-type]  # any name of a rule; NumPy refuses others
            raise OperandError(f"astype: cannot cast {self.data.dtype} to {np.dtype(dtype)} with casting={casting!r}")
        return ops.astype(self, dtype, name=name)

    def clip(self, min: Any = None, max: Any = None, out: None = None, *, name: str | None = None) -> Any:
        """The numbers kept between two bounds; see `autodiff.clip`."""
        return ops.clip(self, min, max, out, name=name)

    def compress(self, condition: Any, axis: int | None = None, out: None = None, *, name: str | None = None) -> Any:
        """The slices at which the condition holds; see `autodiff.compress`."""
        return ops.compress(condition, self, axis, out, name=name)

    @property
    def T(self) -> Any:
        """The transpose: all axes reversed."""
        return ops.transpose(self)

    @property
    def mT(self) -> Any:
        """The transpose of each matrix: the last two axes exchanged."""
        return ops.matrix_transpose(self)

    @property
    def flat(self) -> Any:
        """All numbers in one row, to go through or to read by index."""
        return ops.ravel(self)

    @property
    def real(self) -> Any:
        """The real part: the tensor itself, for numbers here are real."""
        return self

    @property
    def itemsize(self) -> int:
        """Bytes of one number."""
        return self.data.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        return self.data.nbytes

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self.data == plain(value)))

    def __index__(self) -> int:
        if self.data.ndim or self.data.dtype.kind not in "iu":
            raise OperandError(f"Tensor: only one integer is an index, got {self.data.dtype} of shape {self.shape}")
        return int(self.data)
