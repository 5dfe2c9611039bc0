"""File names made safe to show on a terminal, in a progress bar, on a page or in a table."""

from __future__ import annotations

import unicodedata

from rich.markup import escape

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories of invisible characters: control, direction, line ends, unpaired surrogates, unassigned."""
_JOINERS = "\u200c\u200d"
"""Invisible characters that some scripts and emoji need."""


def printable(text: object, keep: str = "") -> str:
    r"""The text with control and invisible characters as escapes: ``\n``, ``\x1b``, ...

    Characters in ``keep`` stay. Bytes of a file name that are not UTF-8 are escaped as well.
    """
    return "".join(
        c if c in keep or c in _JOINERS or unicodedata.category(c) not in _HIDDEN else _escaped(c) for c in str(text)
    )


def label(text: object) -> str:
    """The printable text for rich, with brackets escaped that rich would read as styles."""
    return escape(printable(text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
