"""The study's page and Markdown, from no cell, some cells and all cells, with invented errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from fauxface.reports import Field, HeatMap, Page
from fauxface.study import statistics
from fauxface.study.config import Cell, StudyConfig
from fauxface.study.document import Document
from fauxface.study.front import grid, not_measured, sentences
from fauxface.study.gap import add_gap, add_longer
from fauxface.study.material import Material
from fauxface.study.original import Comparison, by_boxes, comparisons, paragraph, sentence, verdict
from fauxface.study.report import write_report
from fauxface.study.results import COLUMNS, Results
from fauxface.study.statistics import Difference, Group, Where

V3, RESNET, PIP = "mobilenetv3-coordinates", "resnet50-coordinates", "resnet18-pip"
CONFIG = StudyConfig(
    data=Path("renders"),
    test=(Path("held_out"), Path("afw")),
    out=Path("study"),
    models=(V3, RESNET),
    images=(10, 100),
    policies=("none", "all"),
    seeds=1,
)
WANTED = [
    ("t1", "landmarks", "no", "", ""),
    ("t1", "landmarks", "yes", "a", "own"),
    ("t2", "landmarks", "no", "", ""),
]
NAMES = {"t1": "afw", "t2": "held_out"}
FACES = np.random.default_rng(0).normal(0, 0.4, 40)


def cells(config: StudyConfig = CONFIG, data: str = "d") -> list[Cell]:
    return list(config.cells(64_000, data, ""))


def add(results: Results, made: Iterable[Cell], means: dict[tuple[str, int, str], float] | float = 8.0) -> None:
    """Rows of cells, with these mean errors on photographs, raw; renders 3 less, adapted 1 less."""
    for cell in made:
        raw = means[cell.model, cell.images, cell.policy] if isinstance(means, dict) else means
        random = np.random.default_rng([cell.seed, cell.images, len(cell.model), len(cell.policy)])
        for test, box, adapted, *rest in WANTED:
            errors = FACES + random.normal(0, 0.05, 40)
            errors += raw + 0.1 * cell.seed - errors.mean() - 3 * (test == "t2") - (adapted == "yes")
            row = dict.fromkeys(COLUMNS, None) | {name: getattr(cell, name) for name in COLUMNS if hasattr(cell, name)}
            key = dict(
                zip(("test_id", "box", "adapted", "adapt_data", "detector"), (test, box, adapted, *rest), strict=True)
            )
            row |= {"cell": cell.identity, "test_set": NAMES[test], "nme": float(errors.mean()), "n": 40, "missed": 0}
            row |= {**key, "minutes": 9.5, "peak_memory_mb": 1500.0, "device": "cpu", "fr10": 1.0}
            results.add([row], [errors])


def material(results: Results, config: StudyConfig = CONFIG) -> Material:
    return Material(config, cells(config), WANTED, results, frozenset({"held_out"}), {V3: 2.1})


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(statistics, "LAW_REPEATS", 3)


def texts(document: Document) -> str:
    return document.markdown("")


# --- the whole report


@pytest.mark.parametrize("done", [0, 1, 5, 8])
def test_the_report_is_right_with_no_cell_some_and_all(done: int, tmp_path: Path):
    results = Results()
    config = replace(CONFIG, out=tmp_path)
    add(results, cells(config)[:done])
    page = write_report(material(results, config), {"machine": "here"}, "fauxface study").read_text()
    markdown = (tmp_path / "report.md").read_text()
    missing = [f"{cell.model} with {cell.images:,} images" for cell in cells(config)[done:]]
    for text in (page, markdown):
        assert bool(re.search(r"Not measured: \S+ with", text)) == (done < 8)
        assert all(name in text for name in missing)
        assert not re.search(r"\d+ of \d+ cells", text)
        assert ("No cell is finished yet." in text) == (done == 0)
        assert ("The cells were trained on: cpu" in text) == (done > 0)  # perhaps not where the page is made
        assert "This page was made on: machine here" in text
        assert "nan" not in re.sub(r"base64,[^\"]*|<code>.*</code>", "", text)
    assert page.count('class="empty"') >= (8 - done if done else 0)
    assert page.count("<details>") == page.count("</details>") == markdown.count("</details>")


def test_links_and_figures_of_the_report_are_there(tmp_path: Path):
    config = replace(CONFIG, out=tmp_path, curve=(30,))
    results = Results()
    add(results, cells(config))
    add(results, cells(replace(config, samples=128_000)))
    page = write_report(material(results, config), {}, "").read_text()
    links, ids = re.findall(r'href="#([^"]+)"', page), re.findall(r' id="([^"]+)"', page)
    assert len(links) >= 8
    assert set(links) <= set(ids)
    assert len(ids) == len(set(ids))
    markdown = (tmp_path / "report.md").read_text()
    linked = re.findall(r"!\[([^\]]+)\]\((figures/[^)]+)\)", markdown)
    assert {path for _, path in linked} == {f"figures/{path.name}" for path in (tmp_path / "figures").iterdir()}
    assert all(len(alt) > 20 for alt, _ in linked)
    assert all(len(alt) > 20 for alt in re.findall(r'<img alt="([^"]*)"', page))


def test_figures_have_text_that_a_telephone_shows_and_are_the_same_each_time(tmp_path: Path):
    drawn = []
    for name in ("a", "b"):
        config = replace(CONFIG, out=tmp_path / name, curve=(30,))
        results = Results()
        add(results, cells(config))
        write_report(material(results, config), {}, "")
        drawn.append({path.name: path.read_bytes() for path in (config.out / "figures").iterdir()})
    assert drawn[0] == drawn[1]
    assert {"gap.svg", "cost.svg", "all-minus-none.svg", "curve-afw-landmarks-yes.svg"} <= drawn[0].keys()
    for name, data in drawn[0].items():
        root = ElementTree.fromstring(data)
        width = float(root.attrib["width"].removesuffix("pt")) * 96 / 72
        sizes = []
        for text in root.iter("{http://www.w3.org/2000/svg}text"):
            sizes += [float(size) for size in re.findall(r"([\d.]+)px", text.attrib.get("style", ""))]
        assert sizes, name
        assert min(sizes) * 96 / 72 * min(1, 358 / width) > 10, name  # at 390 px, less the page's margins
    dashes = re.findall(rb"stroke-dasharray", drawn[0]["curve-afw-landmarks-yes.svg"])
    assert dashes  # the second model's line, also in grey


def test_cells_of_other_data_or_settings_are_not_in_the_report():
    results = Results()
    add(results, cells())
    add(results, cells(data="other"), 1.0)
    add(results, cells(replace(CONFIG, input_size=96)), 1.0)
    add(results, cells(replace(CONFIG, models=(PIP,))), 6.0)
    add(results, cells(replace(CONFIG, models=(PIP,), samples=128_000)), 5.0)
    found = material(results)
    assert found.models == [V3, RESNET, PIP]
    assert list(found.longer) == [128_000]
    nmes = [row["nme"] for groups in found.table.values() for seeds in groups.values() for row in seeds.values()]
    assert len(nmes) == len(WANTED) * 12
    assert min(nmes) > 2.9
    assert found.main == Where("afw", "landmarks", "yes")  # photographs, though they are the second test set


# --- the first screen


def test_the_sentences_say_what_is_shown_and_what_one_run_cannot_show():
    three = replace(CONFIG, seeds=3)
    means = {(m, n, p): 8.0 for m in (V3, RESNET) for n in (10, 100) for p in ("none", "all")}
    means |= {(V3, 100, "all"): 6.0, (V3, 100, "none"): 6.01}
    results = Results()
    add(results, cells(three), means)
    found = material(results, three)
    (many, _), (policy, _), (model, _) = sentences(found, Where("afw", "landmarks", "no"))
    assert many.startswith(
        f"How many images? The error of {V3} is lower with 100 images than with 10: 6.10 % against 8.10"
    )
    assert "no difference is shown" in policy
    assert "all four augmentations and no augmentation: 6.10 % against 6.11 %, −0.01 (" in policy
    assert f"{V3} has the lowest error, before {RESNET}: 6.10 % against 8.10 %, −2.00 (−2." in model
    once = Results()
    add(once, cells(), means)
    (many, _), _, (model, _) = sentences(material(once), Where("afw", "landmarks", "no"))
    assert "In one run each, the error of" in many
    assert "other runs may differ" in many
    assert "other runs may differ" in model


def test_empty_fields_of_the_grid_are_named():
    results = Results()
    add(results, [cell for cell in cells() if cell.policy == "all"])
    add(results, cells(replace(CONFIG, models=(PIP,), images=(100,), policies=("all",))))
    found = material(results)
    shown = grid(found, Where("afw", "landmarks", "yes"))
    assert [(row[0], row[1]) for row in shown.rows] == [
        (V3, "10"),
        (V3, "100"),
        (RESNET, "10"),
        (RESNET, "100"),
        (PIP, "100"),
    ]
    assert {row[2][0] for row in shown.rows} == {None}
    assert all(row[2][1] is not None for row in shown.rows)
    text = not_measured(found, shown)
    assert all(f"{model} with 100 images: none" in text for model in (V3, RESNET, PIP))


def test_a_heat_map_is_readable_in_grey():
    fields = tuple(Field(value, f"{value}", f"row-{value}") for value in (1.0, 2.0, 3.0, 4.0, 5.0))
    heat_map = HeatMap(("model", "images"), tuple("abcdef"), (("m", "10", (*fields, None)),))
    html = Page("x").heat_map(heat_map).html()
    greys = []
    for r, g, b, ink in re.findall(r"background: rgb\((\d+), (\d+), (\d+)\); color: (#\w+)", html):
        light = [(int(c) / 255 + 0.055) ** 2.4 / 1.055**2.4 for c in (r, g, b)]
        grey = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
        text = 1.0 if ink == "#fff" else 0.006
        assert (max(grey, text) + 0.05) / (min(grey, text) + 0.05) > 4.5  # WCAG's contrast for text
        greys.append(grey)
    assert greys == sorted(greys, reverse=True)
    assert len(greys) == 5
    assert html.count('aria-label="not measured"') == 1
    assert html.count('<td class="lowest"') == 1


# --- what the original found


def difference_of(low: float, high: float, faces_only: bool = False) -> Difference:
    group = Group("m", 1, "all")
    return Difference(group, group, (0,), (low + high) / 2, low, high, faces_only)


def test_a_verdict_needs_an_interval_that_covers_other_runs():
    assert verdict(difference_of(0.1, 0.5)) == "worse"
    assert verdict(difference_of(-0.5, -0.1)) == "better"
    assert verdict(difference_of(-0.1, 0.1)) == "alike"
    assert verdict(difference_of(0.1, 0.5, faces_only=True)) == "worse here"
    assert verdict(difference_of(-0.5, -0.1, faces_only=True)) == "better here"
    assert verdict(difference_of(-0.1, 0.5, faces_only=True)) == "alike"


def verdicts(all_minus_none: Sequence[float], seeds: int) -> tuple[str, str]:
    """The paragraph, and the sentence on MobileNetV3, for its differences at 10 and at 100 images."""
    config = replace(CONFIG, models=(V3,), seeds=seeds)
    means = {
        (V3, n, p): 8.0 + d * (p == "all")
        for n, d in zip((10, 100), all_minus_none, strict=True)
        for p in ("none", "all")
    }
    results = Results()
    add(results, cells(config), means)
    made = comparisons(material(results, config))
    return paragraph(made), sentence(V3, made)


@pytest.mark.parametrize(
    ("differences", "seeds", "says"),
    [
        (
            (2.0, 2.0),
            3,
            "For MobileNetV3, with 10 images this holds here: all is worse than none in 2 of 2 comparisons; with 100 "
            "images this holds here: all is worse than none in 2 of 2 comparisons. For ResNet50 ",
        ),
        (
            (-2.0, 2.0),
            3,
            "with 10 images this does not hold here: all is better than none in 2 of 2 comparisons; with 100 images "
            "this holds here: all is worse than none in 2 of 2 comparisons.",
        ),
        ((0.0, 0.0), 3, "with 100 images this is not shown here: no difference is shown in 2 of 2 comparisons."),
        ((2.0, 2.0), 1, "with 100 images this is suggested here but not shown: all was worse (one run of each) in"),
    ],
)
def test_the_paragraph_says_where_the_original_s_finding_holds(differences: tuple[float, float], seeds: int, says: str):
    text, of_model = verdicts(differences, seeds)
    assert says in text
    assert text.endswith("For ResNet50 this is not measured here yet.")
    assert of_model.startswith(f"**{V3}**: with 10 images ")


def test_the_sentence_on_a_model_gives_the_differences_of_each_number_of_images():
    _, text = verdicts((2.0, -2.0), 3)
    assert text == (
        f"**{V3}**: with 10 images `all` is worse than `none` in 2 of 2 comparisons (+2.00 to +2.00); "
        "with 100 images `all` is better than `none` in 2 of 2 comparisons (−2.00 to −2.00)."
    )


def test_the_boxes_part_of_a_difference_is_told_where_both_kinds_are_measured():
    def one(model: str, images: int, box: str, mean: float | None, adapted: str = "no") -> Comparison:
        found = None if mean is None else difference_of(mean - 0.1, mean + 0.1)
        return Comparison(model, images, Where("afw", box, adapted), found)

    made = [one(V3, 100, "landmarks", 1.0), one(V3, 100, "detector", -0.25), one(V3, 10, "detector", 7.0)]
    made += [one(V3, 100, "detector", 8.0, adapted="yes"), one("other", 100, "landmarks", 3.0)]
    assert by_boxes(made).endswith(f"from landmarks and from the detector: {V3} +1.00 and −0.25.")
    assert "with 100 images, raw" in by_boxes(made)
    assert by_boxes([*made[:1], one(V3, 100, "detector", None)]) == ""
    assert by_boxes([]) == ""


# --- renders against photographs


def test_the_gap_is_between_renders_and_photographs_and_long_runs_are_apart():
    config = replace(CONFIG, models=(V3,), policies=("all",), curve=(30,))
    results = Results()
    add(results, cells(config), {(V3, 10, "all"): 12.0, (V3, 30, "all"): 10.0, (V3, 100, "all"): 9.0})
    add(results, cells(replace(config, samples=512_000)), 7.0)
    found = material(results, config)
    document = Document()
    found = replace(found, config=replace(config, out=Path("/nonexistent")))
    with pytest.MonkeyPatch.context() as patch:
        drawn = []
        patch.setattr("fauxface.study.figures.draw_gap", lambda path, order, gaps: drawn.append(gaps))
        add_gap(document, found)
    [gaps] = drawn
    assert {n: round(e, 3) for n, e in gaps[V3].photographs.items()} == {10: 12.0, 30: 10.0, 100: 9.0}
    assert {n: round(e, 3) for n, e in gaps[V3].renders.items()} == {10: 9.0, 30: 7.0, 100: 6.0}
    assert [(n, round(e, 3), on_renders) for n, e, on_renders in gaps[V3].longer if n == 100] == [
        (100, 7.0, False),
        (100, 4.0, True),
    ]
    assert "with 100 images the error is 6.00 % on renders and 9.00 % on photographs, a gap of 3.00" in texts(document)
    assert "on photographs is 8.00 %" in texts(document)  # adapted
    longer = Document()
    add_longer(longer, found)
    assert "100 − 10 images, all" in texts(longer)
    assert "All scores after 512,000 faces" in texts(longer)


def test_without_renders_the_gap_is_said_to_be_unmeasured():
    results = Results()
    add(results, cells())
    document = Document()
    add_gap(document, replace(material(results), rendered=frozenset()))
    assert "Not measured: no held-out renders were among the test sets" in texts(document)
