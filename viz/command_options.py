"""Options of a command made from the configuration's rows, so that they cannot say different things."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from autodiff.configuration import GROUPS, ROWS, Configuration


def with_configuration(command: Callable[..., Any], *, defaults: bool) -> Callable[..., Any]:
    """The command with an option for each row, in panels; those given reach it as `options`, read but not checked.

    defaults  whether the help shows what a configuration has where nothing is given
    """
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "options"]
    rows = [_option(name, group, defaults) for group, rows in GROUPS.items() for name in rows]

    @wraps(command)
    def run(**given: Any) -> Any:
        found = {name: value for name in ROWS if (value := given.pop(name)) is not None}
        options = {name: read(name, value) if (read := ROWS[name].read) else value for name, value in found.items()}
        return command(options=options, **given)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + rows
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _option(name: str, group: str, shows_default: bool) -> inspect.Parameter:
    row, default = ROWS[name], Configuration().to_dict()[name]
    kind = str if row.read else type(default)
    flag = f"--{name.replace('_', '-')}"
    option = typer.Option(
        *([f"{flag}/--no-{flag[2:]}"] if kind is bool else [flag]),
        help=row.help,
        rich_help_panel=group,
        show_default=_shown(default) if shows_default else False,
    )
    annotation = Annotated[kind | None, option]  # type: ignore[valid-type]  # made at run time
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _shown(default: Any) -> str | bool:
    if default in ("", False):
        return False
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return f"{default:.4g}" if isinstance(default, float) else str(default)
