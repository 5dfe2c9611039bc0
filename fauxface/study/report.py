"""The study's report: one HTML page and Markdown tables of finished cells; those not run are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from fauxface.evaluation.adaptation import PARTS
from fauxface.files import atomic_path, write_text
from fauxface.reports import Page, sheet
from fauxface.study import figures
from fauxface.study.answers import answer, differences
from fauxface.study.cell import POINTS, folder_of
from fauxface.study.config import ABLATIONS, Cell, StudyConfig
from fauxface.study.results import BINS, Key, Results, key_of
from fauxface.study.statistics import Group, PowerLaw, Seeds, Table, Where, mean_sd, power_law, seed_spread, tabulate

REPORT, TABLES, FIGURES = "report.html", "tables.md", "figures"
GPU_GB = 8.0
_SPARE_GB = 0.7
"""Memory of a consumer GPU that driver and desktop use."""
DRAWN = 6

Lines = list[tuple[object, ...]]


@dataclass
class Sections:
    """The report's content, for the page and the Markdown file."""

    title: str
    parts: list[tuple[str, list[str], list[tuple[tuple[str, ...], Lines]], list[tuple[Path, str]]]] = field(
        default_factory=list
    )

    def add(
        self,
        heading: str,
        texts: Sequence[str] = (),
        tables: Sequence[tuple[tuple[str, ...], Lines]] = (),
        pictures: Sequence[tuple[Path, str]] = (),
    ) -> None:
        """Add a section: heading, paragraphs, tables (header, rows), pictures (file, caption)."""
        self.parts.append((heading, list(texts), list(tables), list(pictures)))

    def page(self, foot: str, drawings: Sequence[tuple[np.ndarray, str]]) -> Page:
        """The HTML page."""
        page = Page(self.title)
        for heading, texts, tables, pictures in self.parts:
            page.heading(heading)
            for text in texts:
                page.text(text)
            for header, rows in tables:
                page.table(rows, header=header)
            for path, caption in pictures:
                page.picture(path, caption)
        if drawings:
            page.heading("Best and worst faces")
            page.text("Annotated points are green, predicted ones red. The photographs are not in the report.")
            page.pictures(drawings)
        return page.foot(foot)

    def markdown(self, foot: str) -> str:
        """The report as Markdown, without pictures."""
        lines = [f"# {self.title}", ""]
        for heading, texts, tables, _ in self.parts:
            lines += [f"## {heading}", ""]
            for text in texts:
                lines += [text, ""]
            for header, rows in tables:
                lines += [_markdown_row(header), _markdown_row(["---"] * len(header))]
                lines += [*(_markdown_row([_shown(value) for value in row]) for row in rows), ""]
        return "\n".join([*lines, foot, ""])


def write_report(
    config: StudyConfig,
    cells: Sequence[Cell],
    wanted: Sequence[Key],
    results: Results,
    machine: Mapping[str, str],
    command: str,
) -> Path:
    """Write ``report.html``, ``tables.md`` and the figures into a study's folder; the page's path.

    Only the ``wanted`` rows (see `wanted_of`) of these cells are reported.
    """
    table = tabulate(results, [cell.identity for cell in cells], wanted)
    planned = {Group(cell.model, cell.images, cell.policy): 0 for cell in cells}
    for cell in cells:
        planned[Group(cell.model, cell.images, cell.policy)] += 1
    done = sum(results.has(cell.identity, wanted) for cell in cells)
    sections = Sections("How many images, which augmentations, which model")
    laws = _laws(config, table, results)
    _summary(sections, config, table, results, laws, done, len(cells))
    for where, groups in sorted(table.items()):
        _scores(sections, config, where, groups, planned, results)
    _curves(sections, config, table, laws)
    _cost(sections, table)
    _method(sections, config, cells, command)
    foot = "; ".join(f"{name} {value}" for name, value in machine.items())
    sections.page(foot, _drawings(config, cells, table)).save(config.out / REPORT)
    write_text(config.out / TABLES, sections.markdown(foot))
    return config.out / REPORT


def _summary(
    sections: Sections,
    config: StudyConfig,
    table: Table,
    results: Results,
    laws: dict[Where, dict[str, PowerLaw]],
    done: int,
    n: int,
) -> None:
    texts = [f"{done} of {n} cells are done; the missing ones are named below." if done < n else ""]
    main = main_where(config, table)
    if main is None:
        sections.add("Answer", ["No cell is done yet."])
        return
    for where in sorted((w for w in table if (w.test_set, w.adapted) == (main.test_set, main.adapted)), reverse=True):
        texts += [f"On {where}:", *answer(table[where], results.errors, laws.get(where, {}), config.curve_policy)]
    texts.append("These answers hold for training from random weights with the number of samples given below.")
    sections.add("Answer", [text for text in texts if text])


