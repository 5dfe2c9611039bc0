"""An audit as a page to read and as JSON for programs."""

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
from fauxface.audit.tiles import tile
from fauxface.landmarks import scheme_of
from fauxface.reports import Page, sheet

KINDS = {
    "unreadable": "a file that cannot be read, or holds values that are not numbers",
    "missing": "a label file that the other pictures have",
    "stray": "labels without a picture",
    "size": "a mask that differs in size from its picture, or a picture that differs from nearly all others",
    "classes": "an unknown segmentation class",
    "empty": "a picture of a single colour",
    "duplicate": f"pictures whose perceptual hashes differ in at most {NEAR} of {BITS} bits",
    "eyes": "a point of an eye outside its class",
    "pupils": "a pupil outside its eye",
    "brows": "a point of a brow away from its class",
    "nose": "a point of the nose away from its class",
    "lips": "a point of the mouth away from its lip",
    "jaw": f"a point of the jaw away from the face's edge (yaw and pitch under {JAW_POSE:.0f}°; points of the chin "
    "only if the head looks down)",
    "symmetry": "mirrored points of a frontal face that do not mirror each other "
    f"(yaw under {FRONTAL[0]:.0f}°, pitch under {FRONTAL[1]:.0f}°)",
    "reprojection": "3-D points that are not projected onto the landmarks",
    "visibility": "a point labelled visible that hair, headwear, a mask or an object covers",
}
"""Kind of a finding → its meaning."""
SHOWN = 60
"""Most findings that the page lists; audit.json has all."""
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
        f"Audit of {result.folder.resolve().name}",
        f"{len(result.pictures):,} pictures with {len(result.faces):,} faces; {len(result.findings):,} findings.",
    )
    for note in result.notes:
        made.text(note[0].upper() + note[1:] + ".")
    _list_findings(made, result)
    _show_faces(made, result)
    _show_distributions(made, result)
    made.heading("Kinds of findings")
    made.text(
        "Tolerances are shares of the face's side (the longer side of its landmarks' box), and never less than "
        f"{LEAST} px; `reprojection` is in pixels. A point is compared with its segmentation class only if it is "
        f"labelled visible (or, without visibility labels, the head is turned by less than {TURNED:.0f}°), was not "
        f"moved to an outline, is on the half that faces the camera (if turned by more than {ASIDE:.0f}°), and is "
        "not covered by hair, beard, glasses, headwear, a mask or an object. The mask may lack a closed eye. "
        f"Beyond {PROFILE:.0f}° of yaw the tolerances of eyes and lips are {SLIVER:g} times larger."
    )
    rows = [(kind, f"{TOLERANCES[kind]:g}" if kind in TOLERANCES else "", text) for kind, text in KINDS.items()]
    made.table(rows, header=("kind", "tolerance", "meaning"))
    return made.foot(f"fauxface {__version__}; {result.folder.resolve()}")


def _list_findings(made: Page, result: Audit) -> None:
    made.heading("Findings")
    if not result.findings:
        made.text("None: no file is missing or unreadable, and every label is within its tolerance.")
        return
    counts = Counter(finding.kind for finding in result.findings)
    made.table([(kind, n, KINDS[kind]) for kind, n in counts.most_common()], header=("kind", "found", "meaning"))
    listed = [
        (finding.file, finding.kind, finding.message, "" if finding.value is None else f"{finding.value:.3f}")
        for finding in _spread(result)
    ]
    made.table(listed, header=("picture", "kind", "fault", "size"))
    if len(listed) < len(result.findings):
        made.text(f"{len(listed)} of {len(result.findings):,} findings; `audit.json` has all.")
    by_name = {str(p.path.relative_to(result.folder)): p for p in result.pictures if p.size}
    tiles, done = [], set()
    for finding in _spread(result):
        picture = by_name.get(finding.file)
        if picture is not None and finding.file not in done and len(tiles) < 12:
            done.add(finding.file)
            face = picture.faces[0] if len(picture.faces) == 1 else None
            tiles.append(tile(picture, face, 240, True, f"{finding.kind}: {picture.path.stem}"))
    if tiles:
        made.picture(sheet(tiles, 4), "Some of them, with their points; points labelled hidden are dark.")


