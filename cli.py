"""The `chainlens` command: arguments become calls, calls become exit codes. No mathematics and no drawing lives here.

Exit codes: 0 done; 1 a check that failed; 2 bad usage or input, told in one line `error: ...`; 130 interrupted.
Heavy imports happen inside the commands that need them, so that `--help` answers at once.
"""

import json
import os
import re
import sys
from dataclasses import asdict
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


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("chainlens"))
        raise typer.Exit


@app.callback(epilog="Example: chainlens draw 'L = (relu(w*x + b) - y)**2' w=0.5 x=2 b=-0.3 y=1 -o backprop.svg")
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: chainlens draw 'h = tanh(w*x)' w=0.5 x=2 -o h.png")
def draw(
    source: Source,
    values: Values = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            help="File to write, its suffix decides the form, or FOLDER/; may be repeated.",
            show_default="backprop.svg",
        ),
    ] = None,
    theme: Annotated[str, typer.Option(help="light, dark or print.")] = "light",
    direction: Annotated[str, typer.Option(help="LR, like a formula, or TB, top to bottom.")] = "LR",
    show: Annotated[
        str | None,
        typer.Option(help="What stands on it: value,gradient,local,message,shape,stats,histogram,image,source."),
    ] = None,
    highlight: Annotated[str | None, typer.Option(help="Names of nodes to mark, with commas between.")] = None,
    wrt: Annotated[str | None, typer.Option(help="Draw only what lies between these and the result.")] = None,
    heat: Annotated[bool, typer.Option("--heat", help="Colour cards by the size of their gradient.")] = False,
    depth: Annotated[int | None, typer.Option(help="Fold scopes nested deeper than this.", show_default=False)] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="The most cards; beyond that, nodes are folded.", show_default="200; of a page, 2000"),
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="Values to show as pictures: x, or x=5x7 for height and width.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open what was written.")] = False,
) -> None:
    """Draw the computation with its gradients and the chain rule on every edge."""
    import autodiff as ad
    from autodiff.source import read_source
    from viz.drawing import drawing_of

    paths = [_drawing_path(text) for text in output or ["backprop.svg"]]
    options: dict[str, Any] = {"heat": heat, "depth": depth} | ({} if limit is None else {"limit": limit})
    options |= {
        name: [part.strip() for part in given.split(",") if part.strip()]
        for name, given in (("show", show), ("highlight", highlight), ("wrt", wrt))
        if given is not None
    }
    if images is not None:
        options["images"] = _image_sizes(images)
    with ad.recording(source=True):
        value = read_source(source, values or [])()
    drawing = drawing_of(value, theme=theme, direction=direction, options=options)
    for text, path in zip(output or [""], paths, strict=True):
        if text.endswith(("/", os.sep)):
            path.parent.mkdir(parents=True, exist_ok=True)
        typer.echo(f"wrote {drawing.save(path)}")
    if drawing.content.note:
        typer.echo(f"note: {drawing.content.note}", err=True)
    if open_it:
        for path in paths:
            typer.launch(str(path))


def _image_sizes(text: str) -> dict[str, tuple[int, int] | None]:
    """The height and width that each name is given, None for a name alone."""
    sizes: dict[str, tuple[int, int] | None] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, size = part.partition("=")
        height, x, width = size.partition("x")
        if equals and not (x and height.isdecimal() and width.isdecimal() and int(height) and int(width)):
            raise UsageError(f"--images {part}: write a height and a width, such as {name}=28x28")
        sizes[name.strip()] = (int(height), int(width)) if equals else None
    return sizes


def _drawing_path(text: str) -> Path:
    """Where to write a drawing: in a folder under the default name. Raises SettingError for an unknown suffix."""
    from viz.drawing import format_of

    path = Path(text)
    if os.path.isdir(path) or text.endswith(("/", os.sep)):
        path = path / "backprop.svg"
    format_of(path)
    return path


@app.command(epilog="Example: chainlens gallery gallery -o pages")
def gallery(
    scripts: Annotated[Path, typer.Argument(help="The folder of scripts, one per page.")] = Path("gallery"),
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write.", show_default="beside the scripts")
    ] = None,
) -> None:
    """Draw every page of a gallery, and an index to browse offline."""
    from viz.gallery import build

    folder = output or scripts
    if output is not None and scripts.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
    for path in build(scripts, folder):
        typer.echo(f"wrote {path}")


STEP_EXAMPLE = """Example: chainlens step 'L = (w*x - y)**2' w=0.5 x=2 y=1

At the prompt, help lists the commands: next, back, goto 12, until w, continue, forward, break mul, break |g| > 10,
break nan, watch w, print w.grad, paths w, derive w, where, draw FILE, quiz, quit. Without a terminal every step is
printed.

--json prints {"value": v, "steps": [{"step", "node", "name", "op", "operands", "value", "upstream", "messages":
[{"operand", "name", "local", "message", "total"}], "source": {"file", "line", "text", "part"} or null}],
"gradients": {name: number or nested list}}; NaN and infinities are the strings "NaN", "Infinity", "-Infinity"."""