def main_where(config: StudyConfig, table: Table) -> Where | None:
    """Conditions of the answer: the first test set, landmark boxes, label-adapted unless raw has more rows."""
    names = [where.test_set for where in table]
    first = next((name for name in (folder.resolve().name for folder in config.test) if name in names), None)
    options = [where for where in table if where.test_set == (first or where.test_set) and where.box == "landmarks"]
    rows = {where.adapted: sum(map(len, table[where].values())) for where in options}
    if rows.get("yes", 0) < rows.get("no", 0):
        options = [where for where in options if where.adapted == "no"]
    return max(options, key=lambda where: where.adapted, default=None)


def _scores(
    sections: Sections,
    config: StudyConfig,
    where: Where,
    groups: dict[Group, Seeds],
    planned: Mapping[Group, int],
    results: Results,
) -> None:
    """Add a section for one test set, box protocol and kind: all groups, differences, error distribution."""
    header = ("model", "images", "policy", "seeds", "NME", "inner", "FR 8", "FR 10", "AUC 8", "AUC 10", "missed")
    rows: Lines = []
    parts: Lines = []
    for group in planned:
        seeds = groups.get(group, {})
        if not seeds:
            continue
        scores = [_plus_minus(*mean_sd(seeds, name)) for name in ("nme", "nme_inner", "fr8", "fr10", "auc8", "auc10")]
        missed = _plus_minus(mean_sd(seeds, "missed")[0], float("nan"))
        rows.append((group.model, group.images, group.policy, f"{len(seeds)} of {planned[group]}", *scores, missed))
        means = [mean_sd(seeds, name)[0] for name in (*PARTS, *BINS)]
        parts.append((group.model, group.images, group.policy, *(_plus_minus(v, float("nan")) for v in means)))
    some = next(iter(next(iter(groups.values())).values()))
    bins = [f"{_bin(name)} ({some.get(f'n_{name[4:]}') or 0})" for name in BINS]
    found = differences(groups, results.errors)
    tables: list[tuple[tuple[str, ...], Lines]] = [
        (header, rows),
        (("model", "images", "policy", *PARTS, *bins), parts),
    ]
    if found:
        lines: Lines = [(what, d.a.model, len(d.seeds), str(d)) for what, d in found]
        tables.append((("difference", "model", "seeds", "NME, mean (95 % interval)"), lines))
    curves = {}
    for group in planned:
        errors = [
            results.errors[key_of(row)] for row in groups.get(group, {}).values() if key_of(row) in results.errors
        ]
        if errors and group.images == max(config.images) and group.policy not in ABLATIONS:
            curves[f"{group.model}, {group.images:,}, {group.policy}"] = np.concatenate(errors)
    pictures: list[tuple[Path, str]] = []
    if curves:
        path = config.out / FIGURES / f"ced-{'-'.join(where)}.svg".replace(":", "-")
        with atomic_path(path) as temporary:
            figures.draw_ced(temporary, curves, str(where))
        pictures.append((path, "Cumulative error distribution over the faces of all seeds."))
    texts = [
        "Mean ± standard deviation over seeds, percent of the outer eye corners' distance. Parts and yaw: means only."
    ]
    if found:
        texts.append(
            "Differences: mean of the first minus the second on the same faces and seeds; a negative one favours the "
            "first. Intervals: paired bootstrap over test faces, widened for the variation between training runs by "
            "Student's t, with the deviation between seeds pooled over the model's groups (separately for those "
            "without augmentation). About one in twenty such intervals misses the true value."
        )
    if missing := [group for group in planned if group not in groups]:
        texts.append(f"Not run: {_named(missing)}.")
    sections.add(str(where), texts, tables, pictures)


def _laws(config: StudyConfig, table: Table, results: Results) -> dict[Where, dict[str, PowerLaw]]:
    """The learning curves' laws, by conditions and model."""
    found: dict[Where, dict[str, PowerLaw]] = {}
    for where, groups in table.items():
        for model in {group.model for group in groups}:
            curve = {
                group.images: [results.errors[key_of(r)] for r in seeds.values() if key_of(r) in results.errors]
                for group, seeds in groups.items()
                if group.model == model and group.policy == config.curve_policy
            }
            law = power_law(
                {n: errors for n, errors in curve.items() if errors}, seed_spread(model, config.curve_policy, groups)
            )
            if law is not None:
                found.setdefault(where, {})[model] = law
    return found


def _curves(sections: Sections, config: StudyConfig, table: Table, laws: dict[Where, dict[str, PowerLaw]]) -> None:
    """Add learning curves, for conditions with at least three numbers of images."""
    for where, groups in sorted(table.items()):
        points = {
            group: [float(row["nme"]) for row in seeds.values() if row["nme"] is not None]
            for group, seeds in groups.items()
            if group.policy == config.curve_policy
        }
        points = {group: values for group, values in points.items() if values}
        if len({group.images for group in points}) < 3:
            continue
        path = config.out / FIGURES / f"curve-{'-'.join(where)}.svg".replace(":", "-")
        with atomic_path(path) as temporary:
            figures.draw_curve(temporary, points, laws.get(where, {}), str(where))
        rows: Lines = [
            (
                model,
                f"{law.a:.3g}·n^−{law.b:.3f} + {law.c:.2f}",
                _interval(law.b_interval, 2),
                _interval(law.c_interval, 2),
                f"{law.enough:,.0f} ({law.enough_interval[0]:,.0f} to {law.enough_interval[1]:,.0f})"
                if law.falls
                else "no clear fall",
            )
            for model, law in sorted(laws.get(where, {}).items())
        ]
        header = ("model", "error at n images", "exponent, 95 %", "floor, 95 %", "images for within 5 % of the largest")
        texts = [
            f"Policy {config.curve_policy}; every number of images has the same number of training samples. The law "
            "has three constants: do not trust it outside the numbers tried."
        ]
        sections.add(
            f"Learning curve, {where}", texts, [(header, rows)] if rows else [], [(path, "Each dot is a seed.")]
        )


