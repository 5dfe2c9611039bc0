"""The finding of the study that this one re-creates, tested: all augmentations together against none."""

from __future__ import annotations

from typing import Literal, NamedTuple

from fauxface.study import figures
from fauxface.study.document import Document, Figure
from fauxface.study.material import KINDS, Material
from fauxface.study.statistics import Difference, Group, Where, difference, mean_sd, signed

ORIGINAL = {"MobileNetV3": "mobilenetv3-coordinates", "ResNet50": "resnet50-coordinates"}
"""Models that the original study found to be worse with all augmentations than with none."""
Verdict = Literal["worse", "better", "alike", "worse here", "better here"]
WORDS: dict[Verdict, str] = {
    "worse": "`all` is worse than `none`",
    "better": "`all` is better than `none`",
    "alike": "no difference is shown",
    "worse here": "`all` was worse (one run of each)",
    "better here": "`all` was better (one run of each)",
}


class Comparison(NamedTuple):
    """One comparison of `all` with `none`; ``found`` is None where one of the two is missing."""

    model: str
    images: int
    where: Where
    found: Difference | None


def verdict(found: Difference) -> Verdict:
    """Word for `all` − `none`."""
    if not (found.low > 0 or found.high < 0):
        return "alike"
    if found.faces_only:
        return "worse here" if found.mean > 0 else "better here"
    return "worse" if found.mean > 0 else "better"


def comparisons(material: Material) -> list[Comparison]:
    """The comparisons of every model at every number of the grid's images, on the photographs of the answer."""
    main = material.main
    if main is None:
        return []
    places = [where for where in material.conditions if where.test_set == main.test_set]
    return [
        Comparison(
            model, n, where, difference(Group(model, n, "all"), Group(model, n, "none"), groups, material.errors)
        )
        for model in material.models
        for n in sorted(material.config.images)
        for where in places
        for groups in (material.table[where],)
    ]


def add_original(document: Document, material: Material) -> None:
    """Add the section: a paragraph, a sentence for each model, a figure, the table."""
    made = comparisons(material)
    compared = [one for one in made if one.found is not None]
    document.heading("Do all augmentations together harm?")
    words = Document()
    words.text(paragraph(made))
    for model in dict.fromkeys(one.model for one in made):
        mine = [one for one in made if one.model == model]
        if model in material.config.models or any(one.found for one in mine):
            words.text(sentence(model, mine))
    if about_boxes := by_boxes(made):
        words.text(about_boxes)
    if not compared:
        document.beside(words)
        return
    path = material.figure("all-minus-none")
    figures.draw_differences(path, [(t.model, t.images, _short(t.where), t.found) for t in compared if t.found])
    caption = (
        "Error with all augmentations minus error with none, on the same faces and seeds. Right of the line at 0, all "
        "augmentations together are worse; the bar is the 95 % interval. Hollow: one run of each, interval over faces."
    )
    chart = Document()
    chart.figures(Figure(path, caption, paragraph(made)))
    document.beside(words, chart)
    header = ("model", "images", "box", "scores", "none", "all", "all − none (95 % interval)", "seeds", "faces", "")
    document.table(header, [_row(one, material) for one in made], fold="The numbers: all − none")


def _row(one: Comparison, material: Material) -> tuple[object, ...]:
    groups, where = material.table[one.where], one.where
    kind = KINDS[where.adapted]
    start = (one.model, one.images, where.box, kind)
    if one.found is None:
        return (*start, "", "", "", "", "", "not measured")
    means = [
        mean_sd({seed: groups[group][seed] for seed in one.found.seeds}, "nme")[0]
        for group in (one.found.b, one.found.a)
    ]
    n = next(iter(groups[one.found.a].values()))["n"]
    words = WORDS[verdict(one.found)].replace("`", "")
    return (*start, *(f"{mean:.2f}" for mean in means), one.found.interval, len(one.found.seeds), n, words)


def sentence(model: str, made: list[Comparison]) -> str:
    """One sentence on a model: the outcomes at each number of images, with the range of the mean differences."""
    parts = []
    for images in dict.fromkeys(one.images for one in made):
        here = [one.found for one in made if one.images == images]
        done = [found for found in here if found is not None]
        outcomes: dict[Verdict, list[float]] = {}
        for found in done:
            outcomes.setdefault(verdict(found), []).append(found.mean)
        texts = [
            f"{WORDS[outcome]} in {len(means)} of {len(done)} comparisons ({_range(means)})"
            for outcome, means in outcomes.items()
        ]
        parts.append(f"with {images:,} images {' and '.join(texts) or 'not measured'}")
    return f"**{model}**: {'; '.join(parts)}."


def _range(means: list[float]) -> str:
    return signed(means[0]) if len(means) == 1 else f"{signed(min(means))} to {signed(max(means))}"


def paragraph(made: list[Comparison]) -> str:
    """Where the original's finding holds and where it does not."""
    start = (
        "The study that this one re-creates found that all augmentations together made MobileNetV3 and ResNet50 worse."
    )
    return " ".join([start, *(_holds(name, [t for t in made if t.model == model]) for name, model in ORIGINAL.items())])


def by_boxes(made: list[Comparison]) -> str:
    """How far the differences depend on the boxes: raw, at the largest number of images; empty without both kinds."""
    images = max((one.images for one in made), default=0)
    raw = {
        (one.model, one.where.box): one.found.mean
        for one in made
        if one.images == images and one.where.adapted == "no" and one.found is not None
    }
    models = [model for model in dict.fromkeys(one.model for one in made) if (model, "landmarks") in raw]
    parts = [
        f"{model} {signed(raw[model, 'landmarks'])} and {signed(raw[model, 'detector'])}"
        for model in models
        if (model, "detector") in raw
    ]
    if not parts:
        return ""
    return (
        "**A part of the difference is the box.** A box from landmarks ends at the outermost annotated points; a "
        "network that learns without augmentation can read the face's outline off the edges of such crops, and nobody "
        f"has them in use. `all` − `none` with {images:,} images, raw, in boxes from landmarks and from the detector: "
        f"{'; '.join(parts)}."
    )


def _holds(name: str, made: list[Comparison]) -> str:
    parts = []
    for images in dict.fromkeys(one.images for one in made):
        told: list[Verdict] = [verdict(one.found) for one in made if one.images == images and one.found is not None]
        if told:
            counts: dict[Verdict, int] = {kind: told.count(kind) for kind in WORDS if kind in told}
            how = [f"{WORDS[kind].replace('`', '')} in {n} of {len(told)} comparisons" for kind, n in counts.items()]
            parts.append(f"with {images:,} images this {_outcome(told)}: {', '.join(how)}")
    return f"For {name}, {'; '.join(parts)}." if parts else f"For {name} this is not measured here yet."


def _outcome(told: list[Verdict]) -> str:
    """Whether these verdicts say what the original did."""
    if "worse" in told:
        return "holds here" if set(told) == {"worse"} else "holds here in part"
    if "worse here" in told:
        return "is suggested here but not shown"
    return "does not hold here" if {"better", "better here"} & set(told) else "is not shown here"


def _short(where: Where) -> str:
    return f"{where.box} boxes, {KINDS[where.adapted]}"
