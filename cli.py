"""The `chainlens` command: arguments become calls, calls become exit codes. No mathematics and no drawing lives here.

Exit codes: 0 done; 1 a check that failed; 2 bad usage or input, told in one line `error: ...`; 130 interrupted.
Heavy imports happen inside the commands that need them, so that `--help` answers at once.
"""

import os
import re
import sys
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

import cli_help

app = typer.Typer(
    name="chainlens",
    help="Backpropagation made visible: draw it, step through it, check it, and train small networks with it.",
    cls=cli_help.Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 120,
        "default_map": {"help": False},  # without a value typer would import pydantic to read one
    },
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
    from viz.draw_options import destination, image_sizes, names_in, save_as
    from viz.drawing import drawing_of, format_of

    outputs = output or ["backprop.svg"]
    paths = [destination(text) for text in outputs]
    options: dict[str, Any] = {"heat": heat, "depth": depth} | ({} if limit is None else {"limit": limit})
    options |= {
        name: names_in(given)
        for name, given in (("show", show), ("highlight", highlight), ("wrt", wrt))
        if given is not None
    }
    if images is not None:
        options["images"] = image_sizes(images)
    with ad.recording(source=True):
        value = read_source(source, values or [])()
    drawing = drawing_of(value, format=format_of(paths[0]), theme=theme, direction=direction, options=options)
    for text in outputs:
        typer.echo(f"wrote {save_as(drawing, text)}")
    for note in {drawing.content_in(format_of(path)).note: None for path in paths}:
        if note:
            typer.echo(f"note: {note}", err=True)
    if open_it:
        import webbrowser  # which, other than `xdg-open`, can tell that there is nothing to open a file with

        for path in paths:
            if not webbrowser.open(path.resolve().as_uri()):
                typer.echo(f"note: no browser was found to open {path}", err=True)


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
        value = _one_number(read_source(source, values or [])())
    if as_json:
        _print_json(as_data(ad.backprop(value)))
    elif script is not None:
        run_script(ad.backprop(value), script)
    elif everything:
        terminal.show_steps(ad.backprop(value))
    else:
        debug(value, plain=plain)


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
    from viz.draw_options import destination, save_as
    from viz.drawing import drawing_of

    for text in output:
        destination(text)
    record = read_source(source, values)
    with ad.recording(source=True):
        value = record()
    found = diagnose(value, record.values)
    if as_json:
        _print_json(diagnosis_data(found))
    else:
        show_diagnosis(found)
    for text in output:
        drawing = drawing_of(value, options={"highlight": found.cause or found.nodes})
        typer.echo(f"wrote {save_as(drawing, text)}", err=as_json)
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


@app.command(epilog="Example: chainlens cost 784-256-128-10 --batch 128")
def cost(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE|SIZES",
            help="An expression, FILE.py:FUNCTION, or sizes such as 784-256-10.",
            show_default=False,
        ),
    ],
    values: Values = None,
    batch: Annotated[int, typer.Option(min=1, help="Examples at a time, for sizes.")] = 128,
    output: Annotated[
        list[str] | None,
        typer.Option("-o", "--output", help="Draw it there, coloured by --heat.", show_default="no drawing"),
    ] = None,
    heat: Annotated[str, typer.Option(help="flops, bytes, kept or time.")] = "flops",
    as_json: AsJson = False,
) -> None:
    """Count and measure what the forward and the backward pass take, node by node: arithmetic, bytes, memory, time.

    Below, the whole: operation by operation (eager), and as the one program that ad.compile makes of both passes.

    For the sizes of a network with hidden layers also with ad.remat, which keeps less and computes again.
    """
    import autodiff as ad
    from autodiff.costs import of_network
    from autodiff.source import read_source
    from viz import cost_table
    from viz.draw_options import destination, save_as
    from viz.drawing import drawing_of, format_of

    if heat not in cost_table.HEATS:
        raise UsageError(f"unknown --heat {heat!r}; choose from {', '.join(cost_table.HEATS)}")
    outputs = output or []
    paths = [destination(text) for text in outputs]
    if any(format_of(path) == "html" for path in paths):
        raise UsageError("a page colours cards by their gradients alone; draw an .svg, .png or .pdf")
    sizes = [int(size) for size in source.split("-")] if re.fullmatch(r"\d+(-\d+)+", source) else []
    if sizes and values:
        raise UsageError(f"{source} are the sizes of a network, which has no {values[0].partition('=')[0]}")
    record = of_network(sizes, batch) if sizes else read_source(source, values or [])
    found = {"eager": ad.cost(record)}
    if len(sizes) > 2:
        found["with remat"] = ad.cost(of_network(sizes, batch, rematerialised=True))
    if as_json:
        _print_json({name: cost_table.cost_data(each) for name, each in found.items()})
    else:
        cost_table.show_cost(found["eager"])
        cost_table.show_comparison(found)
    for text, path in zip(outputs, paths, strict=True):
        options = {"heat": cost_table.heat_of(found["eager"], heat)}
        drawing = drawing_of(record(), format=format_of(path), options=options)
        typer.echo(f"wrote {save_as(drawing, text)}", err=as_json)


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
Checkpoint = Annotated[Path, typer.Argument(help="A checkpoint.pkl, or a run folder.", show_default=False)]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A TOML file of options; those given here count more.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier run in the folder.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print a line of JSON for each epoch, and one for the result.")]


