"""The report's evidence: every score, difference and run, the cost, the method."""

from __future__ import annotations

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from fauxface.evaluation.adaptation import PARTS
from fauxface.reports import sheet
from fauxface.study import figures
from fauxface.study.answers import answer, best_group, differences
from fauxface.study.cell import POINTS, folder_of
from fauxface.study.config import ABLATIONS
from fauxface.study.document import Document, Figure
from fauxface.study.front import grid, learning_curve
from fauxface.study.material import Material, faces, slug
from fauxface.study.results import BINS
from fauxface.study.statistics import Group, Seeds, Where, mean_sd

GPU_GB = 8.0
_SPARE_GB = 0.7
"""Memory of a consumer GPU that driver and desktop use."""
DRAWN = 6


def add_conditions(document: Document, material: Material) -> None:
    """Add a section for each test set, box protocol and kind of score."""
    for where in material.conditions:
        groups = {group: material.table[where][group] for group in material.groups if group in material.table[where]}
        document.heading(str(where)[0].upper() + str(where)[1:])
        laws = material.laws.get(where, {})
        for text in answer(groups, material.errors, laws, material.config.curve_policy):
            document.text(text)
        if where != material.main:
            document.heat_map(grid(material, where), fold="Error of each model")
            if (curve := learning_curve(material, where)) is not None:
                document.figures(curve, fold="Learning curves")
        _scores(document, material, where, groups)
        _differences(document, material, groups)
        _distribution(document, material, where, groups)
        _laws(document, material, where)


def _scores(document: Document, material: Material, where: Where, groups: dict[Group, Seeds]) -> None:
    names = ("nme", "nme_inner", "fr8", "fr10", "auc8", "auc10")
    rows = [
        (
            *group,
            len(seeds),
            *(_plus_minus(*mean_sd(seeds, name)) for name in names),
            _plus_minus(mean_sd(seeds, "missed")[0], float("nan")),
        )
        for group, seeds in groups.items()
    ]
    header = ("model", "images", "policy", "seeds", "NME", "inner", "FR 8", "FR 10", "AUC 8", "AUC 10", "missed")
    ids = [slug(*where, *group) for group in groups]
    document.table(header, rows, fold=f"Scores on {faces(groups):,} faces", ids=ids)
    some = next(iter(next(iter(groups.values())).values()))
    bins = [f"{_bin(name)} ({some.get(f'n_{name[4:]}') or 0})" for name in BINS]
    parts = [
        (*group, *(_plus_minus(mean_sd(seeds, name)[0], float("nan")) for name in (*PARTS, *BINS)))
        for group, seeds in groups.items()
    ]
    document.table(("model", "images", "policy", *PARTS, *bins), parts, fold="Error of parts, and by yaw of the head")


def _differences(document: Document, material: Material, groups: dict[Group, Seeds]) -> None:
    found = differences(groups, material.errors)
    if found:
        lines = [(what, one.a.model, len(one.seeds), str(one)) for what, one in found]
        document.table(("difference", "model", "seeds", "NME, mean (95 % interval)"), lines, fold="Differences")


def _distribution(document: Document, material: Material, where: Where, groups: dict[Group, Seeds]) -> None:
    """Add the error distribution of each model's best policy at the most images."""
    curves: dict[Group, np.ndarray] = {}
    for model in material.models:
        best = best_group({g: seeds for g, seeds in groups.items() if g.model == model and g.policy not in ABLATIONS})
        errors = material.errors_of(groups[best]) if best else []
        if best and errors:
            curves[best] = np.concatenate(errors)
    if curves:
        path = material.figure("ced", *where)
        figures.draw_ced(path, material.models, curves)
        caption = "Share of faces within each error, all seeds: each model with its best policy at the most images."
        halves = "; ".join(f"{best.model}: half of the faces within {np.median(e):.2f} %" for best, e in curves.items())
        document.figures(Figure(path, caption, f"Error distributions. {halves}."), fold="Error distributions")