def _cost(sections: Sections, table: Table) -> None:
    """Add time and peak memory of training, for the largest number of images of each model."""
    groups: dict[Group, Seeds] = next(iter(table.values()), {})
    rows: Lines = []
    for model in sorted({group.model for group in groups}):
        images = max(group.images for group in groups if group.model == model)
        mine = [row for g, seeds in groups.items() if (g.model, g.images) == (model, images) for row in seeds.values()]
        minutes, memory = (
            float(np.mean([float(row[name]) for row in mine if row.get(name) is not None] or [np.nan]))
            for name in ("minutes", "peak_memory_mb")
        )
        devices = ", ".join(sorted({str(row["device"]) for row in mine}))
        on_gpu = not devices.startswith("cpu")
        fits = ("yes" if memory / 1e3 <= GPU_GB - _SPARE_GB else "no") if on_gpu else "not measured: no GPU"
        counts = {row["samples"] for row in mine}
        samples = ", ".join(sorted(f"{count:,}" if count else "the schedule's epochs" for count in counts))
        rows.append((model, images, samples, f"{minutes:.1f}", f"{memory / 1e3:.2f}", fits, devices))
    header = ("model", "images", "samples", "minutes", "peak GB", f"fits a GPU of {GPU_GB:.0f} GB", "trained on")
    texts = [
        "Peak memory: of the GPU, or on a CPU of the whole process, with the packed faces that it has read. Minutes "
        "are wall-clock time and include the load of other work on the machine, such as other cells: compare with care."
    ]
    sections.add("Cost of training", texts, [(header, rows)])


def _method(sections: Sections, config: StudyConfig, cells: Sequence[Cell], command: str) -> None:
    samples = ", ".join(sorted({f"{cell.samples:,}" if cell.samples else "the schedule's epochs" for cell in cells}))
    batch = config.training(cells[0], config.out, 1).batch  # the paper's schedule has its own
    texts = [
        f"Every cell starts from random weights, sees the same number of training samples ({samples}; schedule "
        f"{config.schedule}, batch {batch}, {config.input_size} px) whatever its number of images, and is "
        "scored at its last averaged weights: no epoch is chosen. Smaller sets of images are subsets of larger ones. "
        "Without validation data, one image is held out for the log.",
        "Label-adapted (Wood et al. 2021, §4.3): a small network, fitted for each cell to its own predictions on "
        "another annotated set, maps predicted points to where annotators click. It sees no pixels. The lane of these "
        "rows is research.",
        "FR and AUC count faces that the detector missed; means leave them out. Yaw is computed from the annotated "
        "points by perspective-n-point.",
    ]
    if command:
        texts.append(f"`{command}`")
    sections.add("Method", texts)


def _drawings(config: StudyConfig, cells: Sequence[Cell], table: Table) -> list[tuple[np.ndarray, str]]:
    """Drawings of the best and worst faces of the best cell whose points were kept."""
    where = main_where(config, table)
    if where is None:
        return []
    rows = [row for seeds in table[where].values() for row in seeds.values() if row["nme"] is not None]
    by_identity = {cell.identity: cell for cell in cells}
    for row in sorted(rows, key=lambda row: float(row["nme"])):
        cell = by_identity[str(row["cell"])]
        path = folder_of(config.out, cell) / POINTS
        try:
            tensors = safetensors.numpy.load(path.read_bytes())
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


def _named(groups: Sequence[Group]) -> str:
    """Groups as text: the policies of each model and number of images together."""
    together: dict[tuple[str, int], list[str]] = {}
    for group in groups:
        together.setdefault((group.model, group.images), []).append(group.policy)
    return "; ".join(f"{model} with {images:,} images: {', '.join(p)}" for (model, images), p in together.items())


def _plus_minus(mean: float, deviation: float) -> str:
    if np.isnan(mean):
        return "–"
    return f"{mean:.2f}" if np.isnan(deviation) else f"{mean:.2f} ± {deviation:.2f}"


def _interval(ends: tuple[float, float], digits: int) -> str:
    return f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}"


def _bin(name: str) -> str:
    low = int(name.rpartition("_")[2])
    return f"yaw {low}°–{low + 15}°" if low < 45 else "yaw beyond 45°"


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _markdown_row(values: Sequence[object]) -> str:
    return "| " + " | ".join(str(value) for value in values) + " |"
