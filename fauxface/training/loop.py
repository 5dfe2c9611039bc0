"""The training loop, on Lightning Fabric.

Every batch depends on (seed, epoch, position in the epoch) alone, and everything that changes is saved. So a killed run
that continues on the same CPU with the same threads ends with the same weights as an uninterrupted one. A batch is
divided into parts: one for each process, and in a process one for each accumulation of gradients.
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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch import Tensor

from fauxface import augment
from fauxface.console import progress_console
from fauxface.models import FaceNetwork, build_network
from fauxface.models.one_stage import NAME
from fauxface.outputs import only_writer
from fauxface.parsing import as_record
from fauxface.training.config import Scheduled, TrainingConfig
from fauxface.training.data import RunData, load_data
from fauxface.training.frames import FrameData, load_frames
from fauxface.training.log import COLUMNS, draw_curves, write_log
from fauxface.training.loggers import check_logger, open_logger
from fauxface.training.memory import keep_freed_memory
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
from fauxface.training.run import (
    LOG_FILE,
    Start,
    begin_run,
    check_run,
    first_model,
    is_finished,
    settle,
    write_checkpoint,
)
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
"""Approximate number of epochs in a run that are validated and logged."""
SAVE_SECONDS = 30.0
"""Least time from the last save to one at the end of a logged epoch."""
SAVE_SECONDS_WITHIN = 180.0
"""Least time from the last save to one within an epoch."""
CHECK_STEPS = 20
"""Steps from one check of the loss to the next; each check waits for the device."""


@dataclass
class Done:
    """Progress of a run; with the tensors, everything that a killed run needs to continue.

    Attributes:
        step: optimiser steps done.
        loss: sum of the losses since the last logged epoch.
        losses: number of these losses.
        minutes: time spent, over all attempts.
        rows: the log so far.
    """

    step: int = 0
    loss: float = 0.0
    losses: int = 0
    minutes: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, record: dict[str, Any], folder: Path) -> Done:
        """The progress in a saved record; ValueError, with its folder, if it is not valid."""
        done = as_record(cls, {f.name: record.get(f.name) for f in fields(cls)}, f"{folder}: the saved state")
        if any(row.keys() != set(COLUMNS) for row in done.rows):
            raise ValueError(f"{folder}: the log in the saved state has other columns than {', '.join(COLUMNS)}")
        return done


def train(config: TrainingConfig) -> Path:
    """Train a model on labelled faces; return the run's folder.

    The folder gets ``config.yaml``, ``log.csv``, ``curves.png``, ``checkpoint/`` (averaged weights) and ``resume/``.
    FileExistsError if it holds a run already and ``config.resume`` is off, or something else; BlockingIOError while
    another process trains there; ValueError for settings or data that cannot be used, and if the loss becomes infinite
    or NaN; errors of `load_data`.
    """
    settled = check(config)
    check_accelerator(settled.accelerator, settled.devices)
    check_run(settled)
    with only_writer(settled.out, "fauxface train") if leads() else nullcontext():
        return launch(_train, settled, precision_of(settled))


def check(config: TrainingConfig) -> Scheduled:
    """Check a configuration without its data, and fill its unset fields.

    ValueError, in one line, for impossible settings, an unknown policy or model; errors of `read_card`.
    """
    settled = settle(config)
    settled.check()
    augment.policy(settled.augment)
    check_logger(settled.logger)
    if not settled.pretrained and settled.init is None:
        with torch.device("meta"):  # the layers without weights
            build_network(settled.model, settled.input_size, "ibug68", **settled.model_options())
    return settled


@dataclass(frozen=True)
class Plan:
    """Length of a run, and its division into epochs, steps and parts of batches.

    Attributes:
        count: training samples.
        pieces: parts of a batch, over all processes.
        batch: samples in a step.
        per_epoch: steps in an epoch.
        steps: steps of the run.
        log_every: epochs from one row of the log to the next.
    """

    count: int
    pieces: int
    batch: int
    per_epoch: int
    steps: int
    log_every: int

    @classmethod
    def of(cls, config: Scheduled, count: int, processes: int) -> Plan:
        """The plan for ``count`` samples; ValueError if a batch cannot be divided into its parts."""
        pieces = processes * config.accumulate
        batch = min(config.batch, count // pieces * pieces)
        if batch == 0:
            raise ValueError(f"{count} images cannot be shared among {pieces} (--devices × --nodes × --accumulate)")
        per_epoch = count // batch
        steps = total_steps(config, per_epoch, batch)
        return cls(count, pieces, batch, per_epoch, steps, math.ceil(steps / per_epoch / LOGGED_EPOCHS))

    def logs(self, step: int) -> bool:
        """True if the log gets a row after ``step``, counted from 0: at the end of some epochs and of the run."""
        epoch, place = divmod(step, self.per_epoch)
        return step + 1 == self.steps or (place == self.per_epoch - 1 and (epoch + 1) % self.log_every == 0)


@dataclass
class _Trainer:
    """One process's part of a training run.

    Attributes:
        fabric: the processes that train together.
        config: the configuration.
        run: the run's folder.
        data: training and validation data.
        start: origin of the first weights, and the teacher.
        model: the model.
        wrapped: the same model, set up by Fabric and perhaps compiled.
        optimizer: its optimiser.
        average: the running average of its weights.
        plan: length and division of the run.
        done: progress so far.
        loss_sum: sum of the losses since the last logged epoch, on the device.
    """

    fabric: Fabric
    config: Scheduled
    run: Path
    data: RunData | FrameData
    start: Start
    model: FaceNetwork
    wrapped: Any
    optimizer: Any
    average: WeightAverage
    plan: Plan
    done: Done
    loss_sum: Tensor

    def step(self, step: int) -> float:
        """Do one optimiser step, counted from 0; return its learning rate."""
        fabric, plan, accumulate = self.fabric, self.plan, self.config.accumulate
        epoch, place = divmod(step, plan.per_epoch)
        chosen = shuffled(plan.count, self.config.seed, epoch)[place * plan.batch : (place + 1) * plan.batch]
        rate = learning_rate(self.config, step, plan.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        first = fabric.global_rank * accumulate
        pieces = chosen.chunk(plan.pieces)[first : first + accumulate]
        for number, piece in enumerate(pieces, start=1):
            with fabric.no_backward_sync(self.wrapped, enabled=number < len(pieces)):
                loss = self._loss(piece, epoch)
                fabric.backward(loss)
            self.loss_sum += loss.detach()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update(step)
        self.done.step, self.done.losses = step + 1, self.done.losses + 1
        return rate

    def _loss(self, chosen: Tensor, epoch: int) -> Tensor:
        """The loss, a scalar, of one part of a batch, the samples ``chosen`` (B,); its share of the step's loss."""
        images, targets = self.data.batch(chosen, epoch, self.fabric.to_device)
        outputs = self.wrapped(images.contiguous(memory_format=torch.channels_last))
        loss = self.model.loss(outputs, targets)
        if self.start.teacher is not None:
            loss = loss + self.config.teacher_weight * self.start.teacher.loss(self.model, outputs, images)
        return loss / self.config.accumulate

    def mean_loss(self) -> float:
        """Mean loss since the last logged epoch, over all processes; ValueError if it is not finite."""
        self.done.loss = mean_over_ranks(self.fabric, self.loss_sum.item())
        if not math.isfinite(self.done.loss):
            raise ValueError(
                f"the loss is no longer a finite number after {self.done.step} steps: "
                f"try a lower --lr (now {self.config.lr:g}), a longer --warmup or --precision 32"
            )
        return self.done.loss / self.done.losses

    def log(self, rate: float, loss: float, speed: float) -> float:
        """Validate the averaged weights, add a row to the log, and return the NME in percent."""
        done, plan = self.done, self.plan
        average_statistics(self.fabric, self.average.model)
        val_loss, val_nme = self.data.validate(self.average.model)
        epoch = (done.step - 1) // plan.per_epoch + 1
        row = (epoch, done.step, done.step * plan.batch, rate, loss, val_loss, val_nme, speed, done.minutes)
        done.rows.append(dict(zip(COLUMNS, row, strict=True)))
        done.loss, done.losses = 0.0, 0
        self.loss_sum.zero_()
        return val_nme

    def save(self) -> None:
        """Write the state, the checkpoint, the curves and the log."""
        run, done, average = self.run, self.done, self.average.model
        average_statistics(self.fabric, self.model, average)
        if self.fabric.is_global_zero:
            save_state(run / "resume", done.step, pack_tensors(self.model, average, self.optimizer), asdict(done))
            write_checkpoint(run / "checkpoint", average, self.config, self.data, self.start, done.rows)
            draw_curves(run / "curves.png", done.rows)
            write_log(run / LOG_FILE, done.rows)  # last: see `is_finished`


