"""A smooth mesh of head, neck and shoulders from a person and an expression.

Head frame: metres, origin midway between the eyeballs' centres, x to the subject's left, y up, z forward.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import numpy as np
from scipy import sparse
from scipy.spatial.transform import Rotation, Slerp

from fauxface.landmarks import CANTHI, INNER_LOWER_LIP, INNER_UPPER_LIP, Point
from fauxface.rendering.head.expression import Expression
from fauxface.rendering.head.identity import Identity, macro_coefficients, shape_coefficients
from fauxface.rendering.head.makehuman import PARTS, SKIN_PART, Bust, load_bust
from fauxface.rendering.head.subdivision import limit_positions, subdivide

LID_GAP = 1.02
"""Distance of lids from the eyeball's centre in units of the eyeball's surface there, by eye: nothing may come through
them, and a slow test holds that on 10,000 expressions."""
CANTHUS = 0.95
"""End of the conjunctiva between an eyeball's centre (0) and the lids' corner (1); by eye: the eyeball alone leaves
a dark gap there."""
EYES = ("right_eye", "left_eye")
"""The eyeballs among the mesh's ``PARTS``."""

_UPPER_LIDS = [
    [Point.RIGHT_EYE_UPPER_OUTER, Point.RIGHT_EYE_UPPER_INNER],
    [Point.LEFT_EYE_UPPER_INNER, Point.LEFT_EYE_UPPER_OUTER],
]
_LOWER_LIDS = [
    [Point.RIGHT_EYE_LOWER_OUTER, Point.RIGHT_EYE_LOWER_INNER],
    [Point.LEFT_EYE_LOWER_INNER, Point.LEFT_EYE_LOWER_OUTER],
]
"""Points of the right and the left eye's lids, each above the other's."""
_OUTER_UPPER_LIP = slice(Point.UPPER_LIP_RIGHT, Point.UPPER_LIP_LEFT + 1)
_INNER_UPPER_LIP, _INNER_LOWER_LIP = list(INNER_UPPER_LIP), list(INNER_LOWER_LIP)
_BLINKS = ("unit:eyeBlinkRight", "unit:eyeBlinkLeft")


@dataclass(frozen=True)
class Eye:
    """An eye as seen between the lids: an eyeball and the conjunctiva that spans from it to the canthi.

    Attributes:
        centre: (3,) of the ball, head frame, metres.
        radius: of the ball, metres.
        gaze: (3,) unit vector.
        corners: (2, 3) where the conjunctiva ends, from the centre, metres.
    """

    centre: np.ndarray
    radius: float
    gaze: np.ndarray
    corners: np.ndarray

    def reach(self, directions: np.ndarray) -> np.ndarray:
        """Distances (N,) of the surface from the centre along unit vectors (N, 3): the hull of ball and corners."""
        result = np.ones(len(directions))
        for corner in self.corners:
            distance = float(np.linalg.norm(corner))
            if distance > self.radius:
                aside = np.arccos(np.clip(directions @ corner / distance, -1, 1))
                # straight from the corner to where the line touches the ball
                result = np.maximum(result, 1 / np.cos(np.maximum(np.arccos(self.radius / distance) - aside, 0)))
        return self.radius * result


@dataclass(frozen=True)
class Posed:
    """A head in the head frame.

    Attributes:
        vertices: (M, 3) float32, the subdivided mesh on its limit surface.
        eyes: right and left.
        cage: (V, 3) the mesh before subdivision.
        coefficients: morph target → weight of all that shaped it but the closing of the eyes.
        neck: the shoulders' rotation relative to the head.
        joints: (5, 3) where the neck's bones turn, head frame.
        origin: (3,) of the head frame in the bust's.
    """

    vertices: np.ndarray
    eyes: tuple[Eye, Eye]
    cage: np.ndarray
    coefficients: dict[str, float]
    neck: Rotation
    joints: np.ndarray
    origin: np.ndarray