# The commands whose options are the rows of the configuration. What these are is read when one of them is called, so
# that `chainlens --help` need not load the engine.
_CONFIGURED: dict[str, Any] = {}


def _configured(command: Any) -> Any:
    """Mark a command whose options are the rows of the configuration; those given reach it as `options`."""
    _CONFIGURED[command.__name__] = command

    def listed() -> None:
        raise AssertionError("main() gives the command its options")

    listed.__name__, listed.__doc__ = command.__name__, command.__doc__
    return listed


@app.command(
    cls=cli_help.InPanels,
    epilog="Examples: chainlens train --hidden 128 --epochs 3 --out runs/small; "
    "chainlens train --recipe linear --data path/to/mnist",
)
@_configured
def train(
    *,
    options: dict[str, Any],
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", help="A configuration by name, such as linear or max-norm."),
    ] = None,
    config: ConfigFile = None,
    force: Force = False,
    as_json: JsonLines = False,
) -> int:
    """Train a network on images and write a run folder: configuration, history, checkpoints, pictures, report."""
    from autodiff import run
    from autodiff.configuration import Configuration, gathered
    from viz.progress import training_display

    configuration = Configuration.from_dict(gathered(recipe, config, options))
    with training_display(as_json) as shown:
        return _ended(run.train(configuration, force=force, **shown.told), as_json)


@app.command(epilog="Example: chainlens resume runs/digits --epochs 8")
def resume(
    folder: Folder,
    epochs: Annotated[int | None, typer.Option(help="Epochs in all, if it is to change.")] = None,
    as_json: JsonLines = False,
) -> int:
    """Go on with an interrupted run, as if it had never stopped."""
    from autodiff import run
    from viz.progress import training_display

    with training_display(as_json) as shown:
        return _ended(run.resume(folder, epochs=epochs, **shown.told), as_json)


@app.command(
    cls=cli_help.InPanels,
    epilog="Example: chainlens finetune runs/digits --data path/to/mnist --shots 10 --freeze 1 --lr-scale 0.1 "
    "--out runs/tuned",
)
@_configured
def finetune(
    *,
    checkpoint: Checkpoint,
    options: dict[str, Any],
    freeze: Annotated[
        str | None, typer.Option("--freeze", help="Layers not to train, by number or name: 1,2.", show_default=False)
    ] = None,
    new_head: Annotated[bool, typer.Option("--new-head", help="Make the last layer anew, for other classes.")] = False,
    lr_scale: Annotated[
        float, typer.Option("--lr-scale", help="Factor for the learning rate of weights that are taken over.")
    ] = 1.0,
    config: ConfigFile = None,
    force: Force = False,
    as_json: JsonLines = False,
) -> int:
    """Train a new run that starts from the weights of a checkpoint, and say which were taken over.

    Options that are not given are those of the checkpoint.
    """
    from autodiff import run
    from autodiff.configuration import gathered
    from viz.draw_options import names_in
    from viz.progress import training_display

    tuning = run.FineTuning(checkpoint, new_head, tuple(names_in(freeze or "")), lr_scale)
    source = checkpoint.parent if os.path.isfile(checkpoint) else checkpoint
    given = {"out": f"{str(source).rstrip('/')}-tuned"} | gathered(None, config, options)
    with training_display(as_json) as shown:
        return _ended(run.finetune(tuning, given, force=force, taken=shown.taken, **shown.told), as_json)


def _ended(run: Any, as_json: bool) -> int:
    """Say what a run came to and where it is; exit code 130 if it was interrupted."""
    from viz.progress import result_line

    if run.interrupted:
        typer.echo(f"interrupted; go on with: chainlens resume {quote(str(run.folder))}", err=as_json)
        return 130
    if as_json:
        account = None if run.transfer is None else asdict(run.transfer)
        _print_json({"test": run.test, "folder": str(run.folder), "transfer": account})
        return 0
    typer.echo(result_line(run.test))
    names = sorted(path.name for path in run.folder.iterdir() if not path.name.startswith("."))
    typer.echo(f"wrote {run.folder}: {', '.join(names)}")
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
    from autodiff import run

    found, errors = run.read_pictures(checkpoint, images)
    if not found:
        raise errors[0]
    if as_json:
        _print_json(
            [
                {
                    "image": str(each.picture),
                    "label": each.label,
                    "class": each.name,
                    "probabilities": each.probabilities,
                }
                for each in found
            ]
        )
    else:
        for each in found:
            typer.echo(f"{each.picture}: {each.name}  ({each.probability:.1%})")
    for error in errors:
        typer.echo(f"error: {error}", err=True)
    if errors:
        raise typer.Exit(2)


