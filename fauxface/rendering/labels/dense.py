"""Labels on request beside the usual ones: the whole mesh, depth and normals (`fauxface render --labels …`)."""

from __future__ import annotations

import io

import cv2
import numpy as np

KINDS = ("dense", "depth", "normals")
_MILLIMETRES = 1000


def parse_kinds(text: str) -> tuple[str, ...]:
    """Parse the kinds in ``"dense,depth"``, in the order of ``KINDS``; ValueError for an unknown one."""
    asked = {kind.strip() for kind in text.split(",") if kind.strip()}
    unknown = asked - set(KINDS)
    if unknown:
        raise ValueError(f"--labels: there is no '{min(unknown)}'; there are {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in asked)


def extra_files(name: str, kinds: tuple[str, ...], dense: np.ndarray, depth: np.ndarray, matrix: np.ndarray) -> dict:
    """A picture's further label files, file name → bytes.

    Args:
        name: first part of the files' names.
        kinds: some of ``KINDS``.
        dense: (M, 3) the head mesh's vertices, camera frame, metres.
        depth: (S, S) metres along the camera's z, infinite where nothing is.
        matrix: (3, 3) camera matrix.
    """
    files = {}
    if "dense" in kinds:
        buffer = io.BytesIO()
        np.savez(buffer, vertices=dense.astype(np.float32))
        files[f"{name}_dense.npz"] = buffer.getvalue()
    if "depth" in kinds:
        whole = np.where(np.isfinite(depth), np.round(depth * _MILLIMETRES), 0)
        files[f"{name}_depth.png"] = png_bytes(whole.clip(0, 65535).astype(np.uint16))
    if "normals" in kinds:
        files[f"{name}_normals.png"] = png_bytes(encode_normals(normals_of(depth, matrix))[..., ::-1])
    return files


def normals_of(depth: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Unit normals (S, S, 3) of the visible surface, camera frame (z < 0 faces the camera); 0 where nothing is.

    A pixel and those of its neighbours whose depths are closest span the surface, so that an edge before something far
    away does not bend it.
    """
    row, column = np.indices(depth.shape)
    rays = np.stack([column, row, np.ones_like(row)], axis=-1) @ np.linalg.inv(matrix).T
    seen = np.isfinite(depth)
    points = rays * np.where(seen, depth, 0)[..., None]
    normals = np.cross(_slope(points, depth, 0), _slope(points, depth, 1))
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.where(seen[..., None] & (length > 0), normals / np.where(length > 0, length, 1), 0)


def _slope(points: np.ndarray, depth: np.ndarray, axis: int) -> np.ndarray:
    """Change of the points along an axis of the picture, towards the neighbour whose depth is nearer."""
    step = np.diff(points, axis=axis)
    with np.errstate(invalid="ignore"):
        jump = np.nan_to_num(np.abs(np.diff(depth, axis=axis)), nan=np.inf)
    edge = [(0, 0), (0, 0)]
    edge[axis] = (1, 1)
    jump = np.pad(jump, edge, constant_values=np.inf)
    step = np.pad(step, [*edge, (0, 0)])
    before, after = (
        (slice(None, -1), slice(1, None))
        if axis == 0
        else ((slice(None), slice(None, -1)), (slice(None), slice(1, None)))
    )
    return np.where((jump[before] < jump[after])[..., None], step[before], step[after])


def encode_normals(normals: np.ndarray) -> np.ndarray:
    """Unit normals (..., 3) as uint8: (n + 1) · 127.5 in x, y, z order; 0, 0, 0 where the normal is 0."""
    known = np.abs(normals).sum(-1, keepdims=True) > 0
    return np.where(known, np.round((normals + 1) * 127.5), 0).astype(np.uint8)


def png_bytes(pixels: np.ndarray) -> bytes:
    """Encode an image (H, W) or (H, W, 3; BGR) as PNG, lossless and quickly compressed."""
    done, data = cv2.imencode(".png", np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 3])
    assert done
    return data.tobytes()
