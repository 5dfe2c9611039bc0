"""The report's content, written once and shown twice: as an HTML page and as Markdown with linked figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fauxface.reports import HeatMap, Page

Rows = Sequence[Sequence[object]]


@dataclass(frozen=True)
class Figure:
    """A figure's file, the line below it, and its description for people who do not see it."""

    path: Path
    caption: str
    alt: str


@dataclass
class Document:
    """A report from top to bottom; every method adds to its end.

    Attributes:
        title: its title.
        lead: the sentence below the title.
    """

    title: str = ""
    lead: str = ""
    _parts: list[tuple[Callable[[Page], object], list[str]]] = field(default_factory=list)

    def heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append((lambda page: page.heading(text), [f"## {text}"]))

    def text(self, text: str) -> None:
        """Add a paragraph, with `code` and **bold**."""
        self._parts.append((lambda page: page.text(text), [text]))

    def table(self, header: Sequence[str], rows: Rows, fold: str = "", ids: Sequence[str] = ()) -> None:
        """Add a table, folded under the line ``fold`` if there is one; ``ids`` name the page's rows."""

        def show(page: Page) -> None:
            page.table(rows, header=header, ids=ids)

        self._add(show, markdown_table(header, rows), fold)

    def heat_map(self, heat_map: HeatMap, fold: str = "") -> None:
        """Add a shaded table, folded under the line ``fold`` if there is one. In Markdown the smallest is bold."""
        rows = [
            (group, name, *("" if one is None else _bold(one.value, heat_map.lowest) for one in fields))
            for group, name, fields in heat_map.rows
        ]
        markdown = markdown_table((*heat_map.corner, *heat_map.columns), rows)
        self._add(lambda page: page.heat_map(heat_map), markdown, fold)

    def figures(self, *figures: Figure, fold: str = "") -> None:
        """Add figures below each other, folded under the line ``fold`` if there is one."""

        def show(page: Page) -> None:
            for one in figures:
                page.picture(one.path, one.caption, one.alt)

        lines = [f"![{one.alt}]({one.path.parent.name}/{one.path.name})\n\n{one.caption}" for one in figures]
        self._add(show, "\n\n".join(lines), fold)

    def beside(self, *columns: Document) -> None:
        """Add the content of other documents side by side; in Markdown below each other."""

        def show(page: Page) -> None:
            with page.columns():
                for one in columns:
                    with page.column():
                        one.show(page)

        self._parts.append((show, ["\n\n".join(line for one in columns for _, lines in one._parts for line in lines)]))

    def drawings(self, heading: str, text: str, pictures: Sequence[tuple[np.ndarray, str]]) -> None:
        """Add a section with drawings and their captions, on the page alone."""
        self._parts.append((lambda page: page.heading(heading).text(text).pictures(pictures), []))

    def page(self, foot: str) -> Page:
        """The HTML page."""
        page = Page(self.title, self.lead)
        self.show(page)
        return page.foot(foot)

    def show(self, page: Page) -> None:
        """Add the content to a page."""
        for show, _ in self._parts:
            show(page)

    def markdown(self, foot: str) -> str:
        """The Markdown file's text."""
        lines = [line for _, lines in self._parts for line in lines]
        return "\n\n".join([f"# {self.title}", self.lead, *lines, foot]) + "\n"

    def _add(self, show: Callable[[Page], object], markdown: str, fold: str) -> None:
        if not fold:
            self._parts.append((show, [markdown]))
            return

        def folded(page: Page) -> None:
            with page.folded(fold):
                show(page)

        opened = f'<details markdown="1">\n<summary>{fold}</summary>'
        self._parts.append((folded, [opened, markdown, "</details>"]))


def markdown_table(header: Sequence[str], rows: Rows) -> str:
    """A table as Markdown; integers with separators between thousands."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_shown(value) for value in line) + " |" for line in lines)


def _shown(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("|", "\\|")


def _bold(value: float, lowest: float) -> str:
    return f"**{value:.2f}**" if value == lowest else f"{value:.2f}"
