"""The documentation as a site, and the files at the root that people who pick the project up look for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import fauxface
from fauxface.rendering.version import GENERATOR_VERSION

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does: a broken link or an unknown name in the reference ends it."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", out]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_page_is_in_the_menu(site: Path):
    menu = (site / "index.html").read_text()
    pages = [path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 10
    assert [page for page in pages if f'href="{page}"' not in menu] == []


def test_pages_fetch_nothing_from_elsewhere(site: Path):
    pages = sorted(site.rglob("*.html"))
    fetched = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>""")
    assert [found for page in pages for found in fetched.findall(page.read_text())] == []
    styles = [path.read_text() for path in site.rglob("*.css")]
    assert styles
    assert [
        found for style in styles for found in re.findall(r"""url\(["']?(?:https?:)?//[^)]*\)|@import[^;]*""", style)
    ] == []


def test_the_reference_explains_every_public_name(site: Path):
    page = (site / "reference.html").read_text()
    heading = re.compile(r"<h3[^>]*>\s*<code class=\"[^\"]*doc-symbol-(\w+)\"></code>\s*(?:<span[^>]*>)?([\w.]+)")
    kinds = {name: kind for kind, name in heading.findall(page)}
    assert {name: kinds.get(f"fauxface.{name}") for name in fauxface.__all__} == {
        "Face": "class",
        "Landmarker": "class",
        "TrainingConfig": "class",
        "evaluate": "function",
        "read_image": "function",
        "render_dataset": "function",
        "train": "function",
    }


def test_files_that_contributing_names_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`((?:[\w.-]+/)*(?:[\w.-]+/|[\w-]+\.(?:py|md|toml|lock|yaml)))`", text)
    assert {"tests/test_imports.py", "fauxface/files.py", "examples/"} <= set(named)
    made = {"site/", "model.yaml"}  # by `make docs`; in every checkpoint
    assert [name for name in named if name not in made and not (ROOT / name).exists()] == []


def test_tests_that_the_pages_name_are_there():
    """Those that hold a promise, and those that hold one of the likely changes."""
    code = "\n".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)\(", code, re.M))
    for page in ("docs/promises.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"`(test_\w+)`", (ROOT / page).read_text()))
        assert named
        assert named - defined == set(), page


def test_the_changelog_begins_with_what_is_installed():
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = [int(version) for version in re.findall(r"^\| (\d+) \| 20", text, re.M)]
    assert versions == list(range(int(GENERATOR_VERSION), 0, -1))
    card = yaml.safe_load((ROOT / "fauxface" / "weights" / "fauxface-s" / "model.yaml").read_text())
    scores = card["scores"]["afw_landmarks"]
    (row, *_) = re.findall(r"^\| 20[-\d]+ \| (generator .*) \|$", text, re.M)
    assert row == f"generator {card['provenance']['generator']} | {scores['nme']:.2f} ({scores['nme_inner']:.2f})"


def test_the_citation_names_this_version_and_no_address():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == fauxface.__version__
    assert citation["authors"] == [{"name": "Fauxface contributors"}]
    assert citation.keys() >= {"cff-version", "message", "title", "license"}
    assert "://" not in (ROOT / "CITATION.cff").read_text()
