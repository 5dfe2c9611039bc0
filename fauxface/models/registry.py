"""The list of models, named ``<backbone>-<method>``. A new method is one new file and one line here.

Another package adds a method with an entry point of the group ``fauxface.methods`` that names a class like those in
``METHODS``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, get_type_hints

from fauxface.models import one_stage
from fauxface.models.base import FaceNetwork, LandmarkModel
from fauxface.models.coordinates import Coordinates
from fauxface.models.heatmaps import Heatmaps
from fauxface.models.pip import Pip
from fauxface.parsing import clipped, fits, shown
from fauxface.plugins import load_plugin, plugin_names

METHODS: Mapping[str, Callable[..., LandmarkModel]] = MappingProxyType(
    {"coordinates": Coordinates, "heatmaps": Heatmaps, "pip": Pip}
)
"""Method → its class, called with (name, backbone, input_size, scheme, **options).

Training passes the option ``visibility`` and, for extra targets, ``targets``."""
GROUP = "fauxface.methods"
"""Group of the entry points with which other packages add methods."""

MODELS: tuple[str, ...] = (
    "mobilenetv1-coordinates",
    "mobilenetv2-coordinates",
    "mobilenetv3-coordinates",
    "mobilenetv3small-coordinates",
    "resnet18-coordinates",
    "resnet34-coordinates",
    "resnet50-coordinates",
    "mobilenetv2-heatmaps",
    "mobilenetv2-pip",
    "mobilenetv3-pip",
    "mobilenetv3small-pip",
    "resnet18-pip",
    "resnet50-pip",
    "resnet101-pip",
)
"""The models that are listed and tested; any other backbone of timm works by its name."""


def build_model(name: str, input_size: int, scheme: str, **options: Any) -> LandmarkModel:
    """A model with random weights (the hub's in its backbone with ``pretrained=True``).

    Args:
        name: ``<backbone>-<method>``; the backbone is a short name or any name of timm.
        input_size: side of the crops, pixels.
        scheme: name of the landmark scheme.
        options: options of the method, see its class.

    ValueError, in one line, for an unknown method, backbone, option or option's value.
    """
    backbone, _, method = name.rpartition("-")
    build = method_of(method) if backbone else None
    if build is None:
        methods = ", ".join(f"<backbone>-{m}" for m in (*METHODS, *plugin_names(GROUP)))
        raise ValueError(f"unknown model '{name}'; there are {', '.join(MODELS)}; others are named {methods}")
    if input_size < 32:
        raise ValueError(f"the model's crops must be 32 px wide or more, not {input_size} px")
    known = inspect.signature(build).parameters
    for option in options.keys() - known.keys():
        raise ValueError(f"{name} has no option '{option}'; it belongs to another method")
    return build(name, backbone, input_size, scheme, **options)


def method_of(name: str) -> Callable[..., LandmarkModel] | None:
    """The method with this name, built in or from another package; None if unknown; ValueError if loading fails."""
    if name in METHODS:
        return METHODS[name]
    found = load_plugin(GROUP, name, type)
    if found is not None and not issubclass(found, LandmarkModel):
        raise ValueError(f"the method '{name}' of another package is not a fauxface.models.LandmarkModel")
    return found


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Raise a ValueError of one line for options, or types of values, that a model with this name does not have.

    ``pretrained`` does not count as an option here, because a checkpoint has its own weights.
    """
    method = method_of(name.rpartition("-")[2])
    hints = get_type_hints(method.__init__) if isinstance(method, type) and name != one_stage.NAME else {}
    choices = inspect.signature(method).parameters if hints and method is not None else {}
    known = {option for option, choice in choices.items() if choice.kind is choice.KEYWORD_ONLY} - {"pretrained"}
    for option, value in options.items():
        if option not in known:
            raise ValueError(f"{name} has no option {clipped(option)}; it has {', '.join(sorted(known)) or 'none'}")
        if not fits(value, hints[option]):
            raise ValueError(f"the option {option} cannot be {shown(value)}")


def build_network(name: str, input_size: int, scheme: str, **options: Any) -> FaceNetwork:
    """A landmark model as from `build_model`, or the face detector ``one-stage``; errors of `build_model`."""
    if name == one_stage.NAME:
        return one_stage.OneStage(input_size, scheme, **options)
    return build_model(name, input_size, scheme, **options)