def _spread(result: Audit) -> list:
    """Some findings of every kind, the largest first."""
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
        made.picture(sheet(tiles, 3), "Random pictures, with their numbers of faces.")
    if not pairs:
        made.text("No face is labelled.")
        return
    some = [pairs[i] for i in sorted(rng.permutation(len(pairs))[:_RANDOM])]
    made.picture(sheet([tile(p, f, _TILE, False) for p, f in some], 6), "Random faces.")
    made.picture(
        sheet([tile(p, f, _TILE, True) for p, f in some], 6),
        "The same faces with their points (in the 2d convention, if labelled); points labelled hidden are dark.",
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
        made.picture(sheet(tiles, _EXTREMES), f"{name.capitalize()}: the least, then the most.")


def _show_distributions(made: Page, result: Audit) -> None:
    faces = result.faces
    if not faces:
        return
    columns = _columns(result)
    made.heading("Distributions")
    made.text(
        "Angles in degrees (yaw > 0 to the image's right, pitch > 0 up, roll > 0 clockwise). Brightness and contrast: "
        "mean and standard deviation of grey in 0–1. Sharpness: standard deviation of the Laplacian of the face at "
        "128 px. Cover: share of the face under hair, worn objects and occluders. Openings: heights as shares of the "
        "face's side."
    )
    tones = {name: columns.pop(name) for name in ("skin tone", "pictured tone") if name in columns}
    made.picture(charts.histograms(columns))
    made.table(
        [(name, len(values), *list(_summary(values).values())[1:]) for name, values in columns.items()],
        header=("", "n", "mean", "deviation", "least", "5 %", "median", "95 %", "most"),
    )
    for name, values in tones.items():
        text = "as labelled" if name == "skin tone" else "measured from pixels of skin, light included"
        made.picture(charts.monk(values), f"Skin tones on the Monk scale, {text}; percent of faces.")
    covers = _covers(faces)
    if covers:
        made.picture(
            charts.bars({name: 100 * share for name, share in covers.items()}, 1.9),
            f"Covers: percent of faces of which each hides {100 * _COVERED:.0f} % or more; ignored are hands, objects "
            "and people in front of the face.",
        )
    for aspect, counted in _kinds(faces).items():
        shares = {name: 100 * count / len(faces) for name, count in counted.items()}
        made.picture(charts.bars(shares, 2.4), f"{aspect.capitalize()}, as labelled: percent of faces.")
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
            "Visibility of each point, as labelled.",
        )


def _mean_face(faces: list[FaceRecord]) -> np.ndarray:
    """The mean of the most frontal faces' points (N, 2), each in its own box."""
    frontal = sorted(faces, key=lambda face: abs(face.pose[0]) + abs(face.pose[1]))[:200]
    outline = list(scheme_of(faces[0].scheme).outline)
    return np.mean([(f.points - f.points[outline].mean(0)) / max(f.side, 1e-9) for f in frontal], axis=0)


def _columns(result: Audit) -> dict[str, list[float]]:
    """Figure → its values for all faces, or all pictures."""
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
    """Cover → share of the faces, of those with a mask, that it hides at least ``_COVERED`` of; empty without masks."""
    found = [face.covers for face in faces if face.covers]
    return {name: float(np.mean([c[name] >= _COVERED for c in found])) for name in found[0]} if found else {}


def _kinds(faces: list[FaceRecord]) -> dict[str, dict[str, int]]:
    """Aspect → kind → number of faces, for the 24 most frequent kinds, in that order."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for face in faces:
        for aspect, kind in face.kinds:
            counted[aspect][kind] += 1
    return {aspect: dict(kinds.most_common(24)) for aspect, kinds in counted.items()}


def _units(faces: list[FaceRecord]) -> dict[str, float]:
    """Expression unit → share of the faces with labelled expressions in which it is active."""
    labelled = [face.meta["expression"] for face in faces if isinstance(face.meta.get("expression"), dict)]
    counted: Counter[str] = Counter()
    for units in labelled:
        counted.update(k for k, v in units.items() if isinstance(v, int | float) and v > 0.1)
    return {name: counted[name] / len(labelled) for name in sorted(counted)}