def _laws(document: Document, material: Material, where: Where) -> None:
    rows = [
        (
            model,
            f"{law.a:.3g}·n^−{law.b:.3f} + {law.c:.2f}",
            f"{law.b_interval[0]:.2f} to {law.b_interval[1]:.2f}",
            f"{law.c_interval[0]:.2f} to {law.c_interval[1]:.2f}",
            f"{law.enough:,.0f} ({law.enough_interval[0]:,.0f} to {law.enough_interval[1]:,.0f})"
            if law.falls
            else "no clear fall",
        )
        for model, law in sorted(material.laws.get(where, {}).items())
    ]
    if rows:
        header = ("model", "error at n images", "exponent, 95 %", "floor, 95 %", "images for within 5 % of the largest")
        document.table(
            header, rows, fold="Laws fitted to the learning curves (not to be trusted beyond the numbers tried)"
        )


def add_cost(document: Document, material: Material) -> None:
    """Add time and memory of training, for the largest number of images of each model, beside speed and error."""
    groups = material.table[material.main] if material.main else {}
    speeds = material.speeds or {}
    rows, costs = [], {}
    for model in material.models:
        best = best_group({g: seeds for g, seeds in groups.items() if g.model == model and g.policy not in ABLATIONS})
        if best is None:
            continue
        mine = [row for g, seeds in groups.items() if g[:2] == best[:2] for row in seeds.values()]
        minutes, memory = (
            float(np.mean([float(row[name]) for row in mine if row.get(name) is not None] or [np.nan]))
            for name in ("minutes", "peak_memory_mb")
        )
        devices = ", ".join(sorted({str(row["device"]) for row in mine}))
        fits = ("yes" if memory / 1e3 <= GPU_GB - _SPARE_GB else "no") if not devices.startswith("cpu") else "no GPU"
        error = mean_sd(groups[best], "nme")[0]
        costs[model] = error, speeds.get(model), None if np.isnan(minutes) else minutes
        speed = f"{speeds[model]:.2f}" if model in speeds else "–"
        numbers = (f"{error:.2f}", best.policy, speed, f"{minutes:.1f}", f"{memory / 1e3:.2f}")
        rows.append((model, best.images, *numbers, fits, devices))
    if not rows:
        return
    document.heading("Cost")
    path = material.figure("cost")
    figures.draw_cost(path, material.models, costs)
    parts = "; ".join(f"{row[0]}: {row[2]} %, {row[4]} ms, {row[5]} minutes" for row in rows)
    caption = (
        "Lowest error of each model at the most images, against the time for a face (one CPU thread, ONNX Runtime, as "
        "`fauxface models` lists it) and against the minutes of training."
    ).replace("`", "")
    document.figures(Figure(path, caption, f"Error and cost of each model. {parts}."))
    header = ("model", "images", "error, %", "policy", "ms a face", "minutes", "peak GB", f"fits {GPU_GB:.0f} GB", "on")
    document.table(header, rows, fold="Minutes and memory")
    document.text(
        "Peak memory: of the GPU, or on a CPU of the whole process, with the packed faces that it has read. Minutes "
        "are wall-clock time and include the load of other work on the machine, such as other cells: compare with care."
    )


def add_runs(document: Document, material: Material) -> None:
    """Add every run with its seed, cost and cell, under the conditions of the answer."""
    main = material.main
    if main is None:
        return
    rows = [
        (
            *group,
            seed,
            samples or "",
            *(_plus_minus(mean_sd({seed: row}, name)[0], float("nan")) for name in ("nme", "nme_inner", "fr10")),
            int(row["n"] or 0),
            *(_plus_minus(mean_sd({seed: row}, name)[0], float("nan")) for name in ("missed", "minutes")),
            f"{float(row['peak_memory_mb'] or 'nan') / 1e3:.2f}",
            row["cell"],
        )
        for samples, table in material.by_samples.items()
        for group, seeds in sorted(table.get(main, {}).items())
        for seed, row in sorted(seeds.items())
    ]
    header = ("model", "images", "policy", "seed", "samples", "NME", "inner", "FR 10", "faces", "missed", "minutes")
    document.heading("Every run")
    document.text(
        "Every number on this page follows from `results.csv` (a row for each run, test set, box protocol, raw or "
        "adapted) and `errors.csv` (the error of each face); the column `cell` joins them."
    )
    document.table((*header, "peak GB", "cell"), rows, fold=f"{len(rows)} runs, scored on {main}")


