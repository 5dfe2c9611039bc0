"""Which models there are: ``<backbone>-<method>``. A new method is one new file and one line here.

Another package brings one by an entry point of the group ``fauxface.methods`` that names a class as those in
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

Training gives the option ``visibility`` and, where further targets are asked for, ``targets``."""
GROUP = "fauxface.methods"
"""The entry points by which other packages add methods."""

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
"""The models that are listed and tested; any other timm backbone works by name."""


def build_model(name: str, input_size: int, scheme: str, **options: Any) -> LandmarkModel:
    """A model with random weights (the hub's in its backbone with ``pretrained=True``).

    Args:
        name: ``<backbone>-<method>``; the backbone is one of ours or any of timm's.
        input_size: side of the crops, pixels.
        scheme: name of the landmark scheme.
        options: what the method offers beside: see its class.

    ValueError, in one line, for an unknown method, backbone, option or option's value.
    """
    backbone, _, method = name.rpartition("-")
    build = method_of(method) if backbone else None
    if build is None:
        methods = ", ".join(f"<backbone>-{m}" for m in (*METHODS, *plugin_names(GROUP)))
        raise ValueError(f"unknown model '{name}'; there are {', '.join(MODELS)}; others are named {methods}")
    if input_size < 32:
        raise ValueError(f"the model's crops are {input_size} px; 32 px is the least")
    known = inspect.signature(build).parameters
    for option in options.keys() - known.keys():
        raise ValueError(f"{name} has no '{option}' to choose: that is another method's option")
    return build(name, backbone, input_size, scheme, **options)


def method_of(name: str) -> Callable[..., LandmarkModel] | None:
    """The method of that name, ours or another package's, None if there is none; ValueError if it cannot be loaded."""
    if name in METHODS:
        return METHODS[name]
    found = load_plugin(GROUP, name, type)
    if found is not None and not issubclass(found, LandmarkModel):
        raise ValueError(f"the method '{name}' of another package is no fauxface.models.LandmarkModel")
    return found


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """ValueError, in one line, unless a model of that name is rebuilt by such options, each of its kind.

    What only says where weights come from (``pretrained``) is none of them: a checkpoint brings its own.
    """
    method = method_of(name.rpartition("-")[2])
    hints = get_type_hints(method.__init__) if isinstance(method, type) and name != one_stage.NAME else {}
    choices = inspect.signature(method).parameters if hints and method is not None else {}
    known = {option for option, told in choices.items() if told.kind is told.KEYWORD_ONLY} - {"pretrained"}
    for option, value in options.items():
        if option not in known:
            raise ValueError(f"{name} has no option {clipped(option)}; it has {', '.join(sorted(known)) or 'none'}")
        if not fits(value, hints[option]):
            raise ValueError(f"the option {option} cannot be {shown(value)}")


def build_network(name: str, input_size: int, scheme: str, **options: Any) -> FaceNetwork:
    """A landmark model as `build_model`, or the face detector ``one-stage``; errors as there."""
    if name == one_stage.NAME:
        return one_stage.OneStage(input_size, scheme, **options)
    return build_model(name, input_size, scheme, **options)
