"""Catmull–Clark subdivision as one sparse matrix (Catmull & Clark 1978; limit positions after Halstead et al. 1993)."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def subdivide(quads: np.ndarray, count: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """One step on a quad mesh of ``count`` vertices.

    Args:
        quads: (Q, 4) vertex indices; open boundaries and several components are fine.
        count: number of vertices V.

    Returns:
        The matrix (V + E + Q, V) that makes the new vertices from the old (the first V follow the old ones, then one an
        edge, then one a face), and the new quads (4Q, 4).
    """
    corners = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, edge_of_corner = np.unique(np.sort(corners, axis=1), axis=0, return_inverse=True)
    edge_of_corner = edge_of_corner.reshape(-1)
    E, Q = len(edges), len(quads)
    faces_of_edge = np.bincount(edge_of_corner, minlength=E)
    inner = faces_of_edge == 2

    face_points = _matrix(np.repeat(np.arange(Q), 4), quads.ravel(), 0.25, (Q, count))
    midpoints = _matrix(np.repeat(np.arange(E), 2), edges.ravel(), 0.5, (E, count))
    faces_at_edge = _matrix(edge_of_corner, np.repeat(np.arange(Q), 4), 1.0, (E, Q))
    weight_inner = sparse.diags(np.where(inner, 0.5, 0.0))
    edge_points = sparse.diags(np.where(inner, 0.5, 1.0)) @ midpoints + 0.5 * weight_inner @ faces_at_edge @ face_points

    boundary_edges = edges[faces_of_edge == 1]
    on_boundary = np.zeros(count, bool)
    on_boundary[boundary_edges.ravel()] = True
    valence = np.bincount(edges.ravel(), minlength=count).clip(min=1)
    faces_at_vertex = _matrix(quads.ravel(), np.repeat(np.arange(Q), 4), 1.0, (count, Q))
    edges_at_vertex = _matrix(edges.ravel(), np.repeat(np.arange(E), 2), 1.0, (count, E))
    # inner: (mean of face points + 2 × mean of edge midpoints + (n − 3) × itself) / n
    n = valence.astype(float)
    smooth = sparse.diags(1 / n**2) @ faces_at_vertex @ face_points
    smooth = smooth + sparse.diags(2 / n**2) @ edges_at_vertex @ midpoints + sparse.diags((n - 3) / n)
    # boundary: 3/4 itself + 1/8 each boundary neighbour
    neighbours = _matrix(boundary_edges.ravel(), boundary_edges[:, ::-1].ravel(), 0.125, (count, count))
    crease = 0.75 * sparse.identity(count) + neighbours
    vertex_points = sparse.diags(np.where(on_boundary, 0.0, 1.0)) @ smooth
    vertex_points = vertex_points + sparse.diags(np.where(on_boundary, 1.0, 0.0)) @ crease

    edge_ids = edge_of_corner.reshape(Q, 4) + count
    face_ids = np.arange(Q) + count + E
    new_quads = np.stack(
        [
            np.stack([quads[:, k], edge_ids[:, k], face_ids, edge_ids[:, k - 1]], axis=1)
            for k in range(4)  # corner k, the edge after it, the face, the edge before it
        ],
        axis=1,
    ).reshape(-1, 4)
    return sparse.csr_matrix(sparse.vstack([vertex_points, edge_points, face_points])), new_quads


def limit_positions(quads: np.ndarray, count: int) -> sparse.csr_matrix:
    """The matrix (V, V) that moves a quad mesh's vertices onto its limit surface; boundaries by the cubic spline."""
    corners = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, inverse = np.unique(np.sort(corners, axis=1), axis=0, return_inverse=True)
    boundary_edges = edges[np.bincount(inverse.reshape(-1), minlength=len(edges)) == 1]
    on_boundary = np.zeros(count, bool)
    on_boundary[boundary_edges.ravel()] = True
    n = np.bincount(edges.ravel(), minlength=count).clip(min=1).astype(float)
    around = _matrix(edges.ravel(), edges[:, ::-1].ravel(), 1.0, (count, count))
    across = _matrix(quads.ravel(), np.roll(quads, -2, axis=1).ravel(), 1.0, (count, count))
    smooth = sparse.diags(n**2) + 4 * around + across
    smooth = sparse.diags(np.where(on_boundary, 0.0, 1 / (n * (n + 5)))) @ smooth
    neighbours = _matrix(boundary_edges.ravel(), boundary_edges[:, ::-1].ravel(), 1 / 6, (count, count))
    crease = (2 / 3) * sparse.identity(count) + neighbours
    return sparse.csr_matrix(smooth + sparse.diags(np.where(on_boundary, 1.0, 0.0)) @ crease)


def _matrix(rows: np.ndarray, columns: np.ndarray, value: float, shape: tuple[int, int]) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.full(len(rows), value), (rows, columns)), shape=shape)
