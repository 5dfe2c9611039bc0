"""A table whose fields are shaded by their numbers, readable without colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LIGHT, DARK = (238, 244, 249), (23, 66, 107)
"""RGB of the smallest and of the largest number."""


@dataclass(frozen=True)
class Field:
    """One measured field.

    Attributes:
        value: its number.
        note: a line that a browser shows when the pointer rests on it.
        target: id on the page of the row that the number comes from; empty for none.
    """

    value: float
    note: str = ""
    target: str = ""


@dataclass(frozen=True)
class HeatMap:
    """A table of numbers, the larger the darker; None stands for a field that was not measured and stays empty.

    Attributes:
        corner: names of the two columns that name the rows.
        columns: names of the other columns.
        rows: for each row its group (equal ones must be neighbours), its name and its fields.
    """

    corner: tuple[str, str]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Field | None, ...]], ...]

    @property
    def lowest(self) -> float:
        """The smallest number; infinite without any."""
        return min((field.value for *_, fields in self.rows for field in fields if field), default=float("inf"))

    def html(self) -> str:
        """The map as an HTML table. The smallest number is framed."""
        values = [field.value for *_, fields in self.rows for field in fields if field]
        high = max(values, default=0.0)
        wide, *others = (f'<th scope="col">{_breakable(name)}</th>' for name in (*self.corner, *self.columns))
        head = "".join([wide.replace("<th", '<th class="wide-only"', 1), *others])
        lines = [f'<div class="wide"><table class="heat"><thead><tr>{head}</tr></thead><tbody>']
        before = None
        for group, name, fields in self.rows:
            first = ""
            if group != before:  # the group's name: in a column, or in a row of its own where the window is narrow
                span = sum(other == group for other, *_ in self.rows)
                own = f'<th scope="rowgroup" colspan="{len(self.columns) + 1}">{escape(group)}</th>'
                lines.append(f'<tr class="narrow-only">{own}</tr>')
                first = f'<th class="wide-only" scope="rowgroup" rowspan="{span}">{_breakable(group)}</th>'
            before = group
            shown = "".join(self._field(field, high) for field in fields)
            lines.append(f'<tr>{first}<th scope="row">{escape(name)}</th>{shown}</tr>')
        return "".join([*lines, "</tbody></table></div>"])

    def _field(self, field: Field | None, high: float) -> str:
        if field is None:
            return '<td class="empty" aria-label="not measured"></td>'
        share = (field.value - self.lowest) / (high - self.lowest) if high > self.lowest else 0.0
        colour = tuple(round(a + (b - a) * share) for a, b in zip(LIGHT, DARK, strict=True))
        style = f"background: rgb{colour}; color: {'#fff' if _is_dark(colour) else '#111'}"
        kind = ' class="lowest"' if field.value == self.lowest else ""
        text = f"{field.value:.2f}"
        if field.target:
            text = f'<a href="#{escape(field.target)}">{text}</a>'
        return f'<td{kind} style="{style}" title="{escape(field.note)}">{text}</td>'


def _is_dark(colour: Sequence[int]) -> bool:
    """True where white text has more contrast than black (WCAG's relative luminance below 0.18)."""
    red, green, blue = (((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.18


def _breakable(name: str) -> str:
    """The name as HTML that may be broken after its hyphens."""
    return escape(name).replace("-", "-<wbr>")
