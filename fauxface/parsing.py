"""Structured data from untrusted files: JSON, YAML, CSV and arrays, typed and bounded.

All structured files are read through here. Content that is too large, too deep or of the wrong type is a ValueError of
one short line that names the file and never quotes it at length.
"""

from __future__ import annotations

import csv
import json
import math
import re
import reprlib
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import yaml

from fauxface.files import read_bytes

LABEL_BYTES = 8 << 20
"""Most bytes of the label file of one image."""
JSON_BYTES = 64 << 20
YAML_BYTES = 1 << 20
TABLE_BYTES = 512 << 20
DEPTH = 64
"""Most levels of nested lists and mappings."""
DIGITS = 40
"""Most digits of a whole number."""
YAML_VALUES = 20_000
"""Most values of a YAML file; values that an alias repeats count each time."""
FAR = 1e6
"""Largest plausible coordinate, px."""
_SHOWN = 80

Record = TypeVar("Record")


def shown(value: object) -> str:
    """A value for an error message: short, however large it is."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring, short.maxother, short.maxlong = 1, 40, 40, 40
    short.maxlist = short.maxdict = short.maxtuple = short.maxset = 3
    return clipped(short.repr(value))


def clipped(text: object, length: int = _SHOWN) -> str:
    """A text or an error on one line, cut off after ``length`` characters."""
    line = " ".join(str(text)[: 10 * length].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def read_text(path: Path, limit: int = LABEL_BYTES) -> str:
    """The text of a UTF-8 file; FileNotFoundError; ValueError if it is longer than ``limit`` bytes or not UTF-8."""
    try:
        return read_bytes(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: cannot be read as text (byte {error.start} is not UTF-8)") from None


def read_json(path: Path, limit: int = JSON_BYTES) -> Any:
    """The content of a JSON file; errors of `read_text` and `parse_json`, with the file's name."""
    text = read_text(path, limit)
    try:
        return parse_json(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_json_object(path: Path, limit: int = JSON_BYTES) -> dict[str, Any]:
    """The object in a JSON file; errors of `read_json`, and ValueError for content of another type."""
    found = read_json(path, limit)
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not a JSON object")
    return found


def parse_json(text: str) -> Any:
    """The value of a JSON text; ValueError, in one short line, if it is invalid or exceeds the bounds."""
    try:
        if text.count("[") + text.count("{") > DEPTH and _depth(text) > DEPTH:
            raise ValueError(f"not valid JSON: more than {DEPTH} levels deep")
        parse_int = _whole if _LONG.search(text) else None  # calling it for every number takes as long as all the rest
        return _of_text(json.loads(text, parse_int=parse_int, object_pairs_hook=_once), text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error.msg}, line {error.lineno})") from None


def _of_text(found: Any, text: str) -> Any:
    """The value ``found``, unless ``text`` holds half a character, which could not be written again."""
    if "\\" in text and re.search(r"\\[uU]0*[dD][89a-fA-F]", text):
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise _BeyondError("half a character") from None
    return found


_LONG = re.compile(rf"[0-9]{{{DIGITS + 1}}}")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


def _depth(text: str) -> int:
    depth = most = 0
    for found in _BRACKETS.finditer(text):
        if (sign := found[0]) in ("[", "{"):
            depth += 1
            most = max(most, depth)
        elif sign in ("]", "}"):
            depth -= 1
    return most


