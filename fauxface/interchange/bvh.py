"""BVH: the motion of one head.

Up axis Y, metres (BVH has no units of its own), right-handed, in the frame of the camera turned upright: the camera
stands in the origin and looks along −z. The joint ``fauxface_head`` is midway between the eyes, with x to the
subject's left, y up and z out of the face; its channels are x, y, z position and z, x, y rotation in degrees (Z·X·Y);
the end site lies above it. ``Frame Time`` is one over the frame rate. Every frame from the first to the last has a
line; where the head is not found, its last pose stays. Pixels and frame numbers have no place in BVH: line 1 is the
shot's first frame.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fauxface.files import write_text
from fauxface.interchange.shot import Shot, euler, unwrapped

SUFFIXES = (".bvh",)
_HEAD = """HIERARCHY
ROOT fauxface_head
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  End Site
  {
    OFFSET 0 0.1 0
  }
}
MOTION
"""


def write_bvh(shot: Shot, path: Path) -> None:
    """Write the head that is seen longest; ValueError, in one line, for a shot without a head pose."""
    heads = max((track.heads for track in shot.tracks), key=len, default={})
    if not heads:
        raise ValueError(f"{shot.image}: no face in it has a head pose")
    held, poses = next(iter(heads.values())), []
    for number in range(shot.first, shot.last + 1):
        held = heads.get(number, held)
        poses.append(held)
    turns = unwrapped(np.array([euler(pose[:3, :3], "zxy") for pose in poses]))
    lines = [
        " ".join(f"{value:.8g}" for value in (*pose[:3, 3], z, x, y))
        for pose, (x, y, z) in zip(poses, turns, strict=True)
    ]
    head = f"Frames: {len(lines)}\nFrame Time: {1 / shot.fps:.10f}\n"
    write_text(path, _HEAD + head + "\n".join(lines) + "\n")
