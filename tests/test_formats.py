"""Converters of other runtimes: what is asked of them, and how their failures are told. None need be installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
from onnx import TensorProto, helper

from fauxface.cli import COMMANDS
from fauxface.export import config
from fauxface.export.formats import FORMATS, export_as


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every converter is installed, in version 9, and asks for no other package."""
    here = {"torch": "2.15.0+cu132"}
    monkeypatch.setattr("fauxface.export.formats.installed", lambda _: True)
    monkeypatch.setattr("fauxface.export.formats.version", lambda package: here.get(package, "9"))
    monkeypatch.setattr("fauxface.export.formats.requires", lambda _: None)


def nothing() -> onnx.ModelProto:
    return helper.make_model(
        helper.make_graph([], "nothing", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])])
    )


def test_a_converter_that_fails_is_one_line_and_leaves_nothing(
    there: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(path: str) -> None:
        print("a progress bar", file=sys.stderr)
        raise RuntimeError(f"\nno such operator\n{path}")

    converter = SimpleNamespace(convert_model=fail, save_model=None)
    monkeypatch.setitem(sys.modules, "openvino", converter)  # type: ignore[arg-type]
    monkeypatch.setattr("fauxface.export.formats.exported", lambda *_: nothing())
    with pytest.raises(ValueError, match=r"^--format openvino: openvino 9 failed: no such operator$"):
        export_as("fauxface-s", tmp_path / "a.xml", "openvino")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ("torch>=2.4.0,<2.15.0", True),
        ("torch>=2.4.0,<2.16", False),
        ("torch<2.0; extra == 'old'", False),
        ("torchvision<0.1", False),
    ],
)
def test_a_converter_for_another_torch_is_refused_before_it_runs(
    there: None, asked: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With torch 2.15, litert-torch 0.8 ends the whole process."""
    ran: list[Path] = []
    kind = FORMATS["litert"]._replace(write=lambda _, out, __: ran.append(out) or 1)
    monkeypatch.setattr("fauxface.export.formats.FORMATS", {"litert": kind})
    monkeypatch.setattr("fauxface.export.formats.requires", lambda _: ["numpy", asked])
    out = tmp_path / "a.tflite"
    if refused:
        with pytest.raises(ValueError, match=r"litert-torch 9 takes torch .*, and here is 2\.15\.0\+cu132: in an env"):
            export_as("fauxface-s", out, "litert")
    else:
        export_as("fauxface-s", out, "litert")
    assert ran == ([] if refused else [out])


def test_the_commands_formats_are_those_that_can_be_written():
    assert COMMANDS["export"].__annotations__["format"] == "Format"
    assert set(config.Format.__args__) == {"onnx", *FORMATS}  # type: ignore[attr-defined]
