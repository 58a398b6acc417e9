"""Einstein's summation: products of any number of arrays, summed over the indices that the result does not have.

A sum of products is linear in each operand, so its derivative with respect to one is a sum of the same kind over the
others and g: the rule is `einsum` again. Diagonals are read by `getitem` first and an ellipsis is spelled out, so the
row itself meets only operands whose indices are letters, each at most once.
"""

from string import ascii_letters, ascii_uppercase
from typing import Any

import numpy as np

from ..errors import SettingError, ShapeError
from ..primitive import Variadic
from ..tape import Value
from .index import getitem
from .options import refuse
from .shape import broadcast_to, reshape

__all__ = ["einsum"]

LETTERS = ascii_uppercase + ascii_letters[:26]  # in alphabetical order, as the implicit result has them
OPTIMIZE = (False, True, "greedy", "optimal")


def einsum(
    *operands: Any, out: None = None, optimize: bool | str = False, name: str | None = None, **options: Any
) -> Any:
    """The sum of products that the subscripts describe, as `numpy.einsum`; all its forms of subscripts are taken.

    operands  subscripts first, such as "ij,jk->ik"; "ij,jk" sums over repeated letters and orders the others by the
              alphabet; "..." are the remaining axes, broadcast; "ii" reads a diagonal. Or arrays and lists of integers
              in turn: `einsum(x, [0, 1], y, [1, 2], [0, 2])`
    optimize  whether to multiply pair by pair in a good order (`numpy.einsum_path`): True, "greedy" or "optimal"

    >>> import numpy as np, autodiff as ad
    >>> ad.grad(lambda x: ad.einsum("ii->", x))(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])

    Raises ShapeError if subscripts and shapes do not fit, SettingError for another value of `optimize`.
    """
    refuse("einsum", out=out, **options)
    if not operands:
        raise ShapeError("einsum: takes subscripts and operands, got none")
    subscripts, *operands = operands  # type: ignore[assignment]  # a list as good as a tuple
    if isinstance(optimize, list | tuple) or optimize not in OPTIMIZE:
        raise SettingError(f'einsum: optimize must be False, True, "greedy" or "optimal", got {optimize!r}')
    if not isinstance(subscripts, str):
        subscripts, operands = _as_text(subscripts, *operands)
    arrays = [x if isinstance(x, Value | int | float) else np.asarray(x) for x in operands]
    inputs, output = _spelled_out(subscripts, [np.shape(x) for x in arrays])
    for i, letters in enumerate(inputs):
        if len(set(letters)) < len(letters):
            arrays[i], inputs[i] = _diagonal(arrays[i], letters)
    return _einsum(*arrays, subscripts=f"{','.join(inputs)}->{output}", optimize=optimize, name=name)


def _as_text(*given: Any) -> tuple[str, tuple[Any, ...]]:
    """Operands and their lists of integers in turn, with that of the result last if there is one, as text."""

    def text(indices: Any) -> str:
        listed: list[Any] = list(indices) if isinstance(indices, list | tuple) else [None]
        if not all(i is Ellipsis or (isinstance(i, int | np.integer) and 0 <= i < len(LETTERS)) for i in listed):
            shown = repr(indices) if isinstance(indices, list | tuple) else type(indices).__name__
            raise ShapeError(f"einsum: indices are integers from 0 to {len(LETTERS) - 1}, got {shown}")
        return "".join("..." if i is Ellipsis else LETTERS[i] for i in listed)

    pairs = len(given) // 2
    subscripts = ",".join(text(given[2 * i + 1]) for i in range(pairs))
    return f"{subscripts}->{text(given[-1])}" if len(given) % 2 else subscripts, given[: 2 * pairs : 2]


