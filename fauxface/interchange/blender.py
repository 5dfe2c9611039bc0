"""Blender: a script that builds a camera and empties for heads and landmarks, animated. Run: blender --python FILE.

Blender's up axis is Z: the camera stands in the origin and looks along +y, x is to the picture's right, z up; metres.
Empties ``face0_head`` have x to the subject's left, y up along the face and z out of it; an empty for each landmark is
where the camera sees it at its place in the picture, as far away as the mean head's. Keys are at the frames' numbers,
the scene has the frame rate and the picture's size. Pixels and their centres have no place in the scene. Faces are
hidden in frames without them. The script holds its numbers itself and needs nothing but Blender.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from fauxface.files import write_text
from fauxface.interchange.shot import APERTURE, Shot, Track, quaternion
from fauxface.outputs import MARKS

SUFFIXES = (".py",)
_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
_SCRIPT = '''"""@MARK@, as empties and a camera. Run: blender --python THIS_FILE"""

import json

import bpy

SHOT = json.loads(r"""@SHOT@""")


def empty(name, parent, size):
    thing = bpy.data.objects.new(name, None)
    thing.empty_display_size = size
    thing.parent = parent
    thing.rotation_mode = "QUATERNION"
    bpy.context.scene.collection.objects.link(thing)
    return thing


def animate(thing, path, keys):
    for frame, value in keys:
        setattr(thing, path, value)
        thing.keyframe_insert(path, frame=frame)


scene = bpy.context.scene
scene.frame_start, scene.frame_end = SHOT["first"], SHOT["last"]
scene.render.fps = max(1, round(SHOT["fps"]))
scene.render.fps_base = scene.render.fps / SHOT["fps"]
scene.render.resolution_x, scene.render.resolution_y = SHOT["width"], SHOT["height"]
scene.render.resolution_percentage = 100
lens = bpy.data.cameras.new("camera")
lens.sensor_fit, lens.sensor_width, lens.lens = "HORIZONTAL", SHOT["aperture"], SHOT["focal"]
lens.shift_x, lens.shift_y = SHOT["shift"]
lens.clip_start = 0.01
camera = bpy.data.objects.new("camera", lens)
camera.rotation_euler = (1.5707963267948966, 0, 0)
scene.collection.objects.link(camera)
scene.camera = camera
for face in SHOT["faces"]:
    root = empty(face["name"], None, 0.05)
    things = [root]
    if face["head"]:
        head = empty(face["name"] + "_head", root, 0.1)
        head.empty_display_type = "ARROWS"
        animate(head, "location", [(frame, place) for frame, place, _ in face["head"]])
        animate(head, "rotation_quaternion", [(frame, turn) for frame, _, turn in face["head"]])
        things.append(head)
    for name, places in face["points"].items():
        point = empty(face["name"] + "_" + name, root, 0.002)
        point.empty_display_type = "SPHERE"
        animate(point, "location", zip(face["frames"], places))
        things.append(point)
    for thing in things:
        animate(thing, "hide_viewport", [(frame, not seen) for frame, seen in face["seen"]])
scene.frame_set(SHOT["first"])
'''


def write_blender(shot: Shot, path: Path) -> None:
    """Write the script of a shot."""
    right, up = shot.offset
    content = {
        **{"first": shot.first, "last": shot.last, "fps": shot.fps, "width": shot.width, "height": shot.height},
        **{"aperture": APERTURE, "focal": shot.focal_mm, "shift": [right / APERTURE, up / APERTURE]},
        "faces": [_face(shot, track) for track in shot.tracks],
    }
    write_text(path, _SCRIPT.replace("@MARK@", MARKS[0]).replace("@SHOT@", json.dumps(content)))


def _face(shot: Shot, track: Track) -> dict[str, object]:
    points = shot.points_in_space(track) @ _Z_UP.T
    head = []
    for number, matrix in track.heads.items():
        x, y, z, w = quaternion(_Z_UP @ matrix[:3, :3]).round(8).tolist()
        head.append((number, (_Z_UP @ matrix[:3, 3]).round(6).tolist(), (w, x, y, z)))
    return {
        "name": track.name,
        "frames": track.frames,
        "head": head,
        "points": {name: points[:, i].round(8).tolist() for i, name in enumerate(track.point_names)},
        "seen": list(track.seen(shot.first, shot.last).items()),
    }
