"""Style that a linter does not hold: docstrings begin with a noun or a verb, functions are short."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import fauxface

PACKAGE = Path(fauxface.__file__).parent
QUESTIONS = {"what", "where", "whether", "which", "how", "who", "whom", "whose", "when", "why"}
SHARE = 0.03
"""Most docstrings of a room that may begin with a question's word, as a share."""
LINES = 60
"""Most lines of a function."""


@cache
def trees() -> list[tuple[str, Path, ast.Module]]:
    """Each module's room, path and syntax tree."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return [
        (path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path, ast.parse(path.read_text())) for path in paths
    ]


ROOMS = sorted({room for room, _, _ in trees()})


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_begin_with_a_noun_or_a_verb(room: str):
    found, asking = 0, []
    for of, path, tree in trees():
        for node in ast.walk(tree) if of == room else ():
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node)
                found += text is not None
                if text and text.split()[0].strip(",.:;").lower() in QUESTIONS:
                    asking.append(f"{path.relative_to(PACKAGE)}: {text.splitlines()[0]}")
    assert len(asking) <= SHARE * found, "\n".join(asking)


@pytest.mark.parametrize("room", ROOMS)
def test_functions_are_short(room: str):
    long = []
    for of, path, tree in trees():
        for node in ast.walk(tree) if of == room else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LINES:
                    long.append(f"{path.relative_to(PACKAGE)}: {node.name} has {lines} lines")
    assert not long, "\n".join(long)
