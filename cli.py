"""The `chainlens` command: arguments become calls, calls become exit codes. No mathematics and no drawing lives here.

Exit codes: 0 done; 1 a check that failed; 2 bad usage or input, told in one line `error: ...`; 130 interrupted.
Heavy imports happen inside the commands that need them, so that `--help` answers at once.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="chainlens",
    help="Backpropagation made visible: draw it, step through it, check it, and train small networks with it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Source = Annotated[
    str, typer.Argument(help="An expression such as 'L = (w*x - y)**2', or FILE.py:FUNCTION.", show_default=False)
]
Values = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME=VALUE]...", help="A number, a JSON list, or @FILE.npy for each name.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")]


@app.callback(epilog="Example: chainlens draw 'L = (relu(w*x + b) - y)**2' w=0.5 x=2 b=-0.3 y=1 -o backprop.svg")
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("chainlens"))
        raise typer.Exit


@app.command(epilog="Example: chainlens draw 'h = tanh(w*x)' w=0.5 x=2 -o h.png")
def draw(
    source: Source,
    values: Values = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="File to write: .svg .png .pdf or .dot; may be repeated."),
    ] = None,
    theme: Annotated[str, typer.Option(help="light, dark or print.")] = "light",
    direction: Annotated[str, typer.Option(help="LR, like a formula, or TB, top to bottom.")] = "LR",
) -> None:
    """Draw the computation with its gradients and the chain rule on every edge."""
    import viz
    from viz.drawing import format_of

    paths = output or [Path("backprop.svg")]
    for path in paths:
        format_of(path)
    drawing = viz.draw(_record(source, values)(), theme=theme, direction=direction)
    for path in paths:
        typer.echo(f"wrote {drawing.save(path)}")


@app.command(epilog="Example: chainlens step 'L = (w*x - y)**2' w=0.5 x=2 y=1 --all")
def step(
    source: Source,
    values: Values = None,
    everything: Annotated[bool, typer.Option("--all", help="Print every step and exit.")] = False,
) -> None:
    """Step through the backward pass, one node at a time: n next, b back, q quit."""
    import autodiff as ad
    from viz import terminal

    with ad.recording(source=True):
        trace = ad.backprop(_one_number(_record(source, values)()))
    if everything:
        terminal.show_steps(trace)
    else:
        terminal.step(trace)


@app.command(epilog="Example: chainlens grad 'sum(W @ x)' 'W=[[1,2],[3,4]]' x=@x.npy --json")
def grad(source: Source, values: Values = None, as_json: AsJson = False) -> None:
    """Print the value and the gradient with respect to every input."""
    import autodiff as ad
    from viz import terminal

    trace = ad.backprop(_one_number(_record(source, values)()))
    if as_json:
        _print_json({"value": trace.graph.outputs[0].value, "gradients": trace.gradients})
    else:
        terminal.show_gradients(trace)


@app.command(epilog="Example: chainlens check 'exp(sin(x))' x=0.7 --order 2")
def check(
    source: Source,
    values: Values = None,
    order: Annotated[int, typer.Option(min=1, max=4, help="Check derivatives up to this order.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Compare the gradients with finite differences; exit with 1 if they differ."""
    from autodiff.check import compare

    record = _record(source, values)
    _one_number(record())
    names = list(record.values)
    if not names:
        raise UsageError("check needs at least one NAME=VALUE to differentiate with respect to")
    mismatches = compare(
        lambda *given: record(**dict(zip(names, given, strict=True))), tuple(record.values.values()), order
    )
    failures = [
        {
            "name": names[m.argument],
            "index": list(m.index),
            "order": m.order,
            "analytic": m.analytic,
            "numeric": m.numeric,
        }
        for m in mismatches
    ]
    if as_json:
        _print_json({"ok": not failures, "failures": failures})
    elif not failures:
        typer.echo(f"ok: gradients of {', '.join(names)} agree with finite differences")
    else:
        for f in failures:
            place = "".join(f"[{i}]" for i in f["index"])  # type: ignore[attr-defined]
            typer.echo(
                f"differs: {f['name']}{place}, order {f['order']}: analytic {f['analytic']:.8g}, numeric {f['numeric']:.8g}"
            )
    if failures:
        raise typer.Exit(1)


class Recorder:
    """A source and the values of its names; calling it records the graph, with other values if they are given."""

    def __init__(self, function: Callable[..., Any], values: dict[str, Any]) -> None:
        self.function, self.values = function, values

    def __call__(self, **values: Any) -> Any:
        return self.function(**(self.values | values))


def _record(source: str, assignments: list[str] | None) -> Recorder:
    """The recorder for SOURCE and its NAME=VALUE arguments."""
    import autodiff as ad

    values = _values(assignments or [])
    place = re.fullmatch(r"(.+\.py)(?::(\w*))?", source)
    if place is None:
        return Recorder(lambda **given: ad.parse(source, **given), values)
    return _from_file(Path(place[1]), place[2], values)


