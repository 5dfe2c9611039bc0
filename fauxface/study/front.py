"""The report's first screen: three sentences, the grid of errors, the learning curves; in words for everyone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from fauxface.reports import Field, HeatMap
from fauxface.study import figures
from fauxface.study.answers import best_group, most_and_fewer
from fauxface.study.config import ABLATIONS
from fauxface.study.document import Document, Figure
from fauxface.study.material import KINDS, Material, faces, named, slug
from fauxface.study.statistics import Group, Where, difference, mean_sd

TITLE = "How many images, which augmentations, which model"
PLAIN = {
    "none": "no augmentation",
    "translation-occlusion": "translation and occlusion",
    "all": "all four augmentations",
}
TERMS = (
    "The **error** is the mean distance of 68 points of a face from where people marked them, in percent of the "
    "distance between the outer eye corners (on an adult, 1 % is about 0.9 mm). Numbers in brackets are **95 % "
    "intervals**: a difference whose interval contains 0 may be chance. **Augmentations** alter a picture each time it "
    "is trained on: rotation, translation (a shift), occlusion (a part is covered), blur. **Models** are named by "
    "network and method: `coordinates` are predicted directly, `heatmaps` are a map for each point, `pip` is a cell of "
    "a grid and an offset in it."
)

ADAPTED = "Label-adapted: what annotators and renders define differently is corrected, without seeing pictures. "
GRID = (
    "Seeds and further scores of each number are in the evidence below (on the page, a number leads there). Comparing "
    "two uses only the seeds that both have, so that the means given can differ a little from these. What is called "
    "the best was chosen by these same errors, which flatters it a little."
)


def lead(material: Material) -> str:
    """The sentence below the title."""
    main = material.main
    text = "Facial-landmark detectors trained on synthetic faces alone"
    if main is None:
        return f"{text}. No cell is finished yet."
    kind = "rendered faces" if main.test_set in material.rendered else "faces in real photographs"
    return f"{text}, tested on {faces(material.table[main]):,} {kind} ({main.test_set})."


def add_front(document: Document, material: Material) -> None:
    """Add the first screen."""
    main = material.main
    if main is None:
        document.text(not_measured(material))
        return
    words, chart = Document(), Document()
    for bold, more in sentences(material, main):
        words.text(f"**{bold}**{more}")
    words.text(TERMS)
    if (curve := learning_curve(material, main)) is not None:
        words.figures(curve)
    shown = grid(material, main)
    chart.heat_map(shown)
    kind = ADAPTED if main.adapted == "yes" else ""
    chart.text(f"Mean error on {main}, in percent; darker is worse, the frame marks the best. {kind}{GRID}")
    if missing := not_measured(material, shown):
        chart.text(missing)
    document.beside(words, chart)


def sentences(material: Material, where: Where) -> list[tuple[str, str]]:
    """A sentence each on images, augmentations and model, with what may be added to it."""
    groups = {g: seeds for g, seeds in material.table[where].items() if g.policy not in ABLATIONS}
    best = best_group(groups)
    if best is None:
        return [("No error was measured.", "")]
    enough, law = "", material.laws.get(where, {}).get(best.model)
    if law is not None and law.falls:
        low, high = law.enough_interval
        enough = (
            f" By its learning curve ({material.config.curve_policy}), about {law.enough:,.0f} images "
            f"({low:,.0f} to {high:,.0f}) come within 5 % of the error with {law.counts[-1]:,}."
        )
    many = f"How many images? So far only {best.images:,} were tried."
    if (pair := most_and_fewer(best, groups)) is not None:
        lower = f"the error of {best.model} is lower with {{}} images than with {{}}"
        alike = f"for {best.model} no difference is shown between {{}} and {{}} images"
        names = f"{pair[0].images:,}", f"{pair[1].images:,}"
        many = f"How many images? {_compared(lower, alike, names, pair, material, where)}"
    return [
        (many, enough),
        (_policies(best, groups, material, where), ""),
        (_models(best, groups, material, where), ""),
    ]


def _policies(best: Group, groups: Mapping[Group, object], material: Material, where: Where) -> str:
    """Compare the best policy with none; all with none where none is the best."""
    same = [g for g in groups if g[:2] == best[:2] and g != best]
    others = [g for g in same if g.policy == ("none" if best.policy != "none" else "all")] or same
    if not others:
        return f"Which augmentations? So far only {_plain(best.policy)} was tried with {best.images:,} images."
    pair = best, others[0]
    lower = f"with {best.images:,} images {best.model} has a lower error with {{}} than with {{}}"
    alike = f"with {best.images:,} images no difference is shown for {best.model} between {{}} and {{}}"
    names = _plain(pair[0].policy), _plain(pair[1].policy)
    return f"Which augmentations? {_compared(lower, alike, names, pair, material, where)}"


def _models(best: Group, groups: Mapping[Group, object], material: Material, where: Where) -> str:
    """Compare the best model with the next, under the same conditions."""
    rivals = {g: material.table[where][g] for g in groups if g[1:] == best[1:] and g.model != best.model}
    second, under = best_group(rivals), f"with {best.images:,} images and {_plain(best.policy)}"
    if second is None:
        return f"Which model? So far only {best.model} was tried {under}."
    lower, alike = (
        f"{under} {{}} has the lowest error, before {{}}",
        f"{under} no difference is shown between {{}} and {{}}",
    )
    return f"Which model? {_compared(lower, alike, (best.model, second.model), (best, second), material, where)}"


def _compared(
    lower: str, alike: str, names: tuple[str, str], pair: tuple[Group, Group], material: Material, where: Where
) -> str:
    """A sentence by one of two patterns, with the two names, the lower error first."""
    groups = material.table[where]
    found = difference(*pair, groups, material.errors)
    seeds = found.seeds if found else tuple(groups[pair[0]].keys() & groups[pair[1]].keys())
    means = [mean_sd({seed: groups[group][seed] for seed in seeds}, "nme")[0] for group in pair]
    if means[1] < means[0]:
        return _compared(lower, alike, (names[1], names[0]), (pair[1], pair[0]), material, where)
    numbers = f"{means[0]:.2f} % against {means[1]:.2f} %"
    if found is None:
        text = f"{lower.format(*names)}: {numbers}, not compared face by face, because those errors are not here"
    elif found.faces_only:
        over = f"{found.interval} over the faces; other runs may differ"
        text = f"in one run each, {lower.format(*names)}: {numbers}, {over}"
    else:
        text = f"{(lower if found.shown else alike).format(*names)}: {numbers}, {found.interval}"
    return f"{text[0].upper()}{text[1:]}."


def _plain(policy: str) -> str:
    return PLAIN.get(policy, policy)


def grid(material: Material, where: Where) -> HeatMap:
    """The errors of all models at the grid's numbers of images and policies."""
    config, groups = material.config, material.table[where]
    policies, counts = config.policies, sorted(config.images)

    def field(group: Group) -> Field | None:
        seeds = groups.get(group, {})
        mean, deviation = mean_sd(seeds, "nme")
        if not seeds or mean != mean:
            return None
        spread = "" if deviation != deviation else f" ± {deviation:.2f}"
        note = f"{mean:.2f}{spread} %, {len(seeds)} run{'s' if len(seeds) > 1 else ''}, {faces({group: seeds})} faces"
        return Field(mean, note, slug(*where, *group))

    rows = [
        (model, f"{n:,}", tuple(field(Group(model, n, policy)) for policy in policies))
        for model in material.models
        for n in counts
        if model in config.models or any(Group(model, n, policy) in groups for policy in policies)
    ]
    return HeatMap(("model", "images"), policies, tuple(rows))


