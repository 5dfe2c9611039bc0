"""An audit as a page to look at and as JSON to compute with."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np

from fauxface import __version__
from fauxface.audit import charts
from fauxface.audit.checks import ASIDE, FRONTAL, JAW_POSE, LEAST, PROFILE, SLIVER, TOLERANCES, TURNED
from fauxface.audit.duplicates import BITS, NEAR
from fauxface.audit.records import Audit, FaceRecord, PictureRecord
from fauxface.audit.sheets import sheet, tile
from fauxface.landmarks import scheme_of
from fauxface.reports import Page

KINDS = {
    "unreadable": "a file cannot be read, or holds numbers that are none",
    "missing": "a file that others have beside them",
    "stray": "labels without a picture",
    "size": "segmentation and picture differ in size, or the picture from nearly all others",
    "classes": "a segmentation class that does not exist",
    "empty": "a picture of one colour",
    "duplicate": f"perceptual hashes that differ in at most {NEAR} of {BITS} bits",
    "eyes": "a point of an eye outside its class",
    "pupils": "a pupil outside its eye",
    "brows": "a point of a brow away from its class",
    "nose": "a point of the nose away from its class",
    "lips": "a point of the mouth away from its lip",
    "jaw": f"a point of the jaw away from the face's edge (turned and nodding by less than {JAW_POSE:.0f}°; "
    "the chin's of heads that look down)",
    "symmetry": "mirrored points of a frontal face that do not mirror each other "
    f"(yaw under {FRONTAL[0]:.0f}°, pitch under {FRONTAL[1]:.0f}°)",
    "reprojection": "points in space that do not fall on the landmarks",
    "visibility": "a point called visible where hair, a hat, a mask or a thing lies over it",
}
"""Kind of a finding → what it means."""
SHOWN = 60
"""Findings that the page lists; audit.json has all."""
_COVERED = 0.02
_SEED = 0
_RANDOM, _EXTREMES, _TILE = 24, 8, 190

_Chosen = list[tuple[PictureRecord, FaceRecord]]


def figures_of(result: Audit) -> str:
    """The audit as JSON."""
    faces = result.faces
    seen = [face.visibility for face in faces if face.visibility is not None]
    record = {
        "fauxface": __version__,
        "data": str(result.folder.resolve()),
        "pictures": len(result.pictures),
        "faces": len(faces),
        "faces_a_picture": dict(sorted(Counter(len(p.faces) for p in result.pictures).items())),
        "findings": [vars(finding) for finding in result.findings],
        "counts": dict(Counter(finding.kind for finding in result.findings).most_common()),
        "notes": result.notes,
        "tolerances": {**TOLERANCES, "least_px": LEAST, "duplicate_bits": NEAR},
        "distributions": {name: _summary(values) for name, values in _columns(result).items()},
        "expression": _units(faces),
        "covers": _covers(faces),
        "kinds": _kinds(faces),
        "visibility": np.mean(seen, axis=0).round(4).tolist() if seen else None,
    }
    return json.dumps(record, indent=1, ensure_ascii=False)


def page(result: Audit) -> Page:
    """The audit as a page."""
    made = Page(
        f"A look at {result.folder.resolve().name}",
        f"{len(result.pictures):,} pictures with {len(result.faces):,} faces; {len(result.findings):,} findings.",
    )
    for note in result.notes:
        made.text(note[0].upper() + note[1:] + ".")
    _list_findings(made, result)
    _show_faces(made, result)
    _show_distributions(made, result)
    made.heading("What counts as a finding")
    made.text(
        "Tolerances are shares of the face's side, the longer side of its landmarks' box, and never less than "
        f"{LEAST} px; `reprojection` is in pixels. A point is held to its class only where it is labelled visible (or, "
        f"without such labels, where the head is turned by less than {TURNED:.0f}°), was not slid to an outline, is of "
        f"the half that faces the camera (beyond {ASIDE:.0f}°), and no hair, beard, glasses, hat, mask or thing lies "
        f"at its pixel; closed eyes need not show an eye. Beyond {PROFILE:.0f}° of yaw eyes and lips are slivers, and "
        f"may be {SLIVER:g} times farther off."
    )
    rows = [(kind, f"{TOLERANCES[kind]:g}" if kind in TOLERANCES else "", text) for kind, text in KINDS.items()]
    made.table(rows, header=("kind", "tolerance", "meaning"))
    return made.foot(f"fauxface {__version__}; {result.folder.resolve()}")


def _list_findings(made: Page, result: Audit) -> None:
    made.heading("Findings")
    if not result.findings:
        made.text("None: every file is there and can be read, and every label is within its tolerance.")
        return
    counts = Counter(finding.kind for finding in result.findings)
    made.table([(kind, n, KINDS[kind]) for kind, n in counts.most_common()], header=("kind", "found", "meaning"))
    listed = [
        (finding.file, finding.kind, finding.message, "" if finding.value is None else f"{finding.value:.3f}")
        for finding in _spread(result)
    ]
    made.table(listed, header=("picture", "kind", "what", "off by"))
    if len(listed) < len(result.findings):
        made.text(f"These are {len(listed)} of {len(result.findings):,}; `audit.json` has them all.")
    places = {str(p.path.relative_to(result.folder)): p for p in result.pictures if p.size}
    tiles, done = [], set()
    for finding in _spread(result):
        picture = places.get(finding.file)
        if picture is not None and finding.file not in done and len(tiles) < 12:
            done.add(finding.file)
            face = picture.faces[0] if len(picture.faces) == 1 else None
            tiles.append(tile(picture, face, 240, True, f"{finding.kind}: {picture.path.stem}"))
    if tiles:
        made.picture(sheet(tiles, 4), "Some of them, with their points; dark points are labelled hidden.")


def _spread(result: Audit) -> list:
    """Some findings of every kind, the farthest off first."""
    kinds = defaultdict(list)
    for finding in result.findings:
        kinds[finding.kind].append(finding)
    each = max(SHOWN // max(len(kinds), 1), 1)
    return [f for found in kinds.values() for f in sorted(found, key=lambda f: -(f.value or 0))[:each]]


def _show_faces(made: Page, result: Audit) -> None:
    pairs: _Chosen = [(picture, face) for picture in result.pictures for face in picture.faces]
    rng = np.random.default_rng(_SEED)
    made.heading("Pictures")
    readable = [picture for picture in result.pictures if picture.size]
    if any(picture.crowd for picture in readable):
        chosen = [readable[i] for i in sorted(rng.permutation(len(readable))[:12])]
        tiles = [tile(picture, None, 300, True, f"{picture.path.stem}: {len(picture.faces)}") for picture in chosen]
        made.picture(sheet(tiles, 3), "Random pictures, and how many faces they have.")
    if not pairs:
        made.text("No face is labelled.")
        return
    some = [pairs[i] for i in sorted(rng.permutation(len(pairs))[:_RANDOM])]
    made.picture(sheet([tile(p, f, _TILE, False) for p, f in some], 6), "Random faces.")
    made.picture(
        sheet([tile(p, f, _TILE, True) for p, f in some], 6),
        "The same with their points, as annotators click them where the labels say so; dark ones are labelled hidden.",
    )
    orders: list[tuple[str, Callable[[FaceRecord], float | None]]] = [
        ("yaw", lambda face: face.pose[0]),
        ("pitch", lambda face: face.pose[1]),
        ("roll", lambda face: face.pose[2]),
        ("face brightness", lambda face: face.figures.get("face brightness")),
        ("sharpness", lambda face: face.figures.get("sharpness")),
        ("mouth opening", lambda face: face.figures.get("mouth opening")),
        ("cover", lambda face: face.figures.get("cover")),
    ]
    made.heading("Extremes")
    for name, value in orders:
        ranked = sorted(
            ((v, i) for i, (_, face) in enumerate(pairs) if (v := value(face)) is not None and np.isfinite(v))
        )
        if len(ranked) < 2:
            continue
        ends = [*ranked[:_EXTREMES], *ranked[max(len(ranked) - _EXTREMES, _EXTREMES) :]]
        tiles = [tile(*pairs[i], _TILE - 76, False, f"{v:.3g}") for v, i in ends]
        made.picture(sheet(tiles, _EXTREMES), f"{name.capitalize()}: least, then most.")


def _show_distributions(made: Page, result: Audit) -> None:
    faces = result.faces
    if not faces:
        return
    columns = _columns(result)
    made.heading("Distributions")
    made.text(
        "Angles in degrees (yaw > 0 to the image's right, pitch > 0 up, roll > 0 clockwise); brightness and contrast "
        "are mean and standard deviation of grey in 0–1; sharpness the deviation of the Laplacian of the face at 128 "
        "px; cover the share of the face's hull under hair, things worn or things in the way; openings are heights as "
        "shares of the face's side."
    )
    tones = {name: columns.pop(name) for name in ("skin tone", "pictured tone") if name in columns}
    made.picture(charts.histograms(columns))
    made.table(
        [(name, len(values), *list(_summary(values).values())[1:]) for name, values in columns.items()],
        header=("", "n", "mean", "deviation", "least", "5 %", "median", "95 %", "most"),
    )
    for name, values in tones.items():
        text = (
            "as the labels say"
            if name == "skin tone"
            else "measured from pixels of skin, under whatever light there is"
        )
        made.picture(charts.monk(values), f"Skin tones on the Monk scale, {text}; percent of faces.")
    covers = _covers(faces)
    if covers:
        made.picture(
            charts.bars({name: 100 * share for name, share in covers.items()}, 1.9),
            f"What lies over faces: percent of faces of which it hides {100 * _COVERED:.0f} % or more; ignored are "
            "hands, things and people before the face.",
        )
    for aspect, counted in _kinds(faces).items():
        shares = {name: 100 * count / len(faces) for name, count in counted.items()}
        made.picture(charts.bars(shares, 2.4), f"{aspect.capitalize()}, as the labels say: percent of faces.")
    units = _units(faces)
    if units:
        made.picture(
            charts.bars({name: 100 * share for name, share in units.items()}, 2.8),
            "Expression units: percent of faces in which each is active (above 0.1).",
        )
    seen = [face.visibility for face in faces if face.visibility is not None]
    if seen:
        made.picture(
            charts.shape(_mean_face(faces), np.mean(seen, axis=0), "visible, share of faces"),
            "How often each point is visible.",
        )


def _mean_face(faces: list[FaceRecord]) -> np.ndarray:
    """The mean of the most frontal faces' points (N, 2), each in its own box."""
    frontal = sorted(faces, key=lambda face: abs(face.pose[0]) + abs(face.pose[1]))[:200]
    outline = list(scheme_of(faces[0].scheme).outline)
    return np.mean([(f.points - f.points[outline].mean(0)) / max(f.side, 1e-9) for f in frontal], axis=0)


