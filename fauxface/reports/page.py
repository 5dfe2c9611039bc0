"""A self-contained HTML page, built from top to bottom: headings, text, tables, embedded pictures."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape as as_html
from pathlib import Path

import numpy as np

from fauxface.files import write_text
from fauxface.images import encode_image
from fauxface.names import printable
from fauxface.reports.heat_map import HeatMap

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2126; --soft: #5d6672; --line: #dfe3e8; --page: #fdfdfc; --card: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ea; --soft: #9aa3ad; --line: #343a41; --page: #15181b; --card: #1d2125; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 3rem 1.5rem 5rem; max-width: 76rem; background: var(--page); color: var(--ink);
  font: 1.02rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 2.1rem; line-height: 1.2; letter-spacing: -0.02em; margin: 0 0 0.4rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 0.6rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
p { margin: 0.6rem 0; max-width: 46rem; }
.lead, figcaption, .foot { color: var(--soft); }
code { font: 0.92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { overflow-x: auto; padding: 0.8rem 1rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.92em; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 1.1rem 0.35rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); }
td.number, th.number { text-align: right; }
td.number { white-space: nowrap; }
figure { margin: 1.2rem 0; }
figure img { display: block; max-width: 100%; height: auto; border-radius: 8px; background: #fff; }
figcaption { margin-top: 0.45rem; font-size: 0.92rem; }
.row { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); align-items: start; }
.row figure { margin: 0; }
.columns { display: grid; gap: 0 3rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.columns > div { min-width: 0; }
.foot { margin-top: 4rem; font-size: 0.88rem; }
details { margin: 0.8rem 0; padding: 0.5rem 1rem; border: 1px solid var(--line); border-radius: 8px; }
summary { cursor: pointer; font-weight: 600; }
a { color: inherit; }
tr:target { background: var(--line); }
.heat th, .heat td { padding: 0.45rem 0.6rem 0.45rem 0; }
.heat td { min-width: 4rem; padding: 0.45rem; text-align: center; vertical-align: middle;
  border: 2px solid var(--page); }
.heat td a { text-decoration: none; }
.heat td.lowest { font-weight: 700; outline: 3px solid var(--ink); outline-offset: -3px; }
.heat .narrow-only { display: none; }
.heat td.empty { border: 2px dashed var(--line); }
@media (max-width: 30rem) {
  body { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.7rem; }
  details { padding: 0.5rem 0.7rem; }
  .heat { width: 100%; }
  .heat .narrow-only { display: table-row; }
  .heat .wide-only { display: none; }
}
"""

Picture = np.ndarray | Path
"""An image H×W×3 uint8 RGB, or an image file."""

_MIME = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}


