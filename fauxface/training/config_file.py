"""Training recipes: YAML files with the fields of `TrainingConfig`, for ``fauxface train --config FILE``."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from fauxface.parsing import clipped, read_yaml_mapping, shown
from fauxface.training.config import TrainingConfig

BUDGETS = ("epochs", "steps", "samples")
"""Fields of which a run may have only one."""


def read_settings(path: Path, **changes: Any) -> dict[str, Any]:
    """Read fields of `TrainingConfig` from a YAML file, such as a run's ``config.yaml``.

    Paths in the file are relative to the working directory, as on the command line.

    Args:
        path: the file, a mapping of field names to values.
        changes: fields that replace those in the file. A budget replaces any budget in the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not YAML, an unknown field, or a value of another type; the message names the file.
    """
    values = read_yaml_mapping(path)
    types = get_type_hints(TrainingConfig)
    unknown = [str(name) for name in values if name not in types]
    if unknown:
        raise ValueError(f"{path}: there is no '{clipped(unknown[0])}'; a training recipe knows {', '.join(types)}")
    settings: dict[str, Any] = {}
    for name, value in values.items():
        try:
            settings[name] = _typed(value, types[name])
        except ValueError as error:
            raise ValueError(f"{path}: '{name}' is {error}, not {shown(value)}") from None
    if any(name in changes for name in BUDGETS):
        settings = {name: value for name, value in settings.items() if name not in BUDGETS}
    return settings | changes


def _typed(value: Any, hint: Any) -> Any:
    """Convert a YAML value to a field's type; ValueError, with the type in words, if it has another type."""
    if get_origin(hint) is Literal:
        options = {str(option): option for option in get_args(hint)}  # YAML reads the name 32 as a number
        if str(value) not in options:
            raise ValueError(f"one of {', '.join(options)}")
        return options[str(value)]
    if NoneType in get_args(hint):
        (kind,) = (part for part in get_args(hint) if part is not NoneType)
        return None if value is None else _typed(value, kind)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError("a list")
        return tuple(_typed(one, get_args(hint)[0]) for one in value)
    if hint is float and type(value) in (int, float, str):
        try:
            return float(value)  # YAML reads 1e-3, without a point, as text
        except ValueError:
            raise ValueError("a number") from None
    kind, words = {
        Path: (str, "a path"),
        str: (str, "a name"),
        bool: (bool, "true or false"),
        int: (int, "a whole number"),
        float: (float, "a number"),
    }[hint]
    if type(value) is not kind:
        raise ValueError(words)
    return hint(value)
