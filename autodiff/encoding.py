"""Values and parameters as strict JSON data, and back: the same bits, dtype, and layout in memory.

JSON has no NaN, tuples, slices or arrays: each is written as an object whose first key says what it is. What is read
may come from anywhere: it is checked piece by piece, and nothing in it is ever run.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import GraphError
from .layout import laid_out

_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_KINDS = [np.dtype(code) for code in "?bhilqBHILQefdg"]  # all that NumPy has of truth values and numbers
_DTYPES = {str(dtype): np.dtype(str(dtype)) for kind in _KINDS for dtype in (kind, kind.newbyteorder("S"))}


def dtype_of(value: Any) -> str:
    """The dtype of an array or NumPy number; the type's name, such as "float", for anything else."""
    return str(value.dtype) if isinstance(value, np.ndarray | np.generic) else type(value).__name__


def read_only(value: Any) -> Any:
    """An array as a view that cannot be written through; anything else as it is."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


def encode(value: Any) -> Any:
    """A value or parameter as strict JSON data. Raises GraphError for what `decode` could not read back."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.ndarray | np.generic) and not isinstance(value, np.matrix | np.ma.MaskedArray):
        if _DTYPES.get(str(value.dtype)) != value.dtype:
            raise GraphError(f"to_json: arrays are of real numbers or truth values, got dtype {value.dtype}")
        if isinstance(value, np.generic):
            return {"scalar": _items(value)[0], "dtype": str(value.dtype)}
        layout = {} if value.flags.c_contiguous else {"strides": list(value.strides)}
        return {"array": _items(value), "shape": list(value.shape), "dtype": str(value.dtype)} | layout
    if isinstance(value, str):
        return {"text": value} if value in _NUMBERS else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, slice):
        return {"slice": [encode(item) for item in (value.start, value.stop, value.step)]}
    if value is Ellipsis:
        return {"ellipsis": True}
    if isinstance(value, np.dtype) and str(value) in _DTYPES:
        return {"dtype": str(value)}
    raise GraphError(f"to_json: cannot write a {type(value).__name__}")


def decode(data: Any) -> Any:
    """What `encode` wrote. Raises GraphError for anything else."""
    if isinstance(data, str):
        return _NUMBERS.get(data, data)
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    for key, read in _READERS.items():
        if key in data:
            return read(data)
    raise GraphError(f"unknown kind of value with keys {sorted(data)}")


def strict(value: Any) -> Any:
    """Plain data as strict JSON takes it: tuples and arrays as lists, NaN and infinities as text; not for `decode`.

    >>> strict({"loss": float("nan"), "shape": (2, 3)})
    {'loss': 'NaN', 'shape': [2, 3]}
    """
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return strict(value.tolist())
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else _NON_FINITE[repr(float(value))]


def _items(value: Any) -> list[Any]:
    """The numbers of an array, in C order. Python has no float of more than 64 bits, so those are written as text."""
    items: list[Any] = np.ravel(value).tolist()
    if value.dtype.kind != "f":
        return items
    return [_number(item) if type(item) is float else str(item) for item in items]


def _read_items(items: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """A flat array of the items, each of which must be a number of the dtype's kind, and in its range."""
    types = {"f": (int, float), "b": (bool,)}.get(dtype.kind, (int,))
    numbers = []
    for item in _list(items):
        if isinstance(item, str) and dtype.kind == "f":
            number = _NUMBERS[item] if item in _NUMBERS else dtype.type(item)
        elif type(item) in types:
            number = item
        else:
            raise GraphError(f"an array of {dtype} holds {_quoted(item)}")
        numbers.append(number)
    with np.errstate(over="raise"):
        return np.array(numbers, dtype=dtype)


def _read_array(data: dict[str, Any]) -> np.ndarray:
    dtype = _read_dtype(data)
    items, shape = _read_items(data["array"], dtype), _whole_numbers(data["shape"])
    if min(shape, default=0) < 0 or math.prod(shape) != items.size:
        raise GraphError(f"an array of shape {list(shape)} holds {items.size} numbers")
    array = items.reshape(shape)
    if "strides" not in data:
        return array
    strides = _whole_numbers(data["strides"])
    if len(strides) != array.ndim or array.size == 0:
        raise GraphError(f"an array of shape {list(shape)} cannot have strides {list(strides)}")
    return laid_out(array, strides)


def _read_scalar(data: dict[str, Any]) -> Any:
    return _read_items([data["scalar"]], _read_dtype(data))[0]


def _read_slice(data: dict[str, Any]) -> slice:
    start, stop, step = _list(data["slice"])
    return slice(decode(start), decode(stop), decode(step))


def _read_text(data: dict[str, Any]) -> str:
    if not isinstance(data["text"], str):
        raise GraphError(f"a text is {_quoted(data['text'])}")
    return data["text"]


def _read_dtype(data: dict[str, Any]) -> np.dtype[Any]:
    name = data.get("dtype")
    if not isinstance(name, str) or name not in _DTYPES:
        raise GraphError(f"arrays are of real numbers or truth values, got dtype {_quoted(name)}")
    return _DTYPES[name]


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "array": _read_array,
    "scalar": _read_scalar,
    "tuple": lambda data: tuple(decode(item) for item in _list(data["tuple"])),
    "slice": _read_slice,
    "ellipsis": lambda data: Ellipsis,
    "text": _read_text,
    "dtype": _read_dtype,  # arrays and scalars have one too, so it comes last
}


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise GraphError(f"{_quoted(data)} stands where a list is expected")
    return data


def _whole_numbers(data: Any) -> tuple[int, ...]:
    if not all(type(item) is int for item in _list(data)):
        raise GraphError(f"{_quoted(data)} stands where whole numbers are expected")
    return tuple(data)


def _quoted(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."