def add_method(document: Document, material: Material, command: str) -> None:
    """Add how it was done."""
    config, cells = material.config, material.cells
    samples = ", ".join(sorted({f"{cell.samples:,}" if cell.samples else "the schedule's epochs" for cell in cells}))
    batch = config.training(cells[0], config.out, 1).batch  # the paper's schedule has its own
    document.heading("Method")
    for text in (
        f"Every cell starts from random weights, sees the same number of training samples ({samples}; schedule "
        f"{config.schedule}, batch {batch}, {config.input_size} px) whatever its number of images, and is "
        "scored at its last averaged weights: no epoch is chosen. Smaller sets of images are subsets of larger ones. "
        "Without validation data, one image is held out for the log. The answers hold for such training.",
        "Scores are means ± standard deviations over seeds. NME: the error as defined above; inner: without the jaw; "
        "FR: share of faces with a larger error than 8 or 10 %; AUC: area under the error distribution up to there.",
        "Differences: mean of the first minus the second on the same faces and seeds; a negative one favours the "
        "first. Intervals: paired bootstrap over test faces, widened for the variation between training runs by "
        "Student's t, with the deviation between seeds pooled over the model's groups (separately for those "
        "without augmentation). About one in twenty such intervals misses the true value.",
        "Box from landmarks: the crop follows the annotated points; box from detector: a face detector's box, as in "
        "use. Label-adapted (Wood et al. 2021, §4.3): a small network, fitted for each cell to its own predictions on "
        "another annotated set, maps predicted points to where annotators click. It sees no pixels. The lane of these "
        "rows is research.",
        "FR and AUC count faces that the detector missed; means leave them out. Yaw is computed from the annotated "
        "points by perspective-n-point.",
    ):
        document.text(text)
    if command:
        document.text(f"`{command}`")


def add_drawings(document: Document, material: Material) -> None:
    """Add drawings of the best and worst faces of the best cell whose points were kept, on the page alone."""
    if drawings := _drawings(material):
        text = (
            "Annotated points are full and green, predicted ones hollow and red. The photographs are not in the report."
        )
        document.drawings("Best and worst faces", text, drawings)


def _drawings(material: Material) -> list[tuple[np.ndarray, str]]:
    where = material.main
    if where is None:
        return []
    rows = [row for seeds in material.table[where].values() for row in seeds.values() if row["nme"] is not None]
    by_identity = {cell.identity: cell for cell in material.cells}
    for row in sorted(rows, key=lambda row: float(row["nme"])):
        cell = by_identity.get(str(row["cell"]))
        if cell is None:
            continue
        try:
            tensors = safetensors.numpy.load((folder_of(material.config.out, cell) / POINTS).read_bytes())
        except (OSError, SafetensorError):
            continue
        name = f"{row['test_id']}.{where.box}.{where.adapted}"
        if f"{name}.truth" not in tensors:
            continue
        truth, points = tensors[f"{name}.truth"], tensors[f"{name}.points"]
        found = np.flatnonzero(np.isfinite(points).all((1, 2)))
        away = np.linalg.norm(points[found] - truth[found], axis=-1).mean(1)
        size = np.linalg.norm(truth[found].max(1) - truth[found].min(1), axis=-1)
        order = found[np.argsort(away / size)]
        chosen = (("Best", order[:DRAWN]), ("Worst", order[::-1][:DRAWN]))
        return [
            (
                sheet([figures.drawn_face(truth[i], points[i], f"face {i}") for i in indices], 3, gap=0),
                f"{kind} faces of {cell.name}, {where}.",
            )
            for kind, indices in chosen
            if len(indices)
        ]
    return []


def _plus_minus(mean: float, deviation: float) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:.2f}" if np.isnan(deviation) else f"{mean:.2f} ± {deviation:.2f}"


def _bin(name: str) -> str:
    low = int(name.rpartition("_")[2])
    return f"yaw {low}°–{low + 15}°" if low < 45 else "yaw beyond 45°"