def _columns(result: Audit) -> dict[str, list[float]]:
    """Figure → its values over faces, or over pictures where it is a picture's."""
    columns: dict[str, list[float]] = defaultdict(list)
    for face in result.faces:
        for name, value in face.figures.items():
            columns[name].append(value)
    for picture in result.pictures:
        for name, value in picture.figures.items():
            columns[name].append(value)
    if any(picture.crowd for picture in result.pictures):
        columns["faces a picture"] = [float(len(picture.faces)) for picture in result.pictures]
    return dict(columns)


def _summary(values: list[float]) -> dict[str, float]:
    array = np.asarray(values, float)
    low, least, middle, most, high = np.quantile(array, [0, 0.05, 0.5, 0.95, 1])
    numbers = (len(array), array.mean(), array.std(), low, least, middle, most, high)
    names = ("n", "mean", "deviation", "least", "p5", "median", "p95", "most")
    return {name: round(float(value), 5) for name, value in zip(names, numbers, strict=True)}


def _covers(faces: list[FaceRecord]) -> dict[str, float]:
    """What lies over faces → the share of the faces with segmentation that it hides enough of; empty without any."""
    told = [face.covers for face in faces if face.covers]
    return {name: float(np.mean([t[name] >= _COVERED for t in told])) for name in told[0]} if told else {}


def _kinds(faces: list[FaceRecord]) -> dict[str, dict[str, int]]:
    """Aspect → kind → faces, the most frequent kinds first; what is rarer than the twenty-fourth is left out."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for face in faces:
        for aspect, kind in face.kinds:
            counted[aspect][kind] += 1
    return {aspect: dict(kinds.most_common(24)) for aspect, kinds in counted.items()}


def _units(faces: list[FaceRecord]) -> dict[str, float]:
    """Expression unit → share of the faces with expressions in which it is active."""
    told = [face.meta["expression"] for face in faces if isinstance(face.meta.get("expression"), dict)]
    counted: Counter[str] = Counter()
    for units in told:
        counted.update(k for k, v in units.items() if isinstance(v, int | float) and v > 0.1)
    return {name: counted[name] / len(told) for name in sorted(counted)}