@app.command(epilog=STEP_EXAMPLE)
def step(
    source: Source,
    values: Values = None,
    everything: Annotated[bool, typer.Option("--all", help="Print every step and exit.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="A prompt instead of the full screen.")] = False,
    script: Annotated[
        str | None, typer.Option(metavar="FILE", help="Run the commands in a file, - for stdin.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole walk as JSON.")] = False,
) -> None:
    """The gradient debugger: step through the backward pass, and the forward pass, one node at a time."""
    import autodiff as ad
    from autodiff.source import read_source
    from viz import terminal
    from viz.debugger.launch import debug
    from viz.debugger.script import as_data, run_script

    given = {"--all": everything, "--plain": plain, "--json": as_json, "--script": script is not None}
    if len(chosen := [name for name, is_on in given.items() if is_on]) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other: choose one")
    with ad.recording(source=True):
        trace = ad.backprop(_one_number(read_source(source, values or [])()))
    if as_json:
        _print_json(as_data(trace))
    elif script is not None:
        run_script(trace, script)
    elif everything:
        terminal.show_steps(trace)
    else:
        debug(trace, plain=plain)


@app.command(
    epilog="Examples: chainlens diagnose 'mean(log(softmax(z)))' 'z=[0, 800]' -o path.svg; "
    "chainlens diagnose runs/digits -o health/"
)
def diagnose(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE|CHECKPOINT",
            help="An expression or FILE.py:FUNCTION; or a checkpoint.pkl or run folder.",
            show_default=False,
        ),
    ],
    values: Values = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            help="Draw it too, with the way of NaN in red; may be repeated. Of a checkpoint, a folder for pictures.",
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="For a checkpoint: other training images than those of the run.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Find what is wrong: the first number that became NaN or infinite, and traps that gradients are in.

    Of a trained network: dead and saturated units, gradients that vanish or explode, updates too small or too large,
    layer by layer. Exit code 0 if nothing was found, 1 if something was.
    """
    if os.path.exists(source) or source.endswith(".pkl") or data is not None:
        if values:
            raise UsageError(f"{values[0]}: a checkpoint takes no NAME=VALUE")
        return _diagnose_network(Path(source), data, output or [], as_json)
    if not values and re.fullmatch(r"[~.\w-]*[A-Za-z][~.\w-]*(/[~.\w-]+)+/?", source):
        raise UsageError(f"{source}: there is no such checkpoint or run folder")
    return _diagnose_computation(source, values or [], output or [], as_json)


def _diagnose_network(checkpoint: Path, data: str | None, output: list[str], as_json: bool) -> int:
    """Diagnose the network of a checkpoint over its data."""
    from autodiff import run
    from viz.health_plots import health_pictures
    from viz.health_table import show_health, watched

    for folder in output:
        if os.path.isfile(folder):
            raise UsageError(f"-o {folder}: is a file; name a folder")
    health = watched(lambda progress: run.examine(checkpoint, data, progress=progress))
    if as_json:
        typer.echo(health.to_json())
    else:
        show_health(health)
    for folder in output:
        for path in health_pictures(health, Path(folder)):
            typer.echo(f"wrote {path}", err=as_json)
    return 1 if health.severity == "error" else 0


def _diagnose_computation(source: str, values: list[str], output: list[str], as_json: bool) -> int:
    """Diagnose an expression or a function of a file."""
    import autodiff as ad
    from autodiff.source import read_source
    from viz.diagnosis import diagnose, diagnosis_data, show_diagnosis
    from viz.drawing import drawing_of

    paths = [_drawing_path(text) for text in output]
    record = read_source(source, values)
    with ad.recording(source=True):
        value = record()
    found = diagnose(value, record.values)
    if as_json:
        _print_json(diagnosis_data(found))
    else:
        show_diagnosis(found)
    for text, path in zip(output, paths, strict=True):
        if text.endswith(("/", os.sep)):
            path.parent.mkdir(parents=True, exist_ok=True)
        drawing = drawing_of(value, options={"highlight": found.cause or found.nodes})
        typer.echo(f"wrote {drawing.save(path)}", err=as_json)
    return 0 if found.is_healthy else 1


@app.command(epilog="Example: chainlens grad 'sum(W @ x)' 'W=[[1,2],[3,4]]' x=@x.npy --json")
def grad(source: Source, values: Values = None, as_json: AsJson = False) -> None:
    """Print the value and the gradient with respect to every input."""
    import autodiff as ad
    from autodiff.source import read_source
    from viz import terminal

    trace = ad.backprop(_one_number(read_source(source, values or [])()))
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
    from autodiff.source import read_source

    record = read_source(source, values or [])
    _one_number(record())
    names = list(record.values)
    if not names:
        raise UsageError("check needs at least one NAME=VALUE to differentiate with respect to")
    points = tuple(record.values.values())
    mismatches, kinks = compare(lambda *given: record(**dict(zip(names, given, strict=True))), points, order)
    failures = [{"name": names[m.argument], **asdict(m)} for m in mismatches]
    if as_json:
        _print_json({"ok": not failures, "failures": failures})
    elif not failures:
        typer.echo(f"ok: gradients of {', '.join(names)} agree with finite differences")
        for name in dict.fromkeys(names[kink.argument] for kink in kinks):
            typer.echo(f"not compared: {name} is at a kink, where any slope between those of its two sides is right")
    else:
        for mismatch in mismatches:
            typer.echo(f"differs: {names[mismatch.argument]}: {mismatch}")
    if failures:
        raise typer.Exit(1)


OtherData = Annotated[str | None, typer.Option("--data", help="Other test images than those of the run.")]
Folder = Annotated[Path, typer.Argument(help="The run folder.", show_default=False)]
Pictures = Annotated[
    list[Path], typer.Argument(metavar="IMAGE...", help="Pictures of one digit each.", show_default=False)
]
Network = Annotated[
    str,
    typer.Argument(metavar="SIZES|CHECKPOINT", help="Sizes such as 784-10, or a checkpoint.", show_default=False),
]
Checkpoint = Annotated[Path, typer.Argument(help="A checkpoint.pkl, or a run folder.", show_default=False)]


@app.command(epilog="Example: chainlens train --data digits --hidden 128 --epochs 3 --seed 1 --out runs/small")
def train(
    data: Annotated[
        str | None,
        typer.Option(help="digits, a folder with MNIST's four files, or an .npz file.", show_default="digits"),
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(help="Sizes of the hidden layers; '' for none.", show_default="256,128")
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Probability of zeroing a hidden unit.", show_default="0.2")
    ] = None,
    l2: Annotated[float | None, typer.Option(help="Weight of the L2 penalty.", show_default="1e-4")] = None,
    optimizer: Annotated[str | None, typer.Option(help="adam, adamw, rmsprop or sgd.", show_default="adam")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.", show_default="1e-3")] = None,
    momentum: Annotated[float | None, typer.Option(help="Momentum of sgd.", show_default="0.9")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="cooldown, constant, linear or cosine.", show_default="cooldown")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Images per update.", show_default="128")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.", show_default="5")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides everything random.", show_default="0")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder.", show_default="runs/ and the name of the data")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier run in the folder.")] = False,
) -> int:
    """Train a ReLU network on 28×28 digits and write a run folder: configuration, history, checkpoint, pictures."""
    from autodiff import run
    from autodiff.configuration import Configuration
    from viz.progress import TrainingProgress

    given = {
        "data": data,
        "hidden": None if hidden is None else _sizes(hidden),
        "dropout": dropout,
        "l2": l2,
        "optimizer": optimizer,
        "lr": lr,
        "momentum": momentum,
        "schedule": schedule,
        "batch": batch,
        "epochs": epochs,
        "seed": seed,
        "out": None if out is None else str(out),
    }
    configuration = Configuration.from_dict({name: value for name, value in given.items() if value is not None})
    with TrainingProgress() as progress:
        return _finish(run.train(configuration, [progress], force=force))


@app.command(epilog="Example: chainlens resume runs/digits --epochs 8")
def resume(
    folder: Folder,
    epochs: Annotated[int | None, typer.Option(help="Epochs in all, if it is to change.")] = None,
) -> int:
    """Go on with an interrupted run, as if it had never stopped."""
    from autodiff import run
    from viz.progress import TrainingProgress

    with TrainingProgress() as progress:
        return _finish(run.resume(folder, [progress], epochs=epochs))


def _finish(run: Any) -> int:
    """Draw what a run folder shows, and say where it is; exit code 130 if the run was interrupted."""
    from autodiff.run import one_step
    from viz import draw, plots
    from viz.progress import result_line

    if run.history:
        plots.curves(run.history, run.folder / "curves")
    if run.interrupted:
        typer.echo(f"interrupted; go on with: chainlens resume {_quoted(run.folder)}")
        return 130
    draw(one_step(run), run.folder / "backprop.svg", direction="TB")
    typer.echo(result_line(run.test))
    typer.echo(f"wrote {run.folder}: {', '.join(sorted(path.name for path in run.folder.iterdir()))}")
    return 0


@app.command(epilog="Example: chainlens evaluate runs/digits --data path/to/mnist")
def evaluate(checkpoint: Checkpoint, data: OtherData = None, as_json: AsJson = False) -> None:
    """Measure accuracy and loss on the test images."""
    from autodiff import run
    from viz.progress import result_line

    result = run.evaluate(checkpoint, data)
    if as_json:
        _print_json(result)
    else:
        typer.echo(result_line(result))


@app.command(epilog="Example: chainlens predict runs/digits photo.png scan.jpg")
def predict(
    checkpoint: Checkpoint,
    images: Pictures,
    as_json: AsJson = False,
) -> None:
    """Read the digits in pictures: of any size, light on dark or dark on light."""
    import numpy as np

    from autodiff import run
    from autodiff.data.photo import read_photo
    from autodiff.errors import DataError

    photos, errors = {}, []
    for path in images:
        try:
            photos[path] = read_photo(path)
        except DataError as error:  # the other pictures are read all the same
            errors.append(error)
    if not photos:
        raise errors[0]
    labels, probabilities = run.predict(checkpoint, np.stack(list(photos.values())))
    if as_json:
        _print_json(
            [
                {"image": str(path), "label": label, "probabilities": p}
                for path, label, p in zip(photos, labels, probabilities, strict=True)
            ]
        )
    else:
        for path, label, p in zip(photos, labels, probabilities, strict=True):
            typer.echo(f"{path}: {label}  ({p[label]:.1%})")
    for unread in errors:
        typer.echo(f"error: {unread}", err=True)
    if errors:
        raise typer.Exit(2)


@app.command(epilog="Example: chainlens summary 784-256-128-10")
def summary(
    what: Annotated[
        str,
        typer.Argument(metavar="SIZES|CHECKPOINT", help="Sizes such as 784-10, or a checkpoint.", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """List the layers of a network and count its parameters."""
    from autodiff import run
    from viz import terminal

    result = run.summary(what)
    if as_json:
        _print_json(result)
        return
    rows = [
        (layer["name"], f"({layer['inputs']} + 1) × {layer['outputs']}", f"{layer['parameters']:,}")
        for layer in result["layers"]
    ]
    terminal.show_table(
        ("layer", "(inputs + 1) × outputs", "parameters"), [*rows, ("total", "", f"{result['parameters']:,}")]
    )


@app.command(epilog="Example: chainlens demo --out my-demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for what the tour writes.")] = Path("chainlens-demo"),
) -> int:
    """A tour in under a minute, offline: draw an expression, step through it, train on generated digits."""
    import autodiff as ad
    import viz
    from autodiff import run
    from autodiff.configuration import Configuration
    from viz import terminal
    from viz.progress import TrainingProgress

    expression, values = "L = (relu(w*x + b) - y)**2", {"w": 0.5, "x": 2.0, "b": -0.3, "y": 1.0}
    given = " ".join(f"{name}={value:g}" for name, value in values.items())
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {out}: {error.strerror}") from error
    with ad.recording(source=True):
        trace = ad.backprop(ad.parse(expression, **values))

    typer.echo(f"1. The chain rule, drawn:  chainlens draw '{expression}' {given}")
    for suffix in ("svg", "png"):
        typer.echo(f"   wrote {viz.draw(trace).save(out / f'backprop.{suffix}')}")
    typer.echo(f"\n2. The same, step by step:  chainlens step '{expression}' {given}")
    terminal.show_steps(trace)
    typer.echo(f"\n3. A network that learns:  chainlens train --epochs 3 --out {_quoted(out / 'run')}")
    configuration = Configuration(epochs=3, out=str(out / "run"))
    with TrainingProgress() as progress:
        code = _finish(run.train(configuration, [progress], force=True))
    if code == 0:
        typer.echo(f"\nEverything is in {out.resolve()}; open backprop.svg and run/curves.svg in a browser.")
    return code


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(",")) if text.strip() else ()
    except ValueError:
        raise UsageError(f"--hidden {text}: write sizes separated by commas, such as 256,128") from None


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


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
        result = app([_as_operand(text) for text in arguments], prog_name="chainlens", standalone_mode=False)
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


def _as_operand(text: str) -> str:
    """An expression that begins with a minus, such as -mean(x), is no option: a space before it tells the parser."""
    return f" {text}" if re.match(r"-\s*[\w.]+\s*[(*+/]", text) and not re.match(r"-o\S+/", text) else text


def _report(error: Exception) -> int:
    """One line about the error. An error nobody foresaw says how to see more."""
    from autodiff.errors import AutodiffError

    if hasattr(error, "format_message"):  # a usage error found by the argument parser
        text = error.format_message()
        if not text:  # no arguments: the help that was shown is the answer
            return 0
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