class Page:
    """One HTML page; every method adds to its end and returns the page.

    >>> page = Page("Audit of 300 faces", "Renders of generator 11.")
    >>> _ = page.heading("Pose").table([("frontal", 211), ("turned", 89)], header=("pose", "faces"))
    >>> page.save(Path("report.html"))  # doctest: +SKIP
    """

    def __init__(self, title: str, lead: str = "") -> None:
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]
        if lead:
            self._parts.append(f'<p class="lead">{escape(lead)}</p>')

    def heading(self, text: str) -> Page:
        """Begin a section."""
        return self._add(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> Page:
        """Add a paragraph; text between backticks is set as code, text between pairs of asterisks in bold."""
        return self._add(f"<p>{_marked_up(text)}</p>")

    @contextmanager
    def folded(self, summary: str) -> Iterator[None]:
        """Fold what is added inside the ``with`` block under a line that opens it."""
        self._add(f"<details><summary>{escape(summary)}</summary>")
        yield
        self._add("</details>")

    @contextmanager
    def columns(self) -> Iterator[None]:
        """Set each `column` that is added inside the ``with`` block beside the others, where the window is wide."""
        self._add('<div class="columns">')
        yield
        self._add("</div>")

    @contextmanager
    def column(self) -> Iterator[None]:
        """Add what is added inside the ``with`` block as one of `columns`."""
        self._add("<div>")
        yield
        self._add("</div>")

    def code(self, text: str) -> Page:
        """Add lines as typed or printed."""
        return self._add(f"<pre><code>{escape(text)}</code></pre>")

    def table(
        self,
        rows: Sequence[Sequence[object]] | Mapping[str, object],
        header: Sequence[str] = (),
        ids: Sequence[str] = (),
    ) -> Page:
        """Add a table of rows, or of a mapping's names and values; columns of numbers are set to the right.

        ``ids`` are the rows' ids, for links to them.
        """
        body = list(rows.items()) if isinstance(rows, Mapping) else [tuple(row) for row in rows]
        columns = max((len(row) for row in body), default=len(header))
        numeric = [all(_is_number(row[i]) for row in body if i < len(row)) for i in range(columns)]
        kind = [' class="number"' if body and is_numeric else "" for is_numeric in numeric]
        html = ['<div class="wide"><table>']
        if header:
            cells = "".join(f"<th{kind[i]}>{escape(str(name))}</th>" for i, name in enumerate(header))
            html.append(f"<thead><tr>{cells}</tr></thead>")
        html.append("<tbody>")
        for number, row in enumerate(body):
            named = f' id="{escape(ids[number])}"' if ids else ""
            cells = "".join(f"<td{kind[i]}>{escape(_shown(v))}</td>" for i, v in enumerate(row))
            html.append(f"<tr{named}>{cells}</tr>")
        html.append("</tbody></table></div>")
        return self._add("".join(html))

    def heat_map(self, heat_map: HeatMap) -> Page:
        """Add a table whose fields are shaded by their numbers."""
        return self._add(heat_map.html())

    def picture(self, picture: Picture, caption: str = "", alt: str = "") -> Page:
        """Add a picture, at its own size or as wide as the page; ``alt`` is its description, else the caption."""
        return self._add(_figure(picture, caption, alt))

    def pictures(self, pictures: Sequence[tuple[Picture, str]]) -> Page:
        """Add pictures with captions, side by side where the window is wide enough."""
        return self._add('<div class="row">' + "".join(_figure(p, caption) for p, caption in pictures) + "</div>")

    def foot(self, text: str) -> Page:
        """Add small print."""
        return self._add(f'<p class="foot">{escape(text)}</p>')

    def html(self) -> str:
        """The whole page."""
        lines = [
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(self._title)}</title><style>{_STYLE}</style></head>\n<body>",
            *self._parts,
            "</body></html>\n",
        ]
        return "\n".join(lines)

    def save(self, path: Path) -> None:
        """Write the page to ``path``, wholly or not at all."""
        write_text(path, self.html())

    def _add(self, html: str) -> Page:
        self._parts.append(html)
        return self


def escape(text: str) -> str:
    """The text as HTML, with all markup and control characters escaped."""
    return as_html(printable(text, keep="\n"))


def _is_number(value: object) -> bool:
    """True for a number, a text that is one (with or without its deviation), and the dash for a missing one."""
    if isinstance(value, str):
        return bool(re.fullmatch(r"[+−-]?[\d,.]+( ± [\d,.]+)?|–", value))
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _shown(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int | np.integer) and not isinstance(value, bool) else str(value)


def _marked_up(text: str) -> str:
    """The text as HTML, with `code` and **bold**."""
    pieces = escape(text).split("`")
    return "".join(
        f"<code>{piece}</code>" if i % 2 else re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", piece)
        for i, piece in enumerate(pieces)
    )


def _figure(picture: Picture, caption: str, alt: str = "") -> str:
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img alt="{escape(alt or caption)}" src="{data_uri(picture)}">{text}</figure>'


def data_uri(picture: Picture) -> str:
    """A picture as a data URI: an array as JPEG, a file as it is. ValueError for a suffix that is not in ``_MIME``."""
    if isinstance(picture, np.ndarray):
        data, mime = encode_image(picture, ".jpg"), "image/jpeg"
    else:
        if picture.suffix.lower() not in _MIME:
            raise ValueError(f"{picture}: a page holds PNG, JPEG, WebP and SVG pictures")
        data, mime = picture.read_bytes(), _MIME[picture.suffix.lower()]
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