def _from_file(path: Path, name: str | None, values: dict[str, Any]) -> Recorder:
    """The recorder for a function in a Python file; its parameters are the names."""
    import inspect
    import runpy

    import autodiff as ad

    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        module = runpy.run_path(str(path))
    except Exception as error:
        raise UsageError(_blame(path, error)) from error
    functions = [
        key for key, value in module.items() if inspect.isfunction(value) and value.__globals__ is not globals()
    ]
    if name not in functions:
        listed = ", ".join(functions) or "none"
        raise UsageError(
            f"{path}: {f'no function {name!r}' if name else 'name a function, as in FILE.py:FUNCTION'}; it has {listed}"
        )
    function = module[name]
    parameters = inspect.signature(function).parameters
    for key in values:
        if key not in parameters:
            raise UsageError(f"{path}:{name}: has no parameter {key!r}; it takes {', '.join(parameters) or 'none'}")
    for key, parameter in parameters.items():
        if (
            key not in values
            and parameter.default is parameter.empty
            and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ):
            raise UsageError(f"{path}:{name}: give a value for {key}, as in {key}=0.5")

    def call(**given: Any) -> Any:
        try:
            result = function(**{key: _named(key, value) for key, value in given.items()})
        except ad.AutodiffError:
            raise
        except Exception as error:
            raise UsageError(_blame(path, error)) from error
        if not isinstance(result, ad.Scalar | ad.Tensor):
            raise UsageError(f"{path}:{name}: must return a Scalar or a Tensor, got {type(result).__name__}")
        return result

    return Recorder(call, values)


def _named(name: str, value: Any) -> Any:
    """A value as the Scalar or Tensor a function is called with; values that are recorded already stay."""
    import autodiff as ad

    if isinstance(value, ad.Scalar | ad.Tensor):
        return value
    return ad.Scalar(value, name=name) if isinstance(value, int | float) else ad.Tensor(value, name=name, dtype=float)


def _blame(path: Path, error: Exception) -> str:
    """One line about an exception in a person's own file: what, and the last of its lines that was running."""
    import traceback

    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    if isinstance(error, SyntaxError) and error.lineno:
        lines = [error.lineno]
    place = f"{path}:{lines[-1]}" if lines else str(path)
    return f"{place}: {type(error).__name__}: {error}"


def _values(assignments: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals or not name.isidentifier():
            raise UsageError(f"{assignment!r}: write NAME=VALUE, such as w=0.5")
        if name in values:
            raise UsageError(f"{assignment!r}: {name} already has a value")
        values[name] = _value(name, text.strip())
    return values


def _value(name: str, text: str) -> Any:
    """A number, a JSON list of numbers, or the array in an .npy file."""
    import numpy as np

    if text.startswith("@"):
        try:
            array = np.load(text[1:], allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            reason = (
                "no such file" if isinstance(error, FileNotFoundError) else f"not an .npy file of numbers ({error})"
            )
            raise UsageError(f"{name}={text}: {reason}") from error
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
            raise UsageError(f"{name}={text}: must hold one array of real numbers")
        return array.astype(float)
    try:
        if not text.startswith("["):
            return float(text)
        array = np.array(json.loads(text), dtype=float)
    except (ValueError, TypeError, RecursionError):
        raise UsageError(
            f"{name}={text}: not a number, a JSON list of numbers with rows of one length, or @FILE.npy"
        ) from None
    return array


def _one_number(value: Any) -> Any:
    import numpy as np

    if np.size(value.data) != 1:
        raise UsageError(f"the result has shape {value.shape}; a gradient needs one number: sum() or mean() it")
    if not value.requires_grad:
        raise UsageError("the result depends on no input, so it has no gradient; give a NAME=VALUE that it uses")
    return value


def _print_json(document: Any) -> None:
    """Strict JSON on one line: arrays as nested lists, NaN and infinities as strings."""
    typer.echo(json.dumps(_strict(document), allow_nan=False, ensure_ascii=False))


def _strict(value: Any) -> Any:
    import math

    import numpy as np

    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return _strict(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


class UsageError(Exception):
    """Bad usage or input: one line, exit code 2."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a sign shows a substitute instead of failing
            stream.reconfigure(errors="replace")
    try:
        result = app(arguments, prog_name="chainlens", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has left; writing to nowhere keeps Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _report(error)


def _report(error: Exception) -> int:
    """One line about the error. An error nobody foresaw says how to see more."""
    from autodiff.errors import AutodiffError

    if hasattr(error, "format_message"):  # a usage error found by the argument parser
        text = error.format_message()
    elif isinstance(error, AutodiffError | UsageError):
        text = str(error)
    elif isinstance(error, typer.Abort):
        return 130
    else:
        text = f"{type(error).__name__}: {error} (--debug shows where)"
    typer.echo(f"error: {' '.join(text.split())}", err=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