def _whole(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice in one object")
    return found


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; errors of `read_text` and `parse_yaml`, with the file's name."""
    text = read_text(path, YAML_BYTES)
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_yaml_mapping(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; errors of `read_yaml`, and ValueError for content of another type."""
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not a mapping of names to values")
    return found


def parse_yaml(text: str) -> Any:
    """The value of a YAML text, with JSON's types; ValueError, in one short line, if it is invalid or out of bounds."""
    try:
        return _of_text(yaml.load(text, _Loader), text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ValueError(f"not readable as YAML ({clipped(error.problem or 'invalid')}{where})") from None
    except yaml.YAMLError as error:
        raise ValueError(f"not readable as YAML ({clipped(error)})") from None
    except _BeyondError as error:
        raise ValueError(f"not readable as YAML ({error})") from None
    except (ValueError, RecursionError, OverflowError, IndexError, KeyError, TypeError, AttributeError):
        raise ValueError("not readable as YAML") from None  # errors inside PyYAML on malformed input


class _BeyondError(ValueError):
    """Content that exceeds the bounds, with the reason."""


class _Loader(yaml.SafeLoader):
    """YAML with JSON's types, counted while it is read: no dates, binary or sets; keys are unique texts."""

    def __init__(self, stream: str):
        super().__init__(stream)
        self._level = self._values = 0
        self._sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self._level >= DEPTH:
            raise _BeyondError(f"more than {DEPTH} levels deep")
        alias = self.check_event(yaml.AliasEvent)
        before = self._values
        self._values += not alias
        self._level += 1
        node = super().compose_node(parent, index)
        self._level -= 1
        if alias:
            if id(node) not in self._sizes:
                raise _BeyondError("an alias inside the value that it stands for")
            self._values += self._sizes[id(node)]
        else:
            self._sizes[id(node)] = self._values - before
        if self._values > YAML_VALUES:
            raise _BeyondError(f"more than {YAML_VALUES} values")
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        if isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value if key.tag == "tag:yaml.org,2002:str"]
            if len(names) != len(set(names)):
                raise _BeyondError("a name appears twice")
        found = super().construct_mapping(node, deep)
        if not all(isinstance(key, str) for key in found):
            raise _BeyondError("a name that is not text")
        return found

    def construct_yaml_int(self, node: Any) -> int:
        if len(str(node.value)) > DIGITS:
            raise _BeyondError(f"a number of {len(node.value)} digits")
        return super().construct_yaml_int(node)


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
for _kind in ("timestamp", "binary", "set", "omap", "pairs"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_undefined)
# an unquoted date is text
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in kinds if not tag.endswith(":timestamp")]
    for first, kinds in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_csv(path: Path, columns: Sequence[str], limit: int = TABLE_BYTES) -> list[dict[str, str]]:
    """The rows of a CSV file as dictionaries; its first line names the columns, including ``columns``.

    FileNotFoundError; ValueError, with the file's name, for missing or duplicate columns and for rows of another
    length.
    """
    text = read_text(path, limit)
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    rows = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = next(rows, [])
        if missing := [name for name in columns if name not in header]:
            raise ValueError(f"{path}: lacks the column {clipped(', '.join(missing))}")
        if len(set(header)) != len(header):
            raise ValueError(f"{path}: names a column twice")
        found = []
        for row in rows:
            if len(row) != len(header):
                raise ValueError(f"{path}: line {rows.line_num} has {len(row)} values, not {len(header)}")
            found.append(dict(zip(header, row, strict=True)))
        return found
    except csv.Error as error:
        raise ValueError(f"{path}: line {rows.line_num} is not CSV ({clipped(error)})") from None


def number(value: Any, what: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number from ``low`` to ``high``, given as a number or text; ValueError that calls it ``what``."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not (math.isfinite(found) and low <= found <= high):
        span = "" if (low, high) == (-math.inf, math.inf) else f" from {low:g} to {high:g}"
        raise ValueError(f"{what} is a number{span}, not {shown(value)}")
    return found


def whole(value: Any, what: str, low: int = 0, high: int = 2**62) -> int:
    """A whole number from ``low`` to ``high``, given as a number or text; ValueError that calls it ``what``."""
    try:
        found = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        found = None
    if found is None or not low <= found <= high:
        raise ValueError(f"{what} is a whole number from {low} to {high}, not {shown(value)}")
    return found


def numbers(value: Any, what: str) -> np.ndarray:
    """Nested lists of numbers as a float64 array, finite or not; ValueError that calls the value ``what`` otherwise."""
    try:
        found = np.array(value)
    except (TypeError, ValueError, OverflowError):
        found = np.array(None)
    if found.dtype.kind not in "iufb":
        raise ValueError(f"{what} is not an array of numbers")
    return found.astype(np.float64)


def number_list(values: Any, what: str) -> np.ndarray:
    """A flat list of numbers, given as numbers or texts, as a float64 array (M,), finite or not.

    ValueError that calls the numbers ``what`` (plural) for anything else.
    """
    try:
        if not isinstance(values, list | tuple) or any(isinstance(value, bool | list | dict) for value in values):
            raise TypeError
        return np.array([float(value) for value in values], np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} hold something that is not a number") from None


def fits(value: Any, hint: Any) -> bool:
    """True if a value has the type of a hint. Numbers must be finite, and booleans are not numbers."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in parts)
    if origin in (Union, types.UnionType):
        return any(fits(value, part) for part in parts)
    if origin in (list, Sequence):
        return isinstance(value, list | tuple) and all(fits(part, parts[0]) for part in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(k, parts[0]) and fits(v, parts[1]) for k, v in value.items())
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, types.NoneType if hint is None else hint)


def as_record(kind: type[Record], content: Any, what: str) -> Record:
    """A dataclass from a mapping of field names to values.

    Fields with a default may be missing. ValueError, with ``what`` in the message, for unknown or missing names and for
    values that do not have the type of the field's hint.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f"{what} is not a mapping of names to values")
    known: Iterable[Any] = fields(kind)  # pyright: ignore[reportArgumentType]
    needed = [f.name for f in known if f.default is MISSING and f.default_factory is MISSING]
    if missing := sorted(set(needed) - content.keys()):
        raise ValueError(f"{what} lacks {', '.join(missing)}")
    if unknown := sorted(content.keys() - {f.name for f in known}):
        raise ValueError(f"{what} has unknown {clipped(', '.join(unknown))}")
    hints = get_type_hints(kind)
    for name, value in content.items():
        if not fits(value, hints[name]):
            raise ValueError(f"{what}: {name} cannot be {shown(value)}")
    return kind(**content)
