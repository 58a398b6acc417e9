"""Every exception the package raises on purpose.

    AutodiffError
    ├── ShapeError (ValueError)           operand shapes do not fit the operation
    ├── IndexingError (IndexError)        an index does not fit the array it reads
    ├── OperandError (TypeError)          an operand is of a kind or dtype the operation does not take
    ├── RuleError (TypeError)             a derivative rule broke its contract: count, shape or dtype
    ├── GradientError (ValueError)        a gradient was asked for that is not defined
    ├── AnomalyError (ArithmeticError)    a number became NaN or infinite where `anomaly` watches
    ├── GraphError (ValueError)           a graph, or its JSON, is malformed
    ├── ExpressionError (ValueError)      text that the expression parser does not admit
    ├── SourceError (ValueError)          a file, function or NAME=VALUE that cannot be used
    ├── SettingError (ValueError)         an option or hyperparameter outside what is allowed
    ├── ReplayError (ArithmeticError)     a compiled function gave other numbers than the function itself
    ├── DivergenceError (ArithmeticError) training whose loss is not finite, or has exploded
    ├── DataError (ValueError)            a data file is malformed
    │   └── MissingDataError (FileNotFoundError)
    └── CheckpointError (ValueError)      a checkpoint is foreign, altered, truncated or does not fit
        └── MissingCheckpointError (FileNotFoundError)

Each class also subclasses the built-in exception that callers expect, so `except ValueError` keeps working.
A message is one line: what was given, what is allowed, what to do.
"""

from typing import Any


class AutodiffError(Exception):
    """Root of the tree: catch this to catch everything the package raises on purpose."""

    def __init__(self, message: str = "") -> None:
        # What was given is quoted in messages, and the text of an array has lines.
        super().__init__(" ".join(line.strip() for line in str(message).splitlines()))


class ShapeError(AutodiffError, ValueError):
    """Operand shapes do not fit the operation."""


class IndexingError(AutodiffError, IndexError):
    """An index does not fit the array it reads."""


class OperandError(AutodiffError, TypeError):
    """An operand is of a kind or dtype that the operation does not take."""


class RuleError(AutodiffError, TypeError):
    """A derivative rule broke its contract: one cotangent per operand, in the operand's shape."""


class GradientError(AutodiffError, ValueError):
    """A gradient was asked for that is not defined, such as that of a vector without a cotangent."""


class AnomalyError(AutodiffError, ArithmeticError):
    """A number became NaN or infinite where `anomaly` watches.

    cause  the `Cause`
    graph  the `Graph` whose node ids it names, so that `viz.draw(error.graph, highlight=error.cause)` shows it
    """

    def __init__(self, message: str = "", cause: Any = None, graph: Any = None) -> None:
        super().__init__(message)
        self.cause, self.graph = cause, graph


class GraphError(AutodiffError, ValueError):
    """A graph, or the JSON it is read from, is malformed."""


class ExpressionError(AutodiffError, ValueError):
    """Text that the expression parser does not admit."""


class SourceError(AutodiffError, ValueError):
    """A file, a function in it, or a NAME=VALUE argument cannot be used."""


class SettingError(AutodiffError, ValueError):
    """An option or hyperparameter is outside what is allowed."""


class ReplayError(AutodiffError, ArithmeticError):
    """A compiled function gave other numbers than the function itself."""


class DivergenceError(AutodiffError, ArithmeticError):
    """Training whose loss is not finite, or has exploded; `cause` is the first cause, where there is one."""

    def __init__(self, message: str = "", cause: object = None) -> None:
        super().__init__(message)
        self.cause = cause


class DataError(AutodiffError, ValueError):
    """A data file is malformed."""


class MissingDataError(DataError, FileNotFoundError):
    """A data file or folder does not exist."""


class CheckpointError(AutodiffError, ValueError):
    """A checkpoint is foreign, altered, truncated, or does not fit the network."""


class MissingCheckpointError(CheckpointError, FileNotFoundError):
    """A checkpoint file does not exist."""
