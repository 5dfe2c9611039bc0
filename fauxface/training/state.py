"""The state from which a killed run continues: tensors in safetensors, the rest in JSON, two generations.

A generation is valid only if its JSON, which is written last, is complete and has the hash of its tensors. So after a
kill at least the previous one is valid.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from fauxface.files import write_bytes, write_text
from fauxface.parsing import clipped, read_json_object

GENERATIONS = 2
_GENERATION = re.compile(r"step-\d{9}\.(safetensors|json)")


def save_state(folder: Path, step: int, tensors: dict[str, Tensor], record: dict[str, Any]) -> None:
    """Write the state after ``step`` steps and remove all but the newest generations."""
    data = safetensors.torch.save({name: value.detach().cpu().contiguous() for name, value in tensors.items()})
    path = folder / f"step-{step:09d}.safetensors"
    write_bytes(path, data)
    digest = hashlib.sha256(data).hexdigest()
    write_text(path.with_suffix(".json"), json.dumps({**record, "step": step, "sha256": digest}, indent=1))
    kept = sorted(folder.glob("step-*.json"))[-GENERATIONS:]
    for old in folder.glob("step-*.*"):
        if _GENERATION.fullmatch(old.name) and old.stem not in {k.stem for k in kept}:
            old.unlink()


def load_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and record of the newest valid generation; None if there is none."""
    for path in sorted(folder.glob("step-*.json"), reverse=True):
        try:
            record = read_json_object(path)
            data = path.with_suffix(".safetensors").read_bytes()
            if hashlib.sha256(data).hexdigest() == record.get("sha256"):
                return safetensors.torch.load(data), record
        except (OSError, ValueError, SafetensorError):
            continue
    return None


def pack_tensors(
    model: torch.nn.Module, average: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, Tensor]:
    """Name → tensor, for every tensor that training changes."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, parameter in enumerate(_parameters(optimizer)):
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{index}.{key}"] = value
    return tensors


def restore_tensors(
    tensors: dict[str, Tensor], model: torch.nn.Module, average: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Restore tensors from `pack_tensors`; ValueError if they belong to another model."""
    for prefix, module in (("model.", model), ("average.", average)):
        try:
            module.load_state_dict({n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)})
        except RuntimeError as error:
            raise ValueError(f"the saved state is of another model ({clipped(error)})") from None
    for index, parameter in enumerate(_parameters(optimizer)):
        prefix = f"optimizer.{index}."
        for name, value in tensors.items():
            if name.startswith(prefix):
                # the fused kernel needs moments in the memory layout of their parameter (channels last)
                like = torch.empty_like(parameter) if value.shape == parameter.shape and value.ndim else value.clone()
                optimizer.state[parameter][name.removeprefix(prefix)] = like.copy_(value)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
