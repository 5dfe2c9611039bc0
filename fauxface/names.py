"""Names of files as people may see them: on a terminal, in a progress bar, on a page, in a table."""

from __future__ import annotations

import unicodedata

from rich.markup import escape

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode's categories of what is not seen, or changes how the rest is seen: control, direction, line ends, halves."""
_JOINERS = "\u200c\u200d"
"""Belong to the letters of some scripts, and to emoji."""


def printable(text: object, keep: str = "") -> str:
    r"""The text with every character that a terminal or a page would obey rather than show as ``\n``, ``\x1b``, ...

    Characters in ``keep`` stay. What cannot be encoded (a file name that is no UTF-8) is written so, too.
    """
    return "".join(
        c if c in keep or c in _JOINERS or unicodedata.category(c) not in _HIDDEN else _written(c) for c in str(text)
    )


def label(text: object) -> str:
    """The text for rich, which would take its brackets for styles."""
    return escape(printable(text))


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