class HeadModel:
    """The mesh's fixed parts (subdivision, topology, landmark weights), and `pose`, which moves it.

    Attributes:
        bust: MakeHuman's data.
        quads: (4Q, 4) of the subdivided mesh.
        coarse, fine: (2Q, 3) and (8Q, 3) triangles of the cage and of the subdivided mesh; both use the subdivided
            mesh's vertices, whose first V are the cage's on the limit surface.
        drawn: (N,) index of the subdivided vertex of each vertex of the textured mesh: the first M are all of them, the
            others double those on a seam of the texture.
        uv: (N, 2) texture coordinates of the textured mesh's vertices; v runs down.
        drawn_coarse, drawn_fine: `coarse` and `fine` as triangles of the textured mesh's vertices.
        part: (M,) index into ``PARTS`` of each subdivided vertex.
        kind: (M, 2) the part, and the head bone's share of the vertex.
        masks: (M, 4) as `Bust.masks`.
        rest: (M, 3) the template's subdivided vertices in the head frame: the same coordinates for every person.
        landmarks: (68, M) sparse weights: iBUG's points on the mesh; the brows' are the mesh's own, which the brows
            of `brows.py` replace.
        landmarks_of_cage: (68, V) the same of the cage.
    """

    def __init__(self, bust: Bust) -> None:
        self.bust = bust
        self._rows = {name: i for i, name in enumerate(bust.names)}
        self._last: tuple[Identity, np.ndarray] | None = None
        count = len(bust.vertices)
        once, self.quads = subdivide(bust.quads.astype(np.int64), count)
        points = once.get_shape()[0]
        self.smooth = sparse.csr_matrix(limit_positions(self.quads, points) @ once, dtype=np.float32)
        part_weights = once @ np.eye(len(PARTS))[bust.part]
        self.part = part_weights.argmax(1)
        self.masks = np.asarray(once @ bust.masks, np.float32).clip(0, 1)
        macro = Identity(25, 0.5, (1 / 3, 1 / 3, 1 / 3), 0, 0, {})
        template = bust.vertices + self._blend(macro_coefficients(macro))
        self.rest = np.asarray(self.smooth @ template - _between_eyes(template, bust.part), np.float32)
        self.coarse, self.fine = (_triangles(q) for q in (bust.quads, self.quads))
        uv = np.stack(
            [
                bust.uv,
                _middle(bust.uv, np.roll(bust.uv, -1, 1)),
                np.repeat(bust.uv.mean(1)[:, None], 4, 1),
                _middle(bust.uv, np.roll(bust.uv, 1, 1)),
            ],
            axis=2,
        )
        self.drawn, self.uv, split = _split_seams(self.quads, uv.reshape(-1, 4, 2), points)
        self.drawn_fine = _triangles(split)
        # a quad's corners are the first corners of the four that it was cut into
        self.drawn_coarse = _triangles(split[:, 0].reshape(-1, 4))
        head_share = once @ bust.neck_weights[:, 0]
        self.kind = np.stack([self.part, head_share], axis=1).astype(np.float32)
        self.landmarks = self._landmark_weights(points)
        skin = self.coarse[(self.part[self.coarse] == SKIN_PART).all(1)]
        corners = np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]])
        self._skin_edges = np.unique(np.sort(corners, axis=1), axis=0)
        self._smooth_cage = sparse.csr_matrix(self.smooth[: len(bust.vertices)])
        self._teeth = [self._front_teeth(PARTS.index(part)) for part in ("upper_teeth", "lower_teeth")]
        self.landmarks_of_cage = sparse.csr_matrix(self.landmarks @ self.smooth)
        self._grown = self._face_height(template)
        self._blinks = [self._blend({unit: 1.0}) for unit in _BLINKS]
        self._jaw = self._blend({"unit:jawOpen": 1.0})
        self._lift = self._blend({"unit:mouthUpperUpLeft": 1.0, "unit:mouthUpperUpRight": 1.0})
        self._roll = self._blend({"unit:mouthRollUpper": 1.0})
        self._roll_red = self._upper_red(self._roll)
        self._jaw_gaps, self._lift_philtrum = self._lip_gaps(self._jaw), self._philtrum(self._lift)
        shut = template + self._blend(dict.fromkeys(_BLINKS, 1.0))
        self._blink_travel = (self._lid_heights(template) - self._lid_heights(shut))[..., 1].mean(1)

    @cached_property
    def mouth_height(self) -> float:
        """Height of the closed mouth on the template, head frame, metres."""
        inner = [Point.INNER_MOUTH_RIGHT, Point.INNER_UPPER_LIP, Point.INNER_MOUTH_LEFT, Point.INNER_LOWER_LIP]
        return float((self.landmarks @ self.rest)[inner, 1].mean())

    def _landmark_weights(self, count: int) -> sparse.csr_matrix:
        text = resources.files("fauxface.rendering.head").joinpath("landmarks_hm08.json").read_text()
        place = {int(v): i for i, v in enumerate(self.bust.ids)}  # the subdivided mesh begins with the cage's vertices
        matrix = sparse.lil_matrix((68, count), dtype=np.float32)
        for point in json.loads(text)["points"]:
            for vertex, weight in point["vertices"]:
                matrix[point["index"], place[vertex]] = weight
        return sparse.csr_matrix(matrix)

    def _blend(self, coefficients: dict[str, float], targets: np.ndarray | None = None) -> np.ndarray:
        """Displacements (N, 3) by weighted morph targets; ``targets`` (T, N, 3), the cage's by default."""
        targets = self.bust.targets if targets is None else targets
        rows = [self._rows[name] for name in coefficients]
        return np.tensordot(np.array(list(coefficients.values()), np.float32), targets[rows], axes=1)

    def _lid_heights(self, cage: np.ndarray) -> np.ndarray:
        """(2, 2, 2): right and left eye × two points of the upper lid × (x, height above the lower lid), metres."""
        points = self.landmarks_of_cage @ cage
        upper, lower = points[_UPPER_LIDS], points[_LOWER_LIDS]
        return np.stack([upper[..., 0], upper[..., 1] - lower[..., 1]], axis=-1)

    def person(self, identity: Identity) -> np.ndarray:
        """The cage (V, 3) of a person with a calm face, in the mesh's own frame; the latest is kept."""
        if self._last is None or self._last[0] is not identity:
            blend = self._blend(shape_coefficients(identity))
            self._last = identity, self._seat_teeth(self.bust.vertices + blend)
        return self._last[1]

    def _front_teeth(self, part: int) -> tuple[np.ndarray, sparse.csr_matrix]:
        """A row of teeth: its vertices' indices in the cage, and weights (N, V) of its incisors' smooth surface."""
        x, _, z = self.bust.vertices.T
        mine = self.bust.part == part
        front = mine & (np.abs(x) < 0.005) & (z > z[mine & (np.abs(x) < 0.005)].max() - 0.006)
        return np.flatnonzero(mine), sparse.csr_matrix(self._smooth_cage[np.flatnonzero(front)])

    def _seat_teeth(self, cage: np.ndarray) -> np.ndarray:
        """Teeth and tongue moved to where this person's lips meet.

        The upper front teeth end 2 mm below that line (a resting lip shows 2–3 mm of them: Vig & Brundo 1978, "The
        kinetics of anterior tooth display") and the lower ones just above, two millimetres farther in; depths by eye.
        """
        lips = (self.landmarks_of_cage[[Point.INNER_UPPER_LIP, Point.INNER_LOWER_LIP]] @ cage).mean(0)
        cage = cage.copy()
        tongue = self.bust.part == PARTS.index("tongue")
        for (teeth, front), edge, height, depth in zip(
            self._teeth, (np.min, np.max), (-0.002, 0.0), (-0.007, -0.009), strict=True
        ):
            incisors = front @ cage
            cage[teeth, 1] += lips[1] + height - edge(incisors[:, 1])
            forward = lips[2] + depth - incisors[:, 2].max()
            cage[teeth, 2] += forward
            cage[tongue, 2] += forward / 2
        return cage

    def between_eyes(self, cage: np.ndarray) -> np.ndarray:
        """The head frame's origin (3,) on a cage: midway between the eyeballs' centres."""
        return _between_eyes(cage, self.bust.part)

    def pose(self, identity: Identity, expression: Expression, neck: Rotation) -> Posed:
        """The person with that expression; ``neck`` is the shoulders' rotation relative to the head, head frame."""
        person = self.person(identity)
        units = dict(expression.units)
        blinks = [units.pop("eyeBlinkRight", 0.0), units.pop("eyeBlinkLeft", 0.0)]
        # the units are made for a grown face: a smaller one moves less; the bounds by eye
        size = float(np.clip(self._face_height(person) / self._grown, 0.5, 1.15))
        cage = person + size * self._blend({f"unit:{k}": v for k, v in units.items()})
        cage = self._keep_red(cage, person, size * units.get("mouthRollUpper", 0.0))
        cage = self._part_lips(self._keep_philtrum(cage, person))
        cage = self._close_eyes(cage, blinks)
        # the gaze is drawn on the eyeball, so its mesh stays where the person's is
        eyeball = np.isin(self.bust.part, [PARTS.index(name) for name in EYES])
        cage[eyeball] = person[eyeball]
        origin = _between_eyes(person, self.bust.part)
        cage, person = cage - origin, person - origin
        yaw, pitch = expression.gaze
        gaze = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        canthi = self.landmarks_of_cage[list(CANTHI)] @ cage
        right, left = EYES
        eyes = self._eye(person, right, canthi[:2], gaze), self._eye(person, left, canthi[2:], gaze)
        for eye in eyes:
            self._keep_lids_out(cage, eye)
        shape = shape_coefficients(identity)
        joints = self.bust.neck_joints + self._blend(shape, self.bust.joint_targets) - origin
        cage = _bend_neck(cage, neck, joints, self.bust.neck_weights)
        vertices = np.asarray(self.smooth @ cage, np.float32)
        for eye, part in zip(eyes, EYES, strict=True):
            self._span_eye(vertices, eye, part)
        coefficients = {**shape, **{f"unit:{k}": v for k, v in units.items()}}
        return Posed(vertices, eyes, cage, coefficients, neck, joints, origin)

    def anchors(self, posed: Posed) -> np.ndarray:
        """The bust's anchors (A, 3) on that head, head frame, metres."""
        moved = self.bust.anchors + self._blend(posed.coefficients, self.bust.anchor_targets)
        return _bend_neck(moved - posed.origin, posed.neck, posed.joints, self.bust.anchor_weights)

    def _lip_gaps(self, cage: np.ndarray) -> np.ndarray:
        """(3,) heights of the upper lip's inner edge above the lower lip's, metres."""
        heights = self.landmarks_of_cage @ cage[:, 1]
        return heights[_INNER_UPPER_LIP] - heights[_INNER_LOWER_LIP]

    def _face_height(self, cage: np.ndarray) -> float:
        """From the nasal root to the chin, metres."""
        heights = self.landmarks_of_cage @ cage[:, 1]
        return float(heights[Point.NOSE_ROOT] - heights[Point.CHIN])

    def _philtrum(self, cage: np.ndarray) -> float:
        """Height of the nose's base above the upper lip's edge, metres."""
        heights = self.landmarks_of_cage @ cage[:, 1]
        return float(heights[Point.NOSE_BASE] - heights[Point.UPPER_LIP])

    def _upper_red(self, cage: np.ndarray) -> float:
        """Height of the upper lip's red as seen from the front, metres."""
        heights = self.landmarks_of_cage @ cage[:, 1]
        return float((heights[_OUTER_UPPER_LIP] - heights[_INNER_UPPER_LIP]).mean())

    def _keep_red(self, cage: np.ndarray, person: np.ndarray, rolled: float) -> np.ndarray:
        """Turn the upper lip outwards until two thirds of the person's red are left, less the part rolled in by intent.

        Smiles draw lips thin, jaws draw them down; both together would turn the upper one under, out of sight. The two
        thirds are by eye, after two such lips that the audit found in 16,000 renders.
        """
        lack = 2 / 3 * self._upper_red(person) + rolled * self._roll_red - self._upper_red(cage)
        return cage + lack / self._roll_red * self._roll if lack > 0 else cage

    def _keep_philtrum(self, cage: np.ndarray, person: np.ndarray) -> np.ndarray:
        """Lower a lifted upper lip until two fifths (by eye) of the person's skin below the nose are left."""
        lack = 0.4 * self._philtrum(person) - self._philtrum(cage)
        return cage + min(lack / self._lift_philtrum, 0.0) * self._lift if lack > 0 else cage

    def _part_lips(self, cage: np.ndarray) -> np.ndarray:
        """Open the jaw as far as is needed to keep the lips from sinking into each other."""
        opening = max(0.0, float((-self._lip_gaps(cage) / self._jaw_gaps).max()))
        return cage + min(opening, 0.2) * self._jaw if opening > 0 else cage

    def _close_eyes(self, cage: np.ndarray, blinks: list[float]) -> np.ndarray:
        """Lower the right and the left upper lid: 0 leaves an eye as it is, 1 just closes it."""
        for side, blink in enumerate(blinks):
            if blink <= 0:
                continue
            # the blink units fit the template's eyes alone: scale them to this opening …
            unit = self._blinks[side]
            share = self._lid_heights(cage)[side, :, 1].mean() / self._blink_travel[side]
            travel = share * unit
            # … and let the lid down where its outer or inner half would stay open, up where it would go too far
            across, left = self._lid_heights(cage + travel)[side].T
            order = np.argsort(across)
            moved = np.linalg.norm(unit, axis=1)
            travel[:, 1] -= np.clip(moved / (0.9 * moved.max()), 0, 1) * np.interp(
                cage[:, 0], across[order], left[order]
            )
            cage = cage + blink * travel
        return cage

    def _eye(self, person: np.ndarray, part: str, canthi: np.ndarray, gaze: np.ndarray) -> Eye:
        """The eye of a person's cage (V, 3) between two canthi (2, 3), head frame."""
        centre, radius = _eyeball(person, self.bust.part, part)
        return Eye(centre, radius, gaze, CANTHUS * (canthi - centre))

    def _span_eye(self, vertices: np.ndarray, eye: Eye, part: str) -> None:
        """Put an eyeball's vertices, of (M, 3), onto its surface, in place; one each comes to lie at its corners."""
        mine = np.flatnonzero(self.part == PARTS.index(part))
        directions = vertices[mine] - eye.centre
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        corners = eye.corners / np.linalg.norm(eye.corners, axis=1, keepdims=True)
        directions[(directions @ corners.T).argmax(0)] = corners
        vertices[mine] = eye.centre + directions * eye.reach(directions)[:, None]

    def _keep_lids_out(self, cage: np.ndarray, eye: Eye) -> None:
        """Push the skin about an eye out of its eyeball, in place, until the smooth surface clears it."""
        lids = np.isin(self.bust.part, [SKIN_PART, PARTS.index("lashes")])
        near = np.flatnonzero(lids & (np.linalg.norm(cage - eye.centre, axis=1) < 1.5 * eye.radius))
        near = near[cage[near, 2] - eye.centre[2] > 0.05 * eye.radius]
        rows = self._smooth_cage[near]
        at = np.full(len(cage), -1)
        at[near] = np.arange(len(near))
        pairs = at[self._skin_edges]
        pairs = pairs[(pairs >= 0).all(1)]
        for _ in range(10):
            offset = np.asarray(rows @ cage) - eye.centre
            distance = np.linalg.norm(offset, axis=1)
            # the triangles between the vertices cut through where the ball bulges
            between = offset[pairs].sum(1) / 2
            middle = np.linalg.norm(between, axis=1)
            lack = np.maximum(0, LID_GAP * eye.reach(offset / distance[:, None]) - distance)
            lacking = LID_GAP * eye.reach(between / middle[:, None]) - middle
            np.maximum.at(lack, pairs.ravel(), np.repeat(lacking, 2))
            if lack.max(initial=0) < 0.002 * eye.radius:
                break
            cage[near] += offset * (lack / distance)[:, None]


