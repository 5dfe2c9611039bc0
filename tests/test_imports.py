"""The room table of the design, kept true: who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
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
    "segmentation": set(),
    "rendering": {"landmarks", "faces", "segmentation", "jobs"},
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
    "audit": {"landmarks", "faces", "pose", "segmentation", "datasets", "reports"},
    "study": {"training", "evaluation", "jobs", "reports", "metrics"},
    "interchange": {"landmarks", "pose", "inference"},
    "live": {"inference", "interchange"},
}
LEAVES: dict[str, set[str]] = {
    "console": {"names"},
    "files": set(),
    "hashing": set(),
    "outputs": {"files", "hashing"},
    "images": {"files", "parsing", "extras", "exr"},
    "exr": {"extras"},
    "parsing": {"files"},
    "ranges": set(),
    "names": set(),
    "plugins": {"parsing"},
    "lazy": {"extras"},
    "extras": set(),
    "hub": {"console"},
    "npm": {"console", "extras"},
}  # every room may import these
TOP = {"__init__", "cli", "demo", "info", "__main__"}  # may import everything
LIGHT = [
    "fauxface.cli",
    "fauxface.landmarks",
    "fauxface.faces",
    "fauxface.targets",
    "fauxface.rendering",
    "fauxface.checkpoint",
    "fauxface.models",
    *(f"fauxface.{path.parent.name}.config" for path in sorted(PACKAGE.glob("*/config.py"))),
]


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(nodes: Iterable[ast.AST], path: Path) -> set[str]:
    """Dotted names of ours that a module's nodes import: modules, or what they hold."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room is meant"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("fauxface.")}


def imports(path: Path) -> set[str]:
    """The rooms that a module imports, wherever in it the import stands."""
    return {name.split(".")[1] for name in imported(ast.walk(ast.parse(path.read_text())), path)}


def running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a tree, functions' bodies included, without what stands below ``if TYPE_CHECKING``."""
    yield node
    typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    for child in node.orelse if isinstance(node, ast.If) and typing_only else ast.iter_child_nodes(node):
        yield from running_nodes(child)


def import_graph(package: Path) -> dict[str, set[str]]:
    """Module → the modules of the same package that it imports, by their dotted names."""
    names: dict[str, Path] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        found = imported(running_nodes(ast.parse(path.read_text())), path)
        graph[name] = {one if one in names else one.rpartition(".")[0] for one in found} - {name}
    return graph


def circles(graph: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """Sets of two or more modules each of which reaches all the others."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            fresh = graph.get(waiting.pop(), set()) - found
            found |= fresh
            waiting += fresh
        return found

    reach = {name: reached(name) for name in graph}
    rings = (frozenset(other for other in reach[name] if name in reach.get(other, ())) for name in graph)
    return {ring for ring in rings if ring}


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
    small = {f"fauxface.{name}" for name in ("ranges", "names", "console", "extras")}
    assert {name for name in modules if not name.endswith(".config")} <= small
    assert {"fauxface.training.config", "fauxface.evaluation.config", "fauxface.inference.config"} <= modules


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_import_no_torch(module: str):
    heavy = "[m for m in ('torch', 'timm', 'onnxruntime', 'moderngl', 'matplotlib', 'skimage') if m in sys.modules]"
    code = f"import sys, {module}; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_modules_import_each_other_in_a_circle():
    """Imports inside functions count: they only hide a circle from Python."""
    assert circles(import_graph(PACKAGE)) == set()


def test_circles_are_found(tmp_path: Path):
    folder = tmp_path / "fauxface"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "a.py").write_text("from fauxface import b\n")
    (folder / "b.py").write_text("def f():\n    from fauxface.c import g\n")
    (folder / "c.py").write_text("from fauxface.a import f\n")
    (folder / "d.py").write_text("from fauxface import e\n")
    (folder / "e.py").write_text("if TYPE_CHECKING:\n    from fauxface.d import f\n")
    assert circles(import_graph(folder)) == {frozenset({"fauxface.a", "fauxface.b", "fauxface.c"})}
