"""Nuke: a Tracker4 a face with a track for each landmark, an Axis2 with the head's motion, and a Camera2.

Tracks are in Nuke's pixels: the origin is the picture's bottom left corner, y up, pixel centres at .5, so that a
landmark x, y of the JSON is at x + 0.5, height − 0.5 − y. Axis and camera: up axis Y, metres, right-handed; the camera
stands in the origin and looks along −z, sensor 36 mm wide; rotations in degrees, order ZXY (Z first, as a matrix
Y·X·Z). Keys are at the frames' numbers; ``Root`` has the frame rate. A track is enabled where its face is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fauxface.files import write_text
from fauxface.interchange.shot import APERTURE, Shot, Track, euler, unwrapped
from fauxface.outputs import MARKS

SUFFIXES = (".nk",)
_COLUMNS = [
    *((5, 1, 20, "enable", "e"), (3, 1, 75, "name", "name")),
    *((2, 1, 58, "track_x", "track_x"), (2, 1, 58, "track_y", "track_y")),
    *((2, 1, 63, "offset_x", "offset_x"), (2, 1, 63, "offset_y", "offset_y")),
    *((4, 1, 27, name, name) for name in "TRS"),
    (2, 0, 45, "error", "error"),
    *((1, 1, 0, f"error_{name}", f"error_{name}") for name in ("min", "max")),
    *((1, 1, 0, f"{area}_{name}", f"{area}_{name}") for area in ("pattern", "search") for name in "xyrt"),
    (2, 1, 0, "key_track", "key_track"),
    *((2, 1, 0, f"key_{area}_{name}", f"key_{area}_{name}") for area in ("search", "track") for name in "xyrt"),
    *((2, 1, 0, f"key_centre_offset_{name}", f"key_centre_offset_{name}") for name in "xy"),
]
"""Columns of Tracker4's table: three numbers, name and label."""


def write_nuke(shot: Shot, path: Path) -> None:
    """Write a shot as a script; ValueError, in one line, for a camera off the picture's centre."""
    shot.check_centred("Nuke")
    nodes = [f"# {MARKS[0]}", _root(shot), _camera(shot)]
    for track in shot.tracks:
        nodes.append(_tracker(shot, track))
        if track.heads:
            nodes.append(_axis(track))
    write_text(path, "\n".join(nodes) + "\n")


def _root(shot: Shot) -> str:
    size = f"{shot.width} {shot.height}"
    return f"""Root {{
 inputs 0
 first_frame {shot.first}
 last_frame {shot.last}
 lock_range true
 fps {shot.fps:g}
 format "{size} 0 0 {size} 1 fauxface"
}}"""


def _camera(shot: Shot) -> str:
    return f"""Camera2 {{
 inputs 0
 rot_order ZXY
 translate {{0 0 0}}
 rotate {{0 0 0}}
 focal {shot.focal_mm:.8g}
 haperture {APERTURE:g}
 vaperture {shot.aperture_height:.8g}
 near 0.01
 name camera
}}"""


def _tracker(shot: Shot, track: Track) -> str:
    columns = "\n".join(f"{{ {a} {b} {c} {name} {label} 1 }}" for a, b, c, name, label in _COLUMNS)
    seen = track.seen(shot.first, shot.last)
    enabled = curve(seen, [float(state) for state in seen.values()], "K ")
    still = f"{{curve K x{track.frames[0]} 0}}"
    rows = []
    for i, name in enumerate(track.point_names):
        x = curve(track.frames, track.points[:, i, 0] + 0.5)
        y = curve(track.frames, shot.height - 0.5 - track.points[:, i, 1])
        rows.append(
            f'{{ {enabled} "{name}" {x} {y} {still} {still} 1 0 0 {{curve x{track.frames[0]} 0}}'
            " 1 0 -32 -32 32 32 -22 -22 22 22" + " {}" * 11 + " }"
        )
    table = "\n".join(rows)
    return f"""Tracker4 {{
 inputs 0
 tracks {{ {{ 1 {len(_COLUMNS)} {len(rows)} }}
{{ {columns}
}}
{{
{table}
}}
}}
 reference_frame {track.frames[0]}
 name {track.name}_tracks
}}"""


def _axis(track: Track) -> str:
    heads = track.heads
    places = np.stack([matrix[:3, 3] for matrix in heads.values()])
    turns = unwrapped(np.array([euler(matrix[:3, :3], "yxz") for matrix in heads.values()]))
    translate, rotate = (" ".join(curve(heads, values[:, i]) for i in range(3)) for values in (places, turns))
    return f"""Axis2 {{
 inputs 0
 rot_order ZXY
 translate {{{translate}}}
 rotate {{{rotate}}}
 name {track.name}_head
}}"""


def curve(frames: Iterable[int], values: Iterable[float], kind: str = "") -> str:
    """An animation curve with a key at each frame; ``kind`` "K " holds values until the next key."""
    return f"{{curve {kind}" + " ".join(f"x{n} {v:.8g}" for n, v in zip(frames, values, strict=True)) + "}"
