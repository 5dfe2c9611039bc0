"""Public names of a package, loaded when they are first used: a room's configuration then costs no import of torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from fauxface.extras import advice


def load_on_use(package: str, **modules: str) -> Callable[[str], Any]:
    """Make a package's ``__getattr__``, which imports the module that holds a name and keeps what it finds there.

    Args:
        package: the package's ``__name__``.
        modules: module of the package → the public names that it holds, separated by spaces. No module may have the
            name of one of them: importing it would hide that name.
    """
    places = {name: module for module, names in modules.items() for name in names.split()}

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            value = getattr(import_module(f"{package}.{places[name]}"), name)
        except ModuleNotFoundError as error:
            raise _explained(error, f"{package}.{name}") from error
        setattr(sys.modules[package], name, value)
        return value

    return load


def _explained(error: ModuleNotFoundError, what: str) -> ModuleNotFoundError:
    """The same error, with a message that names the extra if one brings the module."""
    line = advice(error, what)
    return error if line is None else ModuleNotFoundError(line, name=error.name)