def _prepared(fabric: Fabric, config: Scheduled) -> _Trainer:
    """Read the data and build the model, or restore both from the last saved state."""
    run = check_run(config)
    data = load_frames(config) if config.model == NAME else load_data(config, fabric.device)
    model, start = first_model(config, data)
    start = replace(start, teacher=load_teacher(config, model.scheme, data.labels, fabric.device))
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
    plan = Plan.of(config, len(data.train), fabric.world_size)
    loss_sum = torch.tensor(done.loss, device=fabric.device)
    return _Trainer(
        fabric=fabric,
        config=config,
        run=run,
        data=data,
        start=start,
        model=model,
        wrapped=wrapped,
        optimizer=optimizer,
        average=average,
        plan=plan,
        done=done,
        loss_sum=loss_sum,
    )


def _train(fabric: Fabric, config: Scheduled) -> Path:
    """The loop, in one of the processes."""
    if config.threads or fabric.world_size > 1:
        torch.set_num_threads(threads_each(config))
    torch.backends.cudnn.benchmark = True  # all batches have one shape: find the fastest convolutions for it
    trainer = _prepared(fabric, config)
    plan, done = trainer.plan, trainer.done
    began = last_saved = time.monotonic()
    minutes_before, first_step = done.minutes, done.step
    logger = open_logger(config.logger if fabric.is_global_zero else None, trainer.run, asdict(config), done.step)
    shown = _progress(plan.steps, done, fabric.is_global_zero)
    with keep_freed_memory(), shown as (progress, task), logger as tell:
        for step in range(done.step, plan.steps):
            rate = trainer.step(step)
            log_now = plan.logs(step)
            if not (log_now or done.step % CHECK_STEPS == 0):
                continue
            mean_loss = trainer.mean_loss()
            seconds = time.monotonic() - began
            done.minutes = minutes_before + seconds / 60
            speed = (done.step - first_step) * plan.batch / seconds
            progress.update(task, completed=done.step, speed=f"{speed:.0f}", loss=f"{mean_loss:.4f}")
            if log_now:
                progress.update(task, nme=f"{trainer.log(rate, mean_loss, speed):.2f} %")
                tell(done.rows[-1])
            unsaved = time.monotonic() - last_saved
            due = unsaved > (SAVE_SECONDS if log_now else SAVE_SECONDS_WITHIN)
            if agreed(fabric, done.step == plan.steps or due):
                trainer.save()
                last_saved = time.monotonic()
    if first_step == plan.steps and not agreed(fabric, is_finished(trainer.run, plan.steps)):
        trainer.save()  # killed between its last state and its log; a complete run stays, it may be calibrated by now
    return trainer.run


@contextmanager
def _progress(steps: int, done: Done, shown: bool) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on standard error with steps, images/s, loss, NME and remaining time."""
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]} images/s, loss {task.fields[loss]}, held-out NME {task.fields[nme]},"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=progress_console(), disable=not shown) as progress:
        nme = f"{done.rows[-1]['val_nme']:.2f} %" if done.rows else "–"
        yield progress, progress.add_task("", total=steps, completed=done.step, speed="–", loss="–", nme=nme)