def _bend_neck(points: np.ndarray, neck: Rotation, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Linear-blend skinning along the neck: the head stays, each bone below turns by its share of ``neck``.

    Args:
        points: (N, 3), head frame.
        neck: the shoulders' rotation relative to the head.
        joints: (5, 3) where the bones turn, head frame.
        weights: (N, 5) how much each bone moves a point.
    """
    shares = Slerp([0, 1], Rotation.concatenate([Rotation.identity(), neck]))(np.linspace(0, 1, len(joints)))
    result = weights[:, :1] * points
    rotation, translation = np.eye(3), np.zeros(3)
    for bone in range(1, len(joints)):
        # the joint between this bone and the one above stays with the one above
        pivot = joints[bone - 1]
        anchor = rotation @ pivot + translation
        rotation = shares[bone].as_matrix()
        translation = anchor - rotation @ pivot
        result = result + weights[:, bone : bone + 1] * (points @ rotation.T + translation)
    return result


def _eyeball(cage: np.ndarray, part: np.ndarray, name: str) -> tuple[np.ndarray, float]:
    points = cage[part == PARTS.index(name)]
    low, high = points.min(0), points.max(0)
    radius = float((high - low)[:2].mean() / 2)
    centre = (low + high) / 2
    centre[2] = high[2] - radius
    return centre, radius


def _middle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a + b) / 2


def _split_seams(quads: np.ndarray, uv: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One vertex for each different texture coordinate of a vertex.

    Args:
        quads: (Q, 4) indices of ``count`` vertices.
        uv: (Q, 4, 2) texture coordinates of their corners.

    Returns:
        For the N ≥ count new vertices, which of the old each is (the first ``count`` are the old ones in order) and its
        texture coordinates (N, 2); and the quads (Q, 4) of the new vertices.
    """
    rounded = np.round(uv.reshape(-1, 2) * 2**20).astype(np.int64)
    keys = np.column_stack([quads.ravel(), rounded])
    kinds, first, of_corner = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    vertex = kinds[:, 0]
    leads = np.r_[True, vertex[1:] != vertex[:-1]]  # of each vertex's kinds the first keeps its number
    number = np.where(leads, vertex, count - 1 + np.cumsum(~leads))
    drawn = np.concatenate([np.arange(count), vertex[~leads]])
    coordinates = np.zeros((len(drawn), 2), np.float32)
    coordinates[number] = uv.reshape(-1, 2)[first]
    return drawn, coordinates, number[of_corner.reshape(-1)].reshape(-1, 4)


def _triangles(quads: np.ndarray) -> np.ndarray:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def _between_eyes(cage: np.ndarray, part: np.ndarray) -> np.ndarray:
    return np.mean([_eyeball(cage, part, name)[0] for name in EYES], axis=0)


@cache
def head_model() -> HeadModel:
    """The one head model of a process (about a second to build)."""
    return HeadModel(load_bust())
