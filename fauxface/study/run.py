"""Run of a study: unfinished cells, in processes here or on a cluster; results after each, the report at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import torch
import yaml

from fauxface.evaluation.evaluation_sets import DataFacts, data_facts
from fauxface.files import write_text
from fauxface.jobs import cores, run_jobs
from fauxface.names import label
from fauxface.outputs import empty_or_new, only_writer
from fauxface.study.cell import Finished, Plan, run_cell
from fauxface.study.config import SAMPLES_CPU, SAMPLES_GPU, Cell, StudyConfig
from fauxface.study.material import FIGURES, Material
from fauxface.study.overview import Overview
from fauxface.study.report import MARKDOWN, REPORT, write_report
from fauxface.study.results import ERRORS, RESULTS, Key, Results, load_results, wanted_of
from fauxface.training import check
from fauxface.training.ranks import check_accelerator

SETTINGS = "study.yaml"
"""File in the study's folder that holds its settings."""
ARCHIVES = "archive-*"
"""Folders with earlier results that may lie in a study's folder, which leaves them alone."""


def run_study(
    config: StudyConfig,
    about: Callable[[], Mapping[str, str]] = lambda: {},
    command: str = "",
    report_only: bool = False,
    speeds: Callable[[], Mapping[str, float]] = lambda: {},
) -> tuple[Path, Results]:
    """Run every cell that ``results.csv`` lacks, and write the report; returns the report's path and all results.

    Args:
        config: the settings.
        about: versions and hardware, for the report.
        command: the command as typed, for the report.
        report_only: run nothing; report the finished cells.
        speeds: model → milliseconds a face, for the report.

    ValueError, FileNotFoundError or FileExistsError, in one line, for wrong settings, models, policies, data or folder,
    before anything is run; later errors as ``run_jobs``, and then the finished cells stay done.
    """
    config.check()
    if report_only and not load_results(config.out).rows:
        raise FileNotFoundError(f"nothing to report: {config.out / RESULTS} has no finished cell")
    if config.dask is None and not report_only:
        check_accelerator(config.accelerator, config.devices)
    for model, images, policy in config.combinations():
        check(config.training(_probe(config, model, images, policy), config.out, 1))
    data = data_facts(config.data, config.labels)
    most = max((*config.images, *config.curve))
    if most > data.count:
        raise ValueError(f"{config.data} has {data.count:,} images, not the {most:,} that --images or --curve asks for")
    val = "" if config.val_data is None else data_facts(config.val_data, config.labels).identity
    tests = [data_facts(folder) for folder in config.test]
    names = [test.name for test in tests]
    if len(set(names)) < len(names):
        raise ValueError(f"test sets need different names, and these are {', '.join(names)}")
    adapted_to = _adapted_to(config, tests)
    cells = tuple(config.cells(SAMPLES_GPU if _gpu(config) else SAMPLES_CPU, data.identity, val))
    wanted = wanted_of(tests, config.detector, adapted_to)
    with nullcontext() if report_only else only_writer(config.out, "fauxface study"):
        results = load_results(config.out)
        if not report_only:
            _claim(config)
            _run(config, cells, results, wanted, adapted_to)
        rendered = frozenset(test.name for test in tests if not test.annotated)
        material = Material(config, cells, wanted, results, rendered, speeds())
        return write_report(material, about(), command), results


def _run(config: StudyConfig, cells: tuple[Cell, ...], results: Results, wanted: list[Key], adapted_to: str) -> None:
    """Run the cells whose rows are missing, and save the results of each when it is done."""
    done = {cell.identity for cell in cells if results.has(cell.identity, wanted)}
    minutes = {str(row["cell"]): float(row["minutes"]) for row in results.rows.values() if row.get("minutes")}
    workers = 1 if config.dask else config.workers
    plan = Plan(config, cells, max(1, cores() // (workers * config.devices)), adapted_to)
    overview = Overview(config.out, cells, done, minutes, workers)
    left = [number for number, cell in enumerate(cells) if cell.identity not in done]
    with overview.shown() as console:
        console.print(label(overview.summary()), highlight=False)
        last = time.monotonic()

        def keep(job: int, finished: Finished) -> None:
            nonlocal last
            results.add(finished.rows, finished.errors)
            results.save(config.out)
            overview.finished(cells[job])
            minutes[cells[job].identity] = workers * (time.monotonic() - last) / 60
            last = time.monotonic()
            best = min(float(row["nme"] or "inf") for row in finished.rows)
            console.print(label(f"{cells[job].name}: NME {best:.2f}; {overview.summary()}"), highlight=False)

        run_jobs(partial(run_cell, plan), left, workers, "cells", keep, config.dask, shown=False)
    if not left:
        results.save(config.out)


def _adapted_to(config: StudyConfig, tests: list[DataFacts]) -> str:
    """Hash of the adapters' data, empty for none; ValueError for rendered faces and for faces of a test set."""
    if config.adapt_data is None:
        return ""
    data = data_facts(config.adapt_data, split=config.adapt_split)
    if not data.annotated:
        raise ValueError(
            f"--adapt-data {config.adapt_data} has rendered labels: an adapter is fitted to annotated ones"
        )
    for test in tests:
        if both := data.sources & test.sources:
            raise ValueError(f"--adapt-data {config.adapt_data} holds {len(both)} faces of the test set {test.name}")
    return data.identity


def _probe(config: StudyConfig, model: str, images: int, policy: str) -> Cell:
    """Cell with which the settings are checked."""
    cell = next(iter(config.cells(1, "", "")))
    return Cell(**{**vars(cell), "model": model, "images": images, "policy": policy})


def _gpu(config: StudyConfig) -> bool:
    return config.accelerator in ("auto", "cuda") and torch.cuda.is_available()


def _claim(config: StudyConfig) -> None:
    """Note the settings in the study's folder; FileExistsError for one that holds something else."""
    out = config.out
    if not _is_settings(out / SETTINGS):
        own = (RESULTS, ERRORS, REPORT, MARKDOWN, FIGURES) if (out / RESULTS).is_file() else ()
        empty_or_new(out, "the study", (*own, *(path.name for path in out.glob(ARCHIVES))))
    write_text(out / SETTINGS, yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True))


def _is_settings(path: Path) -> bool:
    """True if the file holds a study's settings, of any version."""
    try:
        settings = yaml.safe_load(path.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(settings, dict) and {"data", "test", "models", "policies"} <= settings.keys()