@app.command(epilog="Example: chainlens compare runs/plain runs/dropout -o curves")
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, two or more.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Draw their curves: .svg, .png or .pdf; without a suffix SVG and PNG."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show several runs side by side: results, the options in which they differ, and their curves."""
    from viz import comparison

    found = comparison.read_runs(runs)
    files = [] if output is None else comparison.comparison_curves(found, output)
    if as_json:
        _print_json(comparison.comparison_data(found))
    else:
        comparison.show_comparison(found)
    for file in files:
        typer.echo(f"wrote {file}", err=as_json)


@app.command(epilog="Example: chainlens export runs/digits -o digits.safetensors")
def export(
    checkpoint: Checkpoint,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A .safetensors or .npz file.", show_default="network.safetensors")
    ] = Path("network.safetensors"),
) -> None:
    """Write a network for other programs; evaluate, predict, summary and finetune read it back."""
    from autodiff import run

    typer.echo(f"wrote {run.export(checkpoint, output)}")


@app.command(epilog="Example: chainlens summary 784-256-128-10")
def summary(
    what: Annotated[
        str,
        typer.Argument(metavar="SIZES|CHECKPOINT", help="Sizes such as 784-10, or a checkpoint.", show_default=False),
    ],
    batch: Annotated[int, typer.Option(min=1, help="Images at a time, for the memory of activations.")] = 128,
    as_json: AsJson = False,
) -> None:
    """List the layers of a network: shapes, parameters, arithmetic, memory of activations."""
    from autodiff import run
    from viz.network_table import show_layers

    result = run.summary(what, batch=batch)
    if as_json:
        _print_json(result)
        return
    show_layers(result)
    typer.echo(
        f"multiply-adds for one image; memory of activations for {batch} images, forward, and backward with gradients"
    )


@app.command(epilog="Example: chainlens demo --out my-demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for what the tour writes.")] = Path("chainlens-demo"),
) -> int:
    """A tour in under a minute, offline: draw an expression, step through it, train on generated digits."""
    from autodiff import run
    from autodiff.configuration import Configuration
    from viz.progress import training_display
    from viz.tour import show_expression

    show_expression(out)
    configuration = Configuration(epochs=3, out=str(out / "run"))
    with training_display() as shown:
        code = _ended(run.train(configuration, force=True, **shown.told), False)
    if code == 0:
        typer.echo(f"\nEverything is in {out.resolve()}; open backprop.svg and run/report.html in a browser.")
    return code


def _one_number(value: Any) -> Any:
    import numpy as np

    if np.size(value.data) != 1:
        raise UsageError(f"the result has shape {value.shape}; a gradient needs one number: sum() or mean() it")
    if not value.requires_grad:
        raise UsageError("the result depends on no input, so it has no gradient; give a NAME=VALUE that it uses")
    return value


def _print_json(document: Any) -> None:
    """Strict JSON on one line: arrays as nested lists, NaN and infinities as strings."""
    import json

    from autodiff.encoding import strict

    typer.echo(json.dumps(strict(document), allow_nan=False, ensure_ascii=False))


class UsageError(Exception):
    """Bad usage or input: one line, exit code 2."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    for name in _CONFIGURED.keys() & set(arguments):
        (entry,) = [info for info in app.registered_commands if info.callback and info.callback.__name__ == name]
        from viz.command_options import with_configuration

        entry.callback = with_configuration(_CONFIGURED[name], defaults=name == "train")
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
        return _report(error, arguments)


def _as_operand(text: str) -> str:
    """An expression that begins with a minus, such as -mean(x), is no option: a space before it tells the parser."""
    return f" {text}" if re.match(r"-\s*[\w.]+\s*[(*+/]", text) and not re.match(r"-o\S+/", text) else text


def _report(error: Exception, arguments: list[str]) -> int:
    """One line about the error. An error nobody foresaw says how to see more."""
    if hasattr(error, "format_message"):  # a usage error found by the argument parser
        text = error.format_message()
        given = _value_of(getattr(getattr(error, "param", None), "opts", []), arguments)
        text = text if given is None or given in text else f"{text.rstrip('.')}, got {given!r}"
    elif isinstance(error, UsageError) or _is_told(error):
        text = str(error)
    elif isinstance(error, typer.Abort):
        return 130
    else:
        text = f"{type(error).__name__}: {error} (--debug shows where)"
    typer.echo(f"error: {' '.join(text.split())}", err=True)
    return 2


def _is_told(error: Exception) -> bool:
    """Whether it is an error of the package; not asked of a usage error, which is told without the engine."""
    from autodiff.errors import AutodiffError

    return isinstance(error, AutodiffError)


def _value_of(flags: list[str], arguments: list[str]) -> str | None:
    """What was typed as the value of an option; None if it cannot be found."""
    for flag in flags:
        for i, text in enumerate(arguments):
            if text == flag and i + 1 < len(arguments):
                return arguments[i + 1]
            if text.startswith(f"{flag}="):
                return text.removeprefix(f"{flag}=")
    return None


if __name__ == "__main__":
    sys.exit(main())
