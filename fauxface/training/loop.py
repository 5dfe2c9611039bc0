"""The training loop, on Lightning Fabric, from top to bottom.

Every batch is a function of (seed, epoch, place in the epoch), and all that changes is saved: so a killed run that goes
on ends, on the same CPU with the same threads, with the weights of one that was never broken. A batch is taken in
pieces: one a process, and in each process as many as gradients are accumulated over.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from fauxface import augment
from fauxface.models import build_network
from fauxface.models.one_stage import NAME
from fauxface.outputs import only_writer
from fauxface.parsing import as_record
from fauxface.training.config import Scheduled, TrainingConfig
from fauxface.training.data import load_data
from fauxface.training.frames import load_frames
from fauxface.training.log import COLUMNS, draw_curves, write_log
from fauxface.training.ranks import (
    agreed,
    average_statistics,
    check_accelerator,
    launch,
    leads,
    mean_over_ranks,
    synchronised,
    threads_each,
)
from fauxface.training.run import LOG_FILE, begin_run, check_run, first_model, is_finished, settle, write_checkpoint
from fauxface.training.state import load_state, pack_tensors, restore_tensors, save_state
from fauxface.training.step import (
    WeightAverage,
    adamw,
    compiled,
    learning_rate,
    precision_of,
    shuffled,
    total_steps,
)
from fauxface.training.teacher import load_teacher

LOGGED_EPOCHS = 100
"""About so many epochs of a run are validated and logged."""
SAVE_SECONDS = 30.0
"""The end of a logged epoch is saved unless the last save is younger than this."""
SAVE_SECONDS_WITHIN = 180.0
"""Within an epoch a save comes when the last one is older than this."""
CHECK_STEPS = 20
"""How often the loss is looked at (each look waits for the device)."""


@dataclass
class Done:
    """How far a run is; with the tensors, all that a killed run needs to go on.

    Attributes:
        step: optimiser steps done.
        loss: sum of the losses since the last logged epoch.
        losses: how many they are.
        minutes: time spent, all attempts together.
        rows: the log so far.
    """

    step: int = 0
    loss: float = 0.0
    losses: int = 0
    minutes: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, record: dict[str, Any], folder: Path) -> Done:
        """What a saved record says; ValueError, naming its folder, if that is no run's."""
        done = as_record(cls, {f.name: record.get(f.name) for f in fields(cls)}, f"{folder}: the saved state")
        if any(row.keys() != set(COLUMNS) for row in done.rows):
            raise ValueError(f"{folder}: the saved state has a log of other columns than {', '.join(COLUMNS)}")
        return done


def train(config: TrainingConfig) -> Path:
    """Train a model on labelled faces; the run's folder.

    The folder gets ``config.yaml``, ``log.csv``, ``curves.png``, ``checkpoint/`` (averaged weights) and ``resume/``.
    FileExistsError if it holds a run already and ``config.resume`` is off, or something else; BlockingIOError while
    another training is at work there; ValueError for settings or data that cannot be used, and when the loss is no
    longer a finite number; errors of `load_data`.
    """
    settled = check(config)
    check_accelerator(settled.accelerator, settled.devices)
    check_run(settled)
    with only_writer(settled.out, "fauxface train") if leads() else nullcontext():
        return launch(_train, settled, precision_of(settled))


def check(config: TrainingConfig) -> Scheduled:
    """The configuration with nothing left open; no data is looked at.

    ValueError, in one line, for settings, a policy or a model that cannot be; errors of `read_card`.
    """
    settled = settle(config)
    settled.check()
    augment.policy(settled.augment)
    if not settled.pretrained and settled.init is None:
        with torch.device("meta"):  # its layers, without their numbers
            build_network(settled.model, settled.input_size, "ibug68", **settled.model_options())
    return settled


