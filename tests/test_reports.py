"""The HTML page: one file that fetches nothing."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fauxface.images import write_image
from fauxface.reports import Page


class Balance(HTMLParser):
    """Checks that every element that is opened is closed."""

    VOID = ("meta", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(tmp_path: Path) -> Page:
    grey = np.full((20, 30, 3), 128, np.uint8)
    write_image(tmp_path / "plot.png", grey)
    return (
        Page("Faces & <landmarks>", "a lead")
        .heading("Numbers")
        .text("run `fauxface demo` <b>")
        .table([("jaw", 1.234, 1_200), ("nose", 5.0, 7)], header=("part", "NME", "faces"))
        .table({"seed": 3})
        .picture(grey, "an array")
        .pictures([(tmp_path / "plot.png", "a file"), (grey, "")])
        .code("$ fauxface info")
        .foot("made here")
    )


def test_a_page_is_whole_and_fetches_nothing(tmp_path: Path):
    page(tmp_path).save(tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text()
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert len(parser.links) == 3
    assert all(link.startswith("data:image/") for link in parser.links)
    assert "<script" not in html
    assert "http" not in html
    assert "prefers-color-scheme: dark" in html


def test_text_is_escaped_and_numbers_are_set_right(tmp_path: Path):
    html = page(tmp_path).html()
    assert "Faces &amp; &lt;landmarks&gt;" in html
    assert "<code>fauxface demo</code> &lt;b&gt;" in html
    assert '<td class="number">1.23</td><td class="number">1,200</td>' in html
    assert "<td>jaw</td>" in html


def test_pictures_are_inside_the_page():
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[8:] = 255
    uri = re.search(r'src="data:image/jpeg;base64,([^"]+)"', Page("x").picture(stripes).html())
    assert uri is not None
    back = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri[1]))))
    assert back.shape == stripes.shape
    assert np.abs(back.astype(int) - stripes).mean() < 8


def test_another_kind_of_file_is_refused(tmp_path: Path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match=r"a\.txt: a page holds"):
        Page("x").picture(tmp_path / "a.txt")
