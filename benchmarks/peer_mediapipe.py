"""MediaPipe's face mesh (Kartynnik et al. 2019) on frames and photographs that another process wrote; see ``peers.py``.

    python peer_mediapipe.py IN.npz OUT.npz

Runs in a separate environment. The plain mesh, without attention for eyes and lips. Faces come from MediaPipe's
detector, which runs on a video only when the face is lost. On given boxes the network sees the upright square about the
landmark box's centre, 1.5 × the longer side, as MediaPipe lays it around a tracked face.

An ``IN`` with ``people``, the most faces to follow, is a video of ``frames`` alone (``tracking.py``); ``OUT`` then
holds the ``seconds`` of processor time for all frames and ``frame_00000`` … (K, 68, 2), the points of each frame's
faces.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

MARGIN = 1.5
WARM_UP = 10
MOST_FACES = 8
# fmt: off
POINTS = (
    127, 234, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 454, 356,  # jaw: the mesh's outline
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,  # brows, upper edge
    168, 197, 5, 4, 75, 97, 2, 326, 305,  # nose
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # eyes
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # lips, outside
    78, 82, 13, 312, 308, 317, 14, 87,  # lips, inside
)
# fmt: on
"""Which of the mesh's 468 vertices each of iBUG's points is: the usual table, but for the ends of jaw and brows, where
vertices on the mesh's outline and at the brows' tips fit better, which is in its favour."""
GRAPH = """
input_stream: "image"
input_stream: "roi"
input_side_packet: "with_attention"
output_stream: "landmarks"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:roi"
  input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
}
"""


def main() -> None:
    mediapipe: Any = import_module("mediapipe")
    given, answer = np.load(sys.argv[1]), {}
    if "people" in given:
        np.savez(sys.argv[2], **followed(mediapipe, given["frames"], int(given["people"])))
        return
    photos = [given[f"photo_{i:05d}"] for i in range(len(given["boxes"]))]
    on_boxes, answer["ms"] = landmarks_on_boxes(mediapipe, photos, given["boxes"])
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=MOST_FACES)
    for i, image in enumerate(photos):
        answer[f"on_box_{i:05d}"] = on_boxes[i]
        found = mesh.process(image).multi_face_landmarks or []
        answer[f"found_{i:05d}"] = np.array([pixels(face, image) for face in found]).reshape(-1, 68, 2)
    frames = given["frames"]
    mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=1)
    seconds, faces = [], 0
    for frame in frames:
        start = time.perf_counter()
        faces += len([pixels(face, frame) for face in mesh.process(frame).multi_face_landmarks or []])
        seconds.append(time.perf_counter() - start)
    rate = 1 / np.mean(seconds[WARM_UP:]) if len(seconds) > WARM_UP else np.nan
    np.savez(sys.argv[2], fps=rate, faces_a_frame=faces / max(1, len(frames)), **answer)


def followed(mediapipe: Any, frames: np.ndarray, people: int) -> dict[str, Any]:
    """The faces of every frame of a video, and the processor time that they took."""
    mesh, answer, seconds = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=people), {}, 0.0
    for number, frame in enumerate(frames):
        start = time.process_time()
        found = [pixels(face, frame) for face in mesh.process(frame).multi_face_landmarks or []]
        seconds += time.process_time() - start
        answer[f"frame_{number:05d}"] = np.array(found).reshape(-1, 68, 2)
    return {**answer, "seconds": seconds}


def landmarks_on_boxes(mediapipe: Any, photos: list[np.ndarray], boxes: np.ndarray) -> tuple[list[np.ndarray], float]:
    """Points of the face with each box (M, 4) in its photograph, and the median milliseconds of processor time of one.

    68×2 for each face, NaN where its network sees none.
    """
    bindings: Any = import_module("mediapipe.python._framework_bindings")
    packets: Any = import_module("mediapipe.python.packet_creator")
    read: Any = import_module("mediapipe.python.packet_getter")
    formats: Any = import_module("mediapipe.framework.formats.rect_pb2")
    bindings.resource_util.set_resource_dir(str(Path(mediapipe.__file__).parents[1]))
    graph, latest, points = bindings.calculator_graph.CalculatorGraph(graph_config=GRAPH), [], []
    spent: list[float] = []
    graph.observe_output_stream("landmarks", lambda _, packet: latest.append(read.get_proto(packet)))
    graph.start_run({"with_attention": packets.create_bool(False)})
    for i, (image, (x0, y0, x1, y1)) in enumerate(zip(photos, boxes, strict=True)):
        height, width = image.shape[:2]
        side = MARGIN * max(x1 - x0, y1 - y0)
        middle = {"x_center": ((x0 + x1) / 2 + 0.5) / width, "y_center": ((y0 + y1) / 2 + 0.5) / height}
        place = formats.NormalizedRect(**middle, width=side / width, height=side / height)
        pixel_format = mediapipe.ImageFormat.SRGB
        frame = mediapipe.ImageFrame(image_format=pixel_format, data=np.ascontiguousarray(image))
        latest.clear()
        start = time.process_time()
        graph.add_packet_to_input_stream("image", packets.create_image_frame(frame).at(i + 1))
        graph.add_packet_to_input_stream("roi", packets.create_proto(place).at(i + 1))
        graph.wait_until_idle()
        points.append(pixels(latest[0], image) if latest else np.full((68, 2), np.nan))
        spent.append(1000 * (time.process_time() - start))
    return points, float(np.median(spent)) if spent else np.nan


def pixels(face: Any, image: np.ndarray) -> np.ndarray:
    """A mesh as iBUG's 68 points in image pixels, pixel centres at whole numbers."""
    height, width = image.shape[:2]
    return np.array([[face.landmark[i].x * width - 0.5, face.landmark[i].y * height - 0.5] for i in POINTS])


if __name__ == "__main__":
    main()
