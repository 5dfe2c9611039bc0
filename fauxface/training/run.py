"""The folder of a run: check it, build the first model, write the checkpoint."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml

from fauxface.checkpoint import (
    Card,
    card_of,
    lane_of,
    load_checkpoint,
    load_network,
    load_one_stage,
    read_card,
    save_checkpoint,
)
from fauxface.datasets.frames import SCHEME
from fauxface.files import sweep, write_text
from fauxface.models import FaceNetwork, build_model
from fauxface.models.one_stage import OneStage
from fauxface.outputs import empty_or_new
from fauxface.parsing import clipped, read_yaml_mapping
from fauxface.targets import extra_targets
from fauxface.training.config import PIP_ONLY, Scheduled, TrainingConfig
from fauxface.training.data import RunData
from fauxface.training.frames import FrameData
from fauxface.training.log import last_step
from fauxface.training.teacher import Teacher

CONFIG_FILE = "config.yaml"
LOG_FILE = "log.csv"


@dataclass(frozen=True)
class Start:
    """Origin of the first weights: a checkpoint with ``card``, the model ``hub``, or random; and the teacher."""

    card: Card | None
    hub: bool
    teacher: Teacher | None = None


def settle(config: TrainingConfig) -> Scheduled:
    """Fill unset fields of the configuration, also from the checkpoint that it starts from.

    ValueError for two ways to start; errors of `read_card`.
    """
    if config.pretrained and config.init is not None:
        raise ValueError("--pretrained and --init are two ways to start: give only one")
    if config.init is not None and (config.input_size is None or config.targets is None):
        card = read_card(config.init)
        if config.input_size is None:
            config = replace(config, input_size=card.input_size)
        if config.targets is None and extra_targets(card.targets):  # the checkpoint's targets are learned further
            config = replace(config, targets=tuple(card.targets))
    return config.scheduled()


def check_run(config: Scheduled) -> Path:
    """Check that the folder suits the run, and return it; nothing is written.

    FileExistsError if it holds a run and ``resume`` is off, or something else; ValueError if its run has other
    settings.
    """
    run = config.out
    path = run / CONFIG_FILE
    if not path.is_file():
        empty_or_new(run, "a training run")
        return run
    if not config.resume:
        raise FileExistsError(f"{run} already holds a training run; continue it with --resume or choose another folder")
    earlier = read_yaml_mapping(path)
    if changed := config.differences(earlier):
        now = config.as_dict()
        changes = ", ".join(f"{name} {clipped(earlier.get(name))} → {now[name]}" for name in changed)
        raise ValueError(f"{run} began with other settings ({changes}); a resumed run must keep them")
    return run


def begin_run(config: Scheduled) -> None:
    """Write the configuration, and remove temporary files of a killed run."""
    run = config.out
    for folder in (run, run / "checkpoint", run / "resume"):
        sweep(folder)
    if not (run / CONFIG_FILE).is_file():
        write_text(run / CONFIG_FILE, yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True))


def is_finished(run: Path, steps: int) -> bool:
    """True if a run of ``steps`` is written completely: its log, which comes last, and a checkpoint that loads."""
    if last_step(run / LOG_FILE) < steps:
        return False
    try:
        load_network(run / "checkpoint")
    except (OSError, ValueError):
        return False
    return True


def first_model(config: Scheduled, data: RunData | FrameData) -> tuple[FaceNetwork, Start]:
    """The model before the first step, and its origin; errors of `build_model` and `load_checkpoint`."""
    if isinstance(data, FrameData):
        return _first_detector(config)
    scheme, options = data.train.scheme, {**config.model_options(), "visibility": data.train.visibility is not None}
    if config.init is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            model = build_model(config.model, config.input_size, scheme, pretrained=config.pretrained, **options)
        model.learn_statistics(torch.from_numpy(data.train.landmarks) - data.train.padding)
        return model, Start(None, config.pretrained)
    source, card = load_checkpoint(config.init)
    wanted = f"{config.model} at {config.input_size} px for {scheme}"
    found = f"{card.model} at {card.input_size} px for {card.scheme}"
    if (config.model, scheme) != (card.model, card.scheme):
        raise ValueError(f"--init {config.init} is {found}, not {wanted}")
    # options for the shapes of weights stay; the loss may change, and so may targets, which are new heads
    changing = {"loss"} if config.targets is None else {"loss", "visibility", "targets"}
    # a neck may be added: the backbone goes on, what is behind it begins anew
    adds_neck = config.neck not in (None, "none") and "neck" not in card.options
    if adds_neck:
        changing |= {"neck", "neck_width"}
    kept = {name: value for name, value in card.options.items() if name not in changing}
    for name in PIP_ONLY:
        now, then = getattr(config, name), kept.get(name, "none")  # cards of models without a neck have no entry for it
        if now not in (None, then) and name not in changing:
            raise ValueError(f"--{name.replace('_', '-')} of --init {config.init} is {then}, not {now}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = build_model(config.model, config.input_size, scheme, **(options | kept))
    # the calibration belongs to the old weights; the new card has none
    fresh = model.state_dict()
    names = fresh.keys() - {"sigma_factor"}
    weights = {name: value for name, value in source.state_dict().items() if name in names}
    if adds_neck:
        weights = {name: value for name, value in weights.items() if value.shape == fresh[name].shape}
    # convolutions take crops of any size
    if any(value.shape != fresh[name].shape for name, value in weights.items()):
        raise ValueError(f"--init {config.init} is {found}, whose weights do not fit {wanted}")
    model.load_state_dict(fresh | weights)
    return model, Start(card, False)


def _first_detector(config: Scheduled) -> tuple[OneStage, Start]:
    if config.init is not None:
        model, card = load_one_stage(config.init)  # whatever size of frames it was trained on
        model.input_size = config.input_size
        return model, Start(card, False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return OneStage(config.input_size, SCHEME), Start(None, False)


def write_checkpoint(
    folder: Path,
    model: FaceNetwork,
    config: Scheduled,
    data: RunData | FrameData,
    start: Start,
    rows: list[dict[str, Any]],
) -> None:
    """Write the averaged weights with a card about their origin."""
    teacher = start.teacher
    begun = start.card or ("hub" if start.hub else "random")
    empty, sources = (data.empty, data.empty_sources) if isinstance(data, FrameData) else (None, ())
    ours = data.generator is not None and (empty is None or bool(sources))
    lane = lane_of(ours, begun, None if teacher is None else teacher.card)
    card = card_of(model, data.labels, config.crop_margin, lane, config.crop)
    card.training = config.as_dict()
    card.provenance = {
        "generator": data.generator,
        "data": config.data.name,
        "images": len(data.train),
        "skipped": len(data.train.skipped),
        "held_out": len(data.val),
        "seed": config.seed,
        "init": "hub" if start.hub else config.init or "random",
        "versions": {name: version(name) for name in ("fauxface", "torch", "timm", "numpy")},
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} threads",
    }
    if empty is not None:
        card.provenance["without_faces"] = {"images": len(empty), "sources": list(sources)}
    if teacher is not None:
        card.provenance["teacher"] = teacher.provenance()
    if start.card is not None:
        card.provenance["init_provenance"] = start.card.provenance
    if rows:
        card.scores = {"held_out_nme": round(rows[-1]["val_nme"], 4)}
    save_checkpoint(folder, model, card)