def _train(fabric: Fabric, config: Scheduled) -> Path:
    """The loop in one of the processes."""
    if config.threads or fabric.world_size > 1:
        torch.set_num_threads(threads_each(config))
    torch.backends.cudnn.benchmark = True  # all batches have one shape: the fastest convolutions for it
    run = check_run(config)
    data = load_frames(config) if config.model == NAME else load_data(config, fabric.device)
    model, start = first_model(config, data)
    teacher = load_teacher(config, model.scheme, data.labels, fabric.device)
    start = replace(start, teacher=teacher)
    fabric.barrier()  # until all have looked at the folder
    if fabric.is_global_zero:
        begin_run(config)

    model = synchronised(model, config, fabric).to(fabric.device).to(memory_format=torch.channels_last).train()
    average = WeightAverage(model, config.ema)
    wrapped, optimizer = fabric.setup(compiled(model) if config.compile else model, adamw(model, config))
    done = Done()
    if saved := load_state(run / "resume"):
        tensors, record = saved
        done = Done.of(record, run / "resume")
        restore_tensors(tensors, model, average.model, optimizer)

    count = len(data.train)
    pieces = fabric.world_size * config.accumulate
    batch = min(config.batch, count // pieces * pieces)
    if batch == 0:
        raise ValueError(f"{count} images cannot be shared among {pieces} (--devices × --nodes × --accumulate)")
    first_piece = fabric.global_rank * config.accumulate
    per_epoch = count // batch
    steps = total_steps(config, per_epoch, batch)
    log_every = math.ceil(steps / per_epoch / LOGGED_EPOCHS)

    def save() -> None:
        average_statistics(fabric, model, average.model)
        if fabric.is_global_zero:
            save_state(run / "resume", done.step, pack_tensors(model, average.model, optimizer), asdict(done))
            write_checkpoint(run / "checkpoint", average.model, config, data, start, done.rows)
            draw_curves(run / "curves.png", done.rows)
            write_log(run / LOG_FILE, done.rows)  # last: see `is_finished`

    def loss_of(chosen: torch.Tensor, epoch: int) -> torch.Tensor:
        images, targets = data.batch(chosen, epoch, fabric.to_device)
        outputs = wrapped(images.contiguous(memory_format=torch.channels_last))
        loss = model.loss(outputs, targets)
        if teacher is not None:
            loss = loss + config.teacher_weight * teacher.loss(model, outputs, images)
        return loss / config.accumulate

    loss_sum = torch.tensor(done.loss, device=fabric.device)
    began = last_saved = time.monotonic()
    minutes_before, first_step = done.minutes, done.step
    with _progress(steps, done, fabric.is_global_zero) as (progress, task):
        for step in range(done.step, steps):
            epoch, place = divmod(step, per_epoch)
            chosen = shuffled(count, config.seed, epoch)[place * batch : (place + 1) * batch]
            rate = learning_rate(config, step, steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            own = chosen.chunk(pieces)[first_piece : first_piece + config.accumulate]
            for number, piece in enumerate(own, start=1):
                with fabric.no_backward_sync(wrapped, enabled=number < len(own)):
                    loss = loss_of(piece, epoch)
                    fabric.backward(loss)
                loss_sum += loss.detach()
            optimizer.step()
            optimizer.zero_grad()
            average.update(step)
            done.step, done.losses = step + 1, done.losses + 1

            last = done.step == steps
            log_now = last or (place == per_epoch - 1 and (epoch + 1) % log_every == 0)
            if not (log_now or done.step % CHECK_STEPS == 0):
                continue
            done.loss = mean_over_ranks(fabric, loss_sum.item())
            if not math.isfinite(done.loss):
                raise ValueError(
                    f"the loss is no longer a finite number after {done.step} steps: "
                    f"try a lower --lr (now {config.lr:g}), a longer --warmup or --precision 32"
                )
            seconds = time.monotonic() - began
            done.minutes = minutes_before + seconds / 60
            speed, mean_loss = (done.step - first_step) * batch / seconds, done.loss / done.losses
            progress.update(task, completed=done.step, speed=f"{speed:.0f}", loss=f"{mean_loss:.4f}")
            if log_now:
                average_statistics(fabric, average.model)
                val_loss, val_nme = data.validate(average.model)
                row = (epoch + 1, done.step, done.step * batch, rate, mean_loss, val_loss, val_nme, speed, done.minutes)
                done.rows.append(dict(zip(COLUMNS, row, strict=True)))
                done.loss, done.losses = 0.0, 0
                loss_sum.zero_()
                progress.update(task, nme=f"{val_nme:.2f} %")
            unsaved = time.monotonic() - last_saved
            if agreed(fabric, last or unsaved > (SAVE_SECONDS if log_now else SAVE_SECONDS_WITHIN)):
                save()
                last_saved = time.monotonic()
    if first_step == steps and not agreed(fabric, is_finished(run, steps)):
        save()  # killed between its last state and its log; what is whole stays, it may be calibrated by now
    return run


@contextmanager
def _progress(steps: int, done: Done, shown: bool) -> Iterator[tuple[Progress, TaskID]]:
    """A bar on standard error that shows steps, images/s, loss, NME and the time left."""
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]} images/s, loss {task.fields[loss]}, held-out NME {task.fields[nme]},"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        nme = f"{done.rows[-1]['val_nme']:.2f} %" if done.rows else "–"
        yield progress, progress.add_task("", total=steps, completed=done.step, speed="–", loss="–", nme=nme)
