"""glTF 2.0: heads, landmarks and the camera as animated nodes.

Up axis Y, metres, right-handed; the camera stands in the origin and looks along −z. Times are seconds from the shot's
first frame, frame number less the first over the frame rate. A node ``face0`` has the nodes ``face0_head`` (x to the
subject's left, y up, z out of the face) and one for each landmark by its name, placed so that the camera sees it at
its place in the picture; its distance is the mean head's. Where a face is not found, ``face0`` has the scale 0.
Pixels, their centres and frame numbers have no place in glTF; ``extras`` of the scene has ``fps`` and the first
frame's number.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fauxface.extras import require
from fauxface.files import write_bytes
from fauxface.interchange.shot import Shot, Track, quaternion
from fauxface.outputs import MARKS

if TYPE_CHECKING:
    from pygltflib import GLTF2

SUFFIXES = (".glb", ".gltf")


def write_gltf(shot: Shot, path: Path) -> None:
    """Write a shot as .glb, or as .gltf with its numbers inside.

    ValueError, in one line, for a camera off the picture's centre and without the package pygltflib.
    """
    require("interchange", "gltf", "pygltflib")
    shot.check_centred("glTF")
    from pygltflib import GLTF2, Animation, Asset, Camera, Node, Perspective, Scene

    height = 2 * math.atan(shot.height / 2 / shot.camera.focal)
    lens = Perspective(yfov=height, aspectRatio=shot.width / shot.height, znear=0.01, zfar=1000)
    file = GLTF2(
        asset=Asset(version="2.0", generator="Fauxface", copyright=None, extras={"about": MARKS[0]}),
        scene=0,
        scenes=[Scene(name="shot", nodes=[0], extras={"fps": shot.fps, "first_frame": shot.first})],
        nodes=[Node(name="camera", camera=0)],
        cameras=[Camera(type="perspective", perspective=lens)],
    )
    builder = _Builder(file, shot)
    if shot.tracks:
        file.animations = [Animation(name="shot")]
        for track in shot.tracks:
            builder.add_face(track)
    builder.end()
    if path.suffix.lower() == ".glb":
        write_bytes(path, b"".join(file.save_to_bytes()))
    else:
        from pygltflib import BufferFormat

        file.convert_buffers(BufferFormat.DATAURI)
        write_bytes(path, file.gltf_to_json().encode())


class _Builder:
    """Adds nodes, and the numbers of their animation, to a file."""

    def __init__(self, file: GLTF2, shot: Shot) -> None:
        self.file, self.shot, self.data = file, shot, bytearray()

    def add_face(self, track: Track) -> None:
        """Add the nodes of a face."""
        place = self._node(track.name)
        nodes = self.file.scenes[0].nodes
        assert nodes is not None
        nodes.append(place)
        seen = track.seen(self.shot.first, self.shot.last)
        scales = np.array([[float(state)] * 3 for state in seen.values()])
        self._animate(place, "scale", self._times(list(seen)), scales, "STEP")
        children: list[int] = []
        if heads := track.heads:
            children.append(self._node(f"{track.name}_head"))
            times, matrices = self._times(list(heads)), np.stack(list(heads.values()))
            self._animate(children[-1], "translation", times, matrices[:, :3, 3])
            turns = np.stack([quaternion(matrix[:3, :3]) for matrix in matrices])
            for i in range(1, len(turns)):  # neighbours on the same side, so that nothing turns the long way round
                turns[i] *= 1 if turns[i] @ turns[i - 1] >= 0 else -1
            self._animate(children[-1], "rotation", times, turns)
        times, points = self._times(track.frames), self.shot.points_in_space(track)
        for i, name in enumerate(track.point_names):
            children.append(self._node(f"{track.name}_{name}"))
            self._animate(children[-1], "translation", times, points[:, i])
        self.file.nodes[place].children = children

    def end(self) -> None:
        """Put the numbers into the file."""
        if self.data:
            from pygltflib import Buffer

            self.file.buffers = [Buffer(byteLength=len(self.data))]
            self.file.set_binary_blob(bytes(self.data))

    def _node(self, name: str) -> int:
        from pygltflib import Node

        self.file.nodes.append(Node(name=name))
        return len(self.file.nodes) - 1

    def _times(self, frames: list[int]) -> int:
        seconds = (np.array(frames, np.float64) - self.shot.first) / self.shot.fps
        return self._numbers(seconds[:, None], "SCALAR", limits=True)

    def _animate(self, node: int, path: str, times: int, values: np.ndarray, how: str = "LINEAR") -> None:
        from pygltflib import AnimationChannel, AnimationChannelTarget, AnimationSampler

        animation = self.file.animations[0]
        output = self._numbers(values, {3: "VEC3", 4: "VEC4"}[values.shape[1]])
        animation.samplers.append(AnimationSampler(input=times, output=output, interpolation=how))
        target = AnimationChannelTarget(node=node, path=path)
        animation.channels.append(AnimationChannel(sampler=len(animation.samplers) - 1, target=target))

    def _numbers(self, values: np.ndarray, kind: str, limits: bool = False) -> int:
        """Add numbers (T, C) and return the accessor's index."""
        from pygltflib import FLOAT, Accessor, BufferView

        packed = np.ascontiguousarray(values, "<f4")
        self.file.bufferViews.append(BufferView(buffer=0, byteOffset=len(self.data), byteLength=packed.nbytes))
        self.data += packed.tobytes()
        accessor = Accessor(
            bufferView=len(self.file.bufferViews) - 1, componentType=FLOAT, count=len(packed), type=kind
        )
        if limits:
            accessor.min, accessor.max = packed.min(0).tolist(), packed.max(0).tolist()
        self.file.accessors.append(accessor)
        return len(self.file.accessors) - 1
