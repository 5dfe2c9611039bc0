"""Extras: the parts of Fauxface that are installed on request, and the line that asks for a missing one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from types import MappingProxyType

EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "figures": ("matplotlib",),
        "train": (
            "torch",
            "torchvision",
            "timm",
            "lightning_fabric",
            "onnx",
            "onnxscript",
            "packaging",
            "scipy",
            "matplotlib",
        ),
        "render": ("moderngl", "anny", "scipy"),
        "demo": ("skimage", "torch", "moderngl"),
        "live": ("av", "starlette", "uvicorn", "websockets"),
        "sequences": ("OpenEXR",),
        "interchange": ("pxr", "pygltflib", "pythonosc"),
        "assets": ("OpenEXR",),
        "datasets": ("h5py",),
        "heic": ("pillow_heif",),
        "retinaface": ("retinaface",),
        "cluster": ("distributed",),
    }
)
"""Extra of pyproject.toml → modules that it brings. A module that several bring belongs to the first, unless a command
has the name of another."""
_ALSO = {"dask": "distributed", "h11": "uvicorn", "glcontext": "moderngl"}
"""Modules that come with one of these."""


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'fauxface[{extra}]'"


def extra_of(module: str, command: str = "") -> str | None:
    """The extra that brings a module (a dotted name counts as its package), preferably the command's; None if none."""
    package = module.partition(".")[0]
    package = _ALSO.get(package, package)
    if package in EXTRAS.get(command, ()):
        return command
    return next((extra for extra, modules in EXTRAS.items() if package in modules), None)


def advice(error: ModuleNotFoundError, what: str, command: str = "") -> str | None:
    """``WHAT needs MODULE: pip install …`` for a missing module of an extra; None for any other module."""
    extra = extra_of(error.name or "", command)
    return None if extra is None else f"{what} needs {error.name}: {install(extra)}"


def require(extra: str, what: str, *modules: str) -> None:
    """Raise ValueError, in one line that begins with ``what``, unless an extra's modules (all, or these) are there."""
    for module in modules or EXTRAS[extra]:
        if not installed(module):
            raise ValueError(f"{what} needs {module}: {install(extra)}")


def installed(module: str) -> bool:
    """True if a module can be imported; it is not imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def versions(*packages: str) -> list[str | None]:
    """The version of each package of an index, None where it is not installed."""
    found: list[str | None] = []
    for package in packages:
        try:
            found.append(version(package))
        except PackageNotFoundError:
            found.append(None)
    return found
