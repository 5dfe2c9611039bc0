"""Renders against photographs, and what a longer training changes."""

from __future__ import annotations

from collections.abc import Mapping

from fauxface.study import figures
from fauxface.study.config import ABLATIONS
from fauxface.study.document import Document, Figure
from fauxface.study.figures import Gap
from fauxface.study.material import KINDS, RAW, Material, faces, slug
from fauxface.study.statistics import Group, Seeds, Where, difference, mean_sd

BOX = "landmarks"
FEWEST = 3
"""Fewest numbers of images of a curve."""


def add_gap(document: Document, material: Material) -> None:
    """Add the errors on held-out renders beside those on photographs, by number of images."""
    main = material.main
    on_renders = next((w for w in material.conditions if w.test_set in material.rendered and w.box == BOX), None)
    document.heading("Renders against photographs")
    if main is None or on_renders is None or main.test_set in material.rendered:
        document.text("Not measured: no held-out renders were among the test sets (`--test`), or no photographs.")
        return
    on_photographs = Where(main.test_set, BOX, RAW)
    gaps = {model: _gap(model, on_photographs, on_renders, material) for model in material.models}
    gaps = {model: gap for model, gap in gaps.items() if len({*gap.photographs, *gap.renders}) >= FEWEST}
    if not gaps:
        document.text("Not measured: no model was trained with three numbers of images or more.")
        return
    words, chart = Document(), Document()
    for model, gap in gaps.items():
        words.text(_sentence(model, gap, material, main))
    path = material.figure("gap")
    figures.draw_gap(path, material.models, gaps)
    n = [faces(material.table[where]) for where in (on_photographs, on_renders)]
    caption = (
        f"Raw error, boxes from landmarks, policy {material.config.curve_policy}: filled marks on {n[0]:,} faces in "
        f"photographs ({main.test_set}), hollow marks on {n[1]:,} held-out renders ({on_renders.test_set}). Where both "
        "curves still fall, more is to be learned; what stays between them is the gap. Stars were trained longer."
    )
    alt = "Errors by number of training images. " + " ".join(_sentence(m, g, material, main) for m, g in gaps.items())
    chart.figures(Figure(path, caption, alt.replace("*", "")))
    document.beside(words, chart)


def _gap(model: str, on_photographs: Where, on_renders: Where, material: Material) -> Gap:
    policy = material.config.curve_policy

    def curve(groups: Mapping[Group, Seeds]) -> dict[int, float]:
        mine = {g.images: mean_sd(s, "nme")[0] for g, s in groups.items() if (g.model, g.policy) == (model, policy)}
        return {n: mean for n, mean in sorted(mine.items()) if mean == mean}

    longer = [
        (n, error, where == on_renders)
        for table in material.longer.values()
        for where in (on_photographs, on_renders)
        for n, error in curve(table.get(where, {})).items()
    ]
    table = material.table
    return Gap(curve(table.get(on_photographs, {})), curve(table.get(on_renders, {})), longer)


def _sentence(model: str, gap: Gap, material: Material, main: Where) -> str:
    common = sorted(gap.photographs.keys() & gap.renders.keys())
    if not common:
        return f"**{model}**: not measured on both."
    few, many = common[0], common[-1]
    text = (
        f"**{model}**: with {many:,} images the error is {gap.renders[many]:.2f} % on renders and "
        f"{gap.photographs[many]:.2f} % on photographs, a gap of {gap.photographs[many] - gap.renders[many]:.2f}"
    )
    if few != many:
        text += f"; with {few:,} they are {gap.renders[few]:.2f} % and {gap.photographs[few]:.2f} %"
    adapted = material.table.get(Where(main.test_set, BOX, "yes"), {})
    seeds = adapted.get(Group(model, many, material.config.curve_policy))
    if seeds:
        text += (
            f". With a label adapter, which takes away what annotators and the generator define differently, the error "
            f"on photographs is {mean_sd(seeds, 'nme')[0]:.2f} %"
        )
    return f"{text}."


def add_longer(document: Document, material: Material) -> None:
    """Add the runs with other numbers of samples, which are in no other table."""
    if not material.longer:
        return
    document.heading("Longer training")
    document.text(
        "These runs saw another number of faces in training than the study's cells, and are in no other table."
    )
    for samples, table in material.longer.items():
        rows = [
            (*group, len(seeds), where.test_set, where.box, KINDS[where.adapted], f"{mean_sd(seeds, 'nme')[0]:.2f}")
            for where, groups in sorted(table.items())
            for group, seeds in sorted(groups.items())
        ]
        header = ("model", "images", "policy", "seeds", "test set", "box", "scores", "error, %")
        ids = [slug(samples, *row[4:7], *row[:3]) for row in rows]
        lines = _pairs(table, material)
        if lines:
            own = f"{material.samples:,} faces" if material.samples else "the schedule's epochs"
            columns = ("model", "difference", "test set", "box", "scores", f"{samples:,} faces", own)
            document.table(columns, lines)
        document.table(header, rows, fold=f"All scores after {samples:,} faces", ids=ids)


def _pairs(table: Mapping[Where, Mapping[Group, Seeds]], material: Material) -> list[tuple[object, ...]]:
    """Differences most − fewest images and all − none in these runs, each beside the study's own."""
    lines: list[tuple[object, ...]] = []
    for where, groups in sorted(table.items()):
        for group in sorted(groups):
            fewest = min(g.images for g in groups if (g.model, g.policy) == (group.model, group.policy))
            pairs = [(f"{group.images:,} − {fewest:,} images, {group.policy}", group._replace(images=fewest))]
            if group.policy not in ("none", *ABLATIONS):
                pairs.append((f"{group.policy} − none, {group.images:,} images", group._replace(policy="none")))
            for name, other in pairs:
                found = difference(group, other, groups, material.errors) if other != group else None
                if found is not None:
                    own = difference(group, other, material.table.get(where, {}), material.errors)
                    place = where.test_set, where.box, KINDS[where.adapted]
                    lines.append((group.model, name, *place, str(found), str(own) if own else ""))
    return lines