def not_measured(material: Material, shown: HeatMap | None = None) -> str:
    """A sentence that names what was asked for or is an empty field, and what has fewer seeds; empty for nothing."""
    found = material.table[material.main] if material.main else {}
    empty = [
        Group(model, int(images.replace(",", "")), policy)
        for model, images, fields in (shown.rows if shown else ())
        for policy, field in zip(material.config.policies, fields, strict=True)
        if field is None
    ]
    missing = [group for group in dict.fromkeys([*material.groups, *empty]) if group not in found]
    asked = Counter(Group(cell.model, cell.images, cell.policy) for cell in material.cells)
    fewer = [group for group, seeds in found.items() if len(seeds) < asked[group]]
    texts = [f"Not measured: {named(missing)}."] if missing else []
    if fewer:
        texts.append(f"With fewer runs than {material.config.seeds}: {named(sorted(fewer))}.")
    return " ".join(texts)


def learning_curve(material: Material, where: Where) -> Figure | None:
    """The learning curves of models with three numbers of images or more; None without any."""
    policy = material.config.curve_policy
    points = {
        group: [float(row["nme"]) for row in seeds.values() if row["nme"] is not None]
        for group, seeds in material.table[where].items()
        if group.policy == policy
    }
    points = {group: values for group, values in points.items() if values}
    models = [model for model in material.models if sum(group.model == model for group in points) >= 3]
    points = {group: values for group, values in points.items() if group.model in models}
    if not points:
        return None
    path = material.figure("curve", *where)
    figures.draw_curve(path, material.models, points, material.laws.get(where, {}))
    ends = "; ".join(_ends(model, points) for model in models)
    caption = (
        f"Error by number of training images on {where.test_set} ({where.box} boxes, {KINDS[where.adapted]}), policy "
        f"{policy}. Each mark is a run, the thin grey line the law a·n^−b + c fitted to the means. All runs saw "
        "equally many faces in training."
    )
    return Figure(path, caption, f"Learning curves of {ends}.")


def _ends(model: str, points: Mapping[Group, list[float]]) -> str:
    mine = sorted((group.images, sum(values) / len(values)) for group, values in points.items() if group.model == model)
    (few, before), (many, after) = mine[0], mine[-1]
    return f"{model}: {before:.2f} % with {few:,} images, {after:.2f} % with {many:,}"
