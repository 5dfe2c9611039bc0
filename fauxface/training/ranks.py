"""Processes that train one model together (DDP of Lightning Fabric): start, agree and end.

Each process takes its share of every batch and has its own batch-norm statistics. Gradients are averaged in every step,
the statistics whenever the weights are evaluated or saved. On CPUs, two processes with one thread each are faster than
one with two, because small layers do not keep two threads busy.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from timm.layers.norm_act import convert_sync_batchnorm
from torch import nn
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from fauxface.jobs import end_with_parent, end_workers
from fauxface.models import FaceNetwork
from fauxface.training.config import Scheduled

_BROKEN = "a training process ended early (killed, or out of memory); continue from the last saved state with --resume"


def check_accelerator(accelerator: str, devices: int) -> None:
    """Raise a ValueError of one line if the machine lacks the accelerator, or has fewer GPUs than ``devices``."""
    have = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    names = {"cuda": "CUDA GPU", "mps": "Apple GPU"}
    if accelerator in have and not have[accelerator]:
        raise ValueError(
            f"--accelerator {accelerator}: torch finds no {names[accelerator]} here; auto uses the available hardware"
        )
    found = accelerator if accelerator != "auto" else next((name for name, count in have.items() if count), "cpu")
    if found in have and devices > have[found]:
        raise ValueError(f"--devices {devices}: torch finds only {have[found]} {names[found]} here")


def launch(run: Callable[[Fabric, Scheduled], Path], config: Scheduled, precision: Any) -> Path:
    """Call ``run`` in the processes of the configuration; return the result of the first.

    ``precision`` is Fabric's name. Under torchrun or SLURM this process is already one of them. ValueError and OSError
    are passed on; OSError if a process is killed.
    """
    outside = _from_outside()
    if config.devices == 1 and not outside:
        return run(Fabric(accelerator=config.accelerator, devices=1, precision=precision), config)
    start = "popen" if outside else "spawn"
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would report the registration of each process
    strategy = DDPStrategy(start_method=start, forward_sync_buffers=False)
    fabric = Fabric(
        accelerator=config.accelerator,
        devices=config.devices,
        num_nodes=config.nodes,
        strategy=strategy,
        precision=precision,
    )
    try:
        result = fabric.launch(partial(_guarded, run=run, config=config))
    except (ProcessExitedException, ProcessRaisedException) as error:
        raise OSError(_BROKEN) from error
    except KeyboardInterrupt:
        end_workers()
        raise
    if isinstance(result, Exception):
        raise result
    return result


def leads() -> bool:
    """True in the first of the processes that torchrun or SLURM started, or in the only process."""
    return not _from_outside() or int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0"))) == 0


def _from_outside() -> bool:
    return TorchElasticEnvironment.detect() or "SLURM_NTASKS" in os.environ


def _guarded(fabric: Fabric, run: Callable[[Fabric, Scheduled], Path], config: Scheduled) -> Path | Exception | None:
    """Call ``run`` and return its errors, because exceptions lose their type between processes."""
    if multiprocessing.parent_process() is not None:  # not under torchrun, which ends its processes itself
        end_with_parent()
    try:
        result = run(fabric, config)
        leave(fabric)
        return result
    except (ValueError, OSError) as error:
        return error
    except RuntimeError as error:
        if "gloo" in str(error).lower() or "connection" in str(error).lower() or "nccl" in str(error).lower():
            return OSError(_BROKEN)  # another process is gone, after printing its own message
        raise


def leave(fabric: Fabric) -> None:
    """Wait for the other processes and leave their group; without that, exiting may abort a process."""
    if fabric.world_size > 1:
        fabric.barrier()
        torch.distributed.destroy_process_group()


def threads_each(config: Scheduled) -> int:
    """CPU threads of one process: as configured, or its share of the cores."""
    return config.threads or max(1, (os.cpu_count() or 1) // config.devices)


def synchronised(model: FaceNetwork, config: Scheduled, fabric: Fabric) -> FaceNetwork:
    """The model, with batch normalisation over all processes if configured; ValueError for that on CPUs."""
    if not config.sync_batchnorm:
        return model
    if fabric.device.type != "cuda":
        raise ValueError("--sync-batchnorm needs GPUs: torch synchronises batch normalisation only there")
    return cast(FaceNetwork, convert_sync_batchnorm(model))


@torch.no_grad()
def average_statistics(fabric: Fabric, *models: nn.Module) -> None:
    """Replace the batch-norm statistics of each process by their mean over all processes.

    The statistics are linear in the batches, so the number of calls does not change the result.
    """
    if fabric.world_size == 1:
        return
    for model in models:
        buffers = [b for b in model.buffers() if b.is_floating_point()]
        if not buffers:
            continue
        flat = torch.cat([b.flatten() for b in buffers])
        means = torch.as_tensor(fabric.all_reduce(flat, reduce_op="mean"))
        for buffer, part in zip(buffers, means.split([b.numel() for b in buffers]), strict=True):
            buffer.copy_(part.view_as(buffer))


def agreed(fabric: Fabric, value: bool) -> bool:
    """The first process's ``value``, in all processes: their clocks differ, but all must do the same."""
    return value if fabric.world_size == 1 else bool(fabric.broadcast(value))


def mean_over_ranks(fabric: Fabric, value: float) -> float:
    """The mean over the processes."""
    if fabric.world_size == 1:
        return value
    reduced = fabric.all_reduce(torch.tensor(value, dtype=torch.float64, device=fabric.device), reduce_op="mean")
    return float(torch.as_tensor(reduced))
