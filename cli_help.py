"""Help pages in plain text: made without rich, which takes longer to import than everything else the command does."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class Commands(TyperGroup):
    """The command itself: each of its commands with the whole first sentence of its help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        shown = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit=1000)) for name, command in shown])


class InPanels(TyperCommand):
    """A command with many options, under the headings that their `rich_help_panel` names."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            usual = "Arguments" if param.param_type_name == "argument" else "Options"
            if record := param.get_help_record(ctx):
                panels.setdefault(getattr(param, "rich_help_panel", None) or usual, []).append(record)
        for heading, records in panels.items():
            with formatter.section(heading):
                formatter.write_dl(records)