def _spelled_out(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters of their own for the axes of an ellipsis."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    shown = f"einsum: subscripts {subscripts!r}"
    if len(terms) != len(shapes):
        raise ShapeError(f"{shown} are of {len(terms)} operands, got {len(shapes)}")
    for term in [*terms, right]:
        if not all(letter in LETTERS for letter in term.replace("...", "", 1)):
            raise ShapeError(f"{shown} may hold letters, commas, one ellipsis for each operand, and ->")
    unused = [letter for letter in LETTERS if letter not in subscripts]
    hidden = [len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes, strict=True)]
    for term, shape, n in zip(terms, shapes, hidden, strict=True):
        if n < 0 or (n and "..." not in term):
            raise ShapeError(f"{shown}: operand shape {shape} does not have the axes {term!r}")
    width = max((n for n in hidden if n > 0), default=0)
    if width > len(unused):
        raise ShapeError(f"{shown}: more than {len(LETTERS)} indices")
    extra = "".join(unused[:width])
    inputs = [term.replace("...", extra[width - n :]) for term, n in zip(terms, hidden, strict=True)]
    if arrow:
        output = right.replace("...", extra)
        if extra and "..." not in right:
            raise ShapeError(f"{shown}: the result must have the ellipsis that its operands have")
    else:
        letters = left.replace("...", "").replace(",", "")
        output = extra + "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    if len(set(output)) < len(output) or not set(output) <= set("".join(inputs)):
        raise ShapeError(f"{shown}: the result has each index once, and only those of the operands")
    sizes: dict[str, int] = {}
    for letters, shape in zip(inputs, shapes, strict=True):
        for letter, n in zip(letters, shape, strict=True):
            if 1 not in (n, sizes.setdefault(letter, n)) and n != sizes[letter]:
                raise ShapeError(f"{shown}: index {letter!r} has sizes {sizes[letter]} and {n}")
            sizes[letter] = n if sizes[letter] == 1 else sizes[letter]
    return inputs, output


def _diagonal(x: Any, letters: str) -> tuple[Any, str]:
    """The elements of x at which axes of the same letter have the same index, and each letter once."""
    once = "".join(dict.fromkeys(letters))
    shape = np.shape(x)
    sizes = {letter: n for letter, n in zip(letters, shape, strict=True)}
    if any(sizes[letter] != n for letter, n in zip(letters, shape, strict=True)):
        raise ShapeError(f"einsum: operand shape {shape}: axes of the same index in {letters!r} differ in size")
    places = np.ogrid[tuple(slice(sizes[letter]) for letter in once)]
    return getitem(x, tuple(places[once.index(letter)] for letter in letters)), once


def _einsum_forward(*operands: Any, subscripts: str, optimize: bool | str) -> Any:
    dtype = np.result_type(*operands)
    arrays = [np.asarray(x, dtype) if isinstance(x, int | float) else x for x in operands]  # a number is weak
    return np.einsum(subscripts, *arrays, optimize=optimize)


def _einsum_vjp(position: int, g: Any, out: Any, *operands: Any, subscripts: str, optimize: bool | str) -> Any:
    left, _, output = subscripts.partition("->")
    inputs = left.split(",")
    own, shape = inputs[position], np.shape(operands[position])
    others = [i for i in range(len(inputs)) if i != position]
    known: dict[str, int] = {}  # the size of each index of g and of the other operands
    for letters, value in [(output, g), *((inputs[i], operands[i]) for i in others)]:
        for letter, n in zip(letters, np.shape(value), strict=True):
            known[letter] = n if known.get(letter, 1) == 1 else known[letter]
    # An index that was summed alone, or broadcast on either side, is not in the product: it comes back as an axis of 1.
    kept = "".join(letter for letter, n in zip(own, shape, strict=True) if known.get(letter) == n)
    terms = ",".join([output, *(inputs[i] for i in others)])
    message = _einsum(g, *(operands[i] for i in others), subscripts=f"{terms}->{kept}", optimize=optimize)
    sizes = tuple(n if letter in kept else 1 for letter, n in zip(own, shape, strict=True))
    message = message if np.shape(message) == sizes else reshape(message, sizes)
    return message if sizes == shape else broadcast_to(message, shape)


def _einsum_jvp(tangents: Any, out: Any, *operands: Any, subscripts: str, optimize: bool | str) -> Any:
    """The product rule: the sum over the operands of the product with one tangent in its operand's place."""
    total: Any = None
    for i, tangent in enumerate(tangents):
        if tangent is not None:
            filled = (*operands[:i], tangent, *operands[i + 1 :])
            part = _einsum(*filled, subscripts=subscripts, optimize=optimize)
            total = part if total is None else total + part
    return total


_einsum = Variadic("einsum", _einsum_forward, _einsum_vjp, jvp=_einsum_jvp)
