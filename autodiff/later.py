"""Names of a package that are imported at their first use, so that importing the package stays quick."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def later(names: dict[str, Any], homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package.

    names  its `globals()`, with its `__name__` and `__all__`
    homes  the module of the package that each name is in
    """
    package = names["__name__"]

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = names[name] = getattr(import_module(f".{homes[name]}", package), name)
        return value

    return find, lambda: sorted({*names, *names["__all__"]})
