"""One cell of the study, in a worker process: train, measure the cost, score."""

from __future__ import annotations

import contextlib
import gc
import json
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch

from fauxface.evaluation.evaluation_sets import (
    EvaluationSet,
    Scored,
    open_evaluation_set,
    open_faces,
    score_checkpoint,
)
from fauxface.evaluation.predictions import AnnotatedFaces
from fauxface.files import write_bytes, write_text
from fauxface.jobs import processor
from fauxface.names import printable
from fauxface.parsing import fits, number, read_csv, read_json_object
from fauxface.study.config import Cell, StudyConfig
from fauxface.study.results import Row, row_of
from fauxface.training import train
from fauxface.training.config import TrainingConfig

LOG, STATE, COST, POINTS = "log.txt", "state.json", "cost.json", "points.safetensors"
"""Files of a cell's folder, beside ``run/`` and ``adapter/``."""
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Plan:
    """The workers' input: settings, cells, CPU threads of a cell, hash of the data that adapters are fitted to."""

    config: StudyConfig
    cells: tuple[Cell, ...]
    threads: int
    adapted_to: str = ""


@dataclass(frozen=True)
class Finished:
    """A cell's rows, and the errors (M,) of the test set's faces for each."""

    rows: list[Row]
    errors: list[np.ndarray]


def folder_of(out: Path, cell: Cell) -> Path:
    """The folder of a cell."""
    return out / "cells" / cell.identity


def run_cell(plan: Plan, job: int) -> Finished:
    """Train the cell with this number, or resume it after a kill, and score it; errors as those of training."""
    cell, folder = plan.cells[job], folder_of(plan.config.out, plan.cells[job])
    folder.mkdir(parents=True, exist_ok=True)
    with _logged(folder / LOG):
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {printable(cell.name)} ({cell.identity})", flush=True)
        try:
            _write_state(folder, "training")
            cost = _train(plan.config.training(cell, folder / "run", plan.threads), folder)
            _write_state(folder, "scoring")
            scored = score_checkpoint(
                folder / "run" / "checkpoint",
                [_evaluation_set(path) for path in plan.config.test],
                None if plan.config.adapt_data is None else _faces(plan.config.adapt_data, plan.config.adapt_split),
                folder / "adapter",
                plan.threads,
                plan.config.detector,
            )
        except BaseException:
            traceback.print_exc()
            _write_state(folder, "stopped")
            raise
        for one in scored:
            print(one.evaluation.table(), flush=True)
        _keep_points(folder, scored)
        shutil.rmtree(
            folder / "run" / "resume", ignore_errors=True
        )  # three times as large as the weights, and no longer needed
        _write_state(folder, "done")
    rows = [row_of(cell, one, cost, plan.config.detector, plan.adapted_to) for one in scored]
    return Finished(rows, [one.evaluation.errors for one in scored])


def _train(config: TrainingConfig, folder: Path) -> dict[str, Any]:
    """Train unless that is done; the cost: minutes, peak memory, device."""
    path = folder / COST
    before: dict[str, Any] = _cost_before(path)
    if before.get("done") and (config.out / "checkpoint").is_dir():
        return {name: before[name] for name in ("minutes", "peak_memory_mb", "device")}
    with _peak_memory(config) as peak:
        try:
            train(config)
        finally:  # the peak of a killed attempt counts too
            most = max(before.get("peak_memory_mb", 0.0), round(peak(), 1))
            write_text(path, json.dumps({"peak_memory_mb": most}))
    log = read_csv(config.out / "log.csv", ("minutes",))
    minutes = number(log[-1]["minutes"] if log else None, f"{config.out / 'log.csv'}: minutes")
    cost = {"minutes": minutes, "peak_memory_mb": most, "device": _device(config)}
    write_text(path, json.dumps({**cost, "done": True}))
    return cost


def _cost_before(path: Path) -> dict[str, Any]:
    """The cost of earlier attempts; empty without any, or for a damaged file."""
    kinds = {"minutes": float, "peak_memory_mb": float, "device": str, "done": bool}
    try:
        cost = read_json_object(path)
    except (OSError, ValueError):
        return {}
    if not all(fits(cost[name], kind) for name, kind in kinds.items() if name in cost):
        return {}
    return cost if not cost.get("done") or kinds.keys() <= cost.keys() else {}


@contextlib.contextmanager
def _peak_memory(config: TrainingConfig) -> Iterator[Any]:
    """A function that returns the peak memory since, in MB: the GPU's reserved memory, or the process's."""
    if _on_gpu(config):
        gc.collect()
        torch.cuda.empty_cache()  # memory that an earlier cell of this process kept
        torch.cuda.reset_peak_memory_stats()
        yield lambda: torch.cuda.max_memory_reserved() / 1e6
        return
    with contextlib.suppress(OSError):
        _RESET.write_text("5")  # Linux: reset the high-water mark

    def peak() -> float:
        if _STATUS.is_file():
            marks = [line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM")]
            return float(marks[0].split()[1]) / 1e3
        unit = 1e6 if sys.platform == "darwin" else 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

    yield peak


def _on_gpu(config: TrainingConfig) -> bool:
    return config.accelerator in ("auto", "cuda") and torch.cuda.is_available()


def _device(config: TrainingConfig) -> str:
    """Name of the GPU, or of the processor with its threads; without commas."""
    cpu = f"cpu ({processor()}; {config.threads} threads × {config.devices})"
    return (torch.cuda.get_device_name() if _on_gpu(config) else cpu).replace(",", " ")


@lru_cache
def _evaluation_set(folder: Path) -> EvaluationSet:
    return open_evaluation_set(folder)


@lru_cache
def _faces(folder: Path, split: str | None) -> AnnotatedFaces:
    return open_faces(folder, split)


def _keep_points(folder: Path, scored: list[Scored]) -> None:
    """Keep the annotated and predicted points of every test face, for the report's drawings."""
    tensors: dict[str, np.ndarray] = {}
    for one in scored:
        name = f"{one.data.identity}.{one.evaluation.box}.{'yes' if one.adapted else 'no'}"
        tensors[f"{name}.truth"] = one.evaluation.truth.astype(np.float32)
        tensors[f"{name}.points"] = one.evaluation.predictions.astype(np.float32)
    write_bytes(folder / POINTS, safetensors.numpy.save(tensors))


def _write_state(folder: Path, state: str) -> None:
    write_text(folder / STATE, json.dumps({"state": state, "since": time.time()}), sync=False)


@contextlib.contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Append everything printed to this file."""
    with path.open("a") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield
