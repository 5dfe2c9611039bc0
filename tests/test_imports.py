"""The room table of the design, kept true: who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fauxface

PACKAGE = Path(fauxface.__file__).parent

# Room → the rooms that it may import. A room is a module or a folder of fauxface/.
ROOMS: dict[str, set[str]] = {
    "landmarks": set(),
    "faces": {"landmarks"},
    "targets": {"landmarks", "faces"},
    "metrics": {"landmarks"},
    "pose": {"landmarks"},
    "jobs": set(),
    "rendering": {"landmarks", "faces", "jobs"},
    "datasets": {"landmarks", "faces", "targets"},
    "augment": {"landmarks", "faces", "targets"},
    "models": {"landmarks", "targets"},
    "checkpoint": {"landmarks", "targets", "models"},
    "export": {"landmarks", "faces", "targets", "models", "checkpoint"},
    "inference": {"landmarks", "faces", "pose", "targets", "models", "checkpoint", "export"},
    "training": {"landmarks", "faces", "targets", "datasets", "augment", "models", "checkpoint", "metrics", "jobs"},
    "evaluation": {
        *(
            "landmarks",
            "faces",
            "pose",
            "targets",
            "datasets",
            "models",
            "checkpoint",
            "metrics",
            "inference",
            "export",
        ),
    },
    "reports": {"landmarks", "faces"},
    "audit": {"landmarks", "faces", "pose", "datasets", "reports"},
    "study": {"training", "evaluation", "jobs", "reports", "metrics"},
    "live": {"inference"},
}
LEAVES: dict[str, set[str]] = {
    "files": set(),
    "outputs": {"files"},
    "images": {"files"},
    "parsing": {"files"},
    "ranges": set(),
    "names": set(),
    "plugins": set(),
    "lazy": set(),
}  # every room may import these
TOP = {"__init__", "cli", "demo", "info", "__main__"}  # may import everything
LIGHT = [
    "fauxface.cli",
    "fauxface.landmarks",
    "fauxface.faces",
    "fauxface.targets",
    "fauxface.rendering",
    *(f"fauxface.{path.parent.name}.config" for path in sorted(PACKAGE.glob("*/config.py"))),
]


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """The rooms that a module imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room is meant"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in found if name.startswith("fauxface.")}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_the_design_lets_it(path: Path):
    room = room_of(path)
    if room in TOP:
        return
    mine = imports(path) - {room, "__version__", "__doc__"}
    assert room in ROOMS or room in LEAVES or room == "__init__", f"{room} is in no row of the room table"
    allowed = LEAVES[room] if room in LEAVES else ROOMS.get(room, set()) | LEAVES.keys()
    assert mine <= allowed, f"{path.relative_to(PACKAGE)} imports {sorted(mine - allowed)}"


def test_the_commands_import_rooms_inside_functions():
    tree = ast.parse((PACKAGE / "cli.py").read_text())
    top = [
        node for node in tree.body if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fauxface.")
    ]
    modules = {node.module or "" for node in top}
    assert {name for name in modules if not name.endswith(".config")} <= {"fauxface.ranges", "fauxface.names"}
    assert {"fauxface.training.config", "fauxface.evaluation.config", "fauxface.inference.config"} <= modules


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_import_no_torch(module: str):
    heavy = "[m for m in ('torch', 'timm', 'onnxruntime', 'moderngl', 'matplotlib', 'skimage') if m in sys.modules]"
    code = f"import sys, {module}; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
